//! One save: what is written, and what is known of it.

use std::io::Write;
use std::sync::Arc;

use super::change::{Attempt, Change};
use super::destination::Destination;
use super::facts::{self, Facts};
use super::folder::flush_file;
use super::lock::Lock;
use super::root::Root;
use super::temporary::Temporary;
use super::version::{FactsOrigin, Stamps, Version};
use crate::blocking::Presence;
use crate::blocks::Checksum;
use crate::{Durability, Error, ErrorKind, FileInfo, FileName, Result, SaveMode};

/// One save, from its first block to its name; leaves nothing when it is dropped.
#[derive(Debug)]
pub(super) struct Save {
    destination: Destination,
    stamps: Arc<Stamps>,
    checksum: Checksum,
    temporary: Option<Temporary>,
    caller: Presence,
}

impl Save {
    pub(super) fn new(destination: Destination, stamps: Arc<Stamps>, caller: Presence) -> Self {
        let checksum = Checksum::new(&destination.options);
        Self {
            destination,
            stamps,
            checksum,
            temporary: None,
            caller,
        }
    }

    pub(super) fn name(&self) -> &FileName {
        &self.destination.name
    }

    /// Makes the temporary file, unless the save is known to be refused; the last step checks
    /// again.
    pub(super) fn begin(&mut self) -> Result<()> {
        if self.destination.options.mode != SaveMode::Overwrite {
            self.destination.check_mode()?;
        }
        let temporary = Temporary::new(&self.destination.root)
            .map_err(|errno| self.destination.failed(errno))?;
        self.temporary = Some(temporary);
        Ok(())
    }

    pub(super) fn write(&mut self, block: &[u8]) -> Result<()> {
        self.checksum.update(block);
        let written = match &mut self.temporary {
            Some(temporary) => temporary.file().write_all(block),
            None => Ok(()),
        };
        written.map_err(|error| self.destination.failed(facts::errno(&error)))
    }

    /// Writes the last block and makes the file visible, unless its name is locked.
    pub(super) fn finish(self, last: &[u8]) -> Result<Attempt<Settled>> {
        let root = Arc::clone(&self.destination.root);
        self.settle(last)
            .and_then(Attempt::of)
            .map_err(|error| root.explain(error))
    }

    /// Writes the last block, gives the contents their time and, if they have to last, puts them on
    /// the disk.
    pub(super) fn settle(mut self, last: &[u8]) -> Result<Settled> {
        self.write(last)?;
        let destination = self.destination;
        self.checksum.check(&destination.name)?;
        let Some(mut temporary) = self.temporary else {
            return Err(
                Error::new(ErrorKind::Other, "save file").with_name(destination.name.as_str())
            );
        };
        let facts = Facts::of(&destination.name, &destination.options);
        let origin = match facts {
            Some(_) => FactsOrigin::Recorded,
            None => FactsOrigin::Name,
        };
        let version = temporary.stamp(self.stamps.next(origin));
        let version = version.map_err(|errno| destination.failed(errno))?;
        if destination.durability == Durability::Full {
            flush_file(temporary.file()).map_err(|errno| destination.failed(errno))?;
        }
        Ok(Settled {
            destination,
            temporary,
            version,
            facts,
            caller: self.caller,
        })
    }
}

/// A save whose contents are whole and stay as they are; leaves nothing when it is dropped.
#[derive(Debug)]
pub(super) struct Settled {
    destination: Destination,
    temporary: Temporary,
    version: Version,
    facts: Option<Facts>,
    caller: Presence,
}

impl Change for Settled {
    const OPERATION: &'static str = "save file";
    type Outcome = FileInfo;

    fn root(&self) -> &Arc<Root> {
        &self.destination.root
    }

    fn name(&self) -> &FileName {
        &self.destination.name
    }

    /// Makes the file visible.
    fn make(mut self, lock: Lock) -> Result<FileInfo> {
        self.caller.check(Self::OPERATION)?;
        let destination = &self.destination;
        if let SaveMode::Update(_) = destination.options.mode {
            // Refused before anything is made.
            destination.check_mode()?;
        }
        let named = self
            .write_facts()
            .and_then(|()| destination.publish(&mut self.temporary));
        let (folder, replaced) = match named {
            Ok(named) => named,
            Err(error) => {
                facts::remove(&destination.root, &destination.name, &self.version);
                return Err(error);
            }
        };
        drop(lock);
        // The version is shown, and keeps its facts whatever comes; so does the one before as long
        // as a crash may bring it back.
        destination.flush(&folder)?;
        if let Some(replaced) = replaced {
            facts::remove(&destination.root, &destination.name, &replaced);
        }
        let info = self.version.info(destination.name.clone());
        Ok(match self.facts {
            Some(facts) => facts.apply(info),
            None => info,
        })
    }
}

impl Settled {
    fn write_facts(&self) -> Result<()> {
        let Destination {
            root,
            durability,
            name,
            ..
        } = &self.destination;
        self.facts.as_ref().map_or(Ok(()), |facts| {
            facts.write(root, name, &self.version, *durability)
        })
    }
}

#[cfg(test)]
mod tests;
