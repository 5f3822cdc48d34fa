//! The compressed bytes, buffered and counted.

use std::io::{self, BufRead, Read};

/// Large enough that a read costs next to nothing, and small beside what the decoder itself holds.
const BUFFER: usize = 32 << 10;

/// A buffered reader that can look ahead, and knows whether its own reader failed.
pub(super) struct Input<R> {
    reader: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    consumed: u64,
    failed: bool,
}

impl<R: Read> Input<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader,
            buffer: vec![0; BUFFER].into_boxed_slice(),
            start: 0,
            end: 0,
            consumed: 0,
            failed: false,
        }
    }

    /// Looks at the next two bytes, or at as many as there are.
    pub(super) fn look(&mut self) -> io::Result<&[u8]> {
        while self.end - self.start < 2 {
            if self.start > 0 {
                self.buffer.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
            }
            if self.read_more()? == 0 {
                break;
            }
        }
        Ok(&self.buffer[self.start..self.end])
    }

    /// Bytes taken by the decoder.
    pub(super) const fn consumed(&self) -> u64 {
        self.consumed
    }

    /// Whether the reader itself failed, rather than what was read.
    pub(super) const fn failed(&self) -> bool {
        self.failed
    }

    fn read_more(&mut self) -> io::Result<usize> {
        loop {
            match self.reader.read(&mut self.buffer[self.end..]) {
                Ok(count) => {
                    self.end += count;
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failed = true;
                    return Err(error);
                }
            }
        }
    }
}

impl<R: Read> BufRead for Input<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            self.read_more()?;
        }
        Ok(&self.buffer[self.start..self.end])
    }

    fn consume(&mut self, count: usize) {
        self.start += count;
        self.consumed += count as u64;
    }
}

impl<R: Read> Read for Input<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(into.len());
        into[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}
