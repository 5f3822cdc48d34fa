//! The tar stream: blocks of 512 bytes, and the contents between them.

use std::io::Read;

use crate::error::Limit;
use crate::limits::UnpackLimits;

use super::fault::Fault;
use super::gzip::Inflater;

/// The unit of tar.
pub(super) const BLOCK: usize = 512;

/// Small files come out whole, so that each is one write.
const BUFFER: usize = 64 << 10;

/// Unpacked bytes, buffered, with the limits on their number kept.
pub(super) struct Blocks<R> {
    inflater: Inflater<R>,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    total: u64,
    /// What was met while reading ahead; due when the buffer is used up.
    due: Option<Fault>,
    ended: bool,
    total_bytes: u64,
    ratio: u64,
    ratio_floor: u64,
}

impl<R: Read> Blocks<R> {
    pub(super) fn new(reader: R, limits: &UnpackLimits) -> Self {
        Self {
            inflater: Inflater::new(reader),
            buffer: vec![0; BUFFER].into_boxed_slice(),
            start: 0,
            end: 0,
            total: 0,
            due: None,
            ended: false,
            total_bytes: limits.total_bytes,
            ratio: limits.ratio,
            ratio_floor: limits.ratio_floor,
        }
    }

    /// The next header, or `None` at the end mark, which is followed by zeros only.
    pub(super) fn header(&mut self) -> Result<Option<[u8; BLOCK]>, Fault> {
        self.buffer_at_least(BLOCK)?;
        if self.end - self.start < BLOCK {
            return Err(match (self.total, self.end - self.start) {
                (0, _) => Fault::Empty,
                _ => Fault::Truncated,
            });
        }
        let mut block = [0; BLOCK];
        block.copy_from_slice(&self.buffer[self.start..self.start + BLOCK]);
        self.start += BLOCK;
        if block.iter().any(|byte| *byte != 0) {
            return Ok(Some(block));
        }
        self.zeros_to_the_end()?;
        Ok(None)
    }

    /// Some of the next `wanted` bytes, which must be there; at least one unless none is wanted.
    pub(super) fn take(&mut self, wanted: u64) -> Result<&[u8], Fault> {
        if wanted > 0 {
            self.buffer_at_least(1)?;
            if self.start == self.end {
                return Err(Fault::Truncated);
            }
        }
        let available = self.end - self.start;
        let count = usize::try_from(wanted).map_or(available, |wanted| wanted.min(available));
        let from = self.start;
        self.start += count;
        Ok(&self.buffer[from..self.start])
    }

    /// Skips bytes, which must be there.
    pub(super) fn skip(&mut self, mut count: u64) -> Result<(), Fault> {
        while count > 0 {
            count -= self.take(count)?.len() as u64;
        }
        Ok(())
    }

    /// Whether the next bytes are these; nothing is used up.
    pub(super) fn next_is(&mut self, bytes: &[u8]) -> Result<bool, Fault> {
        self.buffer_at_least(bytes.len())?;
        Ok(self.buffer[self.start..self.end].starts_with(bytes))
    }

    /// Fails when `size` more bytes would pass the limit.
    pub(super) fn check_room(&self, size: u64) -> Result<(), Fault> {
        let used = self.total - (self.end - self.start) as u64;
        Fault::check(
            Limit::TotalBytes,
            used.saturating_add(size),
            self.total_bytes,
        )
    }

    fn zeros_to_the_end(&mut self) -> Result<(), Fault> {
        loop {
            let rest = &self.buffer[self.start..self.end];
            if rest.iter().any(|byte| *byte != 0) {
                return Err(Fault::TrailingData);
            }
            self.start = self.end;
            self.buffer_at_least(1)?;
            if self.start == self.end {
                return Ok(());
            }
        }
    }

    /// Reads until `count` bytes are buffered or the stream has ended.
    fn buffer_at_least(&mut self, count: usize) -> Result<(), Fault> {
        if self.end - self.start >= count || self.ended {
            return Ok(());
        }
        if let Some(fault) = self.due.take() {
            self.ended = true;
            return Err(fault);
        }
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        while self.end < self.buffer.len() && !self.ended && self.due.is_none() {
            if let Err(fault) = self.read_more() {
                self.due = Some(fault);
            }
        }
        match self.due.take_if(|_| self.end - self.start < count) {
            Some(fault) => {
                self.ended = true;
                Err(fault)
            }
            None => Ok(()),
        }
    }

    fn read_more(&mut self) -> Result<(), Fault> {
        let count = self.inflater.read(&mut self.buffer[self.end..])?;
        self.ended = count == 0;
        self.end += count;
        self.total += count as u64;
        Fault::check(Limit::TotalBytes, self.total, self.total_bytes)?;
        if self.total > self.ratio_floor {
            let ratio = self.total / self.inflater.consumed().max(1);
            Fault::check(Limit::Ratio, ratio, self.ratio)?;
        }
        Ok(())
    }
}
