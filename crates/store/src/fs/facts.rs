//! The facts of a version that its name does not tell: content type and metadata.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use rustix::fs::{AtFlags, Mode, OFlags, openat, renameat, unlinkat};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::error::{failed, system};
use super::folder::{flush, flush_file};
use super::root::Root;
use super::temporary::Temporary;
use super::version::Version;
use crate::{Durability, Error, ErrorKind, FileInfo, FileName, Result, SaveOptions};

/// What is kept beside a file, as JSON.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Facts {
    /// The file they are about, for whoever sweeps.
    pub(super) name: String,
    content_type: String,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

impl Facts {
    /// The facts of a save, where there are any beyond the name.
    pub(super) fn of(name: &FileName, options: &SaveOptions) -> Option<Self> {
        let content_type = options.content_type_of(name);
        if content_type == name.guess_content_type() && options.metadata.is_empty() {
            return None;
        }
        Some(Self {
            name: name.as_str().to_owned(),
            content_type: content_type.to_owned(),
            metadata: options.metadata.clone(),
        })
    }

    pub(super) fn apply(self, info: FileInfo) -> FileInfo {
        info.with_content_type(self.content_type)
            .with_metadata(self.metadata)
    }

    /// Writes the facts of a version that is not visible yet.
    pub(super) fn write(
        &self,
        root: &std::sync::Arc<Root>,
        name: &FileName,
        version: &Version,
        durability: Durability,
    ) -> Result<()> {
        let json = serde_json::to_vec(self).map_err(|error| {
            Error::new(ErrorKind::Other, "save file")
                .with_name(name.as_str())
                .with_source(error)
        })?;
        let write = || -> rustix::io::Result<()> {
            let mut temporary = Temporary::new(root)?;
            temporary
                .file()
                .write_all(&json)
                .map_err(|error| errno(&error))?;
            if durability == Durability::Full {
                flush_file(temporary.file())?;
            }
            let file = version.facts_file(name);
            renameat(&root.temporary, temporary.name(), &root.facts, &file)?;
            temporary.keep();
            if durability == Durability::Full {
                flush(&root.facts)?;
            }
            Ok(())
        };
        write().map_err(failed("save file", name))
    }

    pub(super) fn read(root: &Root, file: &str) -> Result<Option<Self>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let json = match openat(&root.facts, file, flags, Mode::empty()) {
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(system("get file info", errno)),
            Ok(opened) => {
                let mut json = Vec::new();
                std::fs::File::from(opened)
                    .read_to_end(&mut json)
                    .map_err(|error| system("get file info", errno(&error)))?;
                json
            }
        };
        serde_json::from_slice(&json).map(Some).map_err(|error| {
            Error::new(ErrorKind::Corrupt, "get file info")
                .with_message(format!(
                    "`.store/facts/{file}` does not hold what a save wrote"
                ))
                .with_source(error)
        })
    }
}

/// Removes the facts of a version that is gone; those that stay are removed by the next sweep.
pub(super) fn remove(root: &Root, name: &FileName, version: &Version) {
    if !version.may_have_facts() {
        return;
    }
    match unlinkat(&root.facts, version.facts_file(name), AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(errno) => tracing::debug!(%name, %errno, "the facts of an old version stay for now"),
    }
}

/// The system's answer behind an error of the standard library.
pub(super) fn errno(error: &std::io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}
