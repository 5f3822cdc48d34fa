//! Contents cut into pieces that fit in one object.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use md5::{Digest, Md5};
use tokio::time::Instant;

use crate::{FileContents, FileName, Result, SaveOptions};

use super::checksum::{Checksum, Summing};
use super::hash::hex;
use super::request::Body;

/// How long contents may be waited for that are no slow ones: the server waits for a minute.
const QUICK: Duration = Duration::from_secs(1);

/// Contents that are handed out piece by piece; each piece is in memory as a whole, so that it can
/// be sent again.
pub(super) struct Pieces {
    blocks: BoxStream<'static, Result<Bytes>>,
    most: u64,
    /// What is handed out before any more is taken of the contents.
    again: VecDeque<Bytes>,
    /// Takes in all that comes, if somebody asked for the checksum.
    summing: Option<Summing>,
    /// What has come and belongs to the next piece.
    rest: Bytes,
    /// How many bytes are to come, where it is known.
    left: Option<u64>,
    is_at_end: bool,
    /// Since when the next bytes are waited for.
    waits_since: Option<Instant>,
    /// The longest that any were waited for.
    longest: Duration,
}

/// Some of the contents.
pub(super) struct Piece {
    blocks: Vec<Bytes>,
    pub(super) length: u64,
    /// The MD5 of the bytes.
    pub(super) hash: String,
}

impl Piece {
    /// The checksum of the bytes.
    pub(super) fn checksum(&self) -> Checksum {
        let mut summing = Summing::default();
        for block in &self.blocks {
            summing.update(block);
        }
        summing.checksum()
    }

    /// The bytes as a request carries them.
    pub(super) fn body(&self) -> Body {
        match self.blocks.as_slice() {
            [block] => Body::Bytes(block.clone()),
            blocks => Body::Blocks(blocks.to_vec()),
        }
    }
}

impl Pieces {
    /// Contents in pieces of `most` bytes, of which the last alone may be shorter.
    pub(super) fn new(
        name: &FileName,
        contents: FileContents,
        options: &SaveOptions,
        most: u64,
    ) -> Self {
        Self {
            most,
            again: VecDeque::new(),
            summing: None,
            rest: Bytes::new(),
            left: contents.size(),
            is_at_end: false,
            waits_since: None,
            longest: Duration::ZERO,
            blocks: contents.into_checked(name, options),
        }
    }

    /// Whether the last piece was handed out: the contents ended as they should.
    pub(super) fn is_at_end(&self) -> bool {
        self.is_at_end
    }

    /// How many bytes are to come, where that is known.
    pub(super) fn left(&self) -> Option<u64> {
        self.left
    }

    /// Whether none of the contents had to be waited for.
    pub(super) fn is_quick(&self) -> bool {
        self.longest < QUICK
    }

    /// Whether there is nothing more.
    pub(super) async fn look_ahead(&mut self) -> Result<bool> {
        poll_fn(|context| self.poll_rest(context)).await?;
        Ok(self.is_at_end)
    }

    /// The next piece; the first may be empty, and none is asked for after the last.
    pub(super) async fn next(&mut self) -> Result<Piece> {
        let (mut blocks, mut length, mut hasher) = (Vec::new(), 0, Md5::new());
        while !self.look_ahead().await? && length < self.most {
            let block = self.take(self.most - length);
            hasher.update(&block);
            length += block.len() as u64;
            blocks.push(block);
        }
        Ok(Piece {
            blocks,
            length,
            hash: hex(&hasher.finalize()),
        })
    }

    /// The next bytes, of which there may be more than these, but not more than `most`.
    pub(super) fn poll_block(
        &mut self,
        context: &mut Context<'_>,
        most: u64,
    ) -> Poll<Option<Result<Bytes>>> {
        Poll::Ready(match ready!(self.poll_rest(context)) {
            Ok(()) if self.is_at_end => None,
            Ok(()) => Some(Ok(self.take(most))),
            Err(error) => Some(Err(error)),
        })
    }

    /// Has the blocks, which were the last to be taken, come again.
    pub(super) fn put_back(&mut self, blocks: Vec<Bytes>) {
        let length: u64 = blocks.iter().map(|block| block.len() as u64).sum();
        self.left = self.left.map(|left| left.saturating_add(length));
        let rest = std::mem::take(&mut self.rest);
        for block in blocks.into_iter().chain([rest]).rev() {
            self.again.push_front(block);
        }
    }

    /// Has the checksum taken of all the contents, of which only the first piece was handed out.
    pub(super) fn sum_from(&mut self, first: &Piece) {
        let summing = self.summing.insert(Summing::default());
        for block in first.blocks.iter().chain([&self.rest]) {
            summing.update(block);
        }
    }

    /// The checksum of all that has come, where it was asked for.
    pub(super) fn checksum(&self) -> Option<Checksum> {
        self.summing.as_ref().map(Summing::checksum)
    }

    /// Ready when something has come, or everything.
    fn poll_rest(&mut self, context: &mut Context<'_>) -> Poll<Result<()>> {
        while self.rest.is_empty() && !self.is_at_end {
            if let Some(block) = self.again.pop_front() {
                self.rest = block;
                continue;
            }
            let Poll::Ready(block) = self.blocks.poll_next_unpin(context) else {
                self.waits_since.get_or_insert_with(Instant::now);
                return Poll::Pending;
            };
            if let Some(since) = self.waits_since.take() {
                self.longest = self.longest.max(since.elapsed());
            }
            let Some(block) = block else {
                self.is_at_end = true;
                break;
            };
            self.rest = block?;
            if let Some(summing) = &mut self.summing {
                summing.update(&self.rest);
            }
        }
        Poll::Ready(Ok(()))
    }

    fn take(&mut self, most: u64) -> Bytes {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let block = self.rest.split_to(most.min(self.rest.len()));
        self.left = (self.left).map(|left| left.saturating_sub(block.len() as u64));
        block
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use proptest::prelude::*;

    use super::*;

    async fn cut(length: usize, most: u64) -> Vec<u64> {
        let contents = FileContents::from_bytes(vec![7; length]);
        let name = FileName::new("a").unwrap();
        let mut pieces = Pieces::new(&name, contents, &SaveOptions::default(), most);
        let mut lengths = Vec::new();
        while !pieces.is_at_end() {
            let piece = pieces.next().await.unwrap();
            let held: usize = piece.blocks.iter().map(Bytes::len).sum();
            assert_eq!(held as u64, piece.length);
            lengths.push(piece.length);
        }
        lengths
    }

    #[tokio::test]
    async fn the_last_piece_alone_is_shorter_and_never_empty_but_the_first() {
        const MIB: usize = 1024 * 1024;
        assert_eq!(cut(0, 10).await, [0]);
        assert_eq!(cut(10, 10).await, [10]);
        assert_eq!(cut(11, 10).await, [10, 1]);
        assert_eq!(cut(30, 10).await, [10, 10, 10]);
        let mib = MIB as u64;
        assert_eq!(cut(2 * MIB + 1, 2 * mib).await, [2 * mib, 1]);
        assert_eq!(cut(3 * MIB, mib + 1).await, [mib + 1, mib + 1, mib - 2]);
    }

    #[tokio::test]
    async fn a_piece_tells_the_md5_of_its_bytes() {
        let contents = FileContents::from_bytes("hello");
        let name = FileName::new("a").unwrap();
        let mut pieces = Pieces::new(&name, contents, &SaveOptions::default(), 10);
        let hash = pieces.next().await.unwrap().hash;
        assert_eq!(hash, "5d41402abc4b2a76b9719d911017c592");
    }

    /// The checksum of the contents, of which each long piece is put back once.
    async fn sum(blocks: Vec<Vec<u8>>, most: u64) -> Option<Checksum> {
        let blocks = stream::iter(blocks).map(|block| Ok(Bytes::from(block)));
        let contents = FileContents::from_stream(blocks.boxed(), None);
        let name = FileName::new("a").unwrap();
        let mut pieces = Pieces::new(&name, contents, &SaveOptions::default(), most);
        let first = pieces.next().await.unwrap();
        pieces.sum_from(&first);
        while !pieces.is_at_end() {
            let piece = pieces.next().await.unwrap();
            if piece.length == most && !pieces.is_at_end() {
                pieces.put_back(piece.blocks);
                pieces.next().await.unwrap();
            }
        }
        pieces.checksum()
    }

    proptest! {
        #[test]
        fn the_checksum_is_of_the_contents_however_they_come_and_are_cut(
            blocks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..50), 0..10),
            most in 1..60_u64,
        ) {
            let mut summing = Summing::default();
            summing.update(&blocks.concat());
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            prop_assert_eq!(runtime.block_on(sum(blocks, most)), Some(summing.checksum()));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn contents_are_slow_wherever_they_were_waited_for() {
        for wait in [QUICK / 2, QUICK] {
            let blocks = stream::iter(0..4_u8).then(move |number| async move {
                if number == 2 {
                    tokio::time::sleep(wait).await;
                }
                Ok(Bytes::from(vec![number]))
            });
            let contents = FileContents::from_stream(blocks.boxed(), Some(4));
            let name = FileName::new("a").unwrap();
            let mut pieces = Pieces::new(&name, contents, &SaveOptions::default(), 1);
            pieces.next().await.unwrap();
            // As a request takes them that carries them as they come.
            while let Some(block) = poll_fn(|context| pieces.poll_block(context, 9)).await {
                block.unwrap();
            }
            assert_eq!(pieces.is_quick(), wait < QUICK);
        }
    }
}
