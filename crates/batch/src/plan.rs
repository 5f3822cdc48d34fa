//! What a batch would do, for people.

use std::fmt;

use crate::batch::Batch;
use crate::quoting::write_quoted;
use crate::redactor::Redactor;
use crate::step::{Accept, Step, When};

/// What a batch would do, without doing it: a dry run to read.
///
/// `Display` is one paragraph for each step, in the order of the batch, with every secret of the
/// batch as `***`.
/// The text is for people, and may change.
///
/// # Examples
///
/// ```
/// use batch::{Batch, Command, Secret, Status, Step};
///
/// let login = Command::new("cf").args(["auth", "ci"]).secret_arg(Secret::new("hunter2"));
/// let mut batch = Batch::new("/srv/app")?;
/// batch.add(Step::new(Status::new("LOGIN")?, login).describe("log in"));
/// assert_eq!(
///     batch.plan().to_string(),
///     "in /srv/app\n1. LOGIN (log in)\n   cf auth ci ***",
/// );
/// # Ok::<(), batch::Error>(())
/// ```
#[derive(Debug)]
pub struct Plan<'a> {
    batch: &'a Batch,
}

impl<'a> Plan<'a> {
    pub(crate) const fn new(batch: &'a Batch) -> Self {
        Self { batch }
    }
}

impl fmt::Display for Plan<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let redactor = Redactor::new(self.batch.secrets());
        let directory = self.batch.cwd().to_string_lossy();
        f.write_str("in ")?;
        write_quoted(f, &redactor.redact_text(&directory))?;
        if let Some(limit) = self.batch.time_limit() {
            write!(f, ", at most {limit:?} in all")?;
        }
        for (index, step) in self.batch.steps().iter().enumerate() {
            write!(f, "\n{}. {}", index + 1, step.status())?;
            if let Some(description) = step.description() {
                let description = redactor.redact_text(description);
                write!(f, " ({})", description.escape_debug())?;
            }
            write!(f, "\n   {}", step.command().line(&redactor))?;
            write_surroundings(f, step, &redactor)?;
            write_conditions(f, step)?;
        }
        Ok(())
    }
}

/// The environment and the directory, where the command has its own.
fn write_surroundings(f: &mut fmt::Formatter<'_>, step: &Step, redactor: &Redactor) -> fmt::Result {
    for (name, value) in step.command().environment() {
        f.write_str("\n   with ")?;
        write_quoted(f, &redactor.redact_text(name))?;
        f.write_str("=")?;
        match value {
            crate::Argument::Plain(text) => write_quoted(f, &redactor.redact_text(text))?,
            crate::Argument::Secret(_) => write!(f, "{value}")?,
        }
    }
    if let Some(directory) = step.command().working_directory() {
        f.write_str("\n   in ")?;
        write_quoted(f, &redactor.redact_text(&directory.to_string_lossy()))?;
    }
    Ok(())
}

fn write_conditions(f: &mut fmt::Formatter<'_>, step: &Step) -> fmt::Result {
    match step.conditions() {
        When::OnSuccess => {}
        When::OnFailure => f.write_str("\n   after a failure")?,
        When::OnFailureOf(status) => write!(f, "\n   after {status} has failed")?,
        When::Always => f.write_str("\n   at the end, always")?,
    }
    if let Some(limit) = step.time_limit() {
        write!(f, "\n   for at most {limit:?}")?;
    }
    match step.accepted() {
        Accept::Success => Ok(()),
        Accept::Codes(codes) => write!(f, "\n   accepts exit codes {codes:?}"),
        Accept::AnyExit => f.write_str("\n   accepts any exit code"),
    }
}
