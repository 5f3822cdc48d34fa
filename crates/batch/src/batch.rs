//! Steps in their order.

use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::redactor::{Masked, Redactor};
use crate::secret::Secret;
use crate::step::Step;

/// Steps that run one after the other in one directory.
///
/// `Debug` shows `***` for the secrets of all steps, wherever they stand.
///
/// # Examples
///
/// ```
/// use batch::{Batch, Command, Status, Step};
///
/// let mut batch = Batch::new("/srv/app")?;
/// batch.add(Step::new(Status::new("LISTED")?, Command::new("ls").arg("-l")));
/// assert_eq!(batch.steps().len(), 1);
/// # Ok::<(), batch::Error>(())
/// ```
#[derive(Clone)]
pub struct Batch {
    cwd: PathBuf,
    steps: Vec<Step>,
    timeout: Option<Duration>,
}

impl Batch {
    /// An empty batch whose commands run in `cwd`.
    ///
    /// A leading `~` is the user's home directory, a relative path is taken from the current
    /// directory; whether the directory exists shows when a command runs.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidDirectory`] when the path is empty, holds a NUL, names another user's
    /// home, or when there is no home or current directory to take it from.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::path::Path;
    /// use batch::{Batch, Error};
    ///
    /// let batch = Batch::new("/srv/app")?;
    /// assert_eq!(batch.cwd(), Path::new("/srv/app"));
    /// assert!(matches!(Batch::new(""), Err(Error::InvalidDirectory { .. })));
    /// # Ok::<(), batch::Error>(())
    /// ```
    pub fn new(cwd: impl AsRef<Path>) -> Result<Self> {
        Ok(Self {
            cwd: absolute(cwd.as_ref())?,
            steps: Vec::new(),
            timeout: None,
        })
    }

    /// Sets how long all steps of the work may take together; unlimited unless set.
    ///
    /// The step that runs when it is over is stopped and times out, and the batch with it.
    /// Steps with another [`When`](crate::When) than `OnSuccess` run after that, and have times
    /// of their own.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use batch::Batch;
    ///
    /// let mut batch = Batch::new("/srv/app")?;
    /// batch.timeout(Duration::from_secs(15 * 60));
    /// assert_eq!(batch.time_limit(), Some(Duration::from_secs(15 * 60)));
    /// # Ok::<(), batch::Error>(())
    /// ```
    pub const fn timeout(&mut self, timeout: Duration) -> &mut Self {
        self.timeout = Some(timeout);
        self
    }

    /// Appends a step.
    pub fn add(&mut self, step: Step) -> &mut Self {
        self.steps.push(step);
        self
    }

    /// Removes all steps.
    pub fn clear(&mut self) {
        self.steps.clear();
    }

    /// The steps in their order.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The directory that commands run in; it is absolute.
    #[must_use]
    pub fn cwd(&self) -> &Path {
        &self.cwd
    }

    /// How long all steps of the work may take together.
    #[must_use]
    pub const fn time_limit(&self) -> Option<Duration> {
        self.timeout
    }

    /// What the batch would do, to be printed: a dry run.
    ///
    /// # Examples
    ///
    /// ```
    /// use batch::{Batch, Command, Secret, Status, Step, When};
    ///
    /// let login = Command::new("cf").arg("auth").secret_env("CF_PASSWORD", Secret::new("hunter2"));
    /// let mut batch = Batch::new("/srv/app")?;
    /// batch
    ///     .add(Step::new(Status::new("LOGIN")?, login))
    ///     .add(Step::new(Status::new("LOGOUT")?, Command::new("cf").arg("logout")).when(When::Always));
    /// assert_eq!(
    ///     batch.plan().to_string(),
    ///     "in /srv/app\n\
    ///      1. LOGIN\n   cf auth\n   with CF_PASSWORD=***\n\
    ///      2. LOGOUT\n   cf logout\n   at the end, always"
    /// );
    /// # Ok::<(), batch::Error>(())
    /// ```
    #[must_use]
    pub const fn plan(&self) -> Plan<'_> {
        Plan::new(self)
    }

    /// The secrets of all steps.
    ///
    /// # Examples
    ///
    /// ```
    /// use batch::{Batch, Command, Redactor, Secret, Status, Step};
    ///
    /// let login = Command::new("cf").arg("auth").secret_env("CF_PASSWORD", Secret::new("hunter2"));
    /// let mut batch = Batch::new("/srv/app")?;
    /// batch.add(Step::new(Status::new("LOGIN")?, login));
    /// let redactor = Redactor::new(batch.secrets());
    /// assert_eq!(redactor.redact_text("bad password: hunter2"), "bad password: ***");
    /// # Ok::<(), batch::Error>(())
    /// ```
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.steps.iter().flat_map(|step| step.command().secrets())
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let redactor = &Redactor::new(self.secrets());
        let steps = self.steps.iter().map(|value| Masked { value, redactor });
        f.debug_struct("Batch")
            .field("cwd", &redactor.redact_text(&self.cwd.to_string_lossy()))
            .field("steps", &steps.collect::<Vec<_>>())
            .field("timeout", &self.timeout)
            .finish()
    }
}

fn absolute(path: &Path) -> Result<PathBuf> {
    let invalid = |reason: &str| Error::InvalidDirectory {
        path: path.to_owned(),
        reason: reason.to_owned(),
    };
    if path.as_os_str().as_encoded_bytes().contains(&0) {
        return Err(invalid("it holds a NUL"));
    }
    let mut components = path.components();
    let expanded = match components.next() {
        Some(Component::Normal(first)) if first == "~" => {
            let home = std::env::home_dir().filter(|home| home.is_absolute());
            home.ok_or_else(|| invalid("there is no home directory"))?
                .join(components.as_path())
        }
        Some(Component::Normal(first)) if first.as_encoded_bytes().starts_with(b"~") => {
            return Err(invalid("the homes of other users are not looked up"));
        }
        _ => path.to_owned(),
    };
    std::path::absolute(&expanded).map_err(|error| invalid(&error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Command, Status};

    #[test]
    fn the_directory_is_absolute() {
        let here = std::env::current_dir().unwrap();
        let home = std::env::home_dir().unwrap();
        for (given, expected) in [
            ("/a/b", PathBuf::from("/a/b")),
            ("x/y", here.join("x/y")),
            (".", here.clone()),
            ("~", home.clone()),
            ("~/a", home.join("a")),
            ("/a/~", PathBuf::from("/a/~")),
        ] {
            assert_eq!(Batch::new(given).unwrap().cwd(), expected, "{given}");
        }
    }

    #[test]
    fn directories_that_mean_nothing_are_refused() {
        for given in ["", "~nobody", "a\0b"] {
            let result = Batch::new(given);
            assert!(
                matches!(result, Err(Error::InvalidDirectory { .. })),
                "{given:?}"
            );
        }
    }

    #[test]
    fn steps_are_added_and_cleared() {
        let mut batch = Batch::new("/").unwrap();
        let step = |status| Step::new(status, Command::new("true"));
        batch.add(step(Status::STARTED)).add(step(Status::SUCCESS));
        let statuses: Vec<_> = batch.steps().iter().map(Step::status).collect();
        assert_eq!(statuses, [&Status::STARTED, &Status::SUCCESS]);
        batch.clear();
        assert!(batch.steps().is_empty());
    }
}
