//! Tar streams of any shape, also ones that no tool writes.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

/// The unit of tar.
const BLOCK: usize = 512;

/// A tar stream under construction; every part of it may be illegal.
///
/// ```
/// let stream = testkit::Tar::new().folder("foo/").file("foo/a", "a").ended();
/// assert_eq!(stream.len(), 5 * 512); // two headers, one block of contents, the end mark
/// ```
#[derive(Clone, Debug, Default)]
pub struct Tar(Vec<u8>);

impl Tar {
    /// A stream without entries.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a header of the type flag `kind`, and contents.
    ///
    /// # Panics
    ///
    /// When path or target do not fit a tar header.
    #[must_use]
    pub fn raw(mut self, kind: u8, path: &[u8], mode: u32, target: &[u8], data: &[u8]) -> Self {
        self.0
            .extend(tar_header(kind, path, mode, target, data.len() as u64));
        self.contents(data)
    }

    /// Adds bytes, filled up to a whole block.
    #[must_use]
    pub fn contents(mut self, data: &[u8]) -> Self {
        self.0.extend(data);
        self.0.resize(self.0.len().next_multiple_of(BLOCK), 0);
        self
    }

    /// Adds a file.
    #[must_use]
    pub fn file(self, path: &str, data: impl AsRef<[u8]>) -> Self {
        self.raw(b'0', path.as_bytes(), 0o644, b"", data.as_ref())
    }

    /// Adds a folder.
    #[must_use]
    pub fn folder(self, path: &str) -> Self {
        self.raw(b'5', path.as_bytes(), 0o755, b"", b"")
    }

    /// Adds a symbolic link.
    #[must_use]
    pub fn link(self, path: &str, target: &str) -> Self {
        self.raw(b'2', path.as_bytes(), 0o777, target.as_bytes(), b"")
    }

    /// Adds a hard link.
    #[must_use]
    pub fn hard_link(self, path: &str, target: &str) -> Self {
        self.raw(b'1', path.as_bytes(), 0o644, target.as_bytes(), b"")
    }

    /// Adds a pax header of one record.
    #[must_use]
    pub fn pax(self, key: &str, value: &[u8]) -> Self {
        self.raw(b'x', b"PaxHeader/x", 0o644, b"", &pax_record(key, value))
    }

    /// The stream so far, without an end mark.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The whole stream, with its end mark.
    #[must_use]
    pub fn ended(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 2 * BLOCK, 0);
        self.0
    }

    /// The whole stream, compressed.
    #[must_use]
    pub fn gz(self) -> Vec<u8> {
        gzip(&self.ended())
    }
}

/// One header, with a checksum that holds.
///
/// # Panics
///
/// When path or target do not fit a tar header.
#[must_use]
pub fn tar_header(kind: u8, path: &[u8], mode: u32, target: &[u8], size: u64) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    let old = header.as_old_mut();
    old.name[..path.len()].copy_from_slice(path);
    old.linkname[..target.len()].copy_from_slice(target);
    header.set_entry_type(tar::EntryType::new(kind));
    header.set_mode(mode);
    header.set_size(size);
    header.set_cksum();
    header.as_bytes().to_vec()
}

/// Writes the checksum of a header that was changed.
///
/// # Panics
///
/// When the block is shorter than a header.
pub fn sign_header(block: &mut [u8]) {
    block[148..156].fill(b' ');
    let sum: u32 = block[..BLOCK].iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// One record of a pax header, with its length.
#[must_use]
pub fn pax_record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = [b" ", key.as_bytes(), b"=", value, b"\n"].concat();
    let mut length = rest.len();
    while length != rest.len() + length.to_string().len() {
        length = rest.len() + length.to_string().len();
    }
    [length.to_string().as_bytes(), &rest].concat()
}

/// One gzip member.
///
/// # Panics
///
/// Never: memory takes every write.
#[must_use]
#[expect(clippy::expect_used, reason = "memory takes every write")]
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder
        .write_all(bytes)
        .and_then(|()| encoder.finish())
        .expect("memory takes every write")
}

/// A gzip stream that compresses nothing, which is much faster to make in a test build.
#[must_use]
pub fn stored_gzip(bytes: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    for block in bytes.chunks(u16::MAX.into()) {
        let [low, high, ..] = block.len().to_le_bytes();
        stream.extend([0, low, high, !low, !high]);
        stream.extend(block);
    }
    stream.extend([1, 0, 0, 0xff, 0xff]);
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    stream.extend(crc.sum().to_le_bytes());
    stream.extend(crc.amount().to_le_bytes());
    stream
}
