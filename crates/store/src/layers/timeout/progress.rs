//! Whether a save moves, and who is waited for if it does not.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use tokio::time::Instant;

use crate::{FileContents, Result};

/// The most bytes that the store gets in one piece, so that each piece it takes is a sign of life
/// also where the caller has all in memory.
const PIECE: usize = 1024 * 1024;

/// Who a save waits for.
#[derive(Clone, Copy, Debug)]
enum Turn {
    /// The store, since then.
    Store(Instant),
    /// The caller, whose stream has no piece yet.
    Caller,
}

/// Follows the contents of one save.
#[derive(Clone, Debug)]
pub(crate) struct Progress(Arc<Mutex<Turn>>);

impl Progress {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Turn::Store(Instant::now()))))
    }

    /// The same contents, watched as the store takes them.
    pub(crate) fn watch(&self, contents: FileContents) -> FileContents {
        contents.watched(|stream| self.watch_pieces(cut(stream)))
    }

    fn watch_pieces(
        &self,
        mut pieces: BoxStream<'static, Result<Bytes>>,
    ) -> BoxStream<'static, Result<Bytes>> {
        let progress = self.clone();
        let watched = stream::poll_fn(move |context| {
            *progress.turn() = Turn::Caller;
            let nudge = Waker::from(Arc::new(Nudge {
                progress: progress.clone(),
                store: context.waker().clone(),
            }));
            let poll = pieces.poll_next_unpin(&mut Context::from_waker(&nudge));
            if poll.is_ready() {
                *progress.turn() = Turn::Store(Instant::now());
            }
            poll
        });
        watched.boxed()
    }

    /// Returns once the save has waited for the store for `most` without a break.
    pub(crate) async fn stalled(&self, most: Duration) {
        loop {
            let turn = *self.turn();
            let quiet = match turn {
                Turn::Store(since) => since.elapsed(),
                Turn::Caller => Duration::ZERO,
            };
            if quiet >= most {
                return;
            }
            tokio::time::sleep(most.saturating_sub(quiet)).await;
        }
    }

    fn turn(&self) -> MutexGuard<'_, Turn> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells the store that the caller's stream can go on; from then on it is the store's turn.
struct Nudge {
    progress: Progress,
    store: Waker,
}

impl Wake for Nudge {
    fn wake(self: Arc<Self>) {
        *self.progress.turn() = Turn::Store(Instant::now());
        self.store.wake_by_ref();
    }
}

fn cut(stream: BoxStream<'static, Result<Bytes>>) -> BoxStream<'static, Result<Bytes>> {
    let pieces = stream.flat_map(|piece| {
        let mut rest = piece.as_ref().map(Bytes::clone).unwrap_or_default();
        let first = piece.map(|_| rest.split_to(rest.len().min(PIECE)));
        let others = std::iter::from_fn(move || {
            (!rest.is_empty()).then(|| Ok(rest.split_to(rest.len().min(PIECE))))
        });
        stream::iter(std::iter::once(first).chain(others))
    });
    pieces.boxed()
}

#[cfg(all(test, feature = "swift"))]
mod tests {
    use super::*;

    #[test]
    fn watched_contents_are_as_much_kept_as_they_were() {
        let progress = Progress::new();
        let bytes = FileContents::from_bytes("hello");
        assert!(progress.watch(bytes).is_kept());
        let stream = FileContents::from_stream(stream::empty().boxed(), Some(0));
        assert!(!progress.watch(stream).is_kept());
    }
}
