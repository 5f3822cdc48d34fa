//! A program to run, as a value.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::quoting::write_quoted;
use crate::redactor::{Masked, Redactor};
use crate::secret::{MASK, Secret};

/// One word of a command line, or the value of one environment variable.
///
/// Both ways of printing it show `***` for a secret.
///
/// # Examples
///
/// ```
/// use batch::{Argument, Secret};
///
/// let name = Argument::from("my app");
/// let password = Argument::from(Secret::new("hunter2"));
/// assert_eq!(format!("{name} {password}"), "my app ***");
/// assert_eq!(password.expose(), "hunter2");
/// ```
#[derive(Clone)]
pub enum Argument {
    /// Text that everybody may read.
    Plain(String),
    /// Text that only the child may read.
    Secret(Secret),
}

impl Argument {
    /// The text itself, secret or not: for runners, and for tests.
    #[must_use]
    pub fn expose(&self) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Secret(secret) => secret.expose(),
        }
    }

    fn secret(&self) -> Option<&Secret> {
        match self {
            Self::Plain(_) => None,
            Self::Secret(secret) => Some(secret),
        }
    }
}

impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(text) => f.write_str(text),
            Self::Secret(_) => f.write_str(MASK),
        }
    }
}

impl fmt::Debug for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(text) => fmt::Debug::fmt(text, f),
            Self::Secret(secret) => fmt::Debug::fmt(secret, f),
        }
    }
}

impl From<&str> for Argument {
    fn from(text: &str) -> Self {
        Self::Plain(text.to_owned())
    }
}

impl From<String> for Argument {
    fn from(text: String) -> Self {
        Self::Plain(text)
    }
}

impl From<&String> for Argument {
    fn from(text: &String) -> Self {
        Self::Plain(text.clone())
    }
}

impl From<Secret> for Argument {
    fn from(secret: Secret) -> Self {
        Self::Secret(secret)
    }
}

/// A program with its arguments, environment and directory.
///
/// A command is a value: nothing runs until an [`ICommandRunner`](crate::ICommandRunner) is
/// handed it, and no shell is involved.
/// `Display` is the line that one would type into a shell, `Debug` shows all parts; both show
/// `***` for secrets, also where a plain argument of the same command repeats one.
/// The program and plain arguments are UTF-8.
///
/// # Examples
///
/// ```
/// use batch::{Command, Secret};
///
/// let command = Command::new("cf")
///     .args(["push", "my app"])
///     .secret_arg(Secret::new("open sesame"))
///     .env("CF_HOME", "/srv/home");
/// assert_eq!(command.to_string(), "cf push 'my app' ***");
/// assert_eq!(command.exposed_argv(), ["cf", "push", "my app", "open sesame"]);
/// ```
#[derive(Clone)]
pub struct Command {
    program: String,
    arguments: Vec<Argument>,
    environment: Vec<(String, Argument)>,
    working_directory: Option<PathBuf>,
}

impl Command {
    /// A command that runs `program`: a name that is looked up in the child's `PATH`, or a path,
    /// which is relative to the child's directory unless absolute.
    pub fn new(program: impl Into<String>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            working_directory: None,
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<Argument>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: Into<Argument>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Adds an argument that is not printed.
    ///
    /// Other users of the machine may read a program's arguments while it runs, so
    /// [`secret_env`](Self::secret_env) is the better way where the program offers one.
    #[must_use]
    pub fn secret_arg(self, secret: Secret) -> Self {
        self.arg(secret)
    }

    /// Sets an environment variable; the last value of a name wins.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<Argument>) -> Self {
        let name = name.into();
        self.environment.retain(|(other, _)| *other != name);
        self.environment.push((name, value.into()));
        self
    }

    /// Sets an environment variable whose value is not printed.
    ///
    /// # Examples
    ///
    /// ```
    /// use batch::{Command, Secret};
    ///
    /// let login = Command::new("cf").arg("auth").secret_env("CF_PASSWORD", Secret::new("hunter2"));
    /// assert!(!format!("{login:?}").contains("hunter2"));
    /// assert_eq!(login.secrets().count(), 1);
    /// ```
    #[must_use]
    pub fn secret_env(self, name: impl Into<String>, secret: Secret) -> Self {
        self.env(name, secret)
    }

    /// Sets the directory to run in; a relative one is taken from the batch's directory, which is
    /// also the one used when none is set.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::path::Path;
    /// use batch::Command;
    ///
    /// let push = Command::new("cf").args(["push", "shop"]).current_dir("shop");
    /// assert_eq!(push.working_directory(), Some(Path::new("shop")));
    /// ```
    #[must_use]
    pub fn current_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.working_directory = Some(path.into());
        self
    }

    /// The program's name or path, as given.
    #[must_use]
    pub fn program(&self) -> &str {
        &self.program
    }

    /// The arguments after the program.
    #[must_use]
    pub fn arguments(&self) -> &[Argument] {
        &self.arguments
    }

    /// The environment variables that this command sets, each name once.
    #[must_use]
    pub fn environment(&self) -> &[(String, Argument)] {
        &self.environment
    }

    /// The directory to run in, as given.
    #[must_use]
    pub fn working_directory(&self) -> Option<&Path> {
        self.working_directory.as_deref()
    }

    /// The secrets among the arguments and the environment's values.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        let values = self.environment.iter().map(|(_, value)| value);
        self.arguments
            .iter()
            .chain(values)
            .filter_map(Argument::secret)
    }

    /// The program and its arguments with every secret in the clear: for runners, and for tests
    /// of whoever composes commands.
    #[must_use]
    pub fn exposed_argv(&self) -> Vec<String> {
        let arguments = self
            .arguments
            .iter()
            .map(|argument| argument.expose().to_owned());
        std::iter::once(self.program.clone())
            .chain(arguments)
            .collect()
    }

    /// The line of `Display`, with the secrets of `redactor` masked as well.
    pub(crate) fn line(&self, redactor: &Redactor) -> String {
        Line {
            command: self,
            redactor,
        }
        .to_string()
    }
}

/// A command as one line, with the secrets of a redactor masked.
struct Line<'a> {
    command: &'a Command,
    redactor: &'a Redactor,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_quoted(f, &self.redactor.redact_text(&self.command.program))?;
        for argument in &self.command.arguments {
            f.write_str(" ")?;
            match argument {
                Argument::Plain(text) => write_quoted(f, &self.redactor.redact_text(text))?,
                Argument::Secret(_) => f.write_str(MASK)?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Line {
            command: self,
            redactor: &Redactor::new(self.secrets()),
        }
        .fmt(f)
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Masked {
            value: self,
            redactor: &Redactor::new(self.secrets()),
        }
        .fmt(f)
    }
}

impl fmt::Debug for Masked<'_, Command> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (command, redactor) = (self.value, self.redactor);
        let redacted = |argument: &Argument| match argument {
            Argument::Plain(text) => Argument::Plain(redactor.redact_text(text).into_owned()),
            Argument::Secret(secret) => Argument::Secret(secret.clone()),
        };
        let environment = command.environment.iter();
        let environment: Vec<_> = environment
            .map(|(name, value)| (redactor.redact_text(name), redacted(value)))
            .collect();
        let directory = command.working_directory.as_ref();
        f.debug_struct("Command")
            .field("program", &redactor.redact_text(&command.program))
            .field(
                "arguments",
                &command.arguments.iter().map(redacted).collect::<Vec<_>>(),
            )
            .field("environment", &environment)
            .field(
                "working_directory",
                &directory.map(|path| redactor.redact_text(&path.to_string_lossy()).into_owned()),
            )
            .finish()
    }
}
