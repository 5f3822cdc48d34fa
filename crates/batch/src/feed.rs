//! Events on their way to a listener that may be slow.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;

use crate::progress::LiveEvent;

/// A bounded queue of events, between [`IProgress::observe`](crate::IProgress::observe) and a
/// listener with a thread or task of its own.
///
/// Sending never waits: an event that finds no room is dropped and counted.
/// So a listener that is slow, fails or panics holds up no timeout, no cancel and no other batch.
///
/// # Examples
///
/// ```
/// use batch::{IProgress, LiveEvent, LiveFeed, Milestone, ReportError};
///
/// struct Progress {
///     feed: LiveFeed,
/// }
///
/// #[async_trait::async_trait]
/// impl IProgress for Progress {
///     async fn report(&self, _: &Milestone) -> Result<(), ReportError> {
///         Ok(())
///     }
///     fn observe(&self, event: &LiveEvent) {
///         self.feed.send(event);
///     }
/// }
///
/// let (feed, mut events) = LiveFeed::channel(1);
/// let listener = std::thread::spawn(move || {
///     let event = events.blocking_recv();
///     assert!(matches!(event, Some(LiveEvent::BatchStarted { steps: 1 })));
/// });
/// let progress = Progress { feed };
/// progress.observe(&LiveEvent::BatchStarted { steps: 1 });
/// # listener.join().unwrap();
/// progress.observe(&LiveEvent::BatchStarted { steps: 2 });
/// assert_eq!(progress.feed.dropped(), 1);
/// ```
#[derive(Clone, Debug)]
pub struct LiveFeed {
    sender: mpsc::Sender<LiveEvent>,
    dropped: Arc<AtomicU64>,
}

impl LiveFeed {
    /// A queue for at most `capacity` events, at least one; a piece of output in it is at most
    /// 64 KiB.
    #[must_use]
    pub fn channel(capacity: usize) -> (Self, LiveEvents) {
        let (sender, receiver) = mpsc::channel(capacity.max(1));
        let dropped = Arc::<AtomicU64>::default();
        let feed = Self { sender, dropped };
        (feed, LiveEvents(receiver))
    }

    /// Sends an event, or counts it as dropped where there is no room or no listener any more.
    pub fn send(&self, event: &LiveEvent) {
        match self.sender.try_reserve() {
            Ok(place) => place.send(event.clone()),
            Err(_) => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// How many events were dropped.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// The listener's end of a [`LiveFeed`].
///
/// # Examples
///
/// A listener that is a task:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use batch::{LiveEvent, LiveFeed};
///
/// let (feed, mut events) = LiveFeed::channel(16);
/// let listener = tokio::spawn(async move {
///     let mut steps = 0;
///     while let Some(event) = events.recv().await {
///         steps += usize::from(matches!(event, LiveEvent::StepStarted { .. }));
///     }
///     steps
/// });
/// feed.send(&LiveEvent::BatchStarted { steps: 2 });
/// drop(feed); // nothing more comes
/// assert_eq!(listener.await?, 0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct LiveEvents(mpsc::Receiver<LiveEvent>);

impl LiveEvents {
    /// Waits for an event; `None` when no feed is left.
    ///
    /// # Cancellation
    ///
    /// Dropping the future loses nothing.
    pub async fn recv(&mut self) -> Option<LiveEvent> {
        self.0.recv().await
    }

    /// The same on a thread outside the runtime.
    ///
    /// # Panics
    ///
    /// On a thread that runs asynchronous tasks.
    pub fn blocking_recv(&mut self) -> Option<LiveEvent> {
        self.0.blocking_recv()
    }
}
