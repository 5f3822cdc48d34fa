//! Where a client prints.

use std::fmt;
use std::io::{self, Write};

use crate::error::Error;

/// A client's two streams, flushed after each text so that merged streams keep their order.
pub(crate) struct Terminal<'a> {
    stdout: &'a mut dyn Write,
    stderr: &'a mut dyn Write,
}

impl fmt::Debug for Terminal<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Terminal").finish_non_exhaustive()
    }
}

impl<'a> Terminal<'a> {
    pub(crate) fn new(stdout: &'a mut dyn Write, stderr: &'a mut dyn Write) -> Self {
        Self { stdout, stderr }
    }

    /// Prints progress that more will follow on the same line.
    pub(crate) fn begin(&mut self, text: impl AsRef<str>) -> io::Result<()> {
        self.stdout.write_all(text.as_ref().as_bytes())?;
        self.stdout.flush()
    }

    /// Prints progress and ends the line.
    pub(crate) fn say(&mut self, text: impl AsRef<str>) -> io::Result<()> {
        writeln!(self.stdout, "{}", text.as_ref())?;
        self.stdout.flush()
    }

    /// Prints a line on the error stream.
    pub(crate) fn complain(&mut self, text: impl AsRef<str>) -> io::Result<()> {
        writeln!(self.stderr, "{}", text.as_ref())?;
        self.stderr.flush()
    }

    /// Prints an error and everything behind it on the error stream.
    pub(crate) fn complain_about(&mut self, error: &Error) -> io::Result<()> {
        let mut text = format!("Error: {error}");
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        self.complain(text)
    }

    /// Prints exactly `count` bytes, in numbered lines of 64.
    pub(crate) fn fill(&mut self, count: u64) -> io::Result<()> {
        let mut left = count;
        let mut number = 0_u64;
        while left > 0 {
            let line = format!("{number:0>16} {:x>46}\n", "");
            let piece = usize::try_from(left).map_or(line.len(), |left| left.min(line.len()));
            self.stdout
                .write_all(line.as_bytes().get(..piece).unwrap_or_default())?;
            left -= piece as u64;
            number += 1;
        }
        self.stdout.flush()
    }
}
