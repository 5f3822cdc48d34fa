//! Reads a file and what is known of it.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use rustix::io::Errno;

use super::BLOCK;
use super::error::{failed, is_absent, not_found};
use super::facts::{self, Facts};
use super::root::Root;
use super::version::Version;
use crate::blocking::run_blocking;
use crate::blocks::BlockBuffer;
use crate::{Error, ErrorKind, FileContents, FileInfo, FileName, ReadOptions, Result, StoredFile};

pub(super) fn info(root: &Root, name: &FileName) -> Result<FileInfo> {
    const OPERATION: &str = "get file info";
    let stat = || {
        root.stat(name)
            .map_err(|errno| absent(OPERATION, name, errno))
    };
    let mut version = Version::of(&stat()?);
    loop {
        if let Some(info) = with_facts(root, name, &version)? {
            return Ok(info);
        }
        // The facts are gone: with the version, or because there never were any.
        let now = Version::of(&stat()?);
        if now == version {
            return Ok(version.info(name.clone()));
        }
        version = now;
    }
}

pub(super) fn read(root: &Root, name: &FileName, options: &ReadOptions) -> Result<StoredFile> {
    let (file, info) = open(root, name)?;
    let range = options.resolve(name, info.size)?;
    let length = range.end - range.start;
    let mut buffer = BlockBuffer::default();
    if length <= BLOCK as u64 {
        let bytes = read_next(&file, name, &range, &mut buffer)?;
        return Ok(StoredFile::new(
            info,
            range,
            FileContents::from_bytes(bytes),
        ));
    }
    let state = (file, name.clone(), range.clone(), buffer);
    let blocks = stream::try_unfold(state, |(file, name, rest, mut buffer)| async move {
        if rest.is_empty() {
            return Ok(None);
        }
        run_blocking("read file", move || {
            let bytes = read_next(&file, &name, &rest, &mut buffer)?;
            let rest = rest.start + bytes.len() as u64..rest.end;
            Ok(Some((bytes, (file, name, rest, buffer))))
        })
        .await
    });
    let contents = FileContents::from_stream(blocks.boxed(), Some(length));
    Ok(StoredFile::new(info, range, contents))
}

/// The info of a version together with its facts; nothing where it should have some and they are
/// missing.
pub(super) fn with_facts(
    root: &Root,
    name: &FileName,
    version: &Version,
) -> Result<Option<FileInfo>> {
    if !version.may_have_facts() {
        return Ok(Some(version.info(name.clone())));
    }
    let facts = Facts::read(root, &version.facts_file(name))
        .map_err(|error| error.with_name(name.as_str()))?;
    Ok(facts.map(|facts| facts.apply(version.info(name.clone()))))
}

fn open(root: &Root, name: &FileName) -> Result<(File, FileInfo)> {
    const OPERATION: &str = "read file";
    let open = || {
        root.open_file(name)
            .map_err(|errno| absent(OPERATION, name, errno))
    };
    let (mut file, stat) = open()?;
    let mut version = Version::of(&stat);
    loop {
        if let Some(info) = with_facts(root, name, &version)? {
            return Ok((File::from(file), info));
        }
        let (again, stat) = open()?;
        let now = Version::of(&stat);
        if now == version {
            return Ok((File::from(file), version.info(name.clone())));
        }
        (file, version) = (again, now);
    }
}

/// At most one block from the start of the range.
fn read_next(
    file: &File,
    name: &FileName,
    range: &Range<u64>,
    buffer: &mut BlockBuffer,
) -> Result<Bytes> {
    let length = usize::try_from(range.end - range.start)
        .unwrap_or(BLOCK)
        .min(BLOCK);
    let block = buffer.fill(length, |block| file.read_exact_at(block, range.start));
    block.map_err(|error| {
        if error.kind() == std::io::ErrorKind::UnexpectedEof {
            return Error::new(ErrorKind::Interrupted, "read file")
                .with_name(name.as_str())
                .with_message("the file was cut short by something other than a store");
        }
        failed("read file", name)(facts::errno(&error))
    })
}

fn absent(operation: &'static str, name: &FileName, errno: Errno) -> Error {
    if is_absent(errno) {
        not_found(operation, name)
    } else {
        failed(operation, name)(errno)
    }
}
