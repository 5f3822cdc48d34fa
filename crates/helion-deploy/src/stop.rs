//! Ctrl-C, SIGTERM, and a terminal that is closed.

use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::failure::{FAILED, Failure};
use crate::ignored_signals::IgnoredSignals;
use crate::stderr;

/// What a shell adds to the number of the signal that ended a program.
const BY_SIGNAL: u8 = 128;

/// Listens for the signals that ask the program to stop, but for those that it was started to
/// ignore.
pub(crate) struct Stop {
    interrupt: Option<Signal>,
    terminate: Option<Signal>,
    hangup: Option<Signal>,
    /// One that came already, and that nobody has acted on yet.
    waiting: Option<StopSignal>,
}

/// A signal that asks the program to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopSignal {
    Interrupt,
    Terminate,
    Hangup,
}

impl Stop {
    /// Listens from now on; the signals no longer end the program by themselves.
    pub(crate) fn new() -> Result<Self, Failure> {
        IS_LISTENED_FOR.store(true, Ordering::Relaxed);
        // What is listened for already is not ignored, so a later call finds the same.
        let ignored = IgnoredSignals::now();
        let listen = |kind| {
            if ignored.contains(kind) {
                return Ok(None);
            }
            signal(kind).map(Some).map_err(|error| {
                Failure::new(FAILED, format!("failed to listen for signals: {error}"))
            })
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: listen(SignalKind::hangup())?,
            waiting: None,
        })
    }

    /// Waits for the next one.
    pub(crate) async fn asked(&mut self) -> StopSignal {
        if let Some(signal) = self.waiting.take() {
            return signal;
        }
        let signal = tokio::select! {
            () = heard(&mut self.interrupt) => StopSignal::Interrupt,
            () = heard(&mut self.terminate) => StopSignal::Terminate,
            () = heard(&mut self.hangup) => StopSignal::Hangup,
        };
        HAS_COME.store(true, Ordering::Relaxed);
        signal
    }

    /// Does `work` unless a signal comes first, as [`unless_stopped`] does.
    pub(crate) async fn unless<T>(
        &mut self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        match self.before(work).await {
            Ok(done) => done,
            Err(signal) => Err(signal.failure()),
        }
    }

    /// Does `work` before the next signal, or tells that signal; the work is dropped then.
    pub(crate) async fn before<T>(
        &mut self,
        work: impl Future<Output = T>,
    ) -> Result<T, StopSignal> {
        tokio::select! {
            biased;
            signal = self.asked() => Err(signal),
            done = work => Ok(done),
        }
    }

    /// Has the next [`asked`](Self::asked) tell this one once more, so that it is acted on there.
    pub(crate) fn put_back(&mut self, signal: StopSignal) {
        self.waiting = Some(signal);
    }

    /// Does `work`, which ends by itself soon after `halt` asks for it, as a signal has it do; what
    /// is done by then is done, and what failed for another reason has failed. A second signal
    /// does not wait for that.
    pub(crate) async fn ending<T>(
        &mut self,
        work: impl Future<Output = Result<T, Failure>>,
        halt: &Halt,
    ) -> Result<T, Failure> {
        tokio::pin!(work);
        let signal = tokio::select! {
            biased;
            done = &mut work => return done,
            signal = self.asked() => signal,
        };
        halt.is_asked.store(true, Ordering::Relaxed);
        match self.last_chance(work).await {
            Some(Err(_)) if halt.is_heeded.load(Ordering::Relaxed) => Err(signal.failure()),
            Some(done) => done,
            None => Err(signal.failure()),
        }
    }

    /// Waits a little for the end of `work` after a signal; a second one does not. `None` where it
    /// has not come.
    pub(crate) async fn last_chance<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = work => Some(done),
            _ = self.asked() => None,
            () = sleep(LONGEST_END) => None,
        }
    }
}

/// What asks work to end, and tells whether it did for that.
#[derive(Debug, Default)]
pub(crate) struct Halt {
    is_asked: AtomicBool,
    is_heeded: AtomicBool,
}

impl Halt {
    /// Whether the work is to end; whoever is told so ends it.
    pub(crate) fn heed(&self) -> bool {
        let is_asked = self.is_asked.load(Ordering::Relaxed);
        if is_asked {
            self.is_heeded.store(true, Ordering::Relaxed);
        }
        is_asked
    }
}

/// Waits for the next one of a signal; for ever where it is ignored.
async fn heard(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => pending().await,
    }
}

impl StopSignal {
    /// The failure that ends the program as this signal would have.
    pub(crate) fn failure(self) -> Failure {
        let (name, number) = match self {
            Self::Hangup => ("SIGHUP", 1),
            Self::Interrupt => ("SIGINT", 2),
            Self::Terminate => ("SIGTERM", 15),
        };
        Failure::new(BY_SIGNAL + number, format!("stopped by {name}"))
    }
}

/// How long work may take to end by itself: a store that does not answer is not waited for.
const LONGEST_END: Duration = Duration::from_secs(2);

/// Does `work` unless a signal comes first: it is dropped then, and takes away what it has not
/// finished.
pub(crate) async fn unless_stopped<T>(
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    Stop::new()?.unless(work).await
}

/// Whether a signal no longer ends the program by itself.
static IS_LISTENED_FOR: AtomicBool = AtomicBool::new(false);

/// Whether one has come.
static HAS_COME: AtomicBool = AtomicBool::new(false);

/// Has a signal end the program at once, up to the end of what this returns: so while a stream is
/// written whose reader may never come.
///
/// Once listened for, a signal no longer ends the program by itself, and whoever is blocked in a
/// write hears none.
pub(crate) fn end_at_once() -> Option<Listening> {
    if !IS_LISTENED_FOR.load(Ordering::Relaxed) {
        return None;
    }
    if let Ok(runtime) = Handle::try_current() {
        let stop = Stop::new().ok()?;
        return Some(Listening(runtime.spawn(end_with_a_signal(stop))));
    }
    // The program's own runtime has ended, and nothing but last words is left to write: what listens
    // to the end of those listens to the end of the program. A signal that came since then is told
    // to the next runtime.
    let listener = thread::Builder::new().spawn(|| {
        let runtime = Builder::new_current_thread().enable_io().build();
        let listen = async {
            if let Ok(stop) = Stop::new() {
                end_with_a_signal(stop).await;
            }
        };
        runtime.map(|runtime| runtime.block_on(listen))
    });
    // Where there is no thread to be had, a reader that never comes is left to SIGKILL.
    drop(listener);
    None
}

async fn end_with_a_signal(mut stop: Stop) {
    let signal = stop.asked().await;
    std::process::exit(i32::from(signal.failure().code()));
}

/// Waits until standard error has taken what was printed, or a signal ends the program; after a
/// signal that has been acted on, a reader that takes nothing is not waited for.
pub(crate) fn flush_stderr() {
    // Nobody has to listen meanwhile, and most readers are faster.
    if stderr::flush_within(MOST_READERS) {
        return;
    }
    let _listening = end_at_once();
    let patience = if HAS_COME.load(Ordering::Relaxed) {
        STUCK_READER
    } else {
        Duration::MAX
    };
    stderr::flush(patience);
}

/// How long a reader of standard error usually takes, with ample room.
const MOST_READERS: Duration = Duration::from_millis(50);

/// After so long without taking anything, a reader of standard error is taken for stuck.
const STUCK_READER: Duration = Duration::from_secs(1);

/// A task that listens until this is dropped.
pub(crate) struct Listening(JoinHandle<()>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use tokio::time::Instant;

    use super::*;

    /// One that has been asked already.
    fn asked(signal: StopSignal) -> Stop {
        let mut stop = Stop::new().unwrap();
        stop.put_back(signal);
        stop
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_chance_is_of_two_seconds() {
        let begun = Instant::now();
        let mut stop = Stop::new().unwrap();
        assert_eq!(stop.last_chance(pending::<()>()).await, None);
        assert_eq!(begun.elapsed(), LONGEST_END);
        let late = sleep(Duration::from_millis(1_999));
        assert_eq!(stop.last_chance(late).await, Some(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_signal_ends_the_last_chance() {
        let begun = Instant::now();
        let mut stop = asked(StopSignal::Terminate);
        assert_eq!(stop.last_chance(pending::<()>()).await, None);
        assert_eq!(begun.elapsed(), Duration::ZERO);
        // It was the one that was there, and what is done by then is done.
        let mut stop = asked(StopSignal::Terminate);
        assert_eq!(stop.last_chance(ready(1)).await, Some(1));
    }

    /// What comes of work that fails for `reason` once a signal has come.
    async fn end(reason: &str, heed: impl FnOnce(&Halt)) -> (u8, String) {
        let halt = Halt::default();
        let work = async {
            // Up to the signal, which is there, nothing is done.
            tokio::task::yield_now().await;
            heed(&halt);
            Err::<(), _>(Failure::new(FAILED, reason))
        };
        let mut stop = asked(StopSignal::Interrupt);
        let failure = stop.ending(work, &halt).await.unwrap_err();
        (failure.code(), failure.message().to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_that_no_signal_made_is_told() {
        let heed = |halt: &Halt| assert!(halt.heed());
        let stopped = end("broken off", heed).await;
        assert_eq!(stopped, (130, "stopped by SIGINT".to_owned()));
        let failed = end("the disk is full", |_| {}).await;
        assert_eq!(failed, (1, "the disk is full".to_owned()));
    }
}
