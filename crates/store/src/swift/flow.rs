//! A long segment, sent while its contents come in.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use md5::{Digest, Md5};
use tokio::sync::oneshot;

use crate::{Error, ErrorKind, FileContents, Operation, Result};

use super::hash::hex;
use super::pieces::Pieces;

/// How many bytes of a segment are kept, to be sent again where it fails early: at a token that has
/// ended, at a server that is busy, or at a connection that was about to be closed.
const KEPT: u64 = 8 * 1024 * 1024;

/// Contents that a request takes as they come, `length` bytes in all.
///
/// What was taken is kept up to [`KEPT`] bytes; until then the request can be sent again.
#[derive(Clone)]
pub(super) struct Flow {
    length: u64,
    state: Arc<Mutex<State>>,
}

struct State {
    /// Until all that belongs to the segment was taken; what is left goes there then.
    pieces: Option<(Pieces, oneshot::Sender<Pieces>)>,
    /// Bytes, and blocks of them, that were taken.
    taken: u64,
    blocks: usize,
    hasher: Md5,
    /// What was taken, as long as that is all of it.
    kept: Vec<Bytes>,
    is_kept: bool,
    /// Which request takes from the contents; none of that number does once it was stopped.
    round: usize,
    /// Up to which of the requests none gets anything any more.
    ended: usize,
    /// Who waits for the next block.
    waiting: Option<Waker>,
}

/// A request that carries a flow, until it is dropped: then its body ends where it is.
pub(super) struct Carrier {
    flow: Flow,
    round: usize,
}

impl Flow {
    /// The next `length` bytes of the contents, and what is left when those were taken.
    pub(super) fn new(pieces: Pieces, length: u64) -> (Self, oneshot::Receiver<Pieces>) {
        let (give, rest) = oneshot::channel();
        let state = State {
            pieces: Some((pieces, give)),
            taken: 0,
            blocks: 0,
            hasher: Md5::new(),
            kept: Vec::new(),
            is_kept: true,
            round: 0,
            ended: 0,
            waiting: None,
        };
        let flow = Self {
            length,
            state: Arc::new(Mutex::new(state)),
        };
        (flow, rest)
    }

    /// The bytes for a request, and what it ends with; any earlier one is over.
    pub(super) fn begin(&self) -> (FileContents, Carrier) {
        let round = self.state().round + 1;
        self.end(round - 1);
        self.state().round = round;
        let flow = self.clone();
        let mut place = 0;
        let blocks = stream::poll_fn(move |context| {
            let block = flow.state().poll(context, &flow, round, place);
            place += usize::from(block.is_ready());
            block
        });
        let contents = FileContents::from_stream(blocks.boxed(), Some(self.length));
        let flow = self.clone();
        (contents, Carrier { flow, round })
    }

    /// Ends the requests up to this one, whose bodies may wait for the contents.
    fn end(&self, round: usize) {
        let waiting = {
            let mut state = self.state();
            state.ended = state.ended.max(round);
            state.waiting.take()
        };
        // Whoever waits for a later one looks again, too.
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }

    /// Whether a request can carry it once more; that stays so once the last one was stopped.
    pub(super) fn is_kept(&self) -> bool {
        self.state().is_kept
    }

    /// Has no request carry it any more; one that has taken all of it ends as it may.
    pub(super) fn cancel(&self) {
        let (round, pieces) = {
            let mut state = self.state();
            state.is_kept = false;
            (state.round, state.pieces.take())
        };
        // They are the caller's, who may do anything when they are let go.
        drop(pieces);
        self.end(round);
    }

    /// Hands all of it on as if none had been taken, if that is kept, and no more than that was taken.
    pub(super) fn give_back(&self) -> bool {
        let mut state = self.state();
        if !state.is_kept {
            return false;
        }
        let Some((mut pieces, give)) = state.pieces.take() else {
            return false;
        };
        state.is_kept = false;
        pieces.put_back(std::mem::take(&mut state.kept));
        give.send(pieces).is_ok()
    }

    /// The MD5 of what was taken, if that is all that was to be.
    pub(super) fn hash(&self) -> Option<String> {
        let state = self.state();
        (state.taken == self.length).then(|| hex(&state.hasher.clone().finalize()))
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Carrier {
    /// Has the request take nothing more of the contents.
    ///
    /// Its body does not end yet: that would break the connection, and the answer may still be read.
    pub(super) fn stop(&self) {
        let mut state = self.flow.state();
        if state.round == self.round {
            state.round += 1;
        }
    }
}

impl Drop for Carrier {
    fn drop(&mut self) {
        self.stop();
        self.flow.end(self.round);
    }
}

impl fmt::Debug for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Carrier").field(&self.flow).finish()
    }
}

impl State {
    /// The block of that number.
    fn poll(
        &mut self,
        context: &mut Context<'_>,
        flow: &Flow,
        round: usize,
        number: usize,
    ) -> Poll<Option<Result<Bytes>>> {
        if self.taken == flow.length && number == self.blocks {
            return Poll::Ready(None);
        }
        if round <= self.ended {
            return Poll::Ready(Some(Err(superseded())));
        }
        if round != self.round {
            self.waiting = Some(context.waker().clone());
            return Poll::Pending;
        }
        if self.is_kept
            && let Some(block) = self.kept.get(number)
        {
            return Poll::Ready(Some(Ok(block.clone())));
        }
        let is_next = self.blocks == number;
        let Some((pieces, _)) = self.pieces.as_mut().filter(|_| is_next) else {
            return Poll::Ready(Some(Err(superseded())));
        };
        let Poll::Ready(block) = pieces.poll_block(context, flow.length - self.taken) else {
            self.waiting = Some(context.waker().clone());
            return Poll::Pending;
        };
        if let Some(Ok(block)) = &block {
            self.keep(block);
        } else {
            // Contents that failed, or were over too early, are so once and for all.
            self.is_kept = false;
        }
        if self.taken == flow.length
            && let Some((pieces, give)) = self.pieces.take()
        {
            // Nobody waits for it where the save was given up.
            let _ = give.send(pieces);
        }
        Poll::Ready(block)
    }

    fn keep(&mut self, block: &Bytes) {
        self.hasher.update(block);
        self.taken += block.len() as u64;
        self.blocks += 1;
        self.is_kept &= self.taken <= KEPT;
        if self.is_kept {
            self.kept.push(block.clone());
        } else {
            self.kept.clear();
        }
    }
}

impl fmt::Debug for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flow")
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

fn superseded() -> Error {
    Error::new(ErrorKind::Other, Operation::SaveFile.as_str())
        .with_message("the request was made again")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::Wake;

    use futures_util::TryStreamExt;

    use super::*;
    use crate::{FileName, SaveOptions};

    const MIB: usize = 1024 * 1024;

    fn flow(bytes: &[u8], length: usize) -> (Flow, oneshot::Receiver<Pieces>) {
        let name = FileName::new("a").unwrap();
        let contents = FileContents::from_bytes(bytes.to_vec());
        let pieces = Pieces::new(&name, contents, &SaveOptions::default(), 10);
        Flow::new(pieces, length as u64)
    }

    async fn whole(flow: &Flow) -> Result<Bytes> {
        let (contents, _carrier) = flow.begin();
        contents.collect(u64::MAX).await
    }

    #[tokio::test]
    async fn what_is_kept_is_sent_again_from_its_beginning() {
        let bytes: Vec<u8> = (0..3 * MIB + 5)
            .map(|place| (place / 7).to_le_bytes()[0])
            .collect();
        let length = 2 * MIB + 1;
        let (flow, rest) = flow(&bytes, length);
        let (early, _early_carrier) = flow.begin();
        let mut early = early.into_stream();
        let first = early.try_next().await.unwrap().unwrap();
        assert!(bytes.starts_with(&first) && flow.is_kept());
        assert_eq!(flow.hash(), None);
        let (again, _again_carrier) = flow.begin();
        let mut again = again.into_stream().map_ok(|block| block.to_vec());
        let begin = again.try_next().await.unwrap().unwrap();
        let next = again.try_next().await.unwrap().unwrap();
        assert!(bytes.starts_with(&[begin, next].concat()));
        // The first request is over, and takes nothing that belongs to the next.
        assert!(early.try_next().await.is_err());
        assert!(whole(&flow).await.unwrap() == bytes[..length]);
        assert_eq!(flow.hash().unwrap(), hex(&Md5::digest(&bytes[..length])));
        // Also when the rest was handed on.
        let (rest, _) = Flow::new(rest.await.unwrap(), (bytes.len() - length) as u64);
        assert!(whole(&rest).await.unwrap() == bytes[length..]);
        assert!(whole(&flow).await.unwrap() == bytes[..length]);
    }

    #[tokio::test]
    async fn a_request_that_is_stopped_takes_nothing_more_and_ends_when_it_is_let_go() {
        let bytes = vec![7; 12 * MIB];
        let (flow, _rest) = flow(&bytes, bytes.len());
        let (early, carrier) = flow.begin();
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        let mut early = early.into_stream();
        let Poll::Ready(Some(Ok(first))) = early.poll_next_unpin(&mut context) else {
            panic!("nothing has come");
        };
        carrier.stop();
        assert!(early.poll_next_unpin(&mut context).is_pending());
        assert!(flow.is_kept() && !woken.0.load(Ordering::Relaxed));
        drop(carrier);
        assert!(woken.0.load(Ordering::Relaxed));
        assert!(early.try_next().await.is_err());
        assert_eq!(flow.state().taken, first.len() as u64);
        assert!(whole(&flow).await.unwrap() == bytes);
    }

    #[derive(Default)]
    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    #[tokio::test]
    async fn what_is_too_long_to_be_kept_is_sent_once() {
        let length = usize::try_from(KEPT).unwrap() + 1;
        let (flow, rest) = flow(&vec![7; length], length);
        assert_eq!(whole(&flow).await.unwrap().len(), length);
        assert!(!flow.is_kept() && flow.state().kept.is_empty());
        assert!(whole(&flow).await.is_err());
        assert!(flow.hash().is_some());
        assert!(rest.await.unwrap().look_ahead().await.unwrap());
    }

    #[tokio::test]
    async fn contents_that_end_early_are_no_segment() {
        let (flow, rest) = flow(b"hello", 6);
        assert!(whole(&flow).await.is_err());
        assert!(!flow.is_kept());
        assert_eq!(flow.hash(), None);
        drop(flow);
        assert!(rest.await.is_err());
    }
}
