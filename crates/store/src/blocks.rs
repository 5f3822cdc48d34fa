//! Contents cut into blocks of one length, as the stores write them.

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use sha2::{Digest, Sha256};

use crate::{Error, ErrorKind, FileContents, FileName, Result, SaveOptions};

/// Reads contents in blocks of `N` bytes, of which the last alone may be shorter.
///
/// There is always a last block; only that of an empty file is empty. Pieces that are longer than a
/// block are cut without a copy.
pub(crate) struct Blocks<const N: usize> {
    name: FileName,
    stream: BoxStream<'static, Result<Bytes>>,
    declared: Option<u64>,
    seen: u64,
    /// A block that is being put together; never longer than `N`, and empty while `rest` is as
    /// long.
    buffer: BytesMut,
    /// What is left of the piece that came last.
    rest: Bytes,
}

/// One block of contents.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Block {
    /// More follow.
    Inner(Bytes),
    /// This is the end.
    Last(Bytes),
}

impl<const N: usize> Blocks<N> {
    pub(crate) fn new(name: &FileName, contents: FileContents) -> Self {
        Self {
            name: name.clone(),
            declared: contents.size(),
            stream: contents.into_stream(),
            seen: 0,
            buffer: BytesMut::new(),
            rest: Bytes::new(),
        }
    }

    /// The next block; not to be called again after the last one or an error.
    pub(crate) async fn next(&mut self) -> Result<Block> {
        loop {
            if let Some(block) = self.full_block() {
                return Ok(Block::Inner(block));
            }
            let Some(piece) = self.stream.next().await else {
                return self.last_block().map(Block::Last);
            };
            let piece = piece.map_err(|error| {
                self.error(
                    ErrorKind::Interrupted,
                    "the stream of contents broke".to_owned(),
                )
                .with_source(error)
            })?;
            self.count(piece.len() as u64)?;
            if piece.is_empty() {
                continue;
            }
            // Whatever `full_block` left in `rest` is followed by more: it is a block, or becomes
            // part of one.
            let rest = std::mem::replace(&mut self.rest, piece);
            if rest.len() == N {
                return Ok(Block::Inner(rest));
            }
            if !rest.is_empty() {
                self.buffer.extend_from_slice(&rest);
            }
        }
    }

    /// A block that is known not to be the last.
    fn full_block(&mut self) -> Option<Bytes> {
        if self.buffer.is_empty() {
            return (self.rest.len() > N).then(|| self.rest.split_to(N));
        }
        let missing = (N - self.buffer.len()).min(self.rest.len());
        if self.seen > N as u64 {
            self.buffer.reserve(N - self.buffer.len());
        }
        self.buffer.extend_from_slice(&self.rest.split_to(missing));
        (self.buffer.len() == N && !self.rest.is_empty()).then(|| self.buffer.split().freeze())
    }

    fn last_block(&mut self) -> Result<Bytes> {
        if self.declared.is_some_and(|declared| declared != self.seen) {
            return Err(self.wrong_size());
        }
        if self.buffer.is_empty() {
            return Ok(std::mem::take(&mut self.rest));
        }
        Ok(self.buffer.split().freeze())
    }

    fn count(&mut self, bytes: u64) -> Result<()> {
        self.seen += bytes;
        match self.declared {
            Some(declared) if self.seen > declared => Err(self.wrong_size()),
            _ => Ok(()),
        }
    }

    fn wrong_size(&self) -> Error {
        let (declared, seen) = (self.declared.unwrap_or_default(), self.seen);
        let message = if seen > declared {
            format!("the contents hold more than the declared {declared} bytes")
        } else {
            format!("the contents end after {seen} of the declared {declared} bytes")
        };
        self.error(ErrorKind::InvalidInput, message)
    }

    fn error(&self, kind: ErrorKind, message: String) -> Error {
        Error::new(kind, "save file")
            .with_name(self.name.as_str())
            .with_message(message)
    }
}

/// Where the blocks of a read are put: in the memory of the one before, if whoever got that let go of
/// it meanwhile.
///
/// A fresh MiB for each block costs about as much as reading it: its pages have to be mapped and
/// zeroed.
#[derive(Debug, Default)]
pub(crate) struct BlockBuffer(Bytes);

impl BlockBuffer {
    /// The block of `length` bytes that `read` fills; it has to write them all.
    pub(crate) fn fill<E>(
        &mut self,
        length: usize,
        read: impl FnOnce(&mut [u8]) -> std::result::Result<(), E>,
    ) -> std::result::Result<Bytes, E> {
        let last = std::mem::take(&mut self.0);
        let mut block = last.try_into_mut().unwrap_or_default();
        block.resize(length, 0);
        read(&mut block)?;
        let block = block.freeze();
        self.0 = block.clone();
        Ok(block)
    }
}

/// The sha256 of the blocks seen so far, where the saver expects one.
#[derive(Debug, Default)]
pub(crate) struct Checksum(Option<(Sha256, [u8; 32])>);

impl Checksum {
    pub(crate) fn new(options: &SaveOptions) -> Self {
        Self(
            options
                .expected_sha256
                .map(|expected| (Sha256::new(), expected)),
        )
    }

    #[cfg(feature = "sqlite")]
    pub(crate) fn is_wanted(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        if let Some((hasher, _)) = &mut self.0 {
            hasher.update(bytes);
        }
    }

    pub(crate) fn check(self, name: &FileName) -> Result<()> {
        let Some((hasher, expected)) = self.0 else {
            return Ok(());
        };
        if hasher.finalize()[..] == expected {
            return Ok(());
        }
        Err(Error::new(ErrorKind::ChecksumMismatch, "save file").with_name(name.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use proptest::prelude::*;

    use super::*;

    async fn cut<const N: usize>(pieces: Vec<Vec<u8>>) -> Vec<Bytes> {
        let pieces = pieces.into_iter().map(|piece| Ok(Bytes::from(piece)));
        let stream = stream::iter(pieces).boxed();
        let name = FileName::new("a").unwrap();
        let mut blocks = Blocks::<N>::new(&name, FileContents::from_stream(stream, None));
        let mut all = Vec::new();
        loop {
            match blocks.next().await.unwrap() {
                Block::Inner(block) => all.push(block),
                Block::Last(block) => {
                    all.push(block);
                    return all;
                }
            }
        }
    }

    #[test]
    fn a_block_is_written_over_only_when_nobody_holds_it_any_more() {
        let mut buffer = BlockBuffer::default();
        let mut fill = |length, byte| {
            let block = buffer.fill(length, |block| {
                block.fill(byte);
                Ok::<(), ()>(())
            });
            block.unwrap()
        };
        let first = fill(8, 1);
        let place = first.as_ptr();
        let part = first.slice(2..4);
        drop(first);
        let second = fill(8, 2);
        assert_eq!((&part[..], &second[..]), (&[1; 2][..], &[2; 8][..]));
        assert_ne!(second.as_ptr(), place);
        let place = second.as_ptr();
        drop(second);
        let third = fill(5, 3);
        assert_eq!((third.as_ptr(), &third[..]), (place, &[3; 5][..]));
    }

    proptest! {
        #[test]
        fn blocks_are_full_but_for_the_last_and_lose_nothing(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..12)
        ) {
            let whole = pieces.concat();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let blocks = runtime.block_on(cut::<7>(pieces));
            let (last, inner) = blocks.split_last().unwrap();
            prop_assert!(inner.iter().all(|block| block.len() == 7));
            prop_assert!(last.len() <= 7);
            prop_assert!(!last.is_empty() || whole.is_empty());
            prop_assert_eq!(blocks.concat(), whole);
        }
    }
}
