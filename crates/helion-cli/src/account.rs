//! What every composer is made of: an endpoint, an account, and two directories.

use std::path::{Component, Path, PathBuf};

use batch::{Command, Secret};

use crate::error::{Error, Result};
use crate::text::{checked, checked_endpoint, checked_password};

/// An account on a platform, checked.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) endpoint: String,
    pub(crate) username: String,
    pub(crate) password: Secret,
    pub(crate) space: Option<Space>,
    cwd: Option<String>,
    home: Option<PathBuf>,
}

/// Where on the platform applications live.
#[derive(Clone, Debug)]
pub(crate) struct Space {
    pub(crate) organization: String,
    pub(crate) space: String,
}

impl Account {
    pub(crate) fn new(
        endpoint: &str,
        username: &str,
        password: Secret,
        cwd: Option<&Path>,
    ) -> Result<Self> {
        Ok(Self {
            endpoint: checked_endpoint(endpoint)?.to_owned(),
            username: checked("user name", username)?.to_owned(),
            password: checked_password(password)?,
            space: None,
            cwd: cwd.map(working_directory).transpose()?,
            home: None,
        })
    }

    pub(crate) fn set_home(&mut self, home: &Path) {
        self.home = Some(home.to_owned());
    }

    pub(crate) fn set_space(&mut self, organization: &str, space: &str) -> Result<()> {
        self.space = Some(Space {
            organization: checked("organization", organization)?.to_owned(),
            space: checked("space", space)?.to_owned(),
        });
        Ok(())
    }

    /// The path to push: joined to the working directory, if there is one.
    pub(crate) fn push_path(&self, path: &str) -> Result<String> {
        let path = checked("path", path)?;
        Ok(match &self.cwd {
            Some(cwd) if !path.starts_with('/') => {
                format!("{}/{path}", cwd.trim_end_matches('/'))
            }
            Some(_) | None => path.to_owned(),
        })
    }

    /// Points the variables `names` to the private home directory, if there is one.
    pub(crate) fn with_home(&self, command: Command, names: &[&str]) -> Result<Command> {
        const HOME: &str = "home directory";
        let Some(home) = &self.home else {
            return Ok(command);
        };
        if !home.is_absolute() {
            return Err(Error::invalid(HOME, "is not absolute"));
        }
        let home = text(HOME, home)?;
        Ok(names
            .iter()
            .fold(command, |command, name| command.env(*name, home)))
    }
}

/// Makes the working directory absolute and `~` the user's home; nothing is read from the disk.
fn working_directory(path: &Path) -> Result<String> {
    const CWD: &str = "working directory";
    text(CWD, path)?;
    let expanded = match path.strip_prefix("~") {
        Ok(rest) => std::env::home_dir()
            .filter(|home| home.is_absolute())
            .ok_or(Error::invalid(
                CWD,
                "needs a home directory and there is none",
            ))?
            .join(rest),
        Err(_) => path.to_owned(),
    };
    let whole = std::path::absolute(expanded)
        .map_err(|_| Error::invalid(CWD, "cannot be made absolute"))?;
    let mut resolved = PathBuf::new();
    for component in whole.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                resolved.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => {
                resolved.push(component);
            }
        }
    }
    text(CWD, &resolved).map(str::to_owned)
}

fn text<'a>(argument: &'static str, path: &'a Path) -> Result<&'a str> {
    let text = path
        .to_str()
        .ok_or(Error::invalid(argument, "is not UTF-8"))?;
    checked(argument, text)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    use super::*;

    fn account(cwd: Option<&Path>) -> Result<Account> {
        Account::new("https://api.x.io", "me", Secret::new("pw"), cwd)
    }

    #[track_caller]
    fn check(cwd: &str, path: &str, expected: &str) {
        let account = account(Some(Path::new(cwd))).unwrap();
        assert_eq!(account.push_path(path).unwrap(), expected);
    }

    #[test]
    fn the_path_is_joined_to_the_working_directory() {
        check("/srv/app", "foo", "/srv/app/foo");
        check("/srv/app/", "foo/bar", "/srv/app/foo/bar");
        check("/srv/./app/../x", "foo", "/srv/x/foo");
        check("/", "foo", "/foo");
        check("/srv/app", "/else/foo", "/else/foo");
    }

    #[test]
    fn the_working_directory_is_absolute() {
        let home = std::env::home_dir().unwrap();
        check("~", "foo", home.join("foo").to_str().unwrap());
        check("~/x", "foo", home.join("x/foo").to_str().unwrap());
        let here = std::env::current_dir().unwrap();
        check("x", "foo", here.join("x/foo").to_str().unwrap());
        check("~x", "foo", here.join("~x/foo").to_str().unwrap());
    }

    #[test]
    fn without_a_working_directory_the_path_stays() {
        let account = account(None).unwrap();
        assert_eq!(account.push_path("foo/bar").unwrap(), "foo/bar");
        let Error::InvalidArgument { argument, .. } = account.push_path("-foo").unwrap_err();
        assert_eq!(argument, "path");
    }

    #[test]
    fn a_directory_that_cannot_be_written_on_a_command_line_is_refused() {
        let bad = Path::new(OsStr::from_bytes(b"/a\xff"));
        let error = account(Some(bad)).unwrap_err();
        assert_eq!(error.to_string(), "the working directory is not UTF-8");
        for cwd in ["", "-x", "/a\nb"] {
            assert!(account(Some(Path::new(cwd))).is_err(), "{cwd:?}");
        }
        for home in [
            Path::new("relative"),
            Path::new("/a\nb"),
            bad,
            Path::new(""),
        ] {
            let mut account = account(None).unwrap();
            account.set_home(home);
            let error = account.with_home(Command::new("x"), &["HOME"]).unwrap_err();
            assert!(
                error.to_string().starts_with("the home directory "),
                "{error}"
            );
        }
    }
}
