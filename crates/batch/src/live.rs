//! Output on its way to whoever watches.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use tokio::sync::{Notify, mpsc};

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
    start: Arc<Start>,
}

/// The number of the process that was started, once it was.
#[derive(Debug, Default)]
struct Start {
    pid: OnceLock<u32>,
    told: Notify,
}

impl LiveOutput {
    /// A bounded channel of `capacity` pieces of output, at least one.
    #[must_use]
    pub fn channel(capacity: usize) -> (Self, LiveReceiver) {
        let (sender, receiver) = mpsc::channel(capacity.max(1));
        let start = Arc::<Start>::default();
        let channel = Channel {
            sender,
            dropped: AtomicU64::new(0),
            start: Arc::clone(&start),
        };
        (
            Self(Some(Arc::new(channel))),
            LiveReceiver {
                receiver,
                start,
                is_start_told: false,
            },
        )
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

    /// Says that the command was started as the process `pid`; only the first call counts.
    ///
    /// # Examples
    ///
    /// ```
    /// use batch::LiveOutput;
    ///
    /// let (live, receiver) = LiveOutput::channel(64);
    /// assert_eq!(receiver.pid(), None);
    /// live.start(4711); // as a runner of one's own does
    /// assert_eq!(receiver.pid(), Some(4711));
    /// ```
    pub fn start(&self, pid: u32) {
        if let Some(Channel { start, .. }) = self.0.as_deref()
            && start.pid.set(pid).is_ok()
        {
            start.told.notify_one();
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
///
/// # Examples
///
/// Shows what a command prints while it runs:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use batch::{
///     Command, ICommandRunner, LiveOutput, LocalRunner, LocalRunnerOptions, RunOptions,
/// };
/// use tokio_util::sync::CancellationToken;
///
/// let runner = LocalRunner::new(LocalRunnerOptions::default());
/// let (live, mut receiver) = LiveOutput::channel(64);
/// let running = tokio::spawn(async move {
///     let command = Command::new("echo").arg("hello");
///     runner.run(&command, &RunOptions::new("/"), &live, &CancellationToken::new()).await
/// });
/// let mut shown = Vec::new();
/// while let Some(piece) = receiver.recv().await {
///     shown.extend_from_slice(&piece);
/// }
/// assert_eq!(shown, b"hello\n");
/// assert!(receiver.pid().is_some());
/// assert_eq!(running.await?.outcome.exit_code(), Some(0));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct LiveReceiver {
    receiver: mpsc::Receiver<Bytes>,
    start: Arc<Start>,
    is_start_told: bool,
}

impl LiveReceiver {
    /// Waits for a piece of output; `None` when no sender is left.
    ///
    /// # Cancellation
    ///
    /// Dropping the future loses nothing.
    pub async fn recv(&mut self) -> Option<Bytes> {
        self.receiver.recv().await
    }

    /// A piece of output that is there already.
    pub fn try_recv(&mut self) -> Option<Bytes> {
        self.receiver.try_recv().ok()
    }

    /// The number of the process, once the command was started; a runner that starts no process of
    /// this machine never tells one.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.start.pid.get().copied()
    }

    /// Waits for what comes next: the start once, then output.
    ///
    /// Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Option<Live> {
        if let Some(start) = self.next_start() {
            return Some(start);
        }
        loop {
            tokio::select! {
                biased;
                () = self.start.told.notified(), if !self.is_start_told => {
                    if let Some(start) = self.next_start() {
                        return Some(start);
                    }
                }
                bytes = self.receiver.recv() => return bytes.map(Live::Output),
            }
        }
    }

    /// What is there already.
    pub(crate) fn try_next(&mut self) -> Option<Live> {
        self.next_start()
            .or_else(|| self.try_recv().map(Live::Output))
    }

    fn next_start(&mut self) -> Option<Live> {
        let pid = self.pid().filter(|_| !self.is_start_told)?;
        self.is_start_told = true;
        Some(Live::Started(pid))
    }
}

/// What comes from a runner.
#[derive(Debug)]
pub(crate) enum Live {
    /// The command was started as this process.
    Started(u32),
    /// It printed something.
    Output(Bytes),
}
