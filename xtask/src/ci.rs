//! `cargo xtask ci`: everything that has to pass.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::api;
use crate::documents;
use crate::examples;
use crate::layers;
use crate::services::{self, Services};
use crate::shell::{Call, say};
use crate::usage_error;
use crate::workspace::{Workspace, root};

/// One part of CI, that can also be run alone.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    run: fn(Swift) -> Result<()>,
}

/// Whether the tests have a real Swift.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Swift {
    Real,
    None,
}

/// In this order: what fails fast comes first, and steps that share a build stand together.
pub(crate) const STEPS: &[Step] = &[
    Step {
        name: "fmt",
        run: |_| fmt(),
    },
    Step {
        name: "layers",
        run: |_| prove_layers(),
    },
    Step {
        name: "clippy",
        run: |_| clippy(),
    },
    Step {
        name: "features",
        run: |_| features(),
    },
    Step {
        name: "docs",
        run: |_| docs(),
    },
    Step {
        name: "api",
        run: |_| api::check(),
    },
    Step {
        name: "examples",
        run: |_| examples::check(),
    },
    Step {
        name: "tests",
        run: tests,
    },
    Step {
        name: "doctests",
        run: |_| doctests(),
    },
    Step {
        name: "documents",
        run: |_| documents::check(),
    },
];

/// Leaves out the tests that need a real Swift.
const WITHOUT_SERVICES: &str = "--without-services";

/// Runs the named steps, or all, up to the first that fails; then says how long each took.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let (options, names): (Vec<_>, Vec<_>) = arguments
        .iter()
        .partition(|argument| *argument == WITHOUT_SERVICES);
    let swift = if options.is_empty() {
        Swift::Real
    } else {
        Swift::None
    };
    if let Some(unknown) = names
        .iter()
        .find(|name| STEPS.iter().all(|step| step.name != name.as_str()))
    {
        return Err(usage_error(format!("no such step of ci: `{unknown}`")));
    }
    let chosen: Vec<_> = STEPS
        .iter()
        .filter(|step| names.is_empty() || names.iter().any(|name| *name == step.name))
        .collect();
    let mut endings: Vec<Ending> = Vec::new();
    let mut result = Ok(());
    for step in chosen {
        if result.is_err() {
            endings.push(Ending {
                name: step.name,
                verdict: "not run",
                took: None,
            });
            continue;
        }
        say(&format!("\n== {} ==", step.name));
        let started = Instant::now();
        result = (step.run)(swift).with_context(|| format!("step `{}` failed", step.name));
        let verdict = if result.is_ok() { "passed" } else { "FAILED" };
        endings.push(Ending {
            name: step.name,
            verdict,
            took: Some(started.elapsed()),
        });
    }
    say(&summary(&endings));
    if swift == Swift::None {
        say("NOT TESTED: OpenStack Swift and Keystone, for --without-services was given\n");
    }
    result
}

/// How a step ended.
struct Ending {
    name: &'static str,
    verdict: &'static str,
    took: Option<Duration>,
}

fn summary(endings: &[Ending]) -> String {
    let line = |ending: &Ending| {
        let took = ending
            .took
            .map(|took| format!("{:>8.1} s", took.as_secs_f64()))
            .unwrap_or_default();
        format!("\n  {:<10} {:<8}{took}", ending.name, ending.verdict)
    };
    let total: Duration = endings.iter().filter_map(|ending| ending.took).sum();
    let lines: String = endings.iter().map(line).collect();
    format!(
        "\n== summary =={lines}\n  {:<19}{:>8.1} s\n",
        "in all",
        total.as_secs_f64()
    )
}

fn fmt() -> Result<()> {
    Call::cargo(&root(), &["fmt", "--all", "--check"]).run()
}

fn prove_layers() -> Result<()> {
    layers::check(layers::Proof::EachRule)
}

fn clippy() -> Result<()> {
    let arguments = [
        "clippy",
        "--locked",
        "--workspace",
        "--all-targets",
        "--all-features",
        "--",
        "-D",
        "warnings",
    ];
    Call::cargo(&root(), &arguments).run()
}

/// Each crate alone under each of its feature sets: what the whole workspace turns on must not be needed by accident.
fn features() -> Result<()> {
    let workspace = Workspace::load()?;
    for member in &workspace.members {
        for set in member.feature_sets() {
            let set = set.join(",");
            let mut arguments = vec![
                "clippy",
                "--locked",
                "--package",
                &member.name,
                "--no-default-features",
            ];
            if !set.is_empty() {
                arguments.extend(["--features", &set]);
            }
            arguments.extend(["--", "-D", "warnings"]);
            Call::cargo(&workspace.root, &arguments).run()?;
        }
    }
    Ok(())
}

fn docs() -> Result<()> {
    let arguments = [
        "doc",
        "--locked",
        "--workspace",
        "--no-deps",
        "--all-features",
    ];
    Call::cargo(&root(), &arguments)
        .env("RUSTDOCFLAGS", "-D warnings")
        .run()
}

fn tests(swift: Swift) -> Result<()> {
    let arguments = [
        "test",
        "--locked",
        "--workspace",
        "--all-targets",
        "--all-features",
    ];
    let tests = Call::cargo(&root(), &arguments);
    if swift == Swift::None {
        return tests.env(services::VARIABLE, services::NONE).run();
    }
    let result = Services::locate()?.run(&[], tests);
    result.context(
        "the tests failed, or their servers (--without-services leaves out what needs those)",
    )
}

fn doctests() -> Result<()> {
    Call::cargo(
        &root(),
        &["test", "--locked", "--workspace", "--doc", "--all-features"],
    )
    .run()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_shows_where_it_stopped() {
        let endings = [
            Ending {
                name: "fmt",
                verdict: "passed",
                took: Some(Duration::from_millis(1_500)),
            },
            Ending {
                name: "clippy",
                verdict: "FAILED",
                took: Some(Duration::from_mins(1)),
            },
            Ending {
                name: "tests",
                verdict: "not run",
                took: None,
            },
        ];
        assert_eq!(
            summary(&endings),
            "\n== summary ==\n  fmt        passed       1.5 s\n  clippy     FAILED      60.0 s\n  tests      not run \
             \n  in all                 61.5 s\n"
        );
    }
}
