//! A store in memory with one fault.

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use store::{
    Buffering, Capabilities, Error, ErrorKind, Etag, FileContents, FileInfo, FileName, Folders,
    Freshness, Guarantee, IStore, ListOptions, MemoryStore, ReadOptions, Result, SaveMode,
    SaveOptions, Snapshots, StoredFile, Support, Versions,
};
use tokio::sync::{Semaphore, oneshot};

use super::fault::Fault;

/// The most bytes in a file of a modest store.
pub(super) const MODEST: u64 = 12 * 1024 * 1024;

/// Where an [`Object`](Fault::Object) store keeps what its contents are told apart by.
pub(super) const CONTENTS: &str = "contents";

/// The most metadata that a store keeps which can keep little.
const ENTRIES: usize = 90;
const VALUE_LEN: usize = 256;

/// A [`MemoryStore`] with a fault.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) inner: std::sync::Arc<MemoryStore>,
    pub(super) fault: Fault,
    pub(super) state: std::sync::Arc<Mutex<State>>,
    pub(super) at_once: Semaphore,
    pub(super) begun: AtomicU64,
    /// Given in the order in which it is asked for.
    pub(super) turns: std::sync::Arc<tokio::sync::Mutex<()>>,
}

/// What some faults remember.
#[derive(Debug, Default)]
pub(super) struct State {
    /// The infos that were asked for since a save or a delete.
    pub(super) cached: HashMap<FileName, FileInfo>,
    pub(super) capabilities_told: u64,
    /// How many saves and deletes have ended.
    pub(super) changes: u64,
    pub(super) deleted: Option<FileName>,
    /// Whether the next file that is saved will be deleted.
    pub(super) deletes_next: bool,
    /// A save that was dropped after its contents had ended.
    pub(super) dropped: Option<(FileName, Bytes)>,
    pub(super) folders: BTreeSet<String>,
    /// The number of the save that is stored under a name.
    pub(super) ended: HashMap<FileName, u64>,
    /// The files that are being saved.
    pub(super) saving: Vec<FileName>,
    pub(super) listings: u64,
    /// Those that wait for a save that is in its last step.
    pub(super) waiting: Option<Vec<oneshot::Sender<()>>>,
    /// The file that is being saved, so far.
    pub(super) half: Option<FileInfo>,
    pub(super) listed: Vec<FileInfo>,
    /// How many saves have looked whether they may save, and have not saved yet.
    pub(super) looked: usize,
    /// The last name of a page, and how many files there were up to it.
    pub(super) cursor: Option<(String, usize)>,
    pub(super) range: ReadOptions,
}

impl Wrong {
    pub(super) fn new(fault: Fault) -> Self {
        Self {
            inner: MemoryStore::new().into(),
            fault,
            state: std::sync::Arc::default(),
            at_once: Semaphore::new(3),
            begun: AtomicU64::new(0),
            turns: std::sync::Arc::default(),
        }
    }

    pub(super) fn state<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock().unwrap())
    }

    /// Refuses names that are longer than declared.
    fn check_name(&self, name: &FileName, operation: &'static str) -> Result<()> {
        if self.fault == Fault::Modest && name.as_str().len() > self.capabilities().max_name_len {
            return Err(Error::new(ErrorKind::InvalidName, operation).with_name(name.as_str()));
        }
        Ok(())
    }

    /// The name under which the inner store keeps the file.
    pub(super) fn inner_name(&self, name: &FileName) -> FileName {
        let text = name.as_str();
        let text = match self.fault {
            Fault::DecodesNames => text.replace("%2F", "/"),
            Fault::FoldsCase => text.to_lowercase(),
            Fault::CutsNames => {
                let cut = text
                    .char_indices()
                    .nth(250)
                    .map_or(text, |(end, _)| &text[..end]);
                cut.trim_end_matches('/').to_owned()
            }
            Fault::Flat | Fault::Overlaps => text.replace('/', "\u{2044}"),
            _ => return name.clone(),
        };
        FileName::new(text).unwrap_or_else(|_| name.clone())
    }

    /// What is told of a file that the inner store has.
    pub(super) fn outer_info(&self, mut info: FileInfo) -> FileInfo {
        match self.fault {
            Fault::Flat | Fault::Overlaps => {
                info.name = FileName::new(info.name.as_str().replace('\u{2044}', "/")).unwrap();
            }
            Fault::Object => {
                if let Some(contents) = info.metadata.remove(CONTENTS) {
                    info.etag = Etag::new(contents);
                }
            }
            Fault::ClaimsContentEtags | Fault::EtagOfContents => {
                info.etag = Etag::new((info.size % 4).to_string());
            }
            // What stands in a header is decoded, and was not encoded.
            Fault::DecodesMetadata => {
                for value in info.metadata.values_mut() {
                    *value = value.replace("%2F", "/").replace('+', " ");
                }
            }
            _ => {}
        }
        info
    }
}

pub(super) fn unsupported(operation: &'static str) -> Error {
    Error::new(ErrorKind::Unsupported, operation)
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl IStore for Wrong {
    fn capabilities(&self) -> Capabilities {
        let honest = self.inner.capabilities();
        match self.fault {
            Fault::Modest => honest
                .with_exclusive_create(Guarantee::Unsupported)
                .with_exclusive_update(Guarantee::Unsupported)
                .with_metadata(Support::Unsupported)
                .with_range_reads(Support::Unsupported)
                .with_max_file_size(Some(MODEST))
                .with_max_name_len(300)
                .with_listing(Freshness::Eventual),
            Fault::BestEffort => honest
                .with_exclusive_create(Guarantee::BestEffort)
                .with_exclusive_update(Guarantee::BestEffort),
            Fault::Object => honest
                .with_exclusive_create(Guarantee::BestEffort)
                .with_exclusive_update(Guarantee::Unsupported)
                .with_max_metadata_entries(ENTRIES)
                .with_max_metadata_value_len(VALUE_LEN)
                .with_listed_metadata(Support::Unsupported)
                .with_versions(Versions::Contents)
                .with_snapshots(Snapshots::MayBreak),
            Fault::ClaimsBreaks => honest.with_snapshots(Snapshots::MayBreak),
            Fault::ClaimsContentEtags => honest.with_versions(Versions::Contents),
            Fault::ClaimsLittleMetadata => honest
                .with_max_metadata_entries(ENTRIES)
                .with_max_metadata_value_len(VALUE_LEN),
            Fault::ClaimsNoListedMetadata => honest.with_listed_metadata(Support::Unsupported),
            Fault::ClaimsOverlaps | Fault::Flat => honest.with_folders(Folders::Overlapping),
            Fault::ClaimsBounded => honest.with_buffering(Buffering::Bounded),
            Fault::ClaimsChange => {
                let told = self.state(|state| {
                    state.capabilities_told += 1;
                    state.capabilities_told
                });
                honest.with_max_file_size(Some((1 << 40) + told))
            }
            Fault::ClaimsMaximum => honest.with_max_file_size(Some(10)),
            Fault::ClaimsNoCreate => honest.with_exclusive_create(Guarantee::Unsupported),
            Fault::ClaimsNoMetadata => honest.with_metadata(Support::Unsupported),
            Fault::ClaimsNoRanges => honest.with_range_reads(Support::Unsupported),
            Fault::ClaimsShortNames => honest.with_max_name_len(300),
            Fault::ClaimsNoUpdate => honest.with_exclusive_update(Guarantee::Unsupported),
            _ => honest,
        }
    }

    async fn get_files_list(&self, options: &ListOptions) -> Result<Vec<FileInfo>> {
        self.list(options).await
    }

    async fn get_file_info(&self, name: &FileName) -> Result<FileInfo> {
        self.check_name(name, "get file info")?;
        self.info(name).await
    }

    async fn get_file_contents(
        &self,
        name: &FileName,
        options: &ReadOptions,
    ) -> Result<StoredFile> {
        self.check_name(name, "read file")?;
        self.read(name, options).await
    }

    async fn save_file(
        &self,
        name: &FileName,
        contents: FileContents,
        options: &SaveOptions,
    ) -> Result<FileInfo> {
        if self.fault == Fault::Modest {
            self.check_name(name, "save file")?;
            options.check(name)?;
            self.capabilities().check_size(name, contents.size())?;
            let has_facts = options.content_type.is_some() || !options.metadata.is_empty();
            if options.mode != SaveMode::Overwrite || has_facts {
                return Err(unsupported("save file"));
            }
        }
        if matches!(self.fault, Fault::Object | Fault::HasLittleMetadata) {
            options.check(name)?;
            Capabilities::default()
                .with_max_metadata_entries(ENTRIES)
                .with_max_metadata_value_len(VALUE_LEN)
                .check_metadata(name, options)?;
        }
        let before = self.all().await?;
        let info = self.save(name, contents, options).await?;
        self.state(|state| {
            state.listed = before;
            state.cached.remove(name);
            state.changes += 1;
        });
        Ok(info)
    }

    async fn delete_file(&self, name: &FileName) -> Result<()> {
        self.check_name(name, "delete file")?;
        let before = self.all().await?;
        if self.fault == Fault::DeletesLate {
            // The delete is done by the next save.
            self.inner.get_file_info(name).await?;
            self.state(|state| state.deleted = Some(name.clone()));
            return Ok(());
        }
        if self.fault == Fault::DeletesTheNext {
            let size = self.inner.get_file_info(name).await?.size;
            // Of a file that fills its blocks.
            self.state(|state| state.deletes_next = size.is_multiple_of(16 << 20));
        }
        self.inner.delete_file(&self.inner_name(name)).await?;
        self.state(|state| {
            state.listed = before;
            state.cached.remove(name);
            state.changes += 1;
        });
        self.begun.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}
