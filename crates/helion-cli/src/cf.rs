//! Commands of the `cf` client.

use std::path::Path;

use batch::{Command, Secret};

use crate::account::Account;
use crate::composer::ICliComposer;
use crate::error::Result;
use crate::text::checked;

/// How a push puts the new application in the place of the old one.
///
/// # Examples
///
/// ```
/// use batch::Secret;
/// use helion_cli::{CfCliComposer, ICliComposer, PushStrategy};
///
/// let composer = CfCliComposer::new("https://api.x.io", "me", Secret::new("open sesame"), None)?;
/// let push = composer.push_command("foo", "/srv/apps/foo")?;
/// assert_eq!(push.to_string(), "cf push foo -p /srv/apps/foo"); // `PushStrategy::Replace`
///
/// let rolling = composer.with_push_strategy(PushStrategy::Rolling);
/// let push = rolling.push_command("foo", "/srv/apps/foo")?;
/// assert_eq!(push.to_string(), "cf push foo -p /srv/apps/foo --strategy rolling");
/// # Ok::<(), helion_cli::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum PushStrategy {
    /// The old one stops before the new one starts.
    #[default]
    Replace,
    /// Instances change one after the other, without a gap, with `--strategy rolling`.
    ///
    /// Only where the application is not deleted before it is pushed.
    Rolling,
}

/// Composes commands of the `cf` client, version 7 or 8.
///
/// # Semantics
///
/// - The login takes user name and password from `CF_USERNAME` and `CF_PASSWORD`, so that the
///   password is on no command line.
/// - [`with_home`](Self::with_home) sets `CF_HOME`, `HOME` and `TMPDIR`; the client keeps its
///   target and tokens in them.
/// - `CF_COLOR=false` keeps colours out of the output.
///
/// # Examples
///
/// ```
/// use batch::Secret;
/// use helion_cli::{CfCliComposer, ICliComposer, PushStrategy};
///
/// let password = Secret::new("open sesame");
/// let composer = CfCliComposer::new("https://api.x.io", "me", password, None)?
///     .with_push_strategy(PushStrategy::Rolling);
/// let push = composer.push_command("foo", "/srv/apps/foo")?;
/// assert_eq!(push.to_string(), "cf push foo -p /srv/apps/foo --strategy rolling");
/// # Ok::<(), helion_cli::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct CfCliComposer {
    account: Account,
    strategy: PushStrategy,
}

/// Where the client keeps what it remembers.
const HOMES: [&str; 3] = ["CF_HOME", "HOME", "TMPDIR"];

impl CfCliComposer {
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
        Ok(Self {
            account,
            strategy: PushStrategy::default(),
        })
    }

    /// Gives the commands a home directory of their own; where it is not an absolute path in UTF-8,
    /// each command is refused.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::path::Path;
    /// use batch::Secret;
    /// use helion_cli::{CfCliComposer, ICliComposer};
    ///
    /// let composer = CfCliComposer::new("https://api.x.io", "me", Secret::new("open sesame"), None)?
    ///     .with_home(Path::new("/srv/deploy/7"));
    /// let list = composer.list_command()?;
    /// let home = list.environment().iter().find(|(name, _)| name == "CF_HOME");
    /// assert_eq!(home.map(|(_, home)| home.to_string()).as_deref(), Some("/srv/deploy/7"));
    /// # Ok::<(), helion_cli::Error>(())
    /// ```
    #[must_use]
    pub fn with_home(mut self, home: &Path) -> Self {
        self.account.set_home(home);
        self
    }

    /// Chooses a space, which the client needs before it lists or pushes.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::Error::InvalidArgument) as for [`new`](Self::new).
    ///
    /// # Examples
    ///
    /// ```
    /// use batch::Secret;
    /// use helion_cli::{CfCliComposer, ICliComposer};
    ///
    /// let composer = CfCliComposer::new("https://api.x.io", "me", Secret::new("open sesame"), None)?
    ///     .with_space("acme", "staging")?;
    /// let space = composer.space_command()?.map(|command| command.to_string());
    /// assert_eq!(space.as_deref(), Some("cf target -o acme -s staging"));
    /// # Ok::<(), helion_cli::Error>(())
    /// ```
    pub fn with_space(mut self, organization: &str, space: &str) -> Result<Self> {
        self.account.set_space(organization, space)?;
        Ok(self)
    }

    /// Sets how a push puts the new application in the place of the old one.
    #[must_use]
    pub const fn with_push_strategy(mut self, strategy: PushStrategy) -> Self {
        self.strategy = strategy;
        self
    }

    fn command<'a>(&self, words: impl IntoIterator<Item = &'a str>) -> Result<Command> {
        let command = Command::new("cf").args(words).env("CF_COLOR", "false");
        self.account.with_home(command, &HOMES)
    }
}

impl ICliComposer for CfCliComposer {
    fn target_command(&self) -> Result<Command> {
        self.command(["api", &self.account.endpoint])
    }

    fn login_command(&self) -> Result<Command> {
        Ok(self
            .command(["auth"])?
            .env("CF_USERNAME", self.account.username.as_str())
            .secret_env("CF_PASSWORD", self.account.password.clone()))
    }

    fn space_command(&self) -> Result<Option<Command>> {
        let Some(place) = &self.account.space else {
            return Ok(None);
        };
        self.command(["target", "-o", &place.organization, "-s", &place.space])
            .map(Some)
    }

    fn list_command(&self) -> Result<Command> {
        self.command(["apps"])
    }

    fn delete_command(&self, name: &str) -> Result<Command> {
        self.command(["delete", checked("application name", name)?, "-f"])
    }

    fn push_command(&self, name: &str, path: &str) -> Result<Command> {
        let name = checked("application name", name)?;
        let path = self.account.push_path(path)?;
        let command = self.command(["push", name, "-p", &path])?;
        Ok(match self.strategy {
            PushStrategy::Replace => command,
            PushStrategy::Rolling => command.args(["--strategy", "rolling"]),
        })
    }

    fn logs_command(&self, name: &str) -> Result<Command> {
        self.command(["logs", checked("application name", name)?, "--recent"])
    }

    fn logout_command(&self) -> Result<Command> {
        self.command(["logout"])
    }
}
