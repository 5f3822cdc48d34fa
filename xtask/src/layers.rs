//! `cargo xtask layers`: no crate depends on one that it must not know.

mod proof;
mod rules;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use anyhow::{Result, bail};

use crate::shell::{Call, say};
use crate::usage_error;
use crate::workspace::Workspace;

use rules::RULES;

/// Whether to show, besides that the rules are kept, that each would notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    None,
    EachRule,
}

/// The command.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    match arguments {
        [] => check(Proof::None),
        [option] if option == "--prove" => check(Proof::EachRule),
        _ => Err(usage_error("`layers` takes nothing but --prove")),
    }
}

/// Checks every rule against the workspace's own dependencies.
pub(crate) fn check(proof: Proof) -> Result<()> {
    let workspace = Workspace::load()?;
    let members = workspace.names();
    rules::check_names(RULES, &members, &workspace.libraries())?;
    let mut trees = BTreeMap::new();
    let mut violations = Vec::new();
    for rule in RULES {
        let tree = match trees.entry(rule.subject) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                new.insert(tree(&workspace.root, rule.subject, Network::Allowed)?)
            }
        };
        let found = rule.violations(tree, &members);
        violations.extend(
            found
                .into_iter()
                .map(|package| format!("{rule}: but it depends on `{package}`")),
        );
    }
    if !violations.is_empty() {
        bail!("the layers are broken:\n  {}", violations.join("\n  "));
    }
    say(&format!("all {} rules of the layers are kept", RULES.len()));
    if proof == Proof::EachRule {
        proof::prove(&workspace, RULES)?;
        say(&format!(
            "all {} rules of the layers notice what they forbid",
            RULES.len()
        ));
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Network {
    Allowed,
    Offline,
}

/// Everything that `package` is built from, one line each, with all of its own features.
fn tree(folder: &std::path::Path, package: &str, network: Network) -> Result<String> {
    let access = match network {
        Network::Allowed => "--locked",
        Network::Offline => "--offline",
    };
    let arguments = [
        "tree",
        access,
        "--package",
        package,
        "--all-features",
        "--edges",
        "normal",
        "--prefix",
        "none",
    ];
    Call::cargo(folder, &arguments).read()
}
