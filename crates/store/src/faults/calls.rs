//! What is logged of a call.

use crate::{ErrorKind, FileName, Operation};

/// One call that reached a [`FaultStore`](crate::FaultStore), as its caller saw it.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> store::Result<()> {
/// use store::{FaultScript, FileName, MemoryStore, Operation, SaveOptions, StoreExt};
///
/// let script = FaultScript::new();
/// let store = MemoryStore::new().with_faults(&script);
/// store.save_bytes(&FileName::new("a")?, "hello", &SaveOptions::default()).await?;
///
/// let calls = script.calls();
/// assert_eq!(calls.len(), 1);
/// assert_eq!((calls[0].operation, calls[0].bytes), (Operation::SaveFile, 5));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoggedCall {
    /// What was called.
    pub operation: Operation,
    /// The file that it was about; none for a listing.
    pub name: Option<FileName>,
    /// How it ended. A read whose stream broke failed.
    pub outcome: CallOutcome,
    /// The bytes of contents that went from one side to the other so far.
    pub bytes: u64,
}

/// How a logged call ended.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> store::Result<()> {
/// use store::{
///     CallOutcome, ErrorKind, FaultScript, IStore, ListOptions, MemoryStore, Operation,
/// };
///
/// let script = FaultScript::new();
/// script.on(Operation::GetFilesList).fail(ErrorKind::Unavailable);
/// let store = MemoryStore::new().with_faults(&script);
/// store.get_files_list(&ListOptions::default()).await.unwrap_err();
/// store.get_files_list(&ListOptions::default()).await?;
/// let outcomes: Vec<_> = script.calls().into_iter().map(|call| call.outcome).collect();
/// assert_eq!(outcomes, [CallOutcome::Failed(ErrorKind::Unavailable), CallOutcome::Done]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallOutcome {
    /// Not at all: it still runs, or its caller has gone away.
    Unfinished,
    /// It succeeded.
    Done,
    /// It failed.
    Failed(ErrorKind),
}
