//! A store in a directory of this machine.

mod change;
mod contents;
mod current;
mod deletion;
mod destination;
mod error;
mod facts;
mod folder;
mod lasting;
mod listing;
mod lock;
mod new_name;
mod root;
mod save;
mod sweep;
mod temporary;
mod version;
mod workers;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;

use crate::blocking::{Caller, Presence, run_blocking};
use crate::blocks::{Block, Blocks};
use crate::clock::Clock;
use crate::{
    Capabilities, Durability, FileContents, FileInfo, FileName, IStore, ListOptions, ReadOptions,
    Result, SaveOptions, StoredFile,
};

use self::change::{Attempt, Change, Waiting};
use self::current::Current;
use self::deletion::Deletion;
use self::destination::Destination;
use self::root::Root;
use self::save::Save;
use self::version::Stamps;
use self::workers::Workers;

/// The bytes read or written in one hop to a blocking thread; a save or read holds two of them in
/// memory.
const BLOCK: usize = 1024 * 1024;

/// Keeps files in a directory, each under its own name: `packages/foo.tar.gz` is
/// `<root>/packages/foo.tar.gz`.
///
/// # Semantics
///
/// - Any number of stores and processes of this machine may share the root. They agree through
///   advisory locks (`flock`), so the file system must have them, and must keep times to the
///   nanosecond; a root without is refused when opened.
/// - The directory `<root>/.store` is the store's own: what is being written, locks, and the facts
///   of files whose content type or metadata is not what their name says. It is made again if it is
///   removed; the facts are lost, and saves that are under way do not see the locks of later ones.
/// - A root that is moved is followed. While it is removed each call fails with
///   [`Unavailable`](crate::ErrorKind::Unavailable); it is never made anew under an open store, and
///   is opened again once somebody brings it back.
/// - A file that somebody puts into the root by hand is a stored file. A symbolic link, a device, a
///   pipe, and an entry whose name is no [`FileName`] are not: they are never followed, listed,
///   read or replaced. The root itself may be reached through links.
/// - Where the file system has neither a rename that replaces nothing nor links, a `Create` is
///   exclusive among stores, and replaces what somebody puts there by hand in that very moment.
/// - A flush that fails once others see a save or deletion is
///   [`Unavailable`](crate::ErrorKind::Unavailable): a crash of the machine may undo it.
/// - On an overlay file system, directories that come from an image below it do not tell that they
///   are removed: keep the root on a volume.
/// - An etag is made from inode, time and length, so a file changed by hand has another. The time
///   of a saved file is unique to the save.
/// - With [`Durability::Full`] contents, directory entry and every directory that may be new are
///   flushed before a save returns, and what the refusal of a save or deletion rests on before it
///   is told; on Apple's systems to the disk itself (`F_FULLFSYNC`), where it can.
/// - Of each runtime up to 24 short saves, deletions and last steps of long saves are carried out at
///   once, and others wait for their turn; the beginning and the blocks of long saves, and reads, do
///   not wait for them. Where the runtime has no more blocking threads than that, they take turns: a
///   read may wait for up to 32 of those calls for each of the 24, and for each lock that calls
///   wait for.
/// - A caller that is alone and makes one such change after the other waits awake for each answer,
///   for at most half a millisecond, while other tasks of its thread run; and a thread that has made
///   one watches 50 microseconds for the next.
/// - A call whose name is locked by another, perhaps by a process that is stopped, waits until it is
///   free, and so do those for the 1 in 256 names that share the lock; no other call does, as long
///   as the runtime has a blocking thread left. Of those of one
///   runtime that wait for one lock, one holds such a thread and its open files; of the others only
///   long saves hold one.
/// - A read of up to 1 MiB, an info and a listing are one hop to a blocking thread; a short save and
///   a deletion at most one, and two where the name is locked; longer contents are one for each MiB.
///   Saving or reading a file of any length takes about 4 MiB of memory. How long a file may be is
///   up to the file system.
/// - Directories are made and, when they get empty, removed with their files.
/// - On a file system that ignores case, or changes how letters are encoded, names that differ only so
///   are one file.
/// - On Linux names are resolved by `openat2`, which never leaves the root; elsewhere, and on
///   kernels before 5.6, directory by directory.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let root = directory.path();
/// use store::{FileName, FsOptions, FsStore, SaveOptions, StoreExt};
///
/// let store = FsStore::open(root, FsOptions::default()).await?;
/// let name = FileName::new("notes/today.txt")?;
/// store.save_bytes(&name, "hello", &SaveOptions::default()).await?;
/// assert_eq!(std::fs::read(root.join("notes/today.txt"))?, b"hello");
/// # Ok(())
/// # }
/// ```
pub struct FsStore {
    current: Arc<Current>,
    stamps: Arc<Stamps>,
    workers: Arc<Workers>,
    waiting: Waiting,
    durability: Durability,
}

/// How a [`FsStore`] is opened.
///
/// # Examples
///
/// ```
/// use store::{Durability, FsOptions};
///
/// let options = FsOptions::default();
/// assert_eq!(options.durability, Durability::Full);
///
/// let faster = options.with_durability(Durability::Process);
/// assert_eq!(faster.durability, Durability::Process);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FsOptions {
    /// What a finished save survives; by default a crash of the machine.
    pub durability: Durability,
}

impl FsOptions {
    /// Sets what a finished save survives.
    #[must_use]
    pub fn with_durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }
}

impl FsStore {
    /// Opens the directory, which is made where it is missing.
    ///
    /// Removes what crashed writers left, and leaves alone what writers that live are at.
    ///
    /// # Errors
    ///
    /// - [`Configuration`](crate::ErrorKind::Configuration): the root is no directory, or its file
    ///   system lacks locks or exact times.
    /// - [`PermissionDenied`](crate::ErrorKind::PermissionDenied): the root cannot be written.
    pub async fn open(root: impl AsRef<Path>, options: FsOptions) -> Result<Self> {
        let root = root.as_ref().to_owned();
        run_blocking("open store", move || {
            let current = Current::new(Root::open(&root)?);
            let stamps = Arc::new(Stamps::new(Clock::system()));
            sweep::sweep(&current.root())?;
            temporary::check_file_system(&current.root(), &stamps)?;
            Ok(Self {
                current: Arc::new(current),
                stamps,
                workers: Arc::default(),
                waiting: Waiting::default(),
                durability: options.durability,
            })
        })
        .await
    }

    /// Does the work in one hop to a thread that may block.
    async fn run<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl Fn(&Arc<Root>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let current = Arc::clone(&self.current);
        run_blocking(operation, move || current.run(work)).await
    }

    /// Makes a short change when its turn comes, and where its name is locked, behind those who
    /// wait for the lock.
    ///
    /// There it is made ready anew: however many wait for one lock, they hold no open files.
    async fn change<C: Change>(
        &self,
        name: &FileName,
        ready: impl Fn(&Arc<Root>) -> Result<C> + Send + Sync + 'static,
    ) -> Result<C::Outcome> {
        let waiting = self.waiting.of(name);
        let (current, ready) = (Arc::clone(&self.current), Arc::new(ready));
        let attempt = {
            let (current, ready) = (Arc::clone(&current), Arc::clone(&ready));
            let waiting = Arc::clone(waiting);
            move || {
                if waiting.are_at_work() {
                    return Ok(None);
                }
                let attempt = current.run(|root| Attempt::of(ready(root)?))?;
                Ok(attempt.made())
            }
        };
        if let Some(outcome) = self.workers.run(C::OPERATION, attempt).await? {
            return Ok(outcome);
        }
        let wait = move || current.run(|root| ready(root)?.wait_and_make());
        waiting.run(C::OPERATION, wait).await
    }

    /// Shows a long file, of which all but the last bytes are written.
    async fn finish(&self, save: Save, last: bytes::Bytes) -> Result<FileInfo> {
        let waiting = Arc::clone(self.waiting.of(save.name()));
        let finished = self.workers.run("save file", move || save.finish(&last));
        match finished.await? {
            Attempt::Made(info) => Ok(info),
            Attempt::Locked(settled) => {
                let wait = move || settled.wait_and_make();
                waiting.run("save file", wait).await
            }
        }
    }

    /// Makes saves of the file, each in the root that it is given, with its temporary file made.
    fn saves(
        &self,
        name: &FileName,
        options: &SaveOptions,
        caller: Presence,
    ) -> impl Fn(&Arc<Root>) -> Result<Save> + Send + use<> {
        let (stamps, durability) = (Arc::clone(&self.stamps), self.durability);
        let (name, options) = (name.clone(), options.clone());
        move |root| {
            let destination = Destination {
                root: Arc::clone(root),
                durability,
                name: name.clone(),
                options: options.clone(),
            };
            let mut save = Save::new(destination, Arc::clone(&stamps), caller.clone());
            save.begin()?;
            Ok(save)
        }
    }

    async fn save_long(
        &self,
        first: bytes::Bytes,
        mut blocks: Blocks<BLOCK>,
        begin: impl Fn(&Arc<Root>) -> Result<Save> + Send + 'static,
    ) -> Result<FileInfo> {
        let mut save = self.run("save file", begin).await?;
        let mut block = first;
        loop {
            let written = run_blocking("save file", move || save.write(&block).map(|()| save));
            // The next block arrives while this one is written.
            let (written, next) = futures_util::future::join(written, blocks.next()).await;
            save = written?;
            match next? {
                Block::Inner(next) => block = next,
                Block::Last(last) => return self.finish(save, last).await,
            }
        }
    }
}

impl fmt::Debug for FsStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FsStore")
            .field("root", &self.current.root().path())
            .field("durability", &self.durability)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl IStore for FsStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    async fn get_files_list(&self, options: &ListOptions) -> Result<Vec<FileInfo>> {
        options.check()?;
        let options = options.clone();
        self.run("list files", move |root| listing::list(root, &options))
            .await
    }

    async fn get_file_info(&self, name: &FileName) -> Result<FileInfo> {
        let name = name.clone();
        self.run("get file info", move |root| contents::info(root, &name))
            .await
    }

    async fn get_file_contents(
        &self,
        name: &FileName,
        options: &ReadOptions,
    ) -> Result<StoredFile> {
        let (name, options) = (name.clone(), options.clone());
        self.run("read file", move |root| {
            contents::read(root, &name, &options)
        })
        .await
    }

    async fn save_file(
        &self,
        name: &FileName,
        contents: FileContents,
        options: &SaveOptions,
    ) -> Result<FileInfo> {
        options.check(name)?;
        let mut blocks = Blocks::<BLOCK>::new(name, contents);
        let caller = Caller::default();
        let begin = self.saves(name, options, caller.presence());
        match blocks.next().await? {
            Block::Inner(first) => self.save_long(first, blocks, begin).await,
            Block::Last(bytes) => {
                let settled = move |root: &Arc<Root>| begin(root)?.settle(&bytes);
                self.change(name, settled).await
            }
        }
    }

    async fn delete_file(&self, name: &FileName) -> Result<()> {
        let (durability, caller) = (self.durability, Caller::default());
        let (presence, deleted) = (caller.presence(), name.clone());
        let deletion = move |root: &Arc<Root>| {
            Ok(Deletion {
                root: Arc::clone(root),
                durability,
                name: deleted.clone(),
                caller: presence.clone(),
            })
        };
        self.change(name, deletion).await
    }
}
