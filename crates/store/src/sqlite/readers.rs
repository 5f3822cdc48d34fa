//! The connections that read.

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::identity::Identity;
use super::schema;
use crate::blocking::run_blocking;
use crate::{Error, ErrorKind, Result};

/// How many idle connections are kept: more only help when more reads than this run at once.
const KEPT: usize = 8;

/// Connections for reading; one is opened whenever none is idle, so that slow readers of streams
/// hold up nobody.
#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    busy_timeout: Duration,
    idle: Mutex<Vec<(Connection, Identity)>>,
    /// As many reads begin at once as connections are kept: more of them would each start a
    /// thread and open a connection, which takes longer than waiting for one.
    beginning: Semaphore,
}

impl Readers {
    pub(super) fn new(path: PathBuf, busy_timeout: Duration) -> Self {
        Self {
            path,
            busy_timeout,
            idle: Mutex::default(),
            beginning: Semaphore::new(KEPT),
        }
    }

    /// Runs `work` on a connection where blocking is allowed.
    pub(super) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        operation: &'static str,
        work: impl FnOnce(Reader) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let readers = Arc::clone(self);
        // The semaphore is never closed; were it, a read would only begin earlier.
        let _permit = self.beginning.acquire().await.ok();
        run_blocking(operation, move || work(readers.take(operation)?)).await
    }

    fn take(self: Arc<Self>, operation: &'static str) -> Result<Reader> {
        let identity = Identity::of(&self.path).map_err(unusable(operation))?;
        let idle = self.take_idle(identity);
        let connection = match idle {
            Some(connection) => connection,
            None => {
                schema::open_reader(&self.path, self.busy_timeout).map_err(unusable(operation))?
            }
        };
        Ok(Reader {
            connection: Some((connection, identity)),
            readers: self,
        })
    }

    /// An idle connection on the file that lies at the path now; closes those on others.
    fn take_idle(&self, identity: Identity) -> Option<Connection> {
        let mut idle = self.idle();
        while let Some((connection, opened)) = idle.pop() {
            if opened == identity {
                return Some(connection);
            }
        }
        None
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(Connection, Identity)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unusable(operation: &'static str) -> impl Fn(Error) -> Error {
    move |error| {
        // The store is open, so its set-up is right: the database went away, or files ran out.
        let kind = match error.kind() {
            ErrorKind::Configuration => ErrorKind::Unavailable,
            other => other,
        };
        Error::new(kind, operation)
            .with_message("no connection to the database can be opened")
            .with_source(error)
    }
}

/// A connection on loan.
#[derive(Debug)]
pub(super) struct Reader {
    /// Present until dropped.
    connection: Option<(Connection, Identity)>,
    readers: Arc<Readers>,
}

impl Deref for Reader {
    type Target = Connection;

    #[expect(clippy::expect_used, reason = "the connection is only taken by drop")]
    fn deref(&self) -> &Connection {
        let (connection, _) = self
            .connection
            .as_ref()
            .expect("a reader has its connection until it is dropped");
        connection
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let Some((connection, identity)) = self.connection.take() else {
            return;
        };
        // A connection that cannot leave its transaction would pin the log: it is closed instead.
        let rollback = || connection.prepare_cached("ROLLBACK")?.execute(());
        let clean = connection.is_autocommit() || rollback().is_ok();
        let mut idle = self.readers.idle();
        if clean && idle.len() < KEPT {
            idle.push((connection, identity));
        }
    }
}
