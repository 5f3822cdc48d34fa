//! The engine's own part of the work: from the archive to the application's tree.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Instant;

use batch::{CapturedOutput, Status, StepOutcome, StepReport};
use package::{PackageArchive, UnpackLimits};
use tokio_util::sync::CancellationToken;

use crate::directory::Layout;
use crate::error::{Error, Result};
use crate::recorder::Recorder;
use crate::source::{FetchReader, OpenSource};

const PREVIEW: Status = Status::from_static("PREVIEW");
pub(crate) const UNPACK: Status = Status::from_static("UNPACK");
const EXTRACT: Status = Status::from_static("EXTRACT");
const DIR: Status = Status::from_static("DIR");

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
    /// Reads the archive to its end and reaches `PREVIEW`, `UNPACK`, `EXTRACT` and `DIR`.
    pub(crate) fn run(&self, source: OpenSource) -> Result<(), Unreached> {
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
    pub(crate) fn list(&self, directory: &std::path::Path) -> Result<(), Unreached> {
        self.step(DIR, "list the application", || {
            let listing = package::list_directory(directory)
                .map_err(Error::package("list the application"))?;
            Ok(((), listed(&listing)))
        })
    }

    fn step<T>(
        &self,
        status: Status,
        what: &str,
        work: impl FnOnce() -> Result<(T, String)>,
    ) -> Result<T, Unreached> {
        let (started, clock) = (self.recorder.now(), Instant::now());
        let report = |outcome, accepted, output: String| {
            StepReport::new(status.clone(), format!("{what} {}", self.package), outcome)
                .with_accepted(accepted)
                .with_time(started, clock.elapsed())
                .with_output(CapturedOutput::from_text(output))
        };
        match work() {
            Ok((value, output)) => {
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
                self.recorder
                    .note_step(&report(outcome, false, String::new()));
                Err(Unreached::new(status, error))
            }
        }
    }
}

fn listed(listing: &impl Display) -> String {
    listing.to_string()
}
