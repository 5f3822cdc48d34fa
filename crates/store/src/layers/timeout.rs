//! Ends calls that get no answer.

mod deadline;
mod progress;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};

use crate::{
    Capabilities, Error, ErrorKind, FileContents, FileInfo, FileName, IStore, ListOptions,
    Operation, ReadOptions, Result, SaveOptions, StoredFile,
};

use self::deadline::Deadline;
#[cfg(feature = "swift")]
pub(crate) use self::progress::Progress;
#[cfg(not(feature = "swift"))]
use self::progress::Progress;

/// Ends the calls of another store that get no answer in time, with
/// [`Timeout`](ErrorKind::Timeout).
///
/// # Semantics
///
/// - A listing, an info, a delete and the opening of a read end after [`TimeoutOptions::call`].
/// - Contents may take as long as they like, as long as they move: a read ends when the store gives
///   no piece for [`TimeoutOptions::stall`] while the reader waits for one, a save when the store
///   neither takes a piece nor answers for so long. Neither a reader that pauses nor a saver whose
///   own stream is slow counts as a stall; bound that stream itself where it can hang.
/// - [`TimeoutOptions::total`], where it is set, also ends contents that move, pauses of the reader or
///   saver and all. A read is ended when its next piece is asked for.
/// - The call that is ended is dropped. Whether a save or delete took effect is then unknown.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> store::Result<()> {
/// # #[cfg(feature = "memory")] {
/// use std::sync::Arc;
/// use store::{
///     ErrorKind, FaultScript, FileName, IStore, MemoryStore, Operation, Timeout, TimeoutOptions,
/// };
///
/// let script = FaultScript::new();
/// script.on(Operation::GetFileInfo).hang();
/// let hanging = Arc::new(MemoryStore::new().with_faults(&script));
///
/// let store = Timeout::new(hanging, TimeoutOptions::default());
/// let error = store.get_file_info(&FileName::new("a")?).await.unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Timeout);
/// # }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Timeout {
    inner: Arc<dyn IStore>,
    options: TimeoutOptions,
}

/// How long [`Timeout`] waits.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// let options = store::TimeoutOptions::default().with_call(Duration::from_secs(5));
/// assert_eq!(options.stall, Duration::from_secs(60));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimeoutOptions {
    /// The most that a call without contents takes; by default 30 s.
    pub call: Duration,
    /// The most that contents stand still; by default 60 s, since a store may flush all of a long
    /// file before it answers.
    pub stall: Duration,
    /// The most that a save, or a read from its opening to its last piece, takes in all, whoever is
    /// waited for; by default without an end, since how long is right depends on the file's size.
    ///
    /// Below [`Retry`](crate::Retry) it is the time of one try: a read that it ends is taken up again
    /// at the same byte.
    pub total: Option<Duration>,
}

impl Default for TimeoutOptions {
    fn default() -> Self {
        Self {
            call: Duration::from_secs(30),
            stall: Duration::from_mins(1),
            total: None,
        }
    }
}

impl TimeoutOptions {
    /// Sets the most that a call without contents takes.
    #[must_use]
    pub fn with_call(mut self, most: Duration) -> Self {
        self.call = most;
        self
    }

    /// Sets the most that contents stand still.
    #[must_use]
    pub fn with_stall(mut self, most: Duration) -> Self {
        self.stall = most;
        self
    }

    /// Sets the most that a save or a read takes in all.
    #[must_use]
    pub fn with_total(mut self, most: Duration) -> Self {
        self.total = Some(most);
        self
    }
}

impl Timeout {
    /// Ends the calls of `inner` that get no answer in time.
    #[must_use]
    pub fn new(inner: Arc<dyn IStore>, options: TimeoutOptions) -> Self {
        Self { inner, options }
    }

    async fn answer<T>(
        &self,
        operation: Operation,
        name: Option<&FileName>,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let most = self.options.call;
        match tokio::time::timeout(most, call).await {
            Ok(result) => result,
            Err(_) => {
                Err(timed_out(operation, name)
                    .with_message(format!("no answer came within {most:?}")))
            }
        }
    }
}

fn timed_out(operation: Operation, name: Option<&FileName>) -> Error {
    let error = Error::new(ErrorKind::Timeout, operation.as_str());
    match name {
        Some(name) => error.with_name(name.as_str()),
        None => error,
    }
}

/// The pieces of a read, none of which may take longer than `most`, nor all than to the deadline.
fn watch_pieces(
    stream: BoxStream<'static, Result<Bytes>>,
    name: FileName,
    most: Duration,
    deadline: Deadline,
) -> BoxStream<'static, Result<Bytes>> {
    let pieces = stream::try_unfold((stream, name), move |(mut stream, name)| async move {
        let next = async {
            match tokio::time::timeout(most, stream.next()).await {
                Ok(piece) => piece.transpose(),
                Err(_) => Err(timed_out(Operation::GetFileContents, Some(&name))
                    .with_message(format!("the contents stood still for {most:?}"))),
            }
        };
        let piece = deadline
            .hold(Operation::GetFileContents, &name, next)
            .await?;
        Ok(piece.map(|piece| (piece, (stream, name))))
    });
    pieces.boxed()
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl IStore for Timeout {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn get_files_list(&self, options: &ListOptions) -> Result<Vec<FileInfo>> {
        let call = self.inner.get_files_list(options);
        self.answer(Operation::GetFilesList, None, call).await
    }

    async fn get_file_info(&self, name: &FileName) -> Result<FileInfo> {
        let call = self.inner.get_file_info(name);
        self.answer(Operation::GetFileInfo, Some(name), call).await
    }

    async fn get_file_contents(
        &self,
        name: &FileName,
        options: &ReadOptions,
    ) -> Result<StoredFile> {
        let operation = Operation::GetFileContents;
        let deadline = Deadline::after(self.options.total);
        let call = self.inner.get_file_contents(name, options);
        let call = self.answer(operation, Some(name), call);
        let mut file = deadline.hold(operation, name, call).await?;
        let (name, most) = (name.clone(), self.options.stall);
        file.contents = file
            .contents
            .map_stream(|stream| watch_pieces(stream, name, most, deadline));
        Ok(file)
    }

    async fn save_file(
        &self,
        name: &FileName,
        contents: FileContents,
        options: &SaveOptions,
    ) -> Result<FileInfo> {
        let most = self.options.stall;
        let progress = Progress::new();
        let contents = progress.watch(contents);
        let save = self.inner.save_file(name, contents, options);
        let moving = async {
            tokio::select! {
                biased;
                result = save => result,
                () = progress.stalled(most) => {
                    Err(timed_out(Operation::SaveFile, Some(name))
                        .with_message(format!("the store stood still for {most:?}")))
                }
            }
        };
        let deadline = Deadline::after(self.options.total);
        deadline.hold(Operation::SaveFile, name, moving).await
    }

    async fn delete_file(&self, name: &FileName) -> Result<()> {
        let call = self.inner.delete_file(name);
        self.answer(Operation::DeleteFile, Some(name), call).await
    }
}
