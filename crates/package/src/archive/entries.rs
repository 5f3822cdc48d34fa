//! Entries of a tar stream, one by one, with what extended headers say about them.

use std::io::Read;

use tar::{EntryType, Header};

use crate::error::{Error, Limit, Refusal, Result, shown};
use crate::limits::UnpackLimits;

use super::blocks::{BLOCK, Blocks};
use super::fault::Fault;
use super::path::{EntryPath, checked_text};
use super::pax::{self, Extensions};

/// An entry that may be unpacked.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) path: EntryPath,
    pub(super) kind: Kind,
    /// Permission bits only.
    pub(super) mode: u32,
    /// Bytes of contents; 0 unless it is a file.
    pub(super) size: u64,
}

/// The kinds of entries that may be unpacked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    File,
    Folder,
    /// A symbolic link with its target.
    Link(String),
    /// A second name of a file.
    HardLink(EntryPath),
}

/// Reads entries. What is not read of an entry's contents is skipped.
pub(super) struct Entries<R> {
    blocks: Blocks<R>,
    archive: String,
    limits: UnpackLimits,
    /// The entry that was begun last, for errors.
    current: String,
    count: u64,
    /// Bytes of contents not yet read, and the padding behind them.
    remaining: u64,
    padding: u64,
}

/// How the contents of a file with macOS metadata start (RFC 1740, appendix B).
const APPLE_DOUBLE: [u8; 4] = [0x00, 0x05, 0x16, 0x07];

/// The most bytes of one extended header: attributes of macOS reach some 100 KiB.
const LARGEST_HEADER: u64 = 1 << 20;

impl<R: Read> Entries<R> {
    pub(super) fn new(reader: R, archive: String, limits: &UnpackLimits) -> Self {
        Self {
            blocks: Blocks::new(reader, limits),
            archive,
            limits: limits.clone(),
            current: String::new(),
            count: 0,
            remaining: 0,
            padding: 0,
        }
    }

    pub(super) const fn limits(&self) -> &UnpackLimits {
        &self.limits
    }

    pub(super) fn archive(&self) -> &str {
        &self.archive
    }

    /// Entries so far.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// Counts an entry, also a folder that is only implied.
    pub(super) fn count_one(&mut self) -> Result<()> {
        self.count += 1;
        let checked = Fault::check(Limit::Entries, self.count, self.limits.entries);
        checked.map_err(|fault| self.error(fault))
    }

    /// The next entry, or `None` at the end.
    ///
    /// The archive's root `./`, headers for all entries, and files with macOS metadata beside the
    /// real ones are passed over.
    pub(super) fn next(&mut self) -> Result<Option<Entry>> {
        loop {
            match self.try_next() {
                Ok(Next::Entry(entry)) => return Ok(Some(entry)),
                Ok(Next::PassedOver) => {}
                Ok(Next::End) => return Ok(None),
                Err(fault) => return Err(self.error(fault)),
            }
            self.count_one()?;
        }
    }

    /// Some bytes of the current entry's contents, at most `most`; `None` after the last one.
    pub(super) fn contents(&mut self, most: usize) -> Result<Option<&[u8]>> {
        if self.remaining == 0 {
            return Ok(None);
        }
        match self.blocks.take(self.remaining.min(most as u64)) {
            Ok(bytes) => {
                self.remaining -= bytes.len() as u64;
                Ok(Some(bytes))
            }
            Err(fault) => Err(fault.at(&self.archive, &self.current)),
        }
    }

    /// Says where a fault is.
    pub(super) fn error(&self, fault: impl Into<Fault>) -> Error {
        fault.into().at(&self.archive, &self.current)
    }

    fn try_next(&mut self) -> std::result::Result<Next, Fault> {
        let mut extensions = Extensions::default();
        loop {
            self.blocks.skip(self.remaining)?;
            self.remaining = 0;
            self.blocks.skip(self.padding)?;
            self.padding = 0;
            let Some(block) = self.blocks.header()? else {
                return Ok(Next::End);
            };
            let header = Header::from_byte_slice(&block);
            self.begin(header)?;
            match header.entry_type() {
                EntryType::XHeader => extensions.read(&self.header_contents()?)?,
                EntryType::XGlobalHeader => pax::check_global(&self.header_contents()?)?,
                EntryType::GNULongName => {
                    extensions.path = Some(until_nul(self.header_contents()?));
                }
                EntryType::GNULongLink => {
                    extensions.target = Some(until_nul(self.header_contents()?));
                }
                _ => return self.entry(header, &extensions),
            }
        }
    }

    /// Checks a header, and notes how many bytes follow it.
    fn begin(&mut self, header: &Header) -> std::result::Result<(), Fault> {
        if Some(checksum(header.as_bytes())) != header.cksum().ok() {
            return Err(Fault::BadHeader("its checksum is wrong"));
        }
        let size = header
            .entry_size()
            .map_err(|_| Fault::BadHeader("its size is no number"))?;
        self.blocks.check_room(size)?;
        self.remaining = size;
        self.padding = size.next_multiple_of(BLOCK as u64) - size;
        Ok(())
    }

    fn header_contents(&mut self) -> std::result::Result<Vec<u8>, Fault> {
        Fault::check(Limit::HeaderBytes, self.remaining, LARGEST_HEADER)?;
        let mut contents = Vec::new();
        while self.remaining > 0 {
            let bytes = self.blocks.take(self.remaining)?;
            contents.extend_from_slice(bytes);
            self.remaining -= bytes.len() as u64;
        }
        Ok(contents)
    }

    fn entry(
        &mut self,
        header: &Header,
        extensions: &Extensions,
    ) -> std::result::Result<Next, Fault> {
        let raw = match &extensions.path {
            Some(path) => path.as_slice().into(),
            None => header.path_bytes(),
        };
        self.current = shown(&raw);
        let size = self.remaining;
        if let Some(extended) = extensions.size.filter(|extended| *extended != size) {
            return Err(Refusal::SizeMismatch {
                header: size,
                extended,
            }
            .into());
        }
        let mode = header
            .mode()
            .map_err(|_| Fault::BadHeader("its mode is no number"))?;
        let path = EntryPath::new(&raw, &self.limits)?;
        let kind = self.kind(header, extensions, &raw)?;
        if kind != Kind::File && size > 0 {
            return Err(Refusal::UnexpectedContents.into());
        }
        let Some(path) = path else {
            return match kind {
                Kind::Folder => Ok(Next::PassedOver),
                Kind::File | Kind::Link(_) | Kind::HardLink(_) => Err(Refusal::EmptyPath.into()),
            };
        };
        if kind == Kind::File && self.is_apple_double(&path)? {
            return Ok(Next::PassedOver);
        }
        Ok(Next::Entry(Entry {
            path,
            kind,
            mode: mode & 0o777,
            size,
        }))
    }

    fn kind(
        &self,
        header: &Header,
        extensions: &Extensions,
        raw: &[u8],
    ) -> std::result::Result<Kind, Fault> {
        let target = || match &extensions.target {
            Some(target) => target.clone(),
            None => header.link_name_bytes().unwrap_or_default().into_owned(),
        };
        match header.entry_type() {
            // Before POSIX, a slash at the end was what made a folder.
            EntryType::Regular if raw.ends_with(b"/") => Ok(Kind::Folder),
            EntryType::Regular | EntryType::Continuous => Ok(Kind::File),
            EntryType::Directory => Ok(Kind::Folder),
            EntryType::Symlink => {
                let target = target();
                let text = checked_text(&target, &self.limits)?;
                if text.is_empty() {
                    return Err(Fault::BadHeader("its link target is empty"));
                }
                Ok(Kind::Link(text.to_owned()))
            }
            EntryType::Link => {
                let target = target();
                let path = EntryPath::new(&target, &self.limits)
                    .ok()
                    .flatten()
                    .ok_or_else(|| Refusal::HardLinkTarget {
                        target: shown(&target),
                    })?;
                Ok(Kind::HardLink(path))
            }
            EntryType::Char | EntryType::Block | EntryType::Fifo => Err(Refusal::Device.into()),
            EntryType::GNUSparse => Err(Refusal::Sparse.into()),
            other => Err(Refusal::UnknownKind {
                flag: other.as_byte(),
            }
            .into()),
        }
    }

    /// Whether a file is metadata that macOS put beside a real one: `._x` and its magic number.
    fn is_apple_double(&mut self, path: &EntryPath) -> std::result::Result<bool, Fault> {
        Ok(path.split().1.starts_with("._")
            && self.remaining >= APPLE_DOUBLE.len() as u64
            && self.blocks.next_is(&APPLE_DOUBLE)?)
    }
}

enum Next {
    Entry(Entry),
    PassedOver,
    End,
}

/// The sum of a header's bytes, with its checksum field as spaces.
fn checksum(header: &[u8; BLOCK]) -> u32 {
    let sum = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    sum(&header[..148]) + 8 * u32::from(b' ') + sum(&header[156..])
}

fn until_nul(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.last() == Some(&0) {
        bytes.pop();
    }
    bytes
}
