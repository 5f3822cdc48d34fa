//! The trait that every store implements.

use std::fmt;

use async_trait::async_trait;

use crate::{
    Capabilities, FileContents, FileInfo, FileName, ListOptions, ReadOptions, Result, SaveOptions,
    StoredFile,
};

/// Keeps files by name.
///
/// An application holds an `Arc<dyn IStore>`; [`StoreExt`](crate::StoreExt) adds the calls that are
/// comfortable to use, and [`open_store`](crate::open_store) opens the store that the settings
/// name.
///
/// # Contract
///
/// Each clause has a name; the suite of feature `conformance` names the one that a store breaks.
///
/// - **Faithful.** What is read is what was saved, byte for byte, with the content type and the
///   metadata of the same version. The save, an info, a read and a listing tell the same of it, but
///   for metadata in listings, as [`Capabilities::listed_metadata`] says.
/// - **Atomic.** A save happens whole or not at all. Whoever reads, before, during or after, sees
///   the old version or the new one, never a mix, and a listing never shows a file that is half
///   written, nor misses one that is replaced. Of several saves at the same time the last to end
///   stays, whole.
/// - **Snapshot.** A read that has begun gives the version it began with to the end, even when the
///   file is replaced or deleted meanwhile; or else it fails, as [`Capabilities::snapshots`] says.
/// - **Fresh.** Once a call has returned, every call that begins later, through whichever store on
///   the same files, sees what it did. A listing does so as [`Capabilities::listing`] says.
/// - **Cancellation.** A save whose future is dropped, or whose contents fail, leaves nothing
///   behind that anyone can see, and the store goes on working. Dropped in its very last step it
///   may still happen, whole, but never after a save that begins later. What a crash leaves is
///   removed by the store itself, which never takes a save that is under way for one.
/// - **Concurrent.** Calls may run at the same time from any number of tasks, stores and processes;
///   none fails because of another, but as *Exclusive* and *Folders* say.
/// - **Exclusive.** Of several racing saves with [`SaveMode::Create`](crate::SaveMode::Create), or
///   with [`SaveMode::Update`](crate::SaveMode::Update) of the same version, exactly one succeeds,
///   whatever the size and from whatever process, as far as [`Capabilities`] says. The others fail
///   with `AlreadyExists` or `Conflict`.
/// - **Versions.** Every save gives the file an [`Etag`](crate::Etag) that it never had before,
///   whatever its contents, or one that its contents alone have, as [`Capabilities::versions`]
///   says.
/// - **Durable.** What a call reported done survives a crash of the process and of the machine,
///   unless the store was opened for less.
/// - **Names.** Every [`FileName`] up to [`Capabilities::max_name_len`] can be saved, and is kept
///   byte for byte: no two are ever the same file.
/// - **Folders.** `a` and `a/b` are never both stored: the later save fails with `NameOverlap`. Or
///   they are both stored whenever both are saved, as [`Capabilities::folders`] says.
///   There are no folders beyond the names: none is empty, none is made or removed.
/// - **Order.** Listings are sorted by the bytes of the whole name, in both directions, and picked
///   as [`ListOptions::includes`] says. A file that stays is listed exactly once by pages that
///   follow each other, whatever is saved and deleted meanwhile.
/// - **Ranges.** A read of a part gives exactly the bytes that [`ReadOptions::resolve`] names, or
///   fails with its error.
/// - **Refusals.** Options that [`SaveOptions::check`] and [`ListOptions::check`] refuse are
///   refused by every store, [`SaveOptions::check_mode`] decides what may be replaced, and a file
///   that is not there is `NotFound`: the same error everywhere, with the file's name.
/// - **Bounded.** A save or a read holds a bounded part of the file in memory, as
///   [`Capabilities::buffering`] says.
/// - **Capabilities.** They are true and never change while the store is open; what they declare
///   [`Unsupported`](crate::ErrorKind::Unsupported) fails with that kind and does nothing.
///
/// The calls of the stores here must run inside a tokio runtime.
///
/// # Implementing
///
/// - Call the functions named under *Ranges* and *Refusals*, and
///   [`Capabilities::check_size`] and [`Capabilities::check_metadata`] where there are limits; do
///   not repeat their rules.
/// - Take the contents through [`FileContents::into_checked`], a block at a time: it knows what a
///   save must refuse of them. Show nothing before it has ended.
/// - Do nothing that blocks on the caller's task.
/// - Answer [`Unsupported`](crate::ErrorKind::Unsupported) for what cannot be done, say so in
///   [`Capabilities`], and never drop an option silently.
/// - A store that wraps another carries `#[deny(clippy::missing_trait_methods)]`.
/// - Run the suite: `store::store_conformance!(make_store)` makes a test of each behaviour.
///
/// A whole store, `examples/own_backend.rs`:
///
/// ```
#[doc = include_str!("../examples/own_backend.rs")]
/// ```
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait IStore: fmt::Debug + Send + Sync + 'static {
    /// What this store promises beyond the contract.
    fn capabilities(&self) -> Capabilities;

    /// One page of the stored files, sorted by the bytes of their names.
    ///
    /// A page shorter than the limit is the last. For the next one, hand the last name in as
    /// [`after`](ListOptions::after).
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput): the limit is 0.
    ///
    /// # Examples
    ///
    /// All files, page by page:
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> store::Result<()> {
    /// # #[cfg(feature = "memory")] {
    /// use store::{FileName, IStore, ListOptions, MemoryStore, SaveOptions, StoreExt};
    ///
    /// let store = MemoryStore::new();
    /// for name in ["a", "b", "c"] {
    ///     store.save_bytes(&FileName::new(name)?, "", &SaveOptions::default()).await?;
    /// }
    ///
    /// let mut names = Vec::new();
    /// let mut options = ListOptions::default().with_limit(2);
    /// loop {
    ///     let page = store.get_files_list(&options).await?;
    ///     let is_last = page.len() < options.limit;
    ///     options.after = page.last().map(|info| info.name.to_string());
    ///     names.extend(page.into_iter().map(|info| info.name));
    ///     if is_last {
    ///         break;
    ///     }
    /// }
    /// assert_eq!(names.len(), 3);
    /// # }
    /// # Ok(())
    /// # }
    /// ```
    async fn get_files_list(&self, options: &ListOptions) -> Result<Vec<FileInfo>>;

    /// What is known of the file, without touching its contents.
    ///
    /// # Errors
    ///
    /// - [`NotFound`](crate::ErrorKind::NotFound): no file has this name.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> store::Result<()> {
    /// # #[cfg(feature = "memory")] {
    /// use store::{FileName, IStore, MemoryStore, SaveOptions, StoreExt};
    ///
    /// let store = MemoryStore::new();
    /// let name = FileName::new("greeting.txt")?;
    /// let options = SaveOptions::default().with_metadata("made-by", "ci");
    /// let saved = store.save_bytes(&name, "hello", &options).await?;
    /// assert_eq!(store.get_file_info(&name).await?, saved);
    /// # }
    /// # Ok(())
    /// # }
    /// ```
    async fn get_file_info(&self, name: &FileName) -> Result<FileInfo>;

    /// The file's contents, all or a part, with what is known of the same version.
    ///
    /// The contents are a stream that holds a bounded part of the file in memory.
    ///
    /// # Errors
    ///
    /// - [`NotFound`](crate::ErrorKind::NotFound): no file has this name.
    /// - [`OutOfRange`](crate::ErrorKind::OutOfRange),
    ///   [`InvalidInput`](crate::ErrorKind::InvalidInput): as [`ReadOptions::resolve`] says.
    /// - [`Unsupported`](crate::ErrorKind::Unsupported): a range was asked for, and
    ///   [`Capabilities::range_reads`] exclude it.
    ///
    /// # Examples
    ///
    /// The last bytes of a file, piece by piece:
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> store::Result<()> {
    /// # #[cfg(feature = "memory")] {
    /// use futures_util::TryStreamExt;
    /// use store::{FileName, IStore, MemoryStore, ReadOptions, ReadRange, SaveOptions, StoreExt};
    ///
    /// let store = MemoryStore::new();
    /// let name = FileName::new("log.txt")?;
    /// store.save_bytes(&name, "started, ended", &SaveOptions::default()).await?;
    ///
    /// let options = ReadOptions::default().with_range(ReadRange::Last(5));
    /// let file = store.get_file_contents(&name, &options).await?;
    /// let mut pieces = file.contents.into_stream();
    /// let mut end = Vec::new();
    /// while let Some(piece) = pieces.try_next().await? {
    ///     end.extend_from_slice(&piece);
    /// }
    /// assert_eq!(end, b"ended");
    /// # }
    /// # Ok(())
    /// # }
    /// ```
    async fn get_file_contents(&self, name: &FileName, options: &ReadOptions)
    -> Result<StoredFile>;

    /// Saves the contents under the name and returns what is now known of the file.
    ///
    /// # Errors
    ///
    /// - [`AlreadyExists`](crate::ErrorKind::AlreadyExists),
    ///   [`Conflict`](crate::ErrorKind::Conflict): the mode does not allow to replace what is
    ///   there.
    /// - [`NameOverlap`](crate::ErrorKind::NameOverlap): a stored file is a folder of this name, or
    ///   the reverse.
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput): the options are refused, or the contents
    ///   are longer or shorter than they declared.
    /// - [`ChecksumMismatch`](crate::ErrorKind::ChecksumMismatch): the contents do not have the
    ///   expected sha256.
    /// - [`Interrupted`](crate::ErrorKind::Interrupted): the stream of contents failed; its error
    ///   is the source.
    /// - [`TooLarge`](crate::ErrorKind::TooLarge): the contents are longer than
    ///   [`Capabilities::max_file_size`]; told before they are read where they declare their size.
    /// - [`StorageFull`](crate::ErrorKind::StorageFull): they do not fit in what is left.
    /// - [`Unsupported`](crate::ErrorKind::Unsupported): the mode, the content type or the metadata
    ///   is something that [`Capabilities`] exclude.
    ///
    /// # Examples
    ///
    /// From a stream, and only where there is no such file:
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> store::Result<()> {
    /// # #[cfg(feature = "memory")] {
    /// use futures_util::{StreamExt, stream};
    /// use store::{
    ///     ErrorKind, FileContents, FileName, IStore, MemoryStore, SaveMode, SaveOptions,
    /// };
    ///
    /// let store = MemoryStore::new();
    /// let name = FileName::new("greeting.txt")?;
    /// let options = SaveOptions::default().with_mode(SaveMode::Create);
    ///
    /// let pieces = stream::iter([Ok("hel".into()), Ok("lo".into())]).boxed();
    /// let contents = FileContents::from_stream(pieces, None);
    /// assert_eq!(store.save_file(&name, contents, &options).await?.size, 5);
    ///
    /// let again = FileContents::from_bytes("hello");
    /// let error = store.save_file(&name, again, &options).await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    /// # }
    /// # Ok(())
    /// # }
    /// ```
    async fn save_file(
        &self,
        name: &FileName,
        contents: FileContents,
        options: &SaveOptions,
    ) -> Result<FileInfo>;

    /// Deletes the file.
    ///
    /// # Errors
    ///
    /// - [`NotFound`](crate::ErrorKind::NotFound): no file has this name.
    ///
    /// # Examples
    ///
    /// So that it is gone, whoever deletes it:
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> store::Result<()> {
    /// # #[cfg(feature = "memory")] {
    /// use store::{ErrorKind, FileName, IStore, MemoryStore};
    ///
    /// let store = MemoryStore::new();
    /// match store.delete_file(&FileName::new("greeting.txt")?).await {
    ///     Ok(()) => {}
    ///     Err(error) if error.kind() == ErrorKind::NotFound => {}
    ///     Err(error) => return Err(error),
    /// }
    /// # }
    /// # Ok(())
    /// # }
    /// ```
    async fn delete_file(&self, name: &FileName) -> Result<()>;
}

const _: fn(&dyn IStore) = |_| (); // stays dyn-compatible
