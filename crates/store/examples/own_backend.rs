//! A store backend of one's own, as small as it can be, and the suite that proves it:
//! `cargo test -p store --features conformance --example own_backend`.

#![expect(
    clippy::cast_possible_truncation,
    clippy::disallowed_methods,
    reason = "what is in memory fits, and this is the one place that reads the clock"
)]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt;
use store::{
    Buffering, Capabilities, Error, ErrorKind, Etag, FileContents, FileInfo, FileName, IStore,
    ListOptions, Order, ReadOptions, Result, SaveOptions, StoreExt, StoredFile,
};

/// Keeps files in a map.
#[derive(Debug, Default)]
struct MapStore {
    files: Mutex<BTreeMap<FileName, (FileInfo, Bytes)>>,
    saves: AtomicU64,
}

impl MapStore {
    fn files(&self) -> MutexGuard<'_, BTreeMap<FileName, (FileInfo, Bytes)>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, name: &FileName) -> Result<(FileInfo, Bytes)> {
        self.files().get(name).cloned().ok_or_else(|| missing(name))
    }
}

fn missing(name: &FileName) -> Error {
    Error::new(ErrorKind::NotFound, "find file").with_name(name.as_str())
}

#[async_trait]
impl IStore for MapStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities::default().with_buffering(Buffering::Whole)
    }

    async fn get_files_list(&self, options: &ListOptions) -> Result<Vec<FileInfo>> {
        options.check()?;
        let files = self.files();
        let infos = files.values().map(|(info, _)| info);
        let mut page: Vec<_> = infos
            .filter(|info| options.includes(info.name.as_str()))
            .collect();
        if options.order == Order::Descending {
            page.reverse();
        }
        Ok(page.into_iter().take(options.limit).cloned().collect())
    }

    async fn get_file_info(&self, name: &FileName) -> Result<FileInfo> {
        Ok(self.get(name)?.0)
    }

    async fn get_file_contents(
        &self,
        name: &FileName,
        options: &ReadOptions,
    ) -> Result<StoredFile> {
        let (info, bytes) = self.get(name)?;
        let range = options.resolve(name, info.size)?;
        let bytes = bytes.slice(range.start as usize..range.end as usize);
        Ok(StoredFile::new(
            info,
            range,
            FileContents::from_bytes(bytes),
        ))
    }

    async fn save_file(
        &self,
        name: &FileName,
        contents: FileContents,
        options: &SaveOptions,
    ) -> Result<FileInfo> {
        options.check(name)?;
        let mut blocks = contents.into_checked(name, options);
        let mut bytes = BytesMut::new();
        while let Some(block) = blocks.try_next().await? {
            bytes.extend_from_slice(&block);
        }
        let mut files = self.files();
        let current = files.get(name).map(|(info, _)| &info.etag);
        options.check_mode(name, current)?;
        let is_below =
            |file: &FileName, of: &FileName| file.folders().any(|folder| folder == of.as_str());
        let mut others = files.keys();
        if let Some(found) = others.find(|other| is_below(other, name) || is_below(name, other)) {
            return Err(Error::overlap(name, found.as_str()));
        }
        let etag = Etag::new(self.saves.fetch_add(1, Ordering::Relaxed).to_string());
        let info = FileInfo::new(name.clone(), bytes.len() as u64, etag, SystemTime::now())
            .with_content_type(options.content_type_of(name))
            .with_metadata(options.metadata.clone());
        files.insert(name.clone(), (info.clone(), bytes.freeze()));
        Ok(info)
    }

    async fn delete_file(&self, name: &FileName) -> Result<()> {
        let deleted = self.files().remove(name);
        deleted.map(drop).ok_or_else(|| missing(name))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let store = MapStore::default();
    let name = FileName::new("greeting.txt")?;
    store
        .save_bytes(&name, "hello", &SaveOptions::default())
        .await?;
    assert_eq!(store.get_file_bytes(&name, 100).await?.1, "hello");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::MapStore;

    async fn make_store() -> MapStore {
        MapStore::default()
    }

    store::store_conformance!(make_store);
}
