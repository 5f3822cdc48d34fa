//! The database as the writing thread has it open.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;

use super::error::cannot_open;
use super::identity::{Identity, moved};
use super::owner::{self, Opening, Owner};
use super::schema;
use crate::Result;
use crate::directory::make_directory;

/// The connection that writes, and what it is open on.
#[derive(Debug)]
pub(super) struct Database {
    path: PathBuf,
    busy_timeout: Duration,
    connection: Connection,
    identity: Identity,
    id: Arc<str>,
    /// Missing only after a failed reopening.
    owner: Option<Owner>,
}

impl Database {
    /// Opens the database, which is made, with its directory, where it is missing.
    pub(super) fn open(path: &Path, busy_timeout: Duration) -> Result<Self> {
        if let Some(directory) = path.parent() {
            make_directory(directory).map_err(cannot_open(path))?;
        }
        let opening = Opening::begin(path, busy_timeout)?;
        let connection = schema::open_writer(path, busy_timeout)?;
        let id = owner::new_id();
        let owner = opening.finish(&connection, &id)?;
        Ok(Self {
            path: path.to_owned(),
            busy_timeout,
            connection,
            identity: Identity::of(path)?,
            id,
            owner: Some(owner),
        })
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// What tells this store's uploads from those of others.
    pub(super) fn id(&self) -> Arc<str> {
        Arc::clone(&self.id)
    }

    /// Opens the file that lies at the path now, if it is another; whether it was.
    ///
    /// A database that is gone is not made anew: an empty store in its place would hide the loss.
    pub(super) fn reopen_if_moved(&mut self) -> Result<bool> {
        let identity = Identity::of(&self.path)?;
        if identity == self.identity && self.owner.is_some() {
            return Ok(false);
        }
        let opening = Opening::begin(&self.path, self.busy_timeout)?;
        // Its lock would keep the new one out.
        self.owner = None;
        self.connection = schema::reopen_writer(&self.path, self.busy_timeout)?;
        self.identity = identity;
        self.owner = Some(opening.finish(&self.connection, &self.id)?);
        tracing::warn!(path = %self.path.display(), "the database was replaced and is opened anew");
        Ok(true)
    }

    /// Checks that what is committed goes where others see it.
    pub(super) fn check_place(&self) -> Result<()> {
        if Identity::of(&self.path)? == self.identity {
            return Ok(());
        }
        Err(moved())
    }
}
