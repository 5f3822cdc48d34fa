//! What subscribers see while deployments run.

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::broadcast;

use crate::id::DeploymentId;
use crate::phase::Phase;

/// How many events a subscriber may lag behind before it loses the oldest: a few seconds of a
/// hundred busy deployments, at less than 64 KiB an event of output.
const CAPACITY: usize = 1_024;

/// Something that happened to a deployment of this [`Deployer`](crate::Deployer).
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use std::sync::Arc;
/// # use store::StoreExt as _;
/// # let mut runner = batch::MockICommandRunner::new();
/// # runner.expect_run().returning(|_, _, _, _| {
/// #     batch::RunReport::new(batch::StepOutcome::Exited { code: 0 })
/// # });
/// # let store = Arc::new(store::MemoryStore::new());
/// # let archive = testkit::package("hello-world", &[("index.php", b"<?php phpinfo();")]);
/// # let file = store::FileName::new("hello-world.tar.gz")?;
/// # store.save_bytes(&file, archive, &store::SaveOptions::default()).await?;
/// # let platform = Arc::new(deployment::CliPlatform::helion(Arc::new(runner)));
/// # let options = deployment::DeployerOptions::default();
/// # let deployer = deployment::Deployer::new(store, platform, options);
/// use batch::Secret;
/// use deployment::{Credentials, DeployRequest, EventKind};
///
/// let mut events = deployer.subscribe();
/// let credentials = Credentials::new("admin", Secret::new("open sesame"))?;
/// let request = DeployRequest::new("hello-world", "https://api.example.com", credentials)?;
/// let id = deployer.deploy_package(request).await?;
/// let event = events.next().await.ok_or("the deployer is gone")?;
/// assert_eq!(event.id, id);
/// assert!(matches!(event.kind, EventKind::Status(phase) if phase.as_str() == "INIT"));
/// # deployer.wait(&id).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeploymentEvent {
    /// The deployment.
    pub id: DeploymentId,
    /// What happened.
    pub kind: EventKind,
}

/// The kinds of [`DeploymentEvent`].
///
/// # Examples
///
/// ```
/// use deployment::{EventKind, Phase};
///
/// fn line(kind: &EventKind) -> Option<String> {
///     match kind {
///         EventKind::Fetched { bytes, size, .. } => Some(format!("{bytes} of {size} bytes")),
///         EventKind::StepStarted { command, .. } => Some(format!("$ {command}")),
///         EventKind::Output(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
///         EventKind::Ended(phase) => Some(phase.to_string()),
///         _ => None,
///     }
/// }
///
/// assert_eq!(line(&EventKind::Ended(Phase::Failed)).as_deref(), Some("FAILED"));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum EventKind {
    /// A phase was reached, and the record that says so is durable.
    Status(Phase),
    /// That many bytes of the package have been fetched.
    #[non_exhaustive]
    Fetched {
        /// Bytes so far.
        bytes: u64,
        /// Bytes in all.
        size: u64,
    },
    /// A command was started.
    #[non_exhaustive]
    StepStarted {
        /// The status that it is to reach.
        status: String,
        /// Its command line, secrets as `***`.
        command: String,
    },
    /// The running command printed something; secrets are masked.
    Output(Bytes),
    /// A step ended: a command, or work of the engine's own.
    #[non_exhaustive]
    StepFinished {
        /// The status that it was to reach.
        status: String,
        /// The command line, secrets as `***`, or what the engine did.
        command: String,
        /// How it ended, in words.
        outcome: String,
        /// Whether the deployment goes on after it.
        accepted: bool,
        /// How long it took.
        took: Duration,
    },
    /// The record belongs to somebody else by now, or could not be renewed before its lease ended:
    /// the work is stopped at once. Where the record is lost, no [`Ended`](Self::Ended) follows.
    #[non_exhaustive]
    OwnershipLost {
        /// Why, in words.
        reason: String,
    },
    /// The deployment is over, and nothing of it runs or lies about any more.
    Ended(Phase),
}

/// A subscription; see [`Deployer::subscribe`](crate::Deployer::subscribe).
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use std::sync::Arc;
/// # use store::StoreExt as _;
/// # let mut runner = batch::MockICommandRunner::new();
/// # runner.expect_run().returning(|_, _, _, _| {
/// #     batch::RunReport::new(batch::StepOutcome::Exited { code: 0 })
/// # });
/// # let store = Arc::new(store::MemoryStore::new());
/// # let archive = testkit::package("hello-world", &[("index.php", b"<?php phpinfo();")]);
/// # let file = store::FileName::new("hello-world.tar.gz")?;
/// # store.save_bytes(&file, archive, &store::SaveOptions::default()).await?;
/// # let platform = Arc::new(deployment::CliPlatform::helion(Arc::new(runner)));
/// # let options = deployment::DeployerOptions::default();
/// # let deployer = deployment::Deployer::new(store, platform, options);
/// use batch::Secret;
/// use deployment::{Credentials, DeployRequest, EventKind};
///
/// let mut events = deployer.subscribe();
/// let credentials = Credentials::new("admin", Secret::new("open sesame"))?;
/// let request = DeployRequest::new("hello-world", "https://api.example.com", credentials)?;
/// deployer.deploy_package(request).await?;
/// let mut commands = Vec::new();
/// while let Some(event) = events.next().await {
///     match event.kind {
///         EventKind::StepStarted { command, .. } => commands.push(command),
///         EventKind::Ended(_) => break,
///         _ => {}
///     }
/// }
/// assert_eq!(commands[0], "helion target https://api.example.com");
/// assert_eq!(events.missed(), 0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Events {
    receiver: broadcast::Receiver<DeploymentEvent>,
    missed: u64,
}

impl Events {
    /// The next event; `None` when the deployer is gone.
    ///
    /// # Cancellation
    ///
    /// No event is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<DeploymentEvent> {
        loop {
            match self.receiver.recv().await {
                Ok(event) => return Some(event),
                Err(broadcast::error::RecvError::Lagged(count)) => self.missed += count,
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }

    /// How many events this subscriber was too slow for.
    ///
    /// The record has every status all the same.
    #[must_use]
    pub const fn missed(&self) -> u64 {
        self.missed
    }
}

/// The sending side, for the engine; by default nobody hears it.
#[derive(Clone, Debug, Default)]
pub(crate) struct EventSender(Option<broadcast::Sender<DeploymentEvent>>);

impl EventSender {
    /// Never blocks: a subscriber that lags loses the oldest events, and counts them.
    pub(crate) fn send(&self, id: DeploymentId, kind: EventKind) {
        #[cfg(feature = "metrics")]
        crate::metrics::event(&kind);
        if let Some(sender) = &self.0
            && sender.receiver_count() > 0
        {
            // An error means that the last subscriber has just gone, which is no failure.
            drop(sender.send(DeploymentEvent { id, kind }));
        }
    }
}

/// Where the subscribers of one deployer hear of its deployments.
#[derive(Debug)]
pub(crate) struct EventChannel(broadcast::Sender<DeploymentEvent>);

impl EventChannel {
    /// Holds room for all events that a subscriber may lag behind.
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(CAPACITY))
    }

    pub(crate) fn sender(&self) -> EventSender {
        EventSender(Some(self.0.clone()))
    }

    pub(crate) fn subscribe(&self) -> Events {
        Events {
            receiver: self.0.subscribe(),
            missed: 0,
        }
    }
}
