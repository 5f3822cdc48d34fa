//! Why a command cannot be composed.

/// This crate's result.
///
/// # Examples
///
/// ```
/// use batch::Command;
/// use helion_cli::ICliComposer;
///
/// /// What brings an application up anew.
/// fn renewal(composer: &dyn ICliComposer, name: &str, path: &str) -> helion_cli::Result<[Command; 2]> {
///     Ok([composer.delete_command(name)?, composer.push_command(name, path)?])
/// }
/// # use batch::Secret;
/// # let composer = helion_cli::CfCliComposer::new("https://api.x.io", "me", Secret::new("sesame"), None)?;
/// # assert_eq!(renewal(&composer, "foo", "/srv/apps/foo")?[0].to_string(), "cf delete foo -f");
/// # Ok::<(), helion_cli::Error>(())
/// ```
pub type Result<T> = std::result::Result<T, Error>;

/// Why a command cannot be composed.
///
/// The offending value is never part of the message: endpoints and paths may hold secrets.
///
/// # Examples
///
/// ```
/// use batch::Secret;
/// use helion_cli::{CfCliComposer, Error};
///
/// let error = CfCliComposer::new("https://api.x.io", "-me", Secret::new("open sesame"), None).unwrap_err();
/// assert!(matches!(error, Error::InvalidArgument { argument: "user name", .. }));
/// ```
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
