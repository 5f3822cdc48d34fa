//! One space: its applications and their logs.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::application::Record;
use super::files::{check_name, folder_names, is_absent, read_optional_json, write_json};
use super::tree::copy_tree;
use crate::error::{Error, Result};

/// The folder of one organization's space on one target.
#[derive(Debug)]
pub(crate) struct Space {
    folder: PathBuf,
}

impl Space {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The application called `name`.
    pub(crate) fn record(&self, name: &str) -> Result<Option<Record>> {
        check_name("application", name)?;
        read_optional_json(&self.link(name).join("app.json"))
    }

    /// Every application and its tree, by name.
    pub(crate) fn records(&self) -> Result<Vec<(Record, PathBuf)>> {
        let mut records = Vec::new();
        for name in folder_names(&self.folder.join("apps"))? {
            let link = self.link(&name);
            // One that another process deletes while this one lists is left out.
            let record: Option<Record> = read_optional_json(&link.join("app.json"))?;
            if let (Some(record), Ok(version)) = (record, fs::canonicalize(&link)) {
                records.push((record, version.join("tree")));
            }
        }
        Ok(records)
    }

    /// Copies the tree at `source` and makes it the running version, in place of the one before.
    pub(crate) fn push(&self, record: &Record, source: &Path) -> Result<()> {
        check_name("application", &record.name)?;
        let (apps, versions) = (self.folder.join("apps"), self.folder.join("versions"));
        fs::create_dir_all(&apps).map_err(Error::io("create", &apps))?;
        fs::create_dir_all(&versions).map_err(Error::io("create", &versions))?;

        let staged = tempfile::Builder::new()
            .prefix(&format!("{}.", record.name))
            .tempdir_in(&versions)
            .map_err(Error::io("create a folder in", &versions))?;
        copy_tree(source, &staged.path().join("tree"))?;
        write_json(&staged.path().join("app.json"), record)?;

        let previous = self.version(&record.name)?;
        self.switch(&record.name, staged.path())?;
        let _ = staged.keep();
        previous.map_or(Ok(()), |previous| remove_folder(&previous))
    }

    /// Points the application's link at `version` in one step.
    fn switch(&self, name: &str, version: &Path) -> Result<()> {
        let version = version.file_name().unwrap_or_default();
        let link = self.link(name);
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(version);
        let staged = self.folder.join("apps").join(hidden);
        symlink(Path::new("../versions").join(version), &staged)
            .map_err(Error::io("create", &staged))?;
        fs::rename(&staged, &link).map_err(|error| {
            // The rename's error is the one to report.
            let _ = fs::remove_file(&staged);
            Error::io("replace", &link)(error)
        })
    }

    /// Removes the application and its logs; `false` when there is none.
    pub(crate) fn delete(&self, name: &str) -> Result<bool> {
        check_name("application", name)?;
        let Some(version) = self.version(name)? else {
            return Ok(false);
        };
        let link = self.link(name);
        match fs::remove_file(&link) {
            Ok(()) => {}
            Err(error) if is_absent(&error) => return Ok(false),
            Err(error) => return Err(Error::io("delete", &link)(error)),
        }
        remove_folder(&version)?;
        match fs::remove_file(self.log(name)) {
            Err(error) if !is_absent(&error) => Err(Error::io("delete", self.log(name))(error)),
            Ok(()) | Err(_) => Ok(true),
        }
    }

    /// What the last push of `name` printed while staging, also when it failed.
    pub(crate) fn logs(&self, name: &str) -> Result<Option<Vec<String>>> {
        check_name("application", name)?;
        match fs::read_to_string(self.log(name)) {
            Ok(text) => Ok(Some(text.lines().map(String::from).collect())),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(Error::io("read", self.log(name))(error)),
        }
    }

    /// Replaces the logs of `name`.
    pub(crate) fn record_logs(&self, name: &str, lines: &[&str]) -> Result<()> {
        check_name("application", name)?;
        let folder = self.folder.join("logs");
        fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
        let text: String = lines.iter().flat_map(|line| [line, "\n"]).collect();
        fs::write(self.log(name), text).map_err(Error::io("write", self.log(name)))
    }

    /// The folder of the version that runs.
    fn version(&self, name: &str) -> Result<Option<PathBuf>> {
        let link = self.link(name);
        match fs::read_link(&link) {
            Ok(version) => Ok(Some(self.folder.join("apps").join(version))),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(Error::io("read", link)(error)),
        }
    }

    fn link(&self, name: &str) -> PathBuf {
        self.folder.join("apps").join(name)
    }

    fn log(&self, name: &str) -> PathBuf {
        self.folder.join("logs").join(format!("{name}.log"))
    }
}

/// Removes a version; one that another process removed first is fine.
fn remove_folder(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if !is_absent(&error) => Err(Error::io("delete", folder)(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}
