//! How a deployment's work came to its end.

use std::fmt;
use std::time::Duration;

use batch::{ProcessOutcome, Status};

use crate::error::Error;
use crate::phase::Phase;
use crate::record::ErrorRecord;
use crate::unpacking::Unreached;

/// The terminal phase, and why where it is not SUCCESS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ending {
    pub(crate) phase: Phase,
    pub(crate) error: Option<ErrorRecord>,
}

/// Why the engine stopped the work by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopReason {
    /// The whole deployment took longer than this.
    Deadline(Duration),
    /// The record is somebody else's by now.
    OwnershipLost,
    /// The record could not be renewed before its lease, of this length, ended.
    LeaseEnded(Duration),
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deadline(limit) => write!(f, "the deployment took longer than {limit:?}"),
            Self::OwnershipLost => f.write_str("the record was written by somebody else"),
            Self::LeaseEnded(lease) => {
                write!(
                    f,
                    "the record could not be written for its lease of {lease:?}"
                )
            }
        }
    }
}

impl Ending {
    pub(crate) const fn success() -> Self {
        Self {
            phase: Phase::Success,
            error: None,
        }
    }

    pub(crate) fn cancelled() -> Self {
        let error = ErrorRecord::new(None, "the deployment was cancelled");
        Self {
            phase: Phase::Cancelled,
            error: Some(error),
        }
    }

    pub(crate) fn failed(step: Option<&str>, error: &Error) -> Self {
        let error = ErrorRecord::new(step.map(str::to_owned), error.chain());
        Self {
            phase: Phase::Failed,
            error: Some(error),
        }
    }

    /// The work broke off at a step of the engine's own.
    pub(crate) fn unreached(unreached: &Unreached) -> Self {
        Self::failed(Some(unreached.status.as_str()), &unreached.error)
    }

    pub(crate) fn of_process(outcome: ProcessOutcome) -> Self {
        let failed = |status: Option<Status>, message: String, phase| Self {
            phase,
            error: Some(ErrorRecord::new(
                status.map(|status| status.to_string()),
                message,
            )),
        };
        match outcome {
            ProcessOutcome::Success => Self::success(),
            ProcessOutcome::Failed { status, reason, .. } => failed(status, reason, Phase::Failed),
            ProcessOutcome::Cancelled => Self::cancelled(),
            ProcessOutcome::TimedOut { status, .. } => failed(
                status,
                "the command took longer than it may".to_owned(),
                Phase::TimedOut,
            ),
            other => failed(None, format!("unknown outcome: {other:?}"), Phase::Failed),
        }
    }

    /// What the ending is, given that the engine stopped the work for `reason`.
    ///
    /// Work that came to a success or a failure of its own before it noticed stays what it is.
    pub(crate) fn stopped_for(self, reason: StopReason) -> Self {
        match (reason, &self.phase) {
            (StopReason::Deadline(_), Phase::Cancelled) => Self {
                phase: Phase::TimedOut,
                error: Some(ErrorRecord::new(None, reason.to_string())),
            },
            (StopReason::LeaseEnded(_), Phase::Cancelled) => Self {
                phase: Phase::Failed,
                error: Some(ErrorRecord::new(None, reason.to_string())),
            },
            _ => self,
        }
    }
}
