//! Reads the blocks of one version of a file.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::stream;
use rusqlite::{Connection, ErrorCode, MAIN_DB, OptionalExtension};

use super::error::failed;
use super::readers::Reader;
use super::rows::{self, FileRow};
use super::{BLOCK, transaction};
use crate::blocking::run_blocking;
use crate::blocks::BlockBuffer;
use crate::contents::in_memory;
use crate::{Error, ErrorKind, FileContents, FileName, ReadOptions, Result, StoredFile};

/// Up to this length a block is read by a statement that is at hand: to open it as a blob compiles
/// another.
const COPIED: u64 = 64 * 1024;

/// A view of the database that later writes do not change, with the file it was opened for.
#[derive(Debug)]
pub(super) struct Snapshot {
    reader: Reader,
    row: FileRow,
    buffer: BlockBuffer,
}

impl Snapshot {
    pub(super) fn open(reader: Reader, name: &FileName) -> Result<Self> {
        reader
            .prepare_cached("BEGIN")
            .and_then(|mut begin| begin.execute(()))
            .map_err(failed("read file"))?;
        let row = rows::find(&reader, name, "read file")?;
        let buffer = BlockBuffer::default();
        Ok(Self {
            reader,
            row,
            buffer,
        })
    }

    /// A short range is read at once; a long one as it is asked for.
    pub(super) fn into_file(mut self, options: &ReadOptions) -> Result<StoredFile> {
        let info = self.row.info.clone();
        let range = options.resolve(&info.name, info.size)?;
        let length = range.end - range.start;
        if length <= BLOCK as u64 {
            let bytes = self.read_short(range.clone())?;
            return Ok(StoredFile::new(
                info,
                range,
                FileContents::from_bytes(bytes),
            ));
        }
        let blocks = stream::try_unfold((self, range.clone()), |(mut snapshot, rest)| async move {
            if rest.is_empty() {
                return Ok(None);
            }
            run_blocking("read file", move || {
                let bytes = snapshot.read_next(&rest)?;
                let rest = rest.start + bytes.len() as u64..rest.end;
                Ok(Some((bytes, (snapshot, rest))))
            })
            .await
        });
        let contents = FileContents::from_stream(blocks.boxed(), Some(length));
        Ok(StoredFile::new(info, range, contents))
    }

    fn read_short(&mut self, mut rest: Range<u64>) -> Result<Bytes> {
        if rest.is_empty() {
            return Ok(Bytes::new());
        }
        let first = self.read_next(&rest)?;
        rest.start += first.len() as u64;
        if rest.is_empty() {
            return Ok(first);
        }
        let mut all = BytesMut::from(first);
        all.extend_from_slice(&self.read_next(&rest)?);
        Ok(all.freeze())
    }

    /// The part of the range that lies in its first block.
    fn read_next(&mut self, range: &Range<u64>) -> Result<Bytes> {
        let (size, block) = (self.row.info.size, BLOCK as u64);
        let position = range.start / block;
        let start = position * block;
        let whole = block.min(size - start);
        let part = range.start - start..(range.end - start).min(whole);
        self.read_block(position, whole, part)
            .map_err(|error| error.with_name(self.row.info.name.as_str()))
    }

    /// A part of the block that holds `length` bytes.
    fn read_block(&mut self, position: u64, length: u64, part: Range<u64>) -> Result<Bytes> {
        let position =
            i64::try_from(position).map_err(|_| corrupt("the file's size is out of bounds"))?;
        let key = transaction::key(self.row.content, position);
        if length <= COPIED {
            return copy_block(&self.reader, key, length, part);
        }
        // SQLite would put the whole block together first, in memory of its own.
        let block = self.reader.blob_open(MAIN_DB, "block", "bytes", key, true);
        let block = block.map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::Unknown) => missing().with_source(error),
            _ => failed("read file")(error),
        })?;
        if block.len() as u64 != length {
            return Err(cut());
        }
        let range = in_memory(&part);
        self.buffer
            .fill(range.len(), |bytes| block.read_at_exact(bytes, range.start))
            .map_err(failed("read file"))
    }
}

fn copy_block(connection: &Connection, key: i64, length: u64, part: Range<u64>) -> Result<Bytes> {
    let sql = "SELECT bytes FROM block WHERE id = ?1";
    let mut statement = connection
        .prepare_cached(sql)
        .map_err(failed("read file"))?;
    let bytes = statement
        .query_row([key], |row| {
            let block = row.get_ref(0)?.as_blob()?;
            Ok((block.len() as u64 == length)
                .then(|| Bytes::copy_from_slice(&block[in_memory(&part)])))
        })
        .optional()
        .map_err(failed("read file"))?;
    bytes.ok_or_else(missing)?.ok_or_else(cut)
}

fn missing() -> Error {
    corrupt("a block of the file is missing")
}

fn cut() -> Error {
    corrupt("a block of the file has another length than it was saved with")
}

fn corrupt(message: &'static str) -> Error {
    Error::new(ErrorKind::Corrupt, "read file").with_message(message)
}
