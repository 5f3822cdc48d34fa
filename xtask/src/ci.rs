//! `cargo xtask ci`: everything that has to pass.

mod steps;
mod summary;

use std::time::Instant;

use anyhow::{Context as _, Result};

use crate::shell::say;
use crate::unchecked::{self, Unchecked};
use crate::usage_error;

pub(crate) use steps::STEPS;

use summary::{Ending, summary};

/// One part of CI, that can also be run alone.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    needs: Needs,
    run: fn(Swift) -> Result<Unchecked>,
}

/// What a step cannot do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    Nothing,
    /// A toolchain whose rustdoc writes the JSON that is understood.
    RustdocJson,
}

/// Whether the tests have a real Swift.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Swift {
    Real,
    None,
}

/// Leaves out the tests that need a real Swift.
const WITHOUT_SERVICES: &str = "--without-services";

/// Leaves out the steps that read rustdoc's JSON, for toolchains that write another.
pub(crate) const WITHOUT_RUSTDOC_JSON: &str = "--without-rustdoc-json";

/// What was asked for.
struct Run {
    steps: Vec<&'static Step>,
    swift: Swift,
    left_out: Option<Needs>,
}

/// Runs the named steps, or all, up to the first that fails; then says how long each took, and what
/// was not checked.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let (endings, unchecked, result) = Run::parse(arguments)?.run();
    say(&summary(&endings));
    unchecked::tell(&unchecked);
    result
}

impl Run {
    fn parse(arguments: &[String]) -> Result<Self> {
        let mut names = Vec::new();
        let (mut swift, mut left_out) = (Swift::Real, None);
        for argument in arguments {
            match argument.as_str() {
                WITHOUT_SERVICES => swift = Swift::None,
                WITHOUT_RUSTDOC_JSON => left_out = Some(Needs::RustdocJson),
                name if STEPS.iter().any(|step| step.name == name) => names.push(name),
                unknown => {
                    return Err(usage_error(format!("no such step of ci: `{unknown}`")));
                }
            }
        }
        let is_chosen = |step: &&Step| names.is_empty() || names.contains(&step.name);
        Ok(Self {
            steps: STEPS.iter().filter(is_chosen).collect(),
            swift,
            left_out,
        })
    }

    fn run(&self) -> (Vec<Ending>, Unchecked, Result<()>) {
        let (mut endings, mut unchecked) = (Vec::new(), Unchecked::new());
        let mut result = Ok(());
        for step in &self.steps {
            if self.left_out == Some(step.needs) {
                unchecked.push(format!(
                    "the step `{}`, for {WITHOUT_RUSTDOC_JSON} was given",
                    step.name
                ));
                endings.push(Ending::untimed(step.name, "left out"));
                continue;
            }
            if result.is_err() {
                endings.push(Ending::untimed(step.name, "not run"));
                continue;
            }
            say(&format!("\n== {} ==", step.name));
            let started = Instant::now();
            let outcome = (step.run)(self.swift);
            let verdict = match &outcome {
                Ok(none) if none.is_empty() => "passed",
                Ok(_) => "in part",
                Err(_) => "FAILED",
            };
            endings.push(Ending::timed(step.name, verdict, started.elapsed()));
            result = outcome
                .map(|left| unchecked.extend(left))
                .with_context(|| format!("step `{}` failed", step.name));
        }
        (endings, unchecked, result)
    }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    const KITES: &[Step] = &[
        Step {
            name: "fly",
            needs: Needs::Nothing,
            run: |_| Ok(vec!["the wind, for there is none".to_owned()]),
        },
        Step {
            name: "read",
            needs: Needs::RustdocJson,
            run: |_| bail!("another format"),
        },
        Step {
            name: "land",
            needs: Needs::Nothing,
            run: |_| Ok(Unchecked::new()),
        },
    ];

    fn run(left_out: Option<Needs>) -> (Vec<(&'static str, &'static str)>, Unchecked, Result<()>) {
        let run = Run {
            steps: KITES.iter().collect(),
            swift: Swift::None,
            left_out,
        };
        let (endings, unchecked, result) = run.run();
        let verdicts = endings.iter().map(|ending| (ending.name, ending.verdict));
        (verdicts.collect(), unchecked, result)
    }

    #[test]
    fn a_step_that_cannot_check_fails_the_run() {
        let (endings, _, result) = run(None);
        assert_eq!(
            endings,
            [("fly", "in part"), ("read", "FAILED"), ("land", "not run")]
        );
        let error = result.unwrap_err();
        assert_eq!(format!("{error:#}"), "step `read` failed: another format");
    }

    #[test]
    fn what_is_left_out_or_could_not_be_checked_is_told() {
        let (endings, unchecked, result) = run(Some(Needs::RustdocJson));
        result.unwrap();
        assert_eq!(
            endings,
            [("fly", "in part"), ("read", "left out"), ("land", "passed")]
        );
        assert_eq!(
            unchecked,
            [
                "the wind, for there is none",
                "the step `read`, for --without-rustdoc-json was given"
            ]
        );
    }

    #[test]
    fn the_named_steps_are_run_in_their_order() {
        let names = |arguments: &[&str]| {
            let arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
            let run = Run::parse(&arguments).unwrap();
            run.steps.iter().map(|step| step.name).collect::<Vec<_>>()
        };
        assert_eq!(names(&["api", WITHOUT_SERVICES, "fmt"]), ["fmt", "api"]);
        assert_eq!(names(&[WITHOUT_RUSTDOC_JSON]).len(), STEPS.len());
    }
}
