//! A piece of work for the writing thread.

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::error::failed;
use crate::{Error, ErrorKind, Result};

/// What a task needs of its commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// It is on the disk before its sender is told.
    Durable,
    /// It is never seen before what was sent earlier; what comes later may take it to the disk.
    Order,
}

/// A piece of work that waits for its transaction.
pub(super) trait Task: Send {
    fn bytes(&self) -> usize;
    fn need(&self) -> Need;
    /// Whether whoever sent it went away.
    fn is_given_up(&self) -> bool;
    /// Whether nobody waits for it, so that it may as well be done later.
    fn is_detached(&self) -> bool;
    /// Forgets what came of an earlier transaction.
    fn begin_anew(&mut self);
    /// Does the work; whether the transaction is sound, which it is also after a refusal.
    fn work(&mut self, connection: &Connection) -> bool;
    /// Tells the sender how it ended; `failure` is that of the transaction.
    fn answer(self: Box<Self>, failure: Option<&Failure>);
}

/// A function that waits for its transaction, and whoever waits for its result.
pub(super) struct Call<W, T> {
    pub(super) operation: &'static str,
    pub(super) bytes: usize,
    pub(super) need: Need,
    pub(super) work: W,
    pub(super) result: Option<Result<T>>,
    pub(super) reply: Option<oneshot::Sender<Result<T>>>,
}

/// Why a whole transaction failed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) kind: ErrorKind,
    pub(super) text: String,
}

impl Failure {
    pub(super) fn of_database(error: rusqlite::Error) -> Self {
        let error = failed("write")(error);
        let text = std::error::Error::source(&error).map(ToString::to_string);
        Self {
            kind: error.kind(),
            text: text.unwrap_or_default(),
        }
    }

    /// From what was found where the database lay.
    pub(super) fn of_place(error: &Error) -> Self {
        let kind = match error.kind() {
            // The store is open, so its set-up is right.
            ErrorKind::Configuration => ErrorKind::Unavailable,
            other => other,
        };
        Self {
            kind,
            text: error.to_string(),
        }
    }
}

impl<W, T> Task for Call<W, T>
where
    W: Fn(&Connection) -> Result<T> + Send,
    T: Send,
{
    fn bytes(&self) -> usize {
        self.bytes
    }

    fn need(&self) -> Need {
        self.need
    }

    fn is_given_up(&self) -> bool {
        self.reply.as_ref().is_some_and(oneshot::Sender::is_closed)
    }

    fn is_detached(&self) -> bool {
        self.reply.is_none()
    }

    fn begin_anew(&mut self) {
        self.result = None;
    }

    fn work(&mut self, connection: &Connection) -> bool {
        let changes = connection.total_changes();
        let result = (self.work)(connection);
        let is_sound = result
            .as_ref()
            .err()
            .is_none_or(|error| connection.total_changes() == changes && !is_database(error));
        self.result = Some(result);
        is_sound
    }

    fn answer(self: Box<Self>, failure: Option<&Failure>) {
        let result = match (self.result, failure) {
            (Some(result), None) => result,
            (Some(Err(error)), Some(_)) if is_database(&error) => Err(error),
            // A refusal may rest on what was rolled back.
            (Some(_), Some(_)) | (None, _) => {
                let error = Error::new(
                    failure.map_or(ErrorKind::Other, |failure| failure.kind),
                    self.operation,
                );
                Err(error.with_message(failure.map_or_else(
                    || "the work was not done".to_owned(),
                    |failure| format!("the transaction failed: {}", failure.text),
                )))
            }
        };
        match self.reply {
            // A sender that went away meanwhile does not want to know.
            Some(reply) => drop(reply.send(result)),
            None => {
                if let Err(error) = result {
                    tracing::warn!(operation = self.operation, %error, "background work failed");
                }
            }
        }
    }
}

/// Whether the database failed, rather than that the work was refused.
fn is_database(error: &Error) -> bool {
    std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<rusqlite::Error>)
}
