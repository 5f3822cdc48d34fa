//! Statuses kept as one JSON file per deployment in a store.

mod listing;
mod reading;
mod written;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use store::{Etag, Guarantee, IStore, SaveMode, SaveOptions, StoreExt};

use crate::error::{Error, Result};
use crate::id::DeploymentId;
use crate::record::DeploymentRecord;
use crate::record_limits::RecordLimits;
use crate::status::{IStatus, ListQuery, RecordPage, StatusChange};

use self::written::{Base, Unsure, Written};

/// Keeps deployment records as `deployment_<id>.json` files in a store.
///
/// # Semantics
///
/// - One call of [`set_status`](IStatus::set_status) is one write and, after the first, no read:
///   the records that this value writes are remembered until they are terminal.
/// - Where the store's update is exclusive, every write names the version it replaces, so that an
///   owner whose record was taken over is refused with [`Error::LostOwnership`] and cannot undo
///   what the new owner wrote.
///   Where it is not (OpenStack Swift), the last writer wins.
/// - A write whose reply was lost is looked up before the next one, and not applied twice.
/// - A record whose `deploy_id` is not that of its file's name, such as a copy, is
///   [`Error::BadRecord`] to every call.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use std::time::SystemTime;
///
/// use deployment::{DeploymentId, DeploymentStatus, IStatus, StatusChange, Subject};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> deployment::Result<()> {
/// let status = DeploymentStatus::new(Arc::new(store::MemoryStore::new()));
/// let id = DeploymentId::generate();
/// let subject = Subject::new("hello-world", "https://hello-world.example.com");
/// status.set_status(&id, &StatusChange::begin(subject, SystemTime::UNIX_EPOCH)).await?;
/// let record = status.get_status(&id).await?;
/// assert_eq!(record.map(|record| record.deploy_status).as_deref(), Some("INIT"));
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct DeploymentStatus {
    store: Arc<dyn IStore>,
    limits: RecordLimits,
    written: Mutex<HashMap<DeploymentId, Written>>,
}

impl DeploymentStatus {
    /// Keeps records in `store`.
    #[must_use]
    pub fn new(store: Arc<dyn IStore>) -> Self {
        Self {
            store,
            limits: RecordLimits::default(),
            written: Mutex::default(),
        }
    }

    /// Sets how much a record keeps.
    #[must_use]
    pub fn with_limits(mut self, limits: RecordLimits) -> Self {
        self.limits = limits;
        self
    }

    fn written(&self) -> MutexGuard<'_, HashMap<DeploymentId, Written>> {
        // The map is whole at every point where a holder could panic.
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The record that a change builds upon, and the part of the change that it lacks.
    async fn base(&self, id: &DeploymentId, change: &StatusChange) -> Result<Base> {
        if change.subject.is_some() {
            return Ok(Base::of(None, change));
        }
        let written = self.written().get(id).cloned();
        let Some(written) = written else {
            let stored = self.read(&id.file_name()).await?;
            let replaced = stored.map(|(record, etag)| (Arc::new(record), etag));
            return Ok(Base::of(replaced, change));
        };
        let (record, etag, settled) = match written.unsure {
            None => (written.record, written.etag, written.settled),
            Some(unsure) => match self.read_own(id).await? {
                Some((stored, etag)) if stored == *unsure.record => {
                    let Unsure { change, record } = *unsure;
                    (record, etag, Some(Box::new(change)))
                }
                Some((stored, etag)) if stored == *written.record => {
                    (written.record, etag, written.settled)
                }
                _ => {
                    self.written().remove(id);
                    return Err(Error::LostOwnership { id: *id });
                }
            },
        };
        let rest = settled.as_ref().and_then(|settled| change.without(settled));
        let settled = if rest.is_some() { None } else { settled };
        let base = Base {
            replaced: Some((record, etag)),
            change: rest.unwrap_or_else(|| change.clone()),
            settled,
        };
        Ok(base)
    }

    /// The mode that lets a write replace `replaced` and nothing else, as far as the store can.
    fn mode(&self, replaced: Option<&Etag>) -> SaveMode {
        match replaced {
            None => SaveMode::Create,
            Some(etag) if self.store.capabilities().exclusive_update == Guarantee::Exclusive => {
                SaveMode::Update(etag.clone())
            }
            Some(_) => SaveMode::Overwrite,
        }
    }

    /// Writes `record`; a refusal is looked into, since an earlier try may have got through.
    async fn write(
        &self,
        id: &DeploymentId,
        record: &DeploymentRecord,
        replaced: Option<&Etag>,
    ) -> Result<Etag, WriteError> {
        let file = id.file_name();
        let bytes = record.to_json().map_err(WriteError::Refused)?;
        if bytes.len() as u64 > DeploymentRecord::MAX_BYTES {
            return Err(WriteError::Refused(Error::RecordTooLarge {
                file: file.to_string(),
                bytes: bytes.len() as u64,
                limit: DeploymentRecord::MAX_BYTES,
            }));
        }
        let options = SaveOptions::default()
            .with_mode(self.mode(replaced))
            .with_content_type("application/json");
        match self.store.save_bytes(&file, bytes, &options).await {
            Ok(info) => Ok(info.etag),
            Err(error) => match error.kind() {
                store::ErrorKind::AlreadyExists
                | store::ErrorKind::Conflict
                | store::ErrorKind::NotFound => {
                    match self.read_own(id).await.map_err(WriteError::Unsure)? {
                        Some((stored, etag)) if stored == *record => Ok(etag),
                        _ => Err(WriteError::Refused(Error::LostOwnership { id: *id })),
                    }
                }
                _ => Err(WriteError::Unsure(Error::store("record a status")(error))),
            },
        }
    }

    /// Remembers what stands in the store until the deployment is over.
    fn remember(
        &self,
        id: &DeploymentId,
        record: &Arc<DeploymentRecord>,
        etag: Etag,
        settled: Option<Box<StatusChange>>,
    ) {
        let mut written = self.written();
        if record.is_terminal() {
            written.remove(id);
            return;
        }
        let record = Arc::clone(record);
        written.insert(
            *id,
            Written {
                record,
                etag,
                unsure: None,
                settled,
            },
        );
    }
}

enum WriteError {
    /// Nothing of it stands in the store.
    Refused(Error),
    /// It may have been written.
    Unsure(Error),
}

#[async_trait]
impl IStatus for DeploymentStatus {
    async fn get_status(&self, id: &DeploymentId) -> Result<Option<DeploymentRecord>> {
        Ok(self.read(&id.file_name()).await?.map(|(record, _)| record))
    }

    async fn set_status(
        &self,
        id: &DeploymentId,
        change: &StatusChange,
    ) -> Result<Arc<DeploymentRecord>> {
        let Base {
            replaced,
            change,
            settled,
        } = self.base(id, change).await?;
        let (current, replaced) = replaced.unzip();
        if change.is_empty()
            && let (Some(record), Some(etag)) = (&current, &replaced)
        {
            self.remember(id, record, etag.clone(), settled);
            return Ok(Arc::clone(record));
        }
        let record = Arc::new(change.apply_within(&self.limits, id, current.as_deref())?);
        match self.write(id, &record, replaced.as_ref()).await {
            Ok(etag) => {
                self.remember(id, &record, etag, settled);
                Ok(record)
            }
            Err(WriteError::Refused(error)) => {
                self.written().remove(id);
                Err(error)
            }
            Err(WriteError::Unsure(error)) => {
                if let (Some(current), Some(etag)) = (current, replaced) {
                    let unsure = Some(Box::new(Unsure { change, record }));
                    self.written().insert(
                        *id,
                        Written {
                            record: current,
                            etag,
                            unsure,
                            settled,
                        },
                    );
                }
                Err(error)
            }
        }
    }

    async fn list(&self, query: &ListQuery) -> Result<RecordPage> {
        self.list_page(query).await
    }

    async fn remove_status(&self, id: &DeploymentId) -> Result<()> {
        match self.store.delete_file(&id.file_name()).await {
            Err(error) if error.kind() != store::ErrorKind::NotFound => {
                Err(Error::store("remove a deployment's record")(error))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
#[path = "deployment_status/tests.rs"]
mod tests;
