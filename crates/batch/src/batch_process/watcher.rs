//! Shows events to a watcher that may panic.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;

use crate::lines::{LineAssembler, LineEnd};
use crate::live::Live;
use crate::progress::{IProgress, LiveEvent};

/// Shows events until the first panic.
pub(super) struct Watcher<'a> {
    progress: Option<&'a dyn IProgress>,
    /// How long a line may be, where lines are shown.
    longest_line: Option<usize>,
    line: Option<LineAssembler>,
}

impl<'a> Watcher<'a> {
    pub(super) const fn new(progress: &'a dyn IProgress, longest_line: Option<usize>) -> Self {
        Self {
            progress: Some(progress),
            longest_line,
            line: None,
        }
    }

    pub(super) fn show(&mut self, event: &LiveEvent) {
        let Some(progress) = self.progress else {
            return;
        };
        if catch_unwind(AssertUnwindSafe(|| progress.observe(event))).is_err() {
            tracing::error!("the observer of a process panicked and is not called any more");
            self.progress = None;
        }
    }

    /// Shows what comes from a step's command.
    pub(super) fn show_live(&mut self, index: usize, live: Live) {
        match live {
            Live::Started(pid) => self.show(&LiveEvent::ProcessStarted { index, pid }),
            Live::Output(bytes) => self.show_output(index, bytes),
        }
    }

    /// Shows a piece of a step's output, and the lines that it ends where lines are shown.
    fn show_output(&mut self, index: usize, bytes: Bytes) {
        let longest = self.longest_line;
        let line = self.line.take().or_else(|| longest.map(LineAssembler::new));
        if let Some(mut line) = line {
            self.show(&LiveEvent::Output {
                index,
                bytes: bytes.clone(),
            });
            line.push(&bytes, |line, end| self.show_line(index, line, end));
            self.line = Some(line);
        } else {
            self.show(&LiveEvent::Output { index, bytes });
        }
    }

    /// Shows the last line of a step, where it has no line break.
    pub(super) fn end_output(&mut self, index: usize) {
        if let Some(line) = self.line.take() {
            line.finish(|line, end| self.show_line(index, line, end));
        }
    }

    fn show_line(&mut self, index: usize, line: &[u8], end: LineEnd) {
        let bytes = Bytes::copy_from_slice(line);
        self.show(&LiveEvent::Line { index, bytes, end });
    }
}
