//! The rules of the layers, as data.

use std::fmt;

use anyhow::{Result, bail};

/// What one crate must not be built from, directly or through others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    /// The crate that must not know.
    pub(super) subject: &'static str,
    forbids: Forbids,
    why: &'static str,
}

#[derive(Clone, Copy, Debug)]
enum Forbids {
    /// Every crate of the workspace but the subject and these.
    WorkspaceExcept(&'static [&'static str]),
    /// These packages, wherever they come from.
    Packages(&'static [&'static str]),
}

/// What a terminal program needs, and a library must not impose.
const PROGRAM_PACKAGES: &[&str] = &["clap", "indicatif", "anyhow"];

const fn knows_only(
    subject: &'static str,
    known: &'static [&'static str],
    why: &'static str,
) -> Rule {
    Rule {
        subject,
        forbids: Forbids::WorkspaceExcept(known),
        why,
    }
}

const fn is_a_library(subject: &'static str) -> Rule {
    Rule {
        subject,
        forbids: Forbids::Packages(PROGRAM_PACKAGES),
        why: "a library has no terminal",
    }
}

/// Every rule.
pub(super) const RULES: &[Rule] = &[
    knows_only("store", &[], "storage knows nothing of deployments"),
    knows_only(
        "batch",
        &[],
        "running commands knows nothing of deployments",
    ),
    knows_only(
        "package",
        &[],
        "archives are read without a store or an engine",
    ),
    knows_only(
        "helion-cli",
        &["batch"],
        "composing commands needs no more than their type",
    ),
    knows_only(
        "standin",
        &[],
        "a stand-in that knows the engine would prove nothing",
    ),
    Rule {
        subject: "deployment",
        forbids: Forbids::Packages(&[
            "rusqlite",
            "libsqlite3-sys",
            "reqwest",
            "hyper",
            "standin",
            "helion-deploy",
        ]),
        why: "only programs pick backends",
    },
    is_a_library("store"),
    is_a_library("batch"),
    is_a_library("package"),
    is_a_library("helion-cli"),
    is_a_library("standin"),
    is_a_library("deployment"),
];

impl Rule {
    /// The names of the packages that are forbidden in a workspace of `members`.
    pub(super) fn forbidden<'a>(&self, members: &[&'a str]) -> Vec<&'a str> {
        match self.forbids {
            Forbids::WorkspaceExcept(known) => members
                .iter()
                .copied()
                .filter(|member| *member != self.subject && !known.contains(member))
                .collect(),
            Forbids::Packages(packages) => packages.to_vec(),
        }
    }

    /// Which forbidden packages are in `tree`, the lines of `cargo tree --prefix none`.
    pub(super) fn violations<'a>(&self, tree: &str, members: &[&'a str]) -> Vec<&'a str> {
        let packages: Vec<_> = tree
            .lines()
            .filter_map(|line| line.split_whitespace().next())
            .collect();
        self.forbidden(members)
            .into_iter()
            .filter(|forbidden| packages.contains(forbidden))
            .collect()
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            subject,
            forbids,
            why,
        } = self;
        match forbids {
            Forbids::WorkspaceExcept([]) => write!(
                formatter,
                "`{subject}` knows no other crate of the workspace ({why})"
            ),
            Forbids::WorkspaceExcept(known) => write!(
                formatter,
                "`{subject}` knows only `{}` ({why})",
                known.join("`, `")
            ),
            Forbids::Packages(packages) => write!(
                formatter,
                "`{subject}` knows no `{}` ({why})",
                packages.join("`, `")
            ),
        }
    }
}

/// Checks that rules speak of crates that exist, and say something of each library: a renamed crate
/// must not leave its rules behind, always kept, nor a new one come without any.
pub(super) fn check_names(rules: &[Rule], members: &[&str], libraries: &[&str]) -> Result<()> {
    for rule in rules {
        let known: &[&str] = match rule.forbids {
            Forbids::WorkspaceExcept(known) => known,
            Forbids::Packages(_) => &[],
        };
        for name in known.iter().chain([&rule.subject]) {
            if !members.contains(name) {
                bail!(
                    "a rule of the layers speaks of `{name}`, which is no crate of this workspace"
                );
            }
        }
        if rule.forbidden(members).is_empty() {
            bail!("a rule of the layers forbids `{}` nothing", rule.subject);
        }
    }
    for library in libraries {
        if rules.iter().all(|rule| rule.subject != *library) {
            bail!("no rule of the layers speaks of `{library}`");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMBERS: &[&str] = &[
        "batch",
        "deployment",
        "helion-cli",
        "helion-deploy",
        "package",
        "standin",
        "store",
        "xtask",
    ];

    /// A tree as cargo prints it: the subject first, versions, paths and marks behind the names.
    fn tree(subject: &str, others: &[&str]) -> String {
        let others = others.iter().map(|other| format!("\n{other} v1.2.3 (*)"));
        format!(
            "{subject} v0.1.0 (/w/crates/{subject})\nserde v1.0.229{}\n",
            others.collect::<String>()
        )
    }

    #[test]
    fn each_rule_notices_each_package_that_it_forbids() {
        for rule in RULES {
            let forbidden = rule.forbidden(MEMBERS);
            assert!(!forbidden.is_empty(), "{rule}");
            for package in forbidden {
                assert_eq!(
                    rule.violations(&tree(rule.subject, &[package]), MEMBERS),
                    [package],
                    "{rule}"
                );
            }
        }
    }

    #[test]
    fn each_rule_is_content_without_them() {
        for rule in RULES {
            let others = [
                "serde_json",
                "store-client",
                "hyper-util",
                "anyhow-like",
                "my-standin",
            ];
            assert!(
                rule.violations(&tree(rule.subject, &others), MEMBERS)
                    .is_empty(),
                "{rule}"
            );
        }
    }

    #[test]
    fn the_composers_may_know_commands_and_nothing_else() {
        let composers = RULES
            .iter()
            .find(|rule| rule.subject == "helion-cli")
            .expect("a rule");
        assert!(
            composers
                .violations(&tree("helion-cli", &["batch"]), MEMBERS)
                .is_empty()
        );
        assert_eq!(
            composers.violations(&tree("helion-cli", &["batch", "store"]), MEMBERS),
            ["store"]
        );
    }

    #[test]
    fn a_rule_of_a_crate_that_is_gone_is_an_error() {
        check_names(RULES, MEMBERS, &[]).expect("all are there");
        let without_batch: Vec<_> = MEMBERS
            .iter()
            .copied()
            .filter(|member| *member != "batch")
            .collect();
        let error = check_names(RULES, &without_batch, &[]).expect_err("one is gone");
        assert_eq!(
            error.to_string(),
            "a rule of the layers speaks of `batch`, which is no crate of this workspace"
        );
    }

    #[test]
    fn a_rule_that_forbids_nothing_and_a_library_without_one_are_errors() {
        let refused = |rules: &[Rule], libraries: &[&str]| {
            let error = check_names(rules, MEMBERS, libraries).expect_err("not complete");
            error.to_string()
        };
        assert_eq!(
            refused(&[knows_only("xtask", MEMBERS, "it knows all")], &[]),
            "a rule of the layers forbids `xtask` nothing"
        );
        assert_eq!(
            refused(RULES, &["store", "kites"]),
            "no rule of the layers speaks of `kites`"
        );
    }
}
