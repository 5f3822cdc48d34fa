//! The bytes of a file, on their way in or out.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};

use crate::blocking::run_blocking;
use crate::blocks::{Block, BlockBuffer, Blocks, Checksum};
use crate::{Error, ErrorKind, FileInfo, FileName, Result, SaveOptions};

/// How much is read or handed on at a time, in bytes.
const BLOCK: usize = 1024 * 1024;

/// The bytes of a file: in memory already, or a stream that is read once.
///
/// # Examples
///
/// ```
/// use store::FileContents;
///
/// let contents = FileContents::from_bytes("hello");
/// assert_eq!(contents.size(), Some(5));
/// ```
pub struct FileContents {
    source: Source,
    size: Option<u64>,
    is_kept: bool,
}

enum Source {
    Bytes(Bytes),
    Stream(BoxStream<'static, Result<Bytes>>),
}

impl FileContents {
    /// Contents that are in memory already.
    #[must_use]
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let size = Some(bytes.len() as u64);
        Self {
            source: Source::Bytes(bytes),
            size,
            is_kept: true,
        }
    }

    /// Contents that arrive in pieces of any size, `size` bytes in all where that is known.
    ///
    /// A declared size is checked: a save whose stream turns out longer or shorter fails.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> store::Result<()> {
    /// use bytes::Bytes;
    /// use futures_util::{StreamExt, stream};
    /// use store::FileContents;
    ///
    /// let pieces = stream::iter([Ok(Bytes::from("hel")), Ok(Bytes::from("lo"))]);
    /// let contents = FileContents::from_stream(pieces.boxed(), Some(5));
    /// assert_eq!(contents.collect(10).await?, "hello");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn from_stream(stream: BoxStream<'static, Result<Bytes>>, size: Option<u64>) -> Self {
        Self {
            source: Source::Stream(stream),
            size,
            is_kept: false,
        }
    }

    /// The `size` bytes of an open file, read block by block where blocking is allowed.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use store::FileContents;
    ///
    /// let file = tempfile::NamedTempFile::new()?;
    /// std::fs::write(file.path(), "hello")?;
    /// let contents = FileContents::from_file(std::fs::File::open(file.path())?, 5);
    /// assert_eq!(contents.collect(10).await?, "hello");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn from_file(file: File, size: u64) -> Self {
        let state = (file, BlockBuffer::default());
        let blocks = stream::try_unfold(state, |(mut file, mut buffer)| async {
            run_blocking("read local file", move || {
                let mut read = 0;
                let mut block = buffer
                    .fill(BLOCK, |block| {
                        read_full(&mut file, block).map(|bytes| read = bytes)
                    })
                    .map_err(|error| {
                        Error::new(ErrorKind::InvalidInput, "read local file").with_source(error)
                    })?;
                block.truncate(read);
                Ok((read > 0).then_some((block, (file, buffer))))
            })
            .await
        });
        Self::from_stream(blocks.boxed(), Some(size))
    }

    /// The length in bytes, where it is known.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// The same contents once more, where they are in memory and so cost one reference count.
    ///
    /// A stream is read once: there is no second one of it.
    ///
    /// # Examples
    ///
    /// ```
    /// use store::FileContents;
    ///
    /// let contents = FileContents::from_bytes("hello");
    /// assert_eq!(contents.try_clone().and_then(|copy| copy.size()), Some(5));
    /// ```
    #[must_use]
    pub fn try_clone(&self) -> Option<Self> {
        match &self.source {
            Source::Bytes(bytes) => Some(Self::from_bytes(bytes.clone())),
            Source::Stream(_) => None,
        }
    }

    /// The same contents with a stream, if that is what they are, replaced by what `change` makes
    /// of it: how a store that wraps another follows a read.
    ///
    /// Contents that are in memory stay there, at no cost, and `change` is not called. The declared
    /// size stays, so `change` must not alter how many bytes there are.
    ///
    /// # Examples
    ///
    /// A read whose errors all name the file:
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use futures_util::{StreamExt, TryStreamExt, stream};
    /// use store::{Error, ErrorKind, FileContents};
    ///
    /// let broken = stream::iter([Err(Error::new(ErrorKind::Interrupted, "read file"))]);
    /// let contents = FileContents::from_stream(broken.boxed(), Some(5))
    ///     .map_stream(|stream| stream.map_err(|error| error.with_name("a")).boxed());
    /// assert_eq!(contents.size(), Some(5));
    /// assert_eq!(contents.collect(5).await.unwrap_err().name(), Some("a"));
    ///
    /// let contents = FileContents::from_bytes("hello").map_stream(|_| unreachable!());
    /// assert_eq!(contents.collect(5).await.unwrap(), "hello");
    /// # }
    /// ```
    #[must_use]
    pub fn map_stream(
        self,
        change: impl FnOnce(BoxStream<'static, Result<Bytes>>) -> BoxStream<'static, Result<Bytes>>,
    ) -> Self {
        match self.source {
            Source::Bytes(_) => self,
            Source::Stream(stream) => Self::from_stream(change(stream), self.size),
        }
    }

    /// The same contents as a stream that `change` makes of them, also where they are in memory: who
    /// handed them over has them still.
    pub(crate) fn watched(
        self,
        change: impl FnOnce(BoxStream<'static, Result<Bytes>>) -> BoxStream<'static, Result<Bytes>>,
    ) -> Self {
        let (size, is_kept) = (self.size, self.is_kept);
        Self {
            is_kept,
            ..Self::from_stream(change(self.into_stream()), size)
        }
    }

    /// Whether whoever handed them over has them in memory, and so can hand them over again.
    #[cfg(feature = "swift")]
    pub(crate) fn is_kept(&self) -> bool {
        self.is_kept
    }

    /// The pieces, in order.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> store::Result<()> {
    /// use futures_util::TryStreamExt;
    /// use store::FileContents;
    ///
    /// let mut pieces = FileContents::from_bytes("hello").into_stream();
    /// let mut bytes = 0;
    /// while let Some(piece) = pieces.try_next().await? {
    ///     bytes += piece.len();
    /// }
    /// assert_eq!(bytes, 5);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn into_stream(self) -> BoxStream<'static, Result<Bytes>> {
        match self.source {
            Source::Bytes(bytes) => stream::iter([Ok(bytes)]).boxed(),
            Source::Stream(stream) => stream,
        }
    }

    /// The bytes in blocks of 1 MiB, of which the last alone may be shorter, as a store takes them
    /// in that saves them under `name`.
    ///
    /// Nothing may become visible before the stream has ended without an error.
    ///
    /// # Errors
    ///
    /// The stream ends with
    ///
    /// - [`Interrupted`](ErrorKind::Interrupted): the contents failed; their error is the source.
    /// - [`InvalidInput`](ErrorKind::InvalidInput): they are longer or shorter than declared.
    /// - [`ChecksumMismatch`](ErrorKind::ChecksumMismatch): they do not have the expected sha256.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> store::Result<()> {
    /// use futures_util::TryStreamExt;
    /// use store::{FileContents, FileName, SaveOptions};
    ///
    /// let contents = FileContents::from_bytes("hello");
    /// let name = FileName::new("a")?;
    /// let mut blocks = contents.into_checked(&name, &SaveOptions::default());
    /// assert_eq!(blocks.try_next().await?.as_deref(), Some(&b"hello"[..]));
    /// assert_eq!(blocks.try_next().await?, None);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn into_checked(
        self,
        name: &FileName,
        options: &SaveOptions,
    ) -> BoxStream<'static, Result<Bytes>> {
        let (blocks, checksum) = (Blocks::<BLOCK>::new(name, self), Checksum::new(options));
        let name = name.clone();
        stream::try_unfold(Some((blocks, checksum)), move |left| {
            let name = name.clone();
            async move {
                let Some((mut blocks, mut checksum)) = left else {
                    return Ok(None);
                };
                match blocks.next().await? {
                    Block::Inner(block) => {
                        checksum.update(&block);
                        Ok(Some((block, Some((blocks, checksum)))))
                    }
                    Block::Last(block) => {
                        checksum.update(&block);
                        checksum.check(&name)?;
                        Ok(Some((block, None)))
                    }
                }
            }
        })
        .boxed()
    }

    /// Reads everything into memory, at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// - [`TooLarge`](ErrorKind::TooLarge): there are more than `limit` bytes.
    /// - [`Interrupted`](ErrorKind::Interrupted): the stream ended before its declared size.
    /// - The stream's own error, as it is.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> store::Result<()> {
    /// use store::{ErrorKind, FileContents};
    ///
    /// assert_eq!(FileContents::from_bytes("hello").collect(5).await?, "hello");
    ///
    /// let error = FileContents::from_bytes("hello").collect(4).await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::TooLarge);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn collect(self, limit: u64) -> Result<Bytes> {
        let too_large = || {
            Error::new(ErrorKind::TooLarge, "collect contents")
                .with_message(format!("the contents hold more than {limit} bytes"))
        };
        let size = self.size;
        if size.is_some_and(|size| size > limit) {
            return Err(too_large());
        }
        let mut stream = match self.source {
            Source::Bytes(bytes) => return Ok(bytes),
            Source::Stream(stream) => stream,
        };
        let mut first = Bytes::new();
        let mut all = BytesMut::new();
        while let Some(piece) = stream.next().await {
            let piece = piece?;
            if (first.len() + all.len() + piece.len()) as u64 > limit {
                return Err(too_large());
            }
            if first.is_empty() && all.is_empty() {
                first = piece;
                continue;
            }
            if all.is_empty() {
                all.extend_from_slice(&std::mem::take(&mut first));
            }
            all.extend_from_slice(&piece);
        }
        let bytes = if all.is_empty() { first } else { all.freeze() };
        match size {
            Some(size) if size != bytes.len() as u64 => {
                Err(
                    Error::new(ErrorKind::Interrupted, "collect contents").with_message(format!(
                        "the contents end after {} of {size} bytes",
                        bytes.len()
                    )),
                )
            }
            _ => Ok(bytes),
        }
    }
}

fn read_full(file: &mut File, block: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < block.len() {
        match file.read(&mut block[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

impl fmt::Debug for FileContents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The bytes themselves may be anything, secrets too.
        f.debug_struct("FileContents")
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

impl From<Bytes> for FileContents {
    fn from(bytes: Bytes) -> Self {
        Self::from_bytes(bytes)
    }
}

/// A range of bytes that are in memory, whose ends therefore fit.
#[cfg(any(feature = "memory", feature = "sqlite"))]
pub(crate) fn in_memory(range: &Range<u64>) -> Range<usize> {
    let place = |place| usize::try_from(place).unwrap_or(usize::MAX);
    place(range.start)..place(range.end)
}

/// What a read returns: the contents and the facts about the version they belong to.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> store::Result<()> {
/// # #[cfg(feature = "memory")] {
/// use store::{FileName, IStore, MemoryStore, ReadOptions, ReadRange, SaveOptions, StoreExt};
///
/// let store = MemoryStore::new();
/// let name = FileName::new("greeting.txt")?;
/// store.save_bytes(&name, "hello", &SaveOptions::default()).await?;
///
/// let options = ReadOptions::default().with_range(ReadRange::Bounded(1..3));
/// let file = store.get_file_contents(&name, &options).await?;
/// assert_eq!((file.info.size, file.range), (5, 1..3));
/// assert_eq!(file.contents.collect(2).await?, "el");
/// # }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct StoredFile {
    /// What is known of the version that is read.
    pub info: FileInfo,
    /// Which bytes of the file the contents are.
    pub range: Range<u64>,
    /// The contents; their size is that of the range.
    pub contents: FileContents,
}

impl StoredFile {
    /// What a read of `range` returns.
    #[must_use]
    pub fn new(info: FileInfo, range: Range<u64>, contents: FileContents) -> Self {
        Self {
            info,
            range,
            contents,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(pieces: &[&'static str], size: Option<u64>) -> FileContents {
        let pieces: Vec<_> = pieces.iter().map(|piece| Ok(Bytes::from(*piece))).collect();
        FileContents::from_stream(stream::iter(pieces).boxed(), size)
    }

    #[tokio::test]
    async fn collecting_stops_at_the_limit_and_checks_the_size() {
        let collect = async |contents: FileContents, limit| {
            contents.collect(limit).await.map_err(|error| error.kind())
        };
        assert_eq!(
            collect(pieces(&["ab", "", "c"], None), 3).await,
            Ok("abc".into())
        );
        assert_eq!(
            collect(pieces(&["ab", "c"], None), 2).await,
            Err(ErrorKind::TooLarge)
        );
        assert_eq!(
            collect(pieces(&["ab"], Some(9)), 5).await,
            Err(ErrorKind::TooLarge)
        );
        assert_eq!(
            collect(pieces(&["ab"], Some(3)), 5).await,
            Err(ErrorKind::Interrupted)
        );
        assert_eq!(
            collect(FileContents::from_bytes("abc"), 2).await,
            Err(ErrorKind::TooLarge)
        );
        assert_eq!(collect(pieces(&[], Some(0)), 0).await, Ok(Bytes::new()));
    }

    #[tokio::test]
    async fn only_a_stream_is_changed_and_the_size_stays() {
        let shout = |contents: FileContents| {
            contents.map_stream(|stream| {
                stream
                    .map(|piece| piece.map(|piece| piece.to_ascii_uppercase().into()))
                    .boxed()
            })
        };
        let bytes = shout(FileContents::from_bytes("abc"));
        assert!(bytes.try_clone().is_some());
        assert_eq!(bytes.collect(3).await.unwrap(), "abc");
        let stream = shout(pieces(&["ab", "c"], Some(3)));
        assert!(stream.try_clone().is_none());
        assert_eq!(stream.size(), Some(3));
        assert_eq!(stream.collect(3).await.unwrap(), "ABC");
    }

    #[test]
    fn debug_shows_no_contents() {
        let text = format!("{:?}", FileContents::from_bytes("swordfish"));
        assert!(!text.contains("swordfish"), "{text}");
    }
}
