//! Ending a deployment whose owner died, and what is left of it on this machine.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::directory::{self, Layout, Presence};
use crate::error::{Error, Result};
use crate::id::DeploymentId;
use crate::platform::DEPLOYMENT_VARIABLE;
use crate::record::{DeploymentRecord, ENGINE_SCHEMA};
use crate::status::{IStatus, StatusChange};

/// How far the clocks of two hosts may differ unless set otherwise: hosts that keep their time by
/// NTP differ by less than a second.
pub(crate) const CLOCK_MARGIN: Duration = Duration::from_secs(10);

/// How long nothing was put into a private directory that has no record and no living owner, when
/// it goes: its record may be another store's, whose engine finds by it what is left to do.
const ABANDONED_AFTER: Duration = Duration::from_hours(24);

/// Ends deployments whose owner died.
#[derive(Clone, Debug)]
pub(crate) struct Interruption {
    pub(crate) status: Arc<dyn IStatus>,
    pub(crate) clock: Clock,
    /// How long after its lease an owner is taken to be alive.
    pub(crate) margin: Duration,
    /// Where private directories are.
    pub(crate) temp_root: PathBuf,
}

/// What a record says of its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    /// There is nothing left to own.
    None,
    /// It has renewed its lease in time.
    Alive,
    /// It has not.
    Dead,
    /// There is no lease to tell by.
    Unknown,
}

impl Interruption {
    fn owner(&self, record: &DeploymentRecord) -> Owner {
        if record.is_terminal() {
            return Owner::None;
        }
        match record.lease_until() {
            None => Owner::Unknown,
            Some(until) if self.clock.now() < until + self.margin => Owner::Alive,
            Some(_) => Owner::Dead,
        }
    }

    /// Whether the deployment of `record` is under way, by its lease.
    ///
    /// # Errors
    ///
    /// [`Error::NewerRecord`] where only a newer engine can tell.
    pub(crate) fn has_living_owner(
        &self,
        id: &DeploymentId,
        record: &DeploymentRecord,
    ) -> Result<bool> {
        refuse_newer(id, record)?;
        Ok(self.owner(record) == Owner::Alive)
    }

    /// Ends the deployment of `record` when its owner is dead; whether this call did, which is the
    /// caller's to tell.
    ///
    /// # Errors
    ///
    /// The status's errors, and [`Error::NewerRecord`] where a newer engine has to do it.
    pub(crate) async fn end(&self, id: &DeploymentId, record: &DeploymentRecord) -> Result<bool> {
        refuse_newer(id, record)?;
        if self.owner(record) != Owner::Dead {
            return Ok(false);
        }
        let change = StatusChange::interrupt(record, self.clock.now());
        match self.status.set_status(id, &change).await {
            Ok(_) => Ok(true),
            // Its owner lives after all, or another process was faster.
            Err(Error::LostOwnership { .. } | Error::IllegalMove { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether the deployment of `record` may be running; one whose owner is dead is ended first,
    /// with what it left on this machine.
    ///
    /// One without a lease, which is none of this engine's, is in nobody's way.
    pub(crate) async fn is_in_the_way(
        &self,
        id: &DeploymentId,
        record: &DeploymentRecord,
    ) -> Result<bool> {
        refuse_newer(id, record)?;
        match self.owner(record) {
            Owner::None | Owner::Unknown => return Ok(false),
            Owner::Alive => return Ok(true),
            Owner::Dead => {}
        }
        if self.end(id, record).await? {
            log(id);
        } else {
            let record = self.status.get_status(id).await?;
            if record.is_some_and(|record| !record.is_terminal()) {
                return Ok(true);
            }
        }
        if let Err(error) = self.clean(id).await {
            // Recovery finds it by its directory.
            tracing::warn!(deployment = %id, error = %error.chain(), "clean-up failed");
        }
        Ok(false)
    }

    /// Kills what runs of an ended deployment on this machine, and removes its private directory.
    ///
    /// The directory goes last, so that whoever finds it knows that there is something to do.
    pub(crate) async fn clean(&self, id: &DeploymentId) -> Result<()> {
        let (id, layout) = (*id, Layout::of(&self.temp_root, *id));
        let cleaned = tokio::task::spawn_blocking(move || clean(id, &layout));
        cleaned.await.map_err(Error::task)?
    }

    /// The same for a deployment that has no record here, where its owner is no more; whether it
    /// was.
    pub(crate) async fn clean_abandoned(&self, id: &DeploymentId) -> Result<bool> {
        let Some(then) = self.clock.now().checked_sub(ABANDONED_AFTER) else {
            return Ok(false);
        };
        let (id, layout) = (*id, Layout::of(&self.temp_root, *id));
        let cleaned = tokio::task::spawn_blocking(move || {
            let Some(_presence) = Presence::succeed(layout.root(), then) else {
                return Ok(false);
            };
            clean(id, &layout).map(|()| true)
        });
        cleaned.await.map_err(Error::task)?
    }

    /// The deployments whose private directories are there, running or not.
    pub(crate) async fn directories(&self) -> Result<Vec<DeploymentId>> {
        let root = self.temp_root.clone();
        let listed = tokio::task::spawn_blocking(move || match fs::read_dir(&root) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(Error::directory("list the temporary folder", root)(error)),
            Ok(entries) => {
                let names = entries.flatten().map(|entry| entry.file_name());
                let ids = names.filter_map(|name| Layout::owner_of(name.to_str()?));
                Ok(ids.collect())
            }
        });
        listed.await.map_err(Error::task)?
    }
}

/// Logs an interruption that no report tells.
pub(crate) fn log(id: &DeploymentId) {
    tracing::warn!(deployment = %id, "deployment interrupted: its owner is dead");
}

fn clean(id: DeploymentId, layout: &Layout) -> Result<()> {
    if !batch::kill_processes_with(DEPLOYMENT_VARIABLE, &id.to_string()) {
        return Err(Error::ProcessesLeft { id });
    }
    directory::remove(layout.root())
}

/// Refuses a record that is not over and that only a newer engine understands.
fn refuse_newer(id: &DeploymentId, record: &DeploymentRecord) -> Result<()> {
    match record.newer_schema() {
        Some(schema) if !record.is_terminal() => Err(Error::NewerRecord {
            file: id.file_name().to_string(),
            schema,
            known: ENGINE_SCHEMA,
        }),
        _ => Ok(()),
    }
}
