//! The engine's own part of the work: from the archive to the application's tree.

use std::sync::Arc;
use std::time::Instant;

use batch::{CapturedOutput, Status, StepOutcome, StepReport};
use package::{PackageArchive, UnpackLimits};
use tokio_util::sync::CancellationToken;
use tracing::Span;

use crate::directory::{Layout, PrivateDirectory};
use crate::error::{Error, Result};
use crate::recorder::Recorder;
use crate::source::{FetchReader, OpenSource};
use crate::step_span::StepSpan;

const PREVIEW: Status = Status::from_static("PREVIEW");
pub(crate) const UNPACK: Status = Status::from_static("UNPACK");
const EXTRACT: Status = Status::from_static("EXTRACT");
const DIR: Status = Status::from_static("DIR");

/// No status of the history: only a clean-up that failed is recorded, as a step.
const CLEANUP: Status = Status::from_static("CLEANUP");

/// Unpacks one package into a private directory, on a blocking thread.
pub(crate) struct Unpacking {
    pub(crate) package: String,
    pub(crate) layout: Layout,
    pub(crate) limits: UnpackLimits,
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) cancel: CancellationToken,
}

/// The status that could not be reached, and why.
pub(crate) struct Unreached {
    pub(crate) status: Status,
    pub(crate) error: Box<Error>,
}

impl Unreached {
    pub(crate) fn new(status: Status, error: Error) -> Self {
        Self {
            status,
            error: Box::new(error),
        }
    }
}

impl Unpacking {
    /// Makes the private directory and unpacks into it; when that fails, removes it again.
    pub(crate) fn run(&self, source: OpenSource) -> Result<PrivateDirectory, Unreached> {
        let directory = PrivateDirectory::create(self.layout.clone())
            .map_err(|error| Unreached::new(PREVIEW, error))?;
        match self.unpack(source) {
            Ok(()) => Ok(directory),
            Err(unreached) => {
                self.remove(directory);
                Err(unreached)
            }
        }
    }

    /// Reaches the last `DIR` and removes the private directory.
    pub(crate) fn list_and_remove(&self, directory: PrivateDirectory) -> Result<(), Unreached> {
        let listed = self.list(&self.layout.application(&self.package));
        self.remove(directory);
        listed
    }

    /// Removes the private directory; when it cannot be, the record says so.
    #[expect(clippy::needless_pass_by_value, reason = "the directory is gone then")]
    pub(crate) fn remove(&self, directory: PrivateDirectory) {
        if let Err(error) = directory.remove() {
            tracing::warn!(error = %error.chain(), "clean-up failed");
            let outcome = StepOutcome::Failed {
                reason: error.chain(),
            };
            let report = StepReport::new(CLEANUP, "remove the private directory", outcome);
            self.recorder.note_step(&report.with_accepted(false));
        }
    }

    /// Reads the archive to its end and reaches `PREVIEW`, `UNPACK`, `EXTRACT` and `DIR`.
    fn unpack(&self, source: OpenSource) -> Result<(), Unreached> {
        let reader = FetchReader::new(source, &self.recorder, self.cancel.clone());
        let archive = self.step(PREVIEW, "open the package", || {
            let archive = PackageArchive::open(reader, &self.package, self.limits.clone())
                .map_err(Error::package("open the package"))?;
            Ok((archive, String::new()))
        })?;
        let tree = self.step(UNPACK, "unpack the package", || {
            let tree = archive
                .unpack_application(self.layout.root())
                .map_err(Error::package("unpack the package"))?;
            Ok((tree, String::new()))
        })?;
        // The application was unpacked while its archive came by in the package.
        self.step(EXTRACT, "unpack the application", || {
            let summary = format!("{} entries, {} bytes\n", tree.entries, tree.bytes);
            Ok(((), format!("{summary}{}", tree.listing)))
        })?;
        self.list(&tree.directory)
    }

    /// Lists `directory` and reaches `DIR`.
    fn list(&self, directory: &std::path::Path) -> Result<(), Unreached> {
        self.step(DIR, "list the application", || {
            let listing = package::list_directory(directory)
                .map_err(Error::package("list the application"))?;
            Ok(((), listing.to_string()))
        })
    }

    fn step<T>(
        &self,
        status: Status,
        what: &str,
        work: impl FnOnce() -> Result<(T, String)>,
    ) -> Result<T, Unreached> {
        let step = StepSpan::begin(&Span::current(), status.as_str());
        let (started, clock) = (self.recorder.now(), Instant::now());
        let report = |outcome, accepted, output: String| {
            StepReport::new(status.clone(), format!("{what} {}", self.package), outcome)
                .with_accepted(accepted)
                .with_time(started, clock.elapsed())
                .with_output(CapturedOutput::from_text(output))
        };
        match step.in_scope(work) {
            Ok((value, output)) => {
                step.end(&StepOutcome::Done);
                self.recorder
                    .note_step(&report(StepOutcome::Done, true, output));
                Ok(value)
            }
            Err(error) => {
                let outcome = if self.cancel.is_cancelled() {
                    StepOutcome::Cancelled
                } else {
                    StepOutcome::Failed {
                        reason: error.chain(),
                    }
                };
                step.end(&outcome);
                self.recorder
                    .note_step(&report(outcome, false, String::new()));
                Err(Unreached::new(status, error))
            }
        }
    }
}
