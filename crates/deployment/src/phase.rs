//! The life cycle of a deployment.

use std::fmt;

use batch::Status;

use crate::error::Error;

/// Where a deployment stands; its text is what the record's `deploy_status` and history hold.
///
/// The named phases are the engine's; every other status word is a [`Step`](Phase::Step) that the
/// platform's process reached (`TARGET`, `LOGIN`, `DEPLOYED` …).
///
/// # Examples
///
/// ```
/// use deployment::Phase;
///
/// assert_eq!(Phase::parse("TIMED_OUT"), Some(Phase::TimedOut));
/// assert!(Phase::Success.is_terminal());
/// assert!(Phase::Started.after(Some(&Phase::Success)).is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// `INIT`: the request was accepted and the record written.
    Init,
    /// `QUEUED`: the deployment waits until fewer others run.
    Queued,
    /// `DOWNLOADING`: the package is fetched from the store.
    Downloading,
    /// `COPY`: the package is read from a local file.
    Copy,
    /// `STARTED`: the work on the package has begun.
    Started,
    /// Any other status word: one that a step reached.
    Step(Status),
    /// `SUCCESS`: every step was accepted.
    Success,
    /// `FAILED`: a step was not accepted, or the engine could not go on.
    Failed,
    /// `CANCELLED`: somebody asked for it to stop.
    Cancelled,
    /// `INTERRUPTED`: the owner died while it ran.
    Interrupted,
    /// `TIMED_OUT`: a step or the whole deployment took longer than allowed.
    TimedOut,
}

impl Phase {
    /// Reads a status word; `None` when it is not one (empty, lower case, over 64 characters).
    ///
    /// # Examples
    ///
    /// ```
    /// use deployment::Phase;
    ///
    /// assert_eq!(Phase::parse("FAILED"), Some(Phase::Failed));
    /// assert!(matches!(Phase::parse("LOGIN"), Some(Phase::Step(status)) if status.as_str() == "LOGIN"));
    /// assert_eq!(Phase::parse("logged in"), None);
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "INIT" => Self::Init,
            "QUEUED" => Self::Queued,
            "DOWNLOADING" => Self::Downloading,
            "COPY" => Self::Copy,
            "STARTED" => Self::Started,
            "SUCCESS" => Self::Success,
            "FAILED" => Self::Failed,
            "CANCELLED" => Self::Cancelled,
            "INTERRUPTED" => Self::Interrupted,
            "TIMED_OUT" => Self::TimedOut,
            other => Self::Step(Status::new(other).ok()?),
        })
    }

    /// The status word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Init => "INIT",
            Self::Queued => "QUEUED",
            Self::Downloading => "DOWNLOADING",
            Self::Copy => "COPY",
            Self::Started => "STARTED",
            Self::Step(status) => status.as_str(),
            Self::Success => "SUCCESS",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
            Self::Interrupted => "INTERRUPTED",
            Self::TimedOut => "TIMED_OUT",
        }
    }

    /// Whether nothing can follow.
    #[must_use]
    pub const fn is_terminal(&self) -> bool {
        match self {
            Self::Success | Self::Failed | Self::Cancelled | Self::Interrupted | Self::TimedOut => {
                true
            }
            Self::Init
            | Self::Queued
            | Self::Downloading
            | Self::Copy
            | Self::Started
            | Self::Step(_) => false,
        }
    }

    /// Checks that this phase may follow `previous` (`None`: nothing is recorded yet).
    ///
    /// # Errors
    ///
    /// [`Error::IllegalMove`], which names both phases: only `INIT` begins a record, nothing
    /// follows a terminal phase, and the engine's own phases are reached in order and once.
    pub fn after(&self, previous: Option<&Self>) -> Result<(), Error> {
        let legal = match (previous, self) {
            (None, next) => *next == Self::Init,
            (Some(previous), next) if next.is_terminal() => !previous.is_terminal(),
            (Some(previous), Self::Step(_)) => !previous.is_terminal(),
            (Some(previous), next) => match (previous.rank(), next.rank()) {
                (Some(before), Some(after)) => before < after,
                _ => false,
            },
        };
        if legal {
            return Ok(());
        }
        Err(Error::IllegalMove {
            from: previous.map(ToString::to_string),
            to: self.to_string(),
        })
    }

    /// The place of the engine's own phases in their order; `None` for steps and endings.
    const fn rank(&self) -> Option<u8> {
        match self {
            Self::Init => Some(0),
            Self::Queued => Some(1),
            Self::Downloading | Self::Copy => Some(2),
            Self::Started => Some(3),
            Self::Step(_)
            | Self::Success
            | Self::Failed
            | Self::Cancelled
            | Self::Interrupted
            | Self::TimedOut => None,
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn engine_phases() -> Vec<Phase> {
        vec![
            Phase::Init,
            Phase::Queued,
            Phase::Downloading,
            Phase::Copy,
            Phase::Started,
            Phase::Step(Status::new("TARGET").unwrap()),
            Phase::Success,
            Phase::Failed,
            Phase::Cancelled,
            Phase::Interrupted,
            Phase::TimedOut,
        ]
    }

    #[test]
    fn every_phase_reads_back_from_its_text() {
        for phase in engine_phases() {
            assert_eq!(Phase::parse(phase.as_str()), Some(phase));
        }
        assert_eq!(Phase::parse(""), None);
    }

    #[test]
    fn the_history_of_a_success_is_legal() {
        let history = "INIT QUEUED DOWNLOADING STARTED PREVIEW UNPACK EXTRACT DIR TARGET LOGIN \
                       REMOVED LIST DEPLOYED NEWLIST DIR SUCCESS";
        let mut previous = None;
        for word in history.split_whitespace() {
            let phase = Phase::parse(word).unwrap();
            phase.after(previous.as_ref()).unwrap();
            previous = Some(phase);
        }
    }

    #[test]
    fn an_illegal_move_names_both_sides() {
        let error = Phase::Downloading.after(Some(&Phase::Success)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a deployment cannot go from `SUCCESS` to `DOWNLOADING`"
        );
        let error = Phase::Started.after(None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a deployment cannot begin with `STARTED`"
        );
    }

    proptest! {
        #[test]
        fn nothing_follows_an_ending_and_only_init_begins(a in 0..11_usize, b in 0..11_usize) {
            let phases = engine_phases();
            let (from, to) = (&phases[a], &phases[b]);
            if from.is_terminal() {
                prop_assert!(to.after(Some(from)).is_err());
            }
            prop_assert_eq!(to.after(None).is_ok(), *to == Phase::Init);
            prop_assert!(Phase::Init.after(Some(from)).is_err());
        }
    }
}
