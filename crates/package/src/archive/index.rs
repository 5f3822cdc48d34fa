//! What an archive has held so far.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use crate::error::Refusal;

/// What stands at a path.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Held {
    /// A folder with an entry of its own.
    Folder,
    /// A folder that was needed and had no entry yet.
    ImpliedFolder,
    /// A file or a hard link.
    File,
    /// A symbolic link.
    Link,
}

/// The paths that came so far, as keyed hashes: about 40 bytes each, whatever their length.
///
/// The keys are random for each archive, so nobody can prepare paths that collide; by chance, two
/// of 100,000 do about once in four thousand million archives, which refuses that archive.
pub(super) struct Index {
    paths: HashMap<u64, Record>,
    folded: RandomState,
    exact: RandomState,
}

struct Record {
    exact: u64,
    held: Held,
}

impl Index {
    pub(super) fn new() -> Self {
        Self {
            paths: HashMap::new(),
            folded: RandomState::new(),
            exact: RandomState::new(),
        }
    }

    /// What stands at exactly this path.
    pub(super) fn get(&self, path: &str) -> Option<Held> {
        let record = self.paths.get(&self.fold(path))?;
        (record.exact == self.exact.hash_one(path)).then_some(record.held)
    }

    /// What stands at this path; one that differs in case only is refused.
    pub(super) fn find(&self, path: &str) -> Result<Option<Held>, Refusal> {
        match self.paths.get(&self.fold(path)) {
            None => Ok(None),
            Some(record) if record.exact == self.exact.hash_one(path) => Ok(Some(record.held)),
            Some(_) => Err(Refusal::CaseCollision),
        }
    }

    /// Sets what stands at a path.
    pub(super) fn set(&mut self, path: &str, held: Held) {
        let exact = self.exact.hash_one(path);
        self.paths.insert(self.fold(path), Record { exact, held });
    }

    fn fold(&self, path: &str) -> u64 {
        self.folded.hash_one(path.to_lowercase())
    }
}
