//! Why a client's command ends early.

use std::io;

use crate::error::Error;

/// Why a client's command ends early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The command refuses: a text on the error stream, and the exit code.
    Refused { text: String, code: u8 },
    /// As `Refused`, but the client prints the text where its progress goes.
    RefusedOnStdout { text: String, code: u8 },
    /// The command line is not understood.
    Usage { text: String, help: String },
    /// The client's output could not be written.
    Output(io::Error),
    /// The platform folder, or the client's own state, failed.
    Platform(Error),
}

impl Stop {
    /// A refusal with exit code 1, which is nearly all that the real clients ever use.
    pub(crate) fn refused(text: impl Into<String>) -> Self {
        Self::Refused {
            text: text.into(),
            code: 1,
        }
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Platform(error)
    }
}
