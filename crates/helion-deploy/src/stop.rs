//! Ctrl-C, SIGTERM, and a terminal that is closed.

use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::failure::{FAILED, Failure};
use crate::ignored_signals::IgnoredSignals;

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
        tokio::select! {
            () = heard(&mut self.interrupt) => StopSignal::Interrupt,
            () = heard(&mut self.terminate) => StopSignal::Terminate,
            () = heard(&mut self.hangup) => StopSignal::Hangup,
        }
    }

    /// Does `work` unless a signal comes first, as [`unless_stopped`] does.
    pub(crate) async fn unless<T>(
        &mut self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        tokio::select! {
            biased;
            signal = self.asked() => Err(signal.failure()),
            done = work => done,
        }
    }

    /// Has the next [`asked`](Self::asked) tell this one once more, so that it is acted on there.
    pub(crate) fn put_back(&mut self, signal: StopSignal) {
        self.waiting = Some(signal);
    }

    /// Does `work`, which ends by itself soon after `stopped` says so, as a signal has it do; what
    /// is done by then is done. A second signal does not wait for that.
    pub(crate) async fn ending<T>(
        &mut self,
        work: impl Future<Output = Result<T, Failure>>,
        stopped: &AtomicBool,
    ) -> Result<T, Failure> {
        tokio::pin!(work);
        let signal = tokio::select! {
            biased;
            done = &mut work => return done,
            signal = self.asked() => signal,
        };
        stopped.store(true, Ordering::Relaxed);
        self.last_chance(work, signal).await
    }

    /// Waits a little for the end of `work` after a signal; a second one does not.
    pub(crate) async fn last_chance<T>(
        &mut self,
        work: impl Future<Output = Result<T, Failure>>,
        signal: StopSignal,
    ) -> Result<T, Failure> {
        tokio::select! {
            biased;
            done = work => done.map_err(|_| signal.failure()),
            _ = self.asked() => Err(signal.failure()),
            () = sleep(LONGEST_END) => Err(signal.failure()),
        }
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

/// Has a signal end the program at once, up to the end of what this returns: so while standard
/// output is written, whose reader may never come.
///
/// Once listened for, a signal no longer ends the program by itself, and whoever is blocked in a
/// write hears none.
pub(crate) fn end_at_once() -> Option<impl Drop> {
    // Without a runtime, nobody has listened.
    let runtime = Handle::try_current().ok()?;
    let mut stop = Stop::new().ok()?;
    let listening = runtime.spawn(async move {
        let signal = stop.asked().await;
        std::process::exit(i32::from(signal.failure().code()));
    });
    Some(Listening(listening))
}

/// A task that listens until this is dropped.
struct Listening(JoinHandle<()>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
    }
}
