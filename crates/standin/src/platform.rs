//! The platform folder: users, spaces and applications, kept as plain files.

mod application;
mod behaviour;
mod files;
mod space;
mod tree;
mod users;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::endpoint::Endpoint;
use crate::error::{Error, Result};

pub use application::Application;
pub(crate) use application::Record;
pub use behaviour::Behaviour;
pub(crate) use files::{read_json, read_optional_json, write_json};
pub(crate) use space::Space;

/// The only layout there is so far.
const SCHEMA: u32 = 1;

/// A platform in a folder, shared by every client that is run with `STANDIN_PLATFORM` set to it.
///
/// ```text
/// platform.json                                     the mark of a platform, and its spaces
/// users/<digest>.json                               a user's name, and a salted digest of the password
/// behaviours.json                                   what tests want of single commands
/// targets/<host>/<org>/<space>/apps/<name>          a link to the version that runs
/// targets/<host>/<org>/<space>/versions/<name>.…    app.json, and the application's tree in `tree`
/// targets/<host>/<org>/<space>/logs/<name>.log      what the last push of the name printed while staging
/// ```
///
/// # Semantics
///
/// A push is all or nothing: the whole tree is copied beside the running version, which one rename then replaces.
/// Any number of processes may use the folder at the same time. All work is blocking.
#[derive(Clone, Debug)]
pub struct Platform {
    root: PathBuf,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Mark {
    schema: u32,
    spaces: Vec<SpaceName>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SpaceName {
    organization: String,
    space: String,
}

impl Platform {
    /// Makes a platform in `root`, with the folders above it; a platform that is already there is kept.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the folder cannot be written, and whatever [`open`](Self::open) says of one that exists.
    pub fn create(root: impl AsRef<Path>) -> Result<Self> {
        let root = root.as_ref();
        fs::create_dir_all(root).map_err(Error::io("create", root))?;
        // The clients run in other folders than the one that made the platform.
        let root = fs::canonicalize(root).map_err(Error::io("find", root))?;
        let platform = Self { root };
        if platform.mark_path().exists() {
            return Self::open(&platform.root);
        }
        write_json(
            &platform.mark_path(),
            &Mark {
                schema: SCHEMA,
                spaces: Vec::new(),
            },
        )?;
        Ok(platform)
    }

    /// Opens the platform in `root`.
    ///
    /// # Errors
    ///
    /// [`Error::NotAPlatform`] when there is none, [`Error::Corrupt`] when it is of an unknown layout.
    pub fn open(root: impl AsRef<Path>) -> Result<Self> {
        let platform = Self {
            root: root.as_ref().to_owned(),
        };
        let mark: Option<Mark> = read_optional_json(&platform.mark_path())?;
        match mark {
            Some(mark) if mark.schema == SCHEMA => Ok(platform),
            _ => Err(Error::NotAPlatform {
                path: platform.root,
            }),
        }
    }

    /// The folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Adds a user, or gives one a new password; only a salted SHA-256 digest of the password is kept.
    ///
    /// As long as no user was added, everybody may log in with any password that is not empty.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the folder cannot be written.
    pub fn add_user(&self, name: &str, password: &str) -> Result<()> {
        users::add(&self.root.join("users"), name, password)
    }

    /// Adds an organization's space.
    ///
    /// As long as no space was added, every organization and space exists.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidName`] when either cannot be the name of a folder, [`Error::Io`] when it cannot be written.
    pub fn add_space(&self, organization: &str, space: &str) -> Result<()> {
        files::check_name("organization", organization)?;
        files::check_name("space", space)?;
        let mut mark: Mark = read_json(&self.mark_path())?;
        let added = SpaceName {
            organization: organization.to_owned(),
            space: space.to_owned(),
        };
        if !mark.spaces.contains(&added) {
            mark.spaces.push(added);
            write_json(&self.mark_path(), &mark)?;
        }
        Ok(())
    }

    /// Makes every client's `command` behave so from now on, instead of as it did before.
    ///
    /// `command` is the word that the client is run with: `push`, `login`, `auth` and so on.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the folder cannot be written.
    ///
    /// # Examples
    ///
    /// ```
    /// use standin::{Behaviour, Platform};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let platform = Platform::create(folder.path())?;
    /// platform.set_behaviour("push", Behaviour::staging_failure())?;
    /// platform.clear_behaviour("push")?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_behaviour(&self, command: &str, behaviour: Behaviour) -> Result<()> {
        let mut behaviours = self.behaviours()?;
        behaviours.insert(command.to_owned(), behaviour);
        write_json(&self.behaviours_path(), &behaviours)
    }

    /// Lets every client's `command` work as usual again.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the folder cannot be written.
    pub fn clear_behaviour(&self, command: &str) -> Result<()> {
        let mut behaviours = self.behaviours()?;
        behaviours.remove(command);
        write_json(&self.behaviours_path(), &behaviours)
    }

    /// Every application of every target, organization and space, in the order of these names.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] or [`Error::Corrupt`] when the folder cannot be read.
    pub fn applications(&self) -> Result<Vec<Application>> {
        let mut applications = Vec::new();
        for endpoint in files::folder_names(&self.targets())? {
            for organization in files::folder_names(&self.targets().join(&endpoint))? {
                for space in
                    files::folder_names(&self.targets().join(&endpoint).join(&organization))?
                {
                    let records = self
                        .space_by_host(&endpoint, &organization, &space)?
                        .records()?;
                    applications.extend(records.into_iter().map(|(record, directory)| {
                        Application {
                            endpoint: endpoint.clone(),
                            organization: organization.clone(),
                            space: space.clone(),
                            name: record.name,
                            url: record.url,
                            instances: record.instances,
                            directory,
                        }
                    }));
                }
            }
        }
        Ok(applications)
    }

    /// The tree of the first application of that name, wherever it runs.
    ///
    /// # Errors
    ///
    /// As [`applications`](Self::applications).
    pub fn application_dir(&self, name: &str) -> Result<Option<PathBuf>> {
        let found = self
            .applications()?
            .into_iter()
            .find(|application| application.name == name);
        Ok(found.map(|application| application.directory))
    }

    pub(crate) fn accepts(&self, user: &str, password: &str) -> Result<bool> {
        users::accepts(&self.root.join("users"), user, password)
    }

    pub(crate) fn behaviour(&self, command: &str) -> Result<Option<Behaviour>> {
        Ok(self.behaviours()?.remove(command))
    }

    /// The only organization and space, or `None` when there are several to choose from.
    pub(crate) fn only_space(&self) -> Result<Option<(String, String)>> {
        let mark: Mark = read_json(&self.mark_path())?;
        Ok(match mark.spaces.as_slice() {
            [] => Some(("demo".to_owned(), "main".to_owned())),
            [only] => Some((only.organization.clone(), only.space.clone())),
            _ => None,
        })
    }

    pub(crate) fn has_organization(&self, organization: &str) -> Result<bool> {
        let mark: Mark = read_json(&self.mark_path())?;
        Ok(mark.spaces.is_empty()
            || mark
                .spaces
                .iter()
                .any(|known| known.organization == organization))
    }

    pub(crate) fn has_space(&self, organization: &str, space: &str) -> Result<bool> {
        let mark: Mark = read_json(&self.mark_path())?;
        let is_asked =
            |known: &SpaceName| known.organization == organization && known.space == space;
        Ok(mark.spaces.is_empty() || mark.spaces.iter().any(is_asked))
    }

    pub(crate) fn space(
        &self,
        endpoint: &Endpoint,
        organization: &str,
        space: &str,
    ) -> Result<Space> {
        self.space_by_host(endpoint.host(), organization, space)
    }

    fn space_by_host(&self, host: &str, organization: &str, space: &str) -> Result<Space> {
        files::check_name("host", host)?;
        files::check_name("organization", organization)?;
        files::check_name("space", space)?;
        Ok(Space::new(
            self.targets().join(host).join(organization).join(space),
        ))
    }

    fn behaviours(&self) -> Result<BTreeMap<String, Behaviour>> {
        Ok(read_optional_json(&self.behaviours_path())?.unwrap_or_default())
    }

    fn behaviours_path(&self) -> PathBuf {
        self.root.join("behaviours.json")
    }

    fn mark_path(&self) -> PathBuf {
        self.root.join("platform.json")
    }

    fn targets(&self) -> PathBuf {
        self.root.join("targets")
    }
}
