//! The seam through which statuses are recorded and read.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;

use crate::error::Result;
use crate::id::DeploymentId;
use crate::phase::Phase;
use crate::platform::Space;
use crate::record::{DeploymentRecord, ErrorRecord, StepRecord};

/// Records the statuses of deployments where any thread, process or service can read them.
///
/// [`DeploymentStatus`](crate::DeploymentStatus) keeps them in an [`IStore`](store::IStore); an
/// application may hand the engine another one, such as a table of its own database.
///
/// # Contract
///
/// - `set_status` is durable when it returns, all or nothing, and one call is one write.
/// - The history only grows: a change is applied to the record as it stands, and when that
///   cannot be read, nothing is written.
/// - A phase that may not follow the recorded one is refused with
///   [`Error::IllegalMove`](crate::Error::IllegalMove).
/// - The first change of an id creates its record and fails with
///   [`Error::LostOwnership`](crate::Error::LostOwnership) when there is one already.
/// - Calls for one id come from its owner, one after the other; a change with a
///   [`seen_lease`](StatusChange::seen_lease), by which somebody else ends the record of a dead
///   owner, may come between.
///
/// # Implementing
///
/// Apply a change with [`StatusChange::apply`], which checks the phases and builds the record in
/// the original's form.
///
/// # Examples
///
/// ```
/// use std::collections::HashMap;
/// use std::sync::{Arc, Mutex};
///
/// use deployment::{DeploymentId, DeploymentRecord, IStatus, ListQuery, RecordPage, Result, StatusChange};
///
/// #[derive(Debug, Default)]
/// struct InProcess(Mutex<HashMap<DeploymentId, Arc<DeploymentRecord>>>);
///
/// #[async_trait::async_trait]
/// impl IStatus for InProcess {
///     async fn get_status(&self, id: &DeploymentId) -> Result<Option<DeploymentRecord>> {
///         let record = self.0.lock().unwrap().get(id).cloned();
///         Ok(record.map(Arc::unwrap_or_clone))
///     }
///
///     async fn set_status(
///         &self,
///         id: &DeploymentId,
///         change: &StatusChange,
///     ) -> Result<Arc<DeploymentRecord>> {
///         let mut records = self.0.lock().unwrap();
///         let current = records.get(id).map(Arc::as_ref);
///         let record = Arc::new(change.apply(id, current)?);
///         records.insert(*id, Arc::clone(&record));
///         Ok(record)
///     }
///
///     async fn list(&self, query: &ListQuery) -> Result<RecordPage> {
///         let mut records: Vec<_> = self.0.lock().unwrap().clone().into_iter().collect();
///         records.sort_by(|a, b| b.0.cmp(&a.0));
///         let records = records.into_iter().map(|(_, record)| Arc::unwrap_or_clone(record));
///         Ok(RecordPage::new(records.take(query.limit).collect()))
///     }
///
///     async fn remove_status(&self, id: &DeploymentId) -> Result<()> {
///         self.0.lock().unwrap().remove(id);
///         Ok(())
///     }
/// }
/// ```
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait IStatus: fmt::Debug + Send + Sync + 'static {
    /// Reads the record of `id`; `None` when there is none.
    ///
    /// # Errors
    ///
    /// The store's error, or [`Error::BadRecord`](crate::Error::BadRecord).
    async fn get_status(&self, id: &DeploymentId) -> Result<Option<DeploymentRecord>>;

    /// Applies `change` to the record of `id`, and returns the record as it was written, which an
    /// implementation that remembers it shares.
    ///
    /// # Errors
    ///
    /// The store's error, [`Error::IllegalMove`](crate::Error::IllegalMove),
    /// [`Error::LostOwnership`](crate::Error::LostOwnership) when somebody else has written the
    /// record, [`Error::NewerRecord`](crate::Error::NewerRecord).
    async fn set_status(
        &self,
        id: &DeploymentId,
        change: &StatusChange,
    ) -> Result<Arc<DeploymentRecord>>;

    /// Reads one page of records, newest first.
    ///
    /// # Errors
    ///
    /// The store's error; a single record that cannot be read is part of the page instead.
    async fn list(&self, query: &ListQuery) -> Result<RecordPage>;

    /// Removes the record of `id`; one that is not there is no error.
    ///
    /// The engine asks for this where it prunes records of deployments that have ended, and nowhere
    /// else.
    ///
    /// # Errors
    ///
    /// The store's error.
    async fn remove_status(&self, id: &DeploymentId) -> Result<()>;
}

const _: fn(&dyn IStatus) = |_| ();

/// Which records a page holds.
///
/// # Examples
///
/// ```
/// use deployment::{ListQuery, Phase};
///
/// let query = ListQuery::default().with_limit(20).with_phase(Phase::Failed);
/// assert_eq!(query.limit, 20);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListQuery {
    /// At most this many records; 50 unless set.
    pub limit: usize,
    /// Only records older than this one.
    pub after: Option<DeploymentId>,
    /// Only records in this phase.
    pub phase: Option<Phase>,
}

impl Default for ListQuery {
    fn default() -> Self {
        Self {
            limit: 50,
            after: None,
            phase: None,
        }
    }
}

impl ListQuery {
    /// Sets the greatest number of records.
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Goes on after `id`, the last one of the page before.
    #[must_use]
    pub fn with_after(mut self, id: DeploymentId) -> Self {
        self.after = Some(id);
        self
    }

    /// Keeps only records in `phase`.
    #[must_use]
    pub fn with_phase(mut self, phase: Phase) -> Self {
        self.phase = Some(phase);
        self
    }
}

/// One page of records, newest first by their ids.
///
/// The original's ids are no version 7 and do not tell their time by their order; they stand among
/// the others wherever their text sorts.
///
/// # Examples
///
/// All records, page by page:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> deployment::Result<()> {
/// use std::sync::Arc;
/// use std::time::SystemTime;
/// use deployment::{DeploymentId, DeploymentStatus, IStatus, ListQuery, StatusChange, Subject};
///
/// let status = DeploymentStatus::new(Arc::new(store::MemoryStore::new()));
/// for _ in 0..3 {
///     let change = StatusChange::begin(Subject::new("hello-world", ""), SystemTime::now());
///     status.set_status(&DeploymentId::generate(), &change).await?;
/// }
///
/// let mut records = Vec::new();
/// let mut query = ListQuery::default().with_limit(2);
/// loop {
///     let page = status.list(&query).await?;
///     records.extend(page.records);
///     match page.next {
///         Some(next) => query = query.with_after(next),
///         None => break,
///     }
/// }
/// assert_eq!(records.len(), 3);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct RecordPage {
    /// The records.
    pub records: Vec<DeploymentRecord>,
    /// Files among them that are no readable record, with the reason.
    pub unreadable: Vec<UnreadableRecord>,
    /// Where the next page goes on; `None` where it is known to be empty.
    pub next: Option<DeploymentId>,
}

impl RecordPage {
    /// A page that is the only one.
    #[must_use]
    pub fn new(records: Vec<DeploymentRecord>) -> Self {
        Self {
            records,
            ..Self::default()
        }
    }
}

/// A file that should hold a record and does not, or one that is not understood as a whole.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use deployment::{DeploymentId, DeploymentStatus, IStatus, ListQuery};
/// use store::{MemoryStore, SaveOptions, StoreExt};
///
/// let store = Arc::new(MemoryStore::new());
/// let id = DeploymentId::generate();
/// store.save_bytes(&id.file_name(), "half a rec", &SaveOptions::default()).await?;
///
/// let page = DeploymentStatus::new(store).list(&ListQuery::default()).await?;
/// assert!(page.records.is_empty());
/// assert_eq!(page.unreadable[0].id, id);
/// println!("{}", page.unreadable[0].reason);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnreadableRecord {
    /// The deployment that its name speaks of.
    pub id: DeploymentId,
    /// Why it cannot be read, or is left alone.
    pub reason: String,
}

/// What is to be added to a record in one write.
///
/// # Examples
///
/// ```
/// use std::time::SystemTime;
/// use deployment::{DeploymentId, Phase, StatusChange, Subject};
///
/// let (id, now) = (DeploymentId::generate(), SystemTime::now());
/// let begun = StatusChange::begin(Subject::new("hello-world", ""), now).apply(&id, None)?;
/// let started = StatusChange::reach(Phase::Started, now).apply(&id, Some(&begun))?;
/// assert_eq!(started.statuses().collect::<Vec<_>>(), ["INIT", "STARTED"]);
/// # Ok::<(), deployment::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct StatusChange {
    /// The phases reached since the last write, with the time of each.
    pub reached: Vec<(Phase, SystemTime)>,
    /// The steps finished since the last write.
    pub steps: Vec<StepRecord>,
    /// Why the deployment did not succeed.
    pub error: Option<ErrorRecord>,
    /// Until when the owner is taken to be alive; `None` leaves it as it is.
    pub lease_until: Option<SystemTime>,
    /// What the deployment is, in the change that begins its record; boxed, since no other one
    /// has it.
    pub subject: Option<Box<Subject>>,
    /// The lease of the record that the change was decided on; on a record with another one, which
    /// its owner has written meanwhile, the change is refused.
    pub seen_lease: Option<SystemTime>,
}

/// What a deployment is; fixed when its record begins.
///
/// # Examples
///
/// ```
/// use deployment::Subject;
///
/// let mut subject = Subject::new("hello-world", "https://hello-world.example.com");
/// subject.endpoint = "https://api.example.com".to_owned();
/// subject.owner = "build-host-3".to_owned();
/// assert_eq!(subject.application, "hello-world"); // as the package, unless set
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Subject {
    /// The package's name.
    pub package: String,
    /// The address that the application will answer at, or empty.
    pub destination: String,
    /// The platform's address.
    pub endpoint: String,
    /// The application's name on the platform.
    pub application: String,
    /// The running engine that owns the record.
    pub owner: String,
    /// The request's idempotency key.
    pub idempotency_key: Option<String>,
    /// The organization and space; the platform's default when absent.
    pub space: Option<Space>,
    /// The deployment that this one repeats.
    pub redeploy_of: Option<DeploymentId>,
}
