//! A store backend over a foreign format: a directory of zip archives, one for each stored file.
//!
//! An archive has two members: the file's contents, deflated, and its facts as JSON. It is written
//! under a temporary name and then renamed, so whoever opens a name has one whole version.
//! Beside the archives lies the file `lock`, which orders the saves and deletes of all processes.

mod directory;
mod draft;
mod entry;
mod failure;
mod rest;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use store::{
    Capabilities, Error, ErrorKind, FileContents, FileInfo, FileName, Folders, IStore, ListOptions,
    ReadOptions, Result, SaveOptions, StoredFile,
};

use crate::directory::Directory;
use crate::failure::{Work, hop};

/// The most bytes in a name: as hexadecimal digits and `.zip` it fits an entry of a directory.
const MAX_NAME_LEN: usize = 125;

/// Keeps each file as one zip archive in a directory.
#[derive(Clone, Debug)]
struct ZipStore(Arc<Directory>);

impl ZipStore {
    /// Opens the store in a directory that is there, and removes what killed saves left.
    async fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let open = move || Ok(Self(Arc::new(Directory::open(path)?)));
        hop("open store", None, open).await
    }

    /// Runs `work` in one hop; it returns nothing where the file is not there.
    async fn run<T: Send + 'static>(
        &self,
        operation: &'static str,
        name: &FileName,
        work: impl FnOnce(&Directory, &FileName) -> Work<Option<T>> + Send + 'static,
    ) -> Result<T> {
        let failed = |kind| Error::new(kind, operation).with_name(name.as_str());
        if name.as_str().len() > MAX_NAME_LEN {
            return Err(failed(ErrorKind::InvalidName).with_message("the name is over 125 bytes"));
        }
        let (directory, wanted) = (Arc::clone(&self.0), name.clone());
        let done = hop(operation, Some(name), move || work(&directory, &wanted)).await?;
        done.ok_or_else(|| failed(ErrorKind::NotFound))
    }
}

#[async_trait]
impl IStore for ZipStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
            .with_folders(Folders::Overlapping)
            .with_max_name_len(MAX_NAME_LEN)
    }

    async fn get_files_list(&self, options: &ListOptions) -> Result<Vec<FileInfo>> {
        options.check()?;
        let (directory, options) = (Arc::clone(&self.0), options.clone());
        hop("list files", None, move || directory.list(&options)).await
    }

    async fn get_file_info(&self, name: &FileName) -> Result<FileInfo> {
        Ok(self.run("get file info", name, Directory::version).await?.0)
    }

    async fn get_file_contents(
        &self,
        name: &FileName,
        options: &ReadOptions,
    ) -> Result<StoredFile> {
        let (info, rest) = self.run("read file", name, Directory::version).await?;
        let options = options.clone();
        hop("read file", Some(name), move || rest.read(info, &options)).await
    }

    async fn save_file(
        &self,
        name: &FileName,
        contents: FileContents,
        options: &SaveOptions,
    ) -> Result<FileInfo> {
        options.check(name)?;
        let mut draft = self.run("save file", name, Directory::draft).await?;
        let mut blocks = contents.into_checked(name, options);
        while let Some(block) = blocks.try_next().await? {
            let write = move || {
                draft.archive.write_all(&block)?;
                draft.size += block.len() as u64;
                Ok(draft)
            };
            draft = hop("save file", Some(name), write).await?;
        }
        // Lives as long as this future, and so tells the last step whether anybody waits for it.
        let caller = Arc::new(());
        let (waiting, options) = (Arc::downgrade(&caller), options.clone());
        let show = move |directory: &Directory, name: &FileName| {
            directory.show(draft, name, &options, &waiting).map(Some)
        };
        self.run("save file", name, show).await
    }

    async fn delete_file(&self, name: &FileName) -> Result<()> {
        self.run("delete file", name, Directory::delete).await
    }
}

/// Lists what is stored in the directory that is given.
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let directory = std::env::args_os().nth(1);
    let store = ZipStore::open(directory.unwrap_or_else(|| ".".into())).await?;
    for info in store.get_files_list(&ListOptions::default()).await? {
        writeln!(io::stdout(), "{} {}", info.size, info.name.as_str())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use store::StoreExt as _;
    use tempfile::TempDir;

    use super::*;

    async fn make_place() -> (TempDir, String) {
        let directory = tempfile::tempdir().unwrap();
        let address = directory.path().to_str().unwrap().to_owned();
        (directory, address)
    }

    async fn open_store(address: String) -> ZipStore {
        ZipStore::open(address).await.unwrap()
    }

    store::store_conformance!(make_place, open_store);

    #[tokio::test]
    async fn an_opening_removes_what_the_dead_left_and_nothing_else() {
        let (place, address) = make_place().await;
        let store = open_store(address.clone()).await;
        let living = store
            .0
            .draft(&FileName::new("a").unwrap())
            .unwrap()
            .unwrap();
        fs::write(place.path().join("dead.tmp"), "half").unwrap();
        open_store(address).await;
        assert!(!place.path().join("dead.tmp").exists());
        assert!(living.temporary.0.exists());
    }

    #[tokio::test]
    async fn damage_is_told_and_named() {
        let (place, address) = make_place().await;
        let store = open_store(address).await;
        let name = FileName::new("a").unwrap();
        let saved = vec![7; 1 << 16];
        store
            .save_bytes(&name, saved.clone(), &SaveOptions::default())
            .await
            .unwrap();
        let path = place.path().join("61.zip");
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x10;
            fs::write(&path, damaged).unwrap();
            match store.get_file_bytes(&name, 1 << 16).await {
                Ok((_, read)) => assert_eq!(read, saved, "{at}"),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Corrupt, "{at}: {error:?}"),
            }
        }
        fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        let error = store
            .get_files_list(&ListOptions::default())
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.name()),
            (ErrorKind::Corrupt, Some("a"))
        );
    }
}
