//! The store itself.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::{Method, StatusCode};

use crate::layers::Attempts;
use crate::{
    Capabilities, Error, ErrorKind, FileContents, FileInfo, FileName, Folders, Freshness,
    Guarantee, IStore, ListOptions, Operation, ReadOptions, Result, SaveMode, SaveOptions,
    Snapshots, StoredFile, Support, SwiftOptions, Versions,
};

use super::client::Client;
use super::container::Container;
use super::error::Call;
use super::limits::Limits;
use super::request::Request;
use super::{download, listing, save, sweep};

/// The most bytes of what a cluster tells of itself that are read.
const INFO: usize = 1024 * 1024;

/// How often a delete is sent that Swift puts before the save that it was to follow.
const DELETIONS: u32 = 4;

/// Keeps files in a container of OpenStack Swift.
///
/// # Semantics
///
/// What of [`IStore`]'s contract Swift cannot keep, its [`Capabilities`] say:
///
/// - [`SaveMode::Create`] only reports a file that is there already: of racing creators several may be
///   told that they won, and the last stays. [`SaveMode::Update`] is
///   [`Unsupported`](ErrorKind::Unsupported), since Swift does not check what it replaces. So there
///   are no locks here.
/// - An etag is Swift's: the MD5 of the contents, or of the hashes of a large file's segments. It
///   tells contents apart, not saves.
/// - `a` and `a/b` are two files like any others.
/// - A listing lags while servers are down, and tells no metadata; the parameters of a content type
///   are told there with `; ` between them, however they were saved. A reading of one file is as
///   fresh as the cluster: one of whose servers some are down, or cannot reach each other, can give
///   an older version for a while.
/// - Metadata has few entries, short keys and short values, as the cluster says; what is beyond is
///   refused. So is an entry of the key `helion-store-checksum`, which this store keeps for itself where
///   a file's own metadata leaves room for it: one entry, of 95 bytes with its key.
/// - A file that is put together of segments cannot be read to the end once it is replaced or
///   deleted: the read fails with [`Interrupted`](ErrorKind::Interrupted). Other files can.
/// - Times are whole seconds.
///
/// **Saves.** Contents are taken in pieces of [`SwiftOptions::segment_size`], of which up to three
/// are in memory. A file of one piece is one request, with the MD5 that Swift is to check. A longer
/// one is saved in segments and shows with its manifest, at the end. Where the length is known and the
/// first three pieces went well, longer segments follow, each sent while it comes in
/// ([`SwiftOptions::streamed_segment_size`]); their MD5 is compared with Swift's. So the last save to
/// end stays, and nothing shows before; a save that Swift put before a later one is made anew. Saves
/// and deletes of one file in this process are made in turn, and each that has begun its last step
/// ends it, even if its future is dropped.
///
/// A save of a stream repeats its requests itself, but for a long segment that breaks after the first
/// 8 MiB of it: the save fails then, since nobody has its bytes any more. Whoever has contents in
/// memory repeats the save, as [`Retry`](crate::Retry) does.
///
/// **Segments** lie in the container `<container>_segments`, each by the name
/// `.store/<upload>/<number>/<name>`. They are deleted with their file, when it is replaced, and when
/// the save fails; what else a manifest names is left alone, whoever put it there. So a copy of a
/// manifest, as `COPY` with `multipart-manifest=get` makes it, is lost with the file that it is a copy
/// of, and that one stays when the copy goes. Where the container keeps versions, all segments are
/// left, since the manifests of old versions name them. What a process that died leaves there, or a
/// save that was dropped or whose outcome is unknown, is swept: by the first save in segments, as
/// [`SwiftOptions::sweep_age`] says, or when [`sweep`](Self::sweep) is called. A file that another
/// process has made large within the last minute may leave its segments to the sweep as well.
///
/// **Reads** check the length, and of a whole file the bytes; a part of a file has no hash. What they
/// are checked by depends on who saved the file:
///
/// - one of at least a MiB that this store saved, whose own metadata left room for it: at its end,
///   by a checksum of all of it (XXH3, of 128 bits) in its metadata, which takes far less of a
///   processor than MD5;
/// - any other, and one whose metadata another program replaced: by the MD5 of the file, or of each of
///   its segments;
/// - a dynamic large object of another program: by nothing, for Swift keeps no hash of it.
///
/// Each finds damage, and none an attacker's work.
///
/// A long file is read from its segments themselves, of which the next 16 MiB come in while some are
/// handed out. A read that breaks is taken up again at the same byte of the same version. Files of
/// other programs are read whether they are plain, static or dynamic large objects. Names that are no
/// [`FileName`] are not listed.
///
/// **Requests** carry a token, which is renewed before it ends, and once when it is refused. Their
/// time, and how many there are, is bounded by the options. A request whose sender gave up may still
/// be carried out: after [`Timeout`](ErrorKind::Timeout) the outcome of a save is unknown.
///
/// # Examples
///
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> store::Result<()> {
/// use store::{FileName, SaveOptions, StoreExt, SwiftAuth, SwiftOptions, SwiftStore};
///
/// let auth = SwiftAuth::v1("http://127.0.0.1:8080/auth/v1.0", "test:tester", "testing");
/// let store = SwiftStore::open(SwiftOptions::new("deployments", auth)).await?;
/// let name = FileName::new("greeting.txt")?;
/// store.save_bytes(&name, "hello", &SaveOptions::default()).await?;
/// assert_eq!(store.get_file_bytes(&name, 100).await?.1, "hello");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct SwiftStore {
    container: Arc<Container>,
}

impl SwiftStore {
    /// Opens the container, which need not be there yet: the first save makes it.
    ///
    /// # Errors
    ///
    /// - [`Configuration`](ErrorKind::Configuration): an option cannot be right.
    /// - [`Unauthenticated`](ErrorKind::Unauthenticated): the credentials were not accepted.
    /// - [`Unavailable`](ErrorKind::Unavailable), [`Timeout`](ErrorKind::Timeout): no server
    ///   answers.
    pub async fn open(options: SwiftOptions) -> Result<Self> {
        let client = Client::new(&options)?;
        check_container(&options.container)?;
        let limits = limits(&client).await?;
        let container = Container::new(client, &options, limits);
        Ok(Self { container })
    }

    /// Deletes the segments that saves left which did not come to their end, and returns how many
    /// those were.
    ///
    /// What is younger than `age` by the cluster's clock stays: it may belong to a save that is under
    /// way, here or elsewhere. [`SwiftOptions::sweep_age`] has this done by the first save in segments.
    ///
    /// # Errors
    ///
    /// - Whatever keeps the store from finding out what is needed; nothing was deleted then.
    ///
    /// # Examples
    ///
    /// From time to time, in a program of its own:
    ///
    /// ```no_run
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> store::Result<()> {
    /// use std::time::Duration;
    /// use store::{SwiftAuth, SwiftOptions, SwiftStore};
    ///
    /// let auth = SwiftAuth::v1("http://127.0.0.1:8080/auth/v1.0", "test:tester", "testing");
    /// let options = SwiftOptions::new("deployments", auth).with_sweep_age(None);
    /// let store = SwiftStore::open(options).await?;
    /// let segments = store.sweep(Duration::from_hours(24)).await?;
    /// println!("{segments} segments were left");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn sweep(&self, age: Duration) -> Result<usize> {
        sweep::sweep(&self.container, age).await
    }

    fn check_name(&self, operation: Operation, name: &FileName) -> Result<()> {
        let most = self.container.max_name_len();
        if name.as_str().len() <= most {
            return Ok(());
        }
        Err(Error::new(ErrorKind::InvalidName, operation.as_str())
            .with_name(name.as_str())
            .with_message(format!("this store takes names of up to {most} bytes")))
    }
}

fn check_container(container: &str) -> Result<()> {
    // The name of the segments' container is longer, and Swift takes 256 bytes.
    let is_right = !container.is_empty() && container.len() <= 247 && !container.contains('/');
    let is_right = is_right && !matches!(container, "." | "..");
    if is_right && !container.chars().any(char::is_control) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Configuration, "open store")
        .with_name(container)
        .with_message("a container's name has 1 to 247 bytes, no `/`, and is not `.` or `..`"))
}

/// The limits of the cluster; Swift's own where it does not tell them.
async fn limits(client: &Client) -> Result<Limits> {
    let answer = client
        .send(Operation::GetFilesList, None, Request::cluster_info())
        .await;
    match answer {
        Ok(answer) if answer.status() == StatusCode::OK => {
            Ok(Limits::parse(&answer.bytes(INFO).await?))
        }
        Ok(_) => Ok(Limits::default()),
        // Some clusters keep this to themselves.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(Limits::default()),
        Err(error) => Err(error),
    }
}

#[async_trait]
impl IStore for SwiftStore {
    fn capabilities(&self) -> Capabilities {
        let limits = &self.container.limits;
        Capabilities::default()
            .with_exclusive_create(Guarantee::BestEffort)
            .with_exclusive_update(Guarantee::Unsupported)
            .with_max_file_size(Some(self.container.max_file_size()))
            .with_max_name_len(self.container.max_name_len())
            .with_max_metadata_entries(limits.metadata_entries)
            .with_max_metadata_value_len(limits.metadata_value)
            .with_listed_metadata(Support::Unsupported)
            .with_listing(Freshness::Eventual)
            .with_versions(Versions::Contents)
            .with_folders(Folders::Overlapping)
            .with_snapshots(Snapshots::MayBreak)
    }

    async fn get_files_list(&self, options: &ListOptions) -> Result<Vec<FileInfo>> {
        listing::files(&self.container, options).await
    }

    async fn get_file_info(&self, name: &FileName) -> Result<FileInfo> {
        self.check_name(Operation::GetFileInfo, name)?;
        download::find(&self.container, Operation::GetFileInfo, name).await
    }

    async fn get_file_contents(
        &self,
        name: &FileName,
        options: &ReadOptions,
    ) -> Result<StoredFile> {
        self.check_name(Operation::GetFileContents, name)?;
        download::open(&self.container, name, options).await
    }

    async fn save_file(
        &self,
        name: &FileName,
        contents: FileContents,
        options: &SaveOptions,
    ) -> Result<FileInfo> {
        self.check_name(Operation::SaveFile, name)?;
        options.check(name)?;
        let capabilities = self.capabilities();
        capabilities.check_size(name, contents.size())?;
        capabilities.check_metadata(name, options)?;
        self.container.limits.check_metadata(name, options)?;
        if let SaveMode::Update(_) = options.mode {
            return Err(save::failed(name, ErrorKind::Unsupported)
                .with_message("Swift does not check which version it replaces"));
        }
        save::save(&self.container, name, contents, options).await
    }

    async fn delete_file(&self, name: &FileName) -> Result<()> {
        const OPERATION: Operation = Operation::DeleteFile;
        self.check_name(OPERATION, name)?;
        let (container, file) = (Arc::clone(&self.container), name.clone());
        let delete = async move { delete(&container, &file).await };
        self.container.turns.take(OPERATION, name, delete).await
    }
}

/// Deletes the file, and then what it was put together of: whoever reads it meanwhile finds it
/// whole, or gone.
async fn delete(container: &Container, name: &FileName) -> Result<()> {
    const OPERATION: Operation = Operation::DeleteFile;
    let segments = container.segments_of(OPERATION, name).await?;
    let mut attempts = Attempts::new(container.retry.clone().with_max_tries(DELETIONS));
    let answer = attempts
        .run(|| async {
            let request = container.file(Method::DELETE, name);
            let client = &container.client;
            match client.send(OPERATION, Some(name.as_str()), request).await {
                Ok(answer) if answer.status() == StatusCode::CONFLICT => {
                    Err(Call::new(OPERATION, Some(name.as_str()))
                        .error(ErrorKind::Unavailable)
                        .with_message(
                            "by the server's clock the file was saved later than it was deleted",
                        ))
                }
                // Any other failure is for the caller to repeat: it may have deleted the file, and
                // another may have been saved since.
                sent => Ok(sent),
            }
        })
        .await??;
    if !answer.status().is_success() {
        return Err(answer.into_error().await);
    }
    container.remove_segments(segments).await;
    Ok(())
}

#[cfg(test)]
mod tests;
