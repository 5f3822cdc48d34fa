//! Which calls go wrong, and what calls there were.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::{CallOutcome, ErrorKind, FileName, LoggedCall, Operation};

use super::fault::{Fault, Moment};
use super::running::RunningCall;

/// Tells which calls of a [`FaultStore`](crate::FaultStore) go wrong and how, and logs them all.
///
/// A clone is another handle of the same script: the test keeps one.
///
/// A rule is begun by [`on`](Self::on) or [`on_any`](Self::on_any), narrowed down, and ended by what
/// is to happen, which puts it into force; it counts the calls from then on. Where several rules
/// meet one call, each takes effect, in the order in which they came into force.
///
/// # Examples
///
/// Fails at every call in turn, whatever it is:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> store::Result<()> {
/// use store::{ErrorKind, FaultScript, FileName, IStore, MemoryStore, Result, SaveOptions, StoreExt};
///
/// async fn work(store: &dyn IStore) -> Result<()> {
///     store.save_bytes(&FileName::new("a")?, "x", &SaveOptions::default()).await?;
///     store.delete_file(&FileName::new("a")?).await
/// }
///
/// let mut failures = 0;
/// for call in 1.. {
///     let script = FaultScript::new();
///     script.on_any().nth(call).fail(ErrorKind::Unavailable);
///     match work(&MemoryStore::new().with_faults(&script)).await {
///         Ok(()) => break, // there is no such call
///         Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable),
///     }
///     failures += 1;
/// }
/// assert_eq!(failures, 2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct FaultScript(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    hung: Notify,
}

#[derive(Default)]
pub(super) struct State {
    rules: Vec<Rule>,
    pub(super) calls: Vec<LoggedCall>,
}

/// A rule in force.
struct Rule {
    operation: Option<Operation>,
    name: Option<String>,
    /// How many matching calls still pass before the first that goes wrong.
    passing: u64,
    /// How many still go wrong after that.
    left: u64,
    moment: Moment,
    fault: Fault,
}

impl FaultScript {
    /// A script without faults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a rule for calls of `operation`.
    pub fn on(&self, operation: Operation) -> FaultRule<'_> {
        FaultRule::new(self, Some(operation))
    }

    /// Begins a rule for all calls.
    pub fn on_any(&self) -> FaultRule<'_> {
        FaultRule::new(self, None)
    }

    /// Takes all rules out of force; what already goes wrong goes on to.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> store::Result<()> {
    /// use store::{ErrorKind, FaultScript, IStore, ListOptions, MemoryStore};
    ///
    /// let script = FaultScript::new();
    /// script.on_any().always().fail(ErrorKind::Unavailable);
    /// let store = MemoryStore::new().with_faults(&script);
    /// assert!(store.get_files_list(&ListOptions::default()).await.is_err());
    ///
    /// script.clear(); // the outage is over
    /// assert!(store.get_files_list(&ListOptions::default()).await?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn clear(&self) {
        self.state().rules.clear();
    }

    /// The calls so far, in the order in which they began.
    #[must_use]
    pub fn calls(&self) -> Vec<LoggedCall> {
        self.state().calls.clone()
    }

    /// Waits until a call [hangs](FaultRule::hang), or returns at once where one has since the last
    /// time.
    ///
    /// With it a test stops its code at a chosen call, and drops it there as a crash would.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> store::Result<()> {
    /// use std::sync::Arc;
    /// use store::{FaultScript, FileName, MemoryStore, Operation, SaveOptions, StoreExt};
    ///
    /// let script = FaultScript::new();
    /// script.on(Operation::SaveFile).after_effect().hang();
    /// let store = Arc::new(MemoryStore::new().with_faults(&script));
    ///
    /// let saver = Arc::clone(&store);
    /// let saving = tokio::spawn(async move {
    ///     saver.save_bytes(&FileName::new("a")?, "hello", &SaveOptions::default()).await
    /// });
    /// script.wait_for_hang().await;
    /// saving.abort(); // it never learns that it saved
    /// assert!(store.check_file_exists(&FileName::new("a")?).await?);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn wait_for_hang(&self) {
        self.0.hung.notified().await;
    }

    pub(super) fn begin(&self, operation: Operation, name: Option<&FileName>) -> RunningCall {
        let mut state = self.state();
        let faults = state
            .rules
            .iter_mut()
            .filter_map(|rule| rule.count(operation, name))
            .collect();
        let number = state.calls.len();
        state.calls.push(LoggedCall {
            operation,
            name: name.cloned(),
            outcome: CallOutcome::Unfinished,
            bytes: 0,
        });
        RunningCall::new(self.clone(), number, operation, name.cloned(), faults)
    }

    pub(super) fn note_hang(&self) {
        self.0.hung.notify_one();
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // The state is whole at every point where a holder could panic.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for FaultScript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("FaultScript")
            .field("rules", &state.rules.len())
            .field("calls", &state.calls.len())
            .finish_non_exhaustive()
    }
}

impl Rule {
    /// Counts the call where it is one of the rule's; tells what goes wrong with it.
    fn count(&mut self, operation: Operation, name: Option<&FileName>) -> Option<(Moment, Fault)> {
        let matches = self.operation.is_none_or(|own| own == operation)
            && self
                .name
                .as_deref()
                .is_none_or(|own| name.is_some_and(|name| name.as_str() == own));
        if !matches {
            return None;
        }
        if self.passing > 0 {
            self.passing -= 1;
            return None;
        }
        self.left = self.left.checked_sub(1)?;
        Some((self.moment, self.fault.clone()))
    }
}

/// A rule of a [`FaultScript`] on its way: which calls go wrong.
///
/// Unless told otherwise it is for the next call alone, and for the time before the call reaches
/// the store.
///
/// # Examples
///
/// The second and the third read of one file break after two bytes:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> store::Result<()> {
/// use store::{
///     ErrorKind, FaultScript, FileName, MemoryStore, Operation, SaveOptions, StoreExt,
/// };
///
/// let script = FaultScript::new();
/// script.on(Operation::GetFileContents).named("a").nth(2).times(2).at_byte(2).fail(ErrorKind::Interrupted);
/// let store = MemoryStore::new().with_faults(&script);
///
/// let name = FileName::new("a")?;
/// store.save_bytes(&name, "hello", &SaveOptions::default()).await?;
/// let mut went_well = Vec::new();
/// for _ in 0..4 {
///     went_well.push(store.get_file_bytes(&name, 5).await.is_ok());
/// }
/// assert_eq!(went_well, [true, false, false, true]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a rule is in force once it is told what is to happen"]
pub struct FaultRule<'a> {
    script: &'a FaultScript,
    operation: Option<Operation>,
    name: Option<String>,
    nth: u64,
    times: u64,
    moment: Moment,
    retry_after: Option<Duration>,
}

impl<'a> FaultRule<'a> {
    fn new(script: &'a FaultScript, operation: Option<Operation>) -> Self {
        Self {
            script,
            operation,
            name: None,
            nth: 1,
            times: 1,
            moment: Moment::Before,
            retry_after: None,
        }
    }

    /// Only calls for the file of this name.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// From the `number`-th such call on, the next one being 1.
    pub fn nth(mut self, number: u64) -> Self {
        self.nth = number;
        self
    }

    /// So many calls, one after the other.
    pub fn times(mut self, calls: u64) -> Self {
        self.times = calls;
        self
    }

    /// All calls from there on.
    pub fn always(self) -> Self {
        self.times(u64::MAX)
    }

    /// When the call took effect, but before its caller gets the answer.
    pub fn after_effect(mut self) -> Self {
        self.moment = Moment::AfterEffect;
        self
    }

    /// When `bytes` bytes of the contents have gone by, or all where there are fewer. Calls other
    /// than reads and saves are counted, but nothing happens to them.
    pub fn at_byte(mut self, bytes: u64) -> Self {
        self.moment = Moment::AtByte(bytes);
        self
    }

    /// The error that follows asks for this long a pause; see
    /// [`Error::retry_after`](crate::Error::retry_after).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> store::Result<()> {
    /// use std::time::Duration;
    /// use store::{ErrorKind, FaultScript, IStore, ListOptions, MemoryStore, Operation};
    ///
    /// let script = FaultScript::new();
    /// let pause = Duration::from_secs(7);
    /// script.on(Operation::GetFilesList).with_retry_after(pause).fail(ErrorKind::RateLimited);
    /// let store = MemoryStore::new().with_faults(&script);
    /// let error = store.get_files_list(&ListOptions::default()).await.unwrap_err();
    /// assert_eq!(error.retry_after(), Some(pause));
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_retry_after(mut self, pause: Duration) -> Self {
        self.retry_after = Some(pause);
        self
    }

    /// Fails with an error of this kind. At a byte it breaks the stream: a save then takes no
    /// effect, and a read fails in its contents.
    pub fn fail(self, kind: ErrorKind) {
        let retry_after = self.retry_after;
        self.put_into_force(Fault::Error { kind, retry_after });
    }

    /// Takes effect and then fails with [`Timeout`](ErrorKind::Timeout).
    pub fn lose_reply(self) {
        self.after_effect().fail(ErrorKind::Timeout);
    }

    /// Goes on after `delay` of tokio's time.
    ///
    /// # Examples
    ///
    /// In a test that pauses tokio's time, a slow store costs no time:
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> store::Result<()> {
    /// use std::time::Duration;
    /// use store::{FaultScript, IStore, ListOptions, MemoryStore, Operation};
    ///
    /// let script = FaultScript::new();
    /// script.on(Operation::GetFilesList).delay(Duration::from_secs(60));
    /// let store = MemoryStore::new().with_faults(&script);
    /// let started = tokio::time::Instant::now();
    /// store.get_files_list(&ListOptions::default()).await?;
    /// assert_eq!(started.elapsed(), Duration::from_secs(60));
    /// # Ok(())
    /// # }
    /// ```
    pub fn delay(self, delay: Duration) {
        self.put_into_force(Fault::Delay(delay));
    }

    /// Never goes on; see [`FaultScript::wait_for_hang`].
    pub fn hang(self) {
        self.put_into_force(Fault::Hang);
    }

    fn put_into_force(self, fault: Fault) {
        self.script.state().rules.push(Rule {
            operation: self.operation,
            name: self.name,
            passing: self.nth.saturating_sub(1),
            left: self.times,
            moment: self.moment,
            fault,
        });
    }
}
