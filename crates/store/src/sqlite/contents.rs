//! Reads the blocks of one version of a file.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::stream;
use rusqlite::{Connection, OptionalExtension};

use super::error::failed;
use super::readers::Reader;
use super::rows::{self, FileRow};
use super::{BLOCK, transaction};
use crate::blocking::run_blocking;
use crate::contents::in_memory;
use crate::{Error, ErrorKind, FileContents, FileName, ReadOptions, Result, StoredFile};

/// A view of the database that later writes do not change, with the file it was opened for.
#[derive(Debug)]
pub(super) struct Snapshot {
    reader: Reader,
    row: FileRow,
}

impl Snapshot {
    pub(super) fn open(reader: Reader, name: &FileName) -> Result<Self> {
        reader
            .prepare_cached("BEGIN")
            .and_then(|mut begin| begin.execute(()))
            .map_err(failed("read file"))?;
        let row = rows::find(&reader, name, "read file")?;
        Ok(Self { reader, row })
    }

    /// A short range is read at once; a long one as it is asked for.
    pub(super) fn into_file(self, options: &ReadOptions) -> Result<StoredFile> {
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
        let blocks = stream::try_unfold((self, range.clone()), |(snapshot, rest)| async move {
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

    fn read_short(&self, mut rest: Range<u64>) -> Result<Bytes> {
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
    fn read_next(&self, range: &Range<u64>) -> Result<Bytes> {
        let (size, block) = (self.row.info.size, BLOCK as u64);
        let position = range.start / block;
        let start = position * block;
        let whole = block.min(size - start);
        let part = range.start - start..(range.end - start).min(whole);
        read_block(&self.reader, self.row.content, position, whole, part)
            .map_err(|error| error.with_name(self.row.info.name.as_str()))
    }
}

fn read_block(
    connection: &Connection,
    content: i64,
    position: u64,
    length: u64,
    part: Range<u64>,
) -> Result<Bytes> {
    let corrupt = |message| Error::new(ErrorKind::Corrupt, "read file").with_message(message);
    let position =
        i64::try_from(position).map_err(|_| corrupt("the file's size is out of bounds"))?;
    let sql = "SELECT bytes FROM block WHERE id = ?1";
    let mut statement = connection
        .prepare_cached(sql)
        .map_err(failed("read file"))?;
    let bytes = statement
        .query_row([transaction::key(content, position)], |row| {
            let block = row.get_ref(0)?.as_blob()?;
            Ok((block.len() as u64 == length)
                .then(|| Bytes::copy_from_slice(&block[in_memory(&part)])))
        })
        .optional()
        .map_err(failed("read file"))?;
    match bytes {
        Some(Some(bytes)) => Ok(bytes),
        Some(None) => Err(corrupt(
            "a block of the file has another length than it was saved with",
        )),
        None => Err(corrupt("a block of the file is missing")),
    }
}
