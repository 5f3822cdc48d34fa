//! Output on its way to whoever watches.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use tokio::sync::mpsc;

/// Where a runner puts output while a command runs.
///
/// Sending never waits: what finds no room is dropped and counted, so that a slow watcher cannot
/// hold up a command, its timeout or its cancel.
///
/// # Examples
///
/// ```
/// use batch::LiveOutput;
///
/// let (live, mut receiver) = LiveOutput::channel(1);
/// live.send(b"first");
/// live.send(b"second");
/// assert_eq!(receiver.try_recv().as_deref(), Some(&b"first"[..]));
/// assert_eq!(live.dropped(), 6);
/// ```
#[derive(Clone, Debug)]
pub struct LiveOutput(Option<Arc<Channel>>);

#[derive(Debug)]
struct Channel {
    sender: mpsc::Sender<Bytes>,
    dropped: AtomicU64,
}

impl LiveOutput {
    /// A bounded channel of `capacity` pieces of output, at least one.
    #[must_use]
    pub fn channel(capacity: usize) -> (Self, LiveReceiver) {
        let (sender, receiver) = mpsc::channel(capacity.max(1));
        let channel = Channel {
            sender,
            dropped: AtomicU64::new(0),
        };
        (Self(Some(Arc::new(channel))), LiveReceiver(receiver))
    }

    /// An output that nobody watches.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    /// Sends a piece of output, or counts it as dropped where there is no room.
    ///
    /// The bytes must have their secrets masked, see
    /// [`Redactor::stream`](crate::Redactor::stream).
    pub fn send(&self, bytes: &[u8]) {
        let Some(channel) = &self.0 else {
            return;
        };
        match channel.sender.try_reserve() {
            Ok(permit) => permit.send(Bytes::copy_from_slice(bytes)),
            Err(_) => {
                channel
                    .dropped
                    .fetch_add(bytes.len() as u64, Ordering::Relaxed);
            }
        }
    }

    /// How many bytes found no room.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.0
            .as_ref()
            .map_or(0, |channel| channel.dropped.load(Ordering::Relaxed))
    }
}

/// The other end of a [`LiveOutput`].
#[derive(Debug)]
pub struct LiveReceiver(mpsc::Receiver<Bytes>);

impl LiveReceiver {
    /// Waits for a piece of output; `None` when no sender is left.
    ///
    /// # Cancellation
    ///
    /// Dropping the future loses nothing.
    pub async fn recv(&mut self) -> Option<Bytes> {
        self.0.recv().await
    }

    /// A piece of output that is there already.
    pub fn try_recv(&mut self) -> Option<Bytes> {
        self.0.try_recv().ok()
    }
}
