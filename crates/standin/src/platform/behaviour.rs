//! What a test wants of a command.

use serde::{Deserialize, Serialize};

/// What a test wants of a command, instead of or besides its usual work.
///
/// All but [`EchoArguments`](Self::EchoArguments) happen after the command's own checks (options, login, names) and
/// after its first line of progress, so a command that fails those fails as usual.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Behaviour {
    /// Block until killed.
    Hang,
    /// Wait first, then work as usual.
    Delay {
        /// How long.
        milliseconds: u64,
    },
    /// Print a message where the client prints errors, and end.
    Refuse {
        /// The message.
        message: String,
        /// The exit code.
        code: u8,
    },
    /// Print filler on standard output first, then work as usual.
    Output {
        /// How much: exactly that many bytes.
        bytes: u64,
    },
    /// Print every argument, passwords included, before anything else; then work as usual.
    EchoArguments,
}

impl Behaviour {
    /// Refuses with `message` and exit code 1.
    #[must_use]
    pub fn refuse(message: impl Into<String>) -> Self {
        Self::Refuse {
            message: message.into(),
            code: 1,
        }
    }

    /// Refuses as a platform does whose buildpacks do not know the application: what a push most often fails with.
    #[must_use]
    pub fn staging_failure() -> Self {
        Self::refuse(
            "NoAppDetectedError - An app was not successfully detected by any available buildpack",
        )
    }
}
