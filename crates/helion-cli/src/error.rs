//! Why a command cannot be composed.

/// This crate's result.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a command cannot be composed.
///
/// The offending value is never part of the message: endpoints and paths may hold secrets.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A value would be misread by the client, or cannot be passed to it.
    #[error("the {argument} {reason}")]
    #[non_exhaustive]
    InvalidArgument {
        /// Which value: `endpoint`, `user name`, `password`, `application name`, `path`, …
        argument: &'static str,
        /// What is wrong with it, as a predicate.
        reason: &'static str,
    },
}

impl Error {
    pub(crate) const fn invalid(argument: &'static str, reason: &'static str) -> Self {
        Self::InvalidArgument { argument, reason }
    }
}
