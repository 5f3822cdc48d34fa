//! The trait of everything that composes a client's commands.

use std::fmt;

use batch::Command;

use crate::error::Result;

/// Composes the commands of one deployment.
///
/// # Contract
///
/// - A command is complete: program, arguments and environment; only its working directory and
///   what it inherits are the runner's affair.
/// - Every value stands in one argument and cannot be read as an option; what could be is refused.
/// - Passwords are marked as secret, and stand in the environment where the client takes them
///   from there.
/// - Commands never ask: what the client would prompt for is given or switched off.
/// - Composing does no I/O, and the same call gives the same command.
///
/// # Implementing
///
/// Check values before they are composed, as [`Error`](crate::Error) describes. A client that
/// needs no command of its own to choose a space returns `None` there.
///
/// ```
/// use batch::Command;
/// use helion_cli::{ICliComposer, Result};
///
/// /// A client that knows one command.
/// #[derive(Debug)]
/// struct Echo;
///
/// fn echo(words: &[&str]) -> Result<Command> {
///     Ok(Command::new("echo").args(words.iter().copied()))
/// }
///
/// impl ICliComposer for Echo {
///     fn target_command(&self) -> Result<Command> {
///         echo(&["target"])
///     }
///     fn login_command(&self) -> Result<Command> {
///         echo(&["login"])
///     }
///     fn space_command(&self) -> Result<Option<Command>> {
///         Ok(None)
///     }
///     fn list_command(&self) -> Result<Command> {
///         echo(&["list"])
///     }
///     fn delete_command(&self, name: &str) -> Result<Command> {
///         echo(&["delete", name])
///     }
///     fn push_command(&self, name: &str, path: &str) -> Result<Command> {
///         echo(&["push", name, path])
///     }
///     fn logs_command(&self, name: &str) -> Result<Command> {
///         echo(&["logs", name])
///     }
///     fn logout_command(&self) -> Result<Command> {
///         echo(&["logout"])
///     }
/// }
///
/// assert_eq!(Echo.push_command("foo", "/d/foo")?.to_string(), "echo push foo /d/foo");
/// # Ok::<(), helion_cli::Error>(())
/// ```
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
pub trait ICliComposer: fmt::Debug + Send + Sync {
    /// Chooses the platform.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::Error::InvalidArgument): the home directory cannot be passed on.
    fn target_command(&self) -> Result<Command>;

    /// Signs in.
    ///
    /// # Errors
    ///
    /// As [`target_command`](Self::target_command).
    fn login_command(&self) -> Result<Command>;

    /// Chooses organization and space after the login, where the client has a command of its own
    /// for it and a space was given.
    ///
    /// # Errors
    ///
    /// As [`target_command`](Self::target_command).
    fn space_command(&self) -> Result<Option<Command>>;

    /// Lists the applications.
    ///
    /// # Errors
    ///
    /// As [`target_command`](Self::target_command).
    fn list_command(&self) -> Result<Command>;

    /// Removes the application `name`.
    ///
    /// Where there is none, `helion` fails and `cf` succeeds.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::Error::InvalidArgument): the name, or the home directory.
    fn delete_command(&self, name: &str) -> Result<Command>;

    /// Pushes the directory `path` as the application `name`.
    ///
    /// A relative path starts in the composer's working directory.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::Error::InvalidArgument): the name, the path, or the home
    /// directory.
    fn push_command(&self, name: &str, path: &str) -> Result<Command>;

    /// Shows the recent log lines of the application `name`, and ends.
    ///
    /// # Errors
    ///
    /// As [`delete_command`](Self::delete_command).
    fn logs_command(&self, name: &str) -> Result<Command>;

    /// Signs out.
    ///
    /// # Errors
    ///
    /// As [`target_command`](Self::target_command).
    fn logout_command(&self) -> Result<Command>;
}

const _: fn(&dyn ICliComposer) = |_| (); // stays dyn-compatible
