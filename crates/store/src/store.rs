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
/// - **Atomic.** A save happens whole or not at all. Whoever reads, before, during or after, sees
///   the old version or the new one, never a mix, and a listing never shows a file that is half
///   written. A read that has begun gives the version it began with to the end, even when the file
///   is replaced or deleted meanwhile.
/// - **Cancellation.** A save whose future is dropped, or whose contents fail, leaves nothing
///   behind that anyone can see. Dropped in its very last step it may still happen, whole. What a
///   crash leaves is removed by the store itself.
/// - **Exclusive.** Of several racing saves with [`SaveMode::Create`](crate::SaveMode::Create), or
///   with [`SaveMode::Update`](crate::SaveMode::Update) of the same version, exactly one succeeds,
///   whatever the size and from whatever process, as far as [`Capabilities`] says. The others fail
///   with `AlreadyExists` or `Conflict`.
/// - **Versions.** Every save gives the file an [`Etag`](crate::Etag) that it never had before.
/// - **Durable.** What a call reported done survives a crash of the machine, unless the store was
///   opened for less.
/// - **Names.** Every name is kept byte for byte. `a` and `a/b` are never both stored: the later
///   save fails with `NameOverlap`. There are no folders beyond the names: none is empty, none is
///   made or removed.
/// - **Order.** Listings are sorted by the bytes of the whole name, in both directions.
/// - **Refusals.** Options that [`SaveOptions::check`] and [`ListOptions::check`] refuse are
///   refused by every store; [`SaveOptions::check_mode`] and [`ReadOptions::resolve`] give the same
///   answer everywhere.
///
/// Calls may run at the same time from any number of tasks; those of the stores here must run
/// inside a tokio runtime.
///
/// # Implementing
///
/// - Call the four functions named under *Refusals*; do not repeat their rules.
/// - Take the contents through [`FileContents::into_stream`], a block at a time; check a declared
///   [`size`](FileContents::size) and the expected sha256 before anything becomes visible.
/// - Do nothing that blocks on the caller's task.
/// - Answer [`Unsupported`](crate::ErrorKind::Unsupported) for what cannot be done, say so in
///   [`Capabilities`], and never drop an option silently.
/// - A store that wraps another carries `#[deny(clippy::missing_trait_methods)]`.
///
/// A store that passes everything on to another:
///
/// ```
/// use std::sync::Arc;
/// use async_trait::async_trait;
/// use store::*;
///
/// #[derive(Debug)]
/// struct ReadOnly(Arc<dyn IStore>);
///
/// #[async_trait]
/// #[deny(clippy::missing_trait_methods)]
/// impl IStore for ReadOnly {
///     fn capabilities(&self) -> Capabilities {
///         self.0
///             .capabilities()
///             .with_exclusive_create(Guarantee::Unsupported)
///             .with_exclusive_update(Guarantee::Unsupported)
///     }
///     async fn get_files_list(&self, options: &ListOptions) -> Result<Vec<FileInfo>> {
///         self.0.get_files_list(options).await
///     }
///     async fn get_file_info(&self, name: &FileName) -> Result<FileInfo> {
///         self.0.get_file_info(name).await
///     }
///     async fn get_file_contents(&self, name: &FileName, options: &ReadOptions) -> Result<StoredFile> {
///         self.0.get_file_contents(name, options).await
///     }
///     async fn save_file(&self, name: &FileName, _: FileContents, _: &SaveOptions) -> Result<FileInfo> {
///         Err(Error::new(ErrorKind::Unsupported, "save file").with_name(name.as_str()))
///     }
///     async fn delete_file(&self, name: &FileName) -> Result<()> {
///         Err(Error::new(ErrorKind::Unsupported, "delete file").with_name(name.as_str()))
///     }
/// }
/// ```
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait IStore: fmt::Debug + Send + Sync + 'static {
    /// What this store promises beyond the contract.
    fn capabilities(&self) -> Capabilities;

    /// One page of the stored files, sorted by the bytes of their names.
    ///
    /// A page shorter than the limit is the last. For the next one, hand the last name in as
    /// [`after`](ListOptions::after); a file that stays is then listed exactly once, whatever is
    /// saved and deleted meanwhile.
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput): the limit is 0.
    async fn get_files_list(&self, options: &ListOptions) -> Result<Vec<FileInfo>>;

    /// What is known of the file, without touching its contents.
    ///
    /// # Errors
    ///
    /// - [`NotFound`](crate::ErrorKind::NotFound): no file has this name.
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
    /// - [`StorageFull`](crate::ErrorKind::StorageFull), [`TooLarge`](crate::ErrorKind::TooLarge):
    ///   it does not fit.
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
    async fn delete_file(&self, name: &FileName) -> Result<()>;
}

const _: fn(&dyn IStore) = |_| (); // stays dyn-compatible
