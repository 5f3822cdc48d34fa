//! Reading an archive's contents.

use std::fs::File;
use std::io::{self, Read as _};

use bytes::Bytes;
use flate2::{CrcReader, read::DeflateDecoder};
use futures_util::{StreamExt as _, stream};
use store::{FileContents, FileInfo, ReadOptions, StoredFile};
use zip::result::ZipError;

use crate::failure::{Work, hop};

/// How much of a file is in memory at a time, in bytes.
const BLOCK: u64 = 1024 * 1024;

/// What is still to be read of an open archive, which stays what it is when its name goes.
pub(crate) struct Rest {
    pub(crate) inflated: CrcReader<DeflateDecoder<io::Take<File>>>,
    pub(crate) left: u64,
    /// What the checksum has to be in the end, where that is the end of the file.
    pub(crate) crc: Option<u32>,
}

impl Rest {
    /// What `options` ask for: at once where it is one block, else block by block.
    pub(crate) fn read(mut self, info: FileInfo, options: &ReadOptions) -> Work<StoredFile> {
        let range = options.resolve(&info.name, info.size)?;
        // Deflated bytes have no other way to the middle than from the start.
        io::copy(
            &mut self.inflated.by_ref().take(range.start),
            &mut io::sink(),
        )?;
        self.left = range.end - range.start;
        self.crc = self.crc.filter(|_| range.end == info.size);
        if self.left <= BLOCK {
            let contents = FileContents::from_bytes(self.next()?.0);
            return Ok(StoredFile::new(info, range, contents));
        }
        let (size, name) = (Some(self.left), info.name.clone());
        let blocks = stream::try_unfold(self, move |rest| {
            let name = name.clone();
            async move {
                match rest.left {
                    0 => Ok(None),
                    _ => hop("read file", Some(&name), move || rest.next())
                        .await
                        .map(Some),
                }
            }
        });
        Ok(StoredFile::new(
            info,
            range,
            FileContents::from_stream(blocks.boxed(), size),
        ))
    }

    /// The next block, and what is left then.
    fn next(mut self) -> Work<(Bytes, Self)> {
        let wanted = self.left.min(BLOCK);
        let mut block = Vec::new();
        let got = self
            .inflated
            .by_ref()
            .take(wanted)
            .read_to_end(&mut block)? as u64;
        self.left -= got;
        let wrong = |crc| self.left == 0 && crc != self.inflated.crc().sum();
        if got < wanted || self.crc.is_some_and(wrong) {
            return Err(ZipError::InvalidArchive("the contents are damaged".into()).into());
        }
        Ok((block.into(), self))
    }
}
