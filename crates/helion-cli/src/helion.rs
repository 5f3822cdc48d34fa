//! Commands of the `helion` client.

use std::path::Path;

use batch::{Command, Secret};

use crate::account::Account;
use crate::composer::ICliComposer;
use crate::error::Result;
use crate::text::checked;

/// Composes commands of the `helion` client of Helion Development Platform 1.x.
///
/// # Semantics
///
/// - `--target` stands before the application's name: the client looks the name up while it
///   reads its arguments, and would do so on another platform.
/// - The client takes the password on its command line only, where other users of the machine
///   may see it while `login` runs; it is marked as secret.
/// - `-n` and `--no-prompt` are the same option: the client does not ask.
/// - [`with_home`](Self::with_home) sets `HOME`, `STACKATO_APP_ROOT` and `TMPDIR`; the client
///   keeps tokens, its history of command lines, and traces in them.
/// - An endpoint with `http://` is refused by the client itself.
///
/// # Examples
///
/// ```
/// use batch::Secret;
/// use helion_cli::{HelionCliComposer, ICliComposer};
/// use std::path::Path;
///
/// let composer = HelionCliComposer::new(
///     "https://api.x.io",
///     "me",
///     Secret::new("open sesame"),
///     Some(Path::new("/srv/apps")),
/// )?;
/// assert_eq!(
///     composer.push_command("foo", "foo")?.to_string(),
///     "helion push --target https://api.x.io --as foo --path /srv/apps/foo --no-prompt",
/// );
/// # Ok::<(), helion_cli::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct HelionCliComposer {
    account: Account,
}

/// Where the client keeps what it remembers. `HOME` is for both of its brands.
const HOMES: [&str; 3] = ["HOME", "STACKATO_APP_ROOT", "TMPDIR"];

/// How many log lines are fetched.
const LOG_LINES: &str = "100";

impl HelionCliComposer {
    /// A composer for one account on the platform at `endpoint`.
    ///
    /// Paths to push start in `cwd`, which becomes absolute with `~` as the home directory;
    /// without it they are passed on as given.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::Error::InvalidArgument) names the value that was refused:
    /// empty, starting with `-`, or with a control character; an endpoint with white space, a
    /// user or a password in it; a password with NUL or a line break.
    pub fn new(
        endpoint: &str,
        username: &str,
        password: Secret,
        cwd: Option<&Path>,
    ) -> Result<Self> {
        let account = Account::new(endpoint, username, password, cwd)?;
        Ok(Self { account })
    }

    /// Gives the commands a home directory of their own; where it is not an absolute path in UTF-8,
    /// each command is refused.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::path::Path;
    /// use batch::Secret;
    /// use helion_cli::{HelionCliComposer, ICliComposer};
    ///
    /// let composer = HelionCliComposer::new("https://api.x.io", "me", Secret::new("open sesame"), None)?
    ///     .with_home(Path::new("/srv/deploy/7"));
    /// let list = composer.list_command()?;
    /// let home = list.environment().iter().find(|(name, _)| name == "HOME");
    /// assert_eq!(home.map(|(_, home)| home.to_string()).as_deref(), Some("/srv/deploy/7"));
    /// # Ok::<(), helion_cli::Error>(())
    /// ```
    #[must_use]
    pub fn with_home(mut self, home: &Path) -> Self {
        self.account.set_home(home);
        self
    }

    /// Signs in to one space, which is needed where the account has several.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::Error::InvalidArgument) as for [`new`](Self::new).
    ///
    /// # Examples
    ///
    /// ```
    /// use batch::Secret;
    /// use helion_cli::{HelionCliComposer, ICliComposer};
    ///
    /// let composer = HelionCliComposer::new("https://api.x.io", "me", Secret::new("open sesame"), None)?
    ///     .with_space("acme", "staging")?;
    /// let login = composer.login_command()?.to_string();
    /// assert!(login.ends_with("--organization acme --space staging"));
    /// # Ok::<(), helion_cli::Error>(())
    /// ```
    pub fn with_space(mut self, organization: &str, space: &str) -> Result<Self> {
        self.account.set_space(organization, space)?;
        Ok(self)
    }

    fn command<'a>(&self, words: impl IntoIterator<Item = &'a str>) -> Result<Command> {
        self.account
            .with_home(Command::new("helion").args(words), &HOMES)
    }
}

impl ICliComposer for HelionCliComposer {
    fn target_command(&self) -> Result<Command> {
        self.command(["target", &self.account.endpoint])
    }

    fn login_command(&self) -> Result<Command> {
        let account = &self.account;
        let credentials = format!("username: {}", account.username);
        let mut command = self
            .command(["login", &account.username, "--credentials", &credentials])?
            .arg("--password")
            .secret_arg(account.password.clone())
            .args(["--target", &account.endpoint]);
        if let Some(place) = &account.space {
            command = command.args([
                "--organization",
                &place.organization,
                "--space",
                &place.space,
            ]);
        }
        Ok(command)
    }

    fn space_command(&self) -> Result<Option<Command>> {
        Ok(None)
    }

    fn list_command(&self) -> Result<Command> {
        self.command(["list", "--target", &self.account.endpoint])
    }

    fn delete_command(&self, name: &str) -> Result<Command> {
        let name = checked("application name", name)?;
        self.command(["delete", "--target", &self.account.endpoint, "-n", name])
    }

    fn push_command(&self, name: &str, path: &str) -> Result<Command> {
        let name = checked("application name", name)?;
        let path = self.account.push_path(path)?;
        self.command([
            "push",
            "--target",
            &self.account.endpoint,
            "--as",
            name,
            "--path",
            &path,
            "--no-prompt",
        ])
    }

    fn logs_command(&self, name: &str) -> Result<Command> {
        let name = checked("application name", name)?;
        let endpoint = &self.account.endpoint;
        self.command(["logs", "--target", endpoint, "--num", LOG_LINES, name])
    }

    fn logout_command(&self) -> Result<Command> {
        self.command(["logout"])
    }
}
