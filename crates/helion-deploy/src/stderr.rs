//! Standard error, written by a thread of its own: who prints never waits for a reader.

use std::io::{self, Write as _};
use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::picture::{Picture, terminal_size};

/// How much may wait while the log still grows, in bytes: a reader that is slow is further behind
/// only with a log that nobody can follow, and one that is stuck takes no more memory than that.
const LOG_WAITS: usize = 16 << 20;

/// What is written at once, in bytes: a pipe has room for as much again when its reader has taken
/// that much, so each of them is a sign of life.
const PIECE: usize = 4_096;

/// How long a full stream that does not wait is left to its reader.
const FULL: Duration = Duration::from_millis(5);

/// What waits to be written.
struct Queue {
    /// Lines that stay.
    text: String,
    picture: Picture,
    /// Lines of the log that were not taken.
    lost: u64,
    /// So many pieces were written.
    pieces: u64,
    writer: Writer,
}

/// The one who writes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Writer {
    /// There is none yet.
    Absent,
    /// All that it has taken out is written.
    Waiting,
    /// It has taken something out that is not written yet.
    Writing,
}

// A process has one standard error, and all that prints shares it.
static QUEUE: Mutex<Queue> = Mutex::new(Queue::new());

/// Something waits.
static FILLED: Condvar = Condvar::new();

/// A piece is written.
static WRITTEN: Condvar = Condvar::new();

/// Prints a line.
pub(crate) fn print(line: &str) {
    let mut queue = lock();
    queue.add(line);
    wake(queue);
}

/// Prints lines, and shows `picture` below them instead of the one before.
pub(crate) fn show(lines: &[String], picture: &[String]) {
    let mut queue = lock();
    for line in lines {
        queue.add(line);
    }
    queue.picture.set(picture);
    wake(queue);
}

/// Prints lines of the log, which end as lines do; they are lost while more waits than anybody
/// reads.
pub(crate) fn log(lines: &str) {
    let mut queue = lock();
    queue.add_log(lines);
    wake(queue);
}

/// Waits until all that was printed is written; whether it is, since a reader that takes nothing for
/// as long as `patience` is given up.
pub(crate) fn flush(patience: Duration) -> bool {
    let mut queue = lock();
    while !queue.is_written() {
        let before = queue.pieces;
        let waited = WRITTEN.wait_timeout(queue, patience);
        let (after, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() && after.pieces == before {
            return after.is_written();
        }
        queue = after;
    }
    true
}

/// Waits no longer than `limit` until all that was printed is written; whether it is.
pub(crate) fn flush_within(limit: Duration) -> bool {
    let waited = WRITTEN.wait_timeout_while(lock(), limit, |queue| !queue.is_written());
    waited
        .unwrap_or_else(PoisonError::into_inner)
        .0
        .is_written()
}

impl Queue {
    const fn new() -> Self {
        Self {
            text: String::new(),
            picture: Picture::new(),
            lost: 0,
            pieces: 0,
            writer: Writer::Absent,
        }
    }

    fn add(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn add_log(&mut self, lines: &str) {
        if self.text.len() < LOG_WAITS {
            self.text.push_str(lines);
        } else {
            self.lost += 1;
        }
    }

    const fn is_filled(&self) -> bool {
        self.picture.is_due() || !self.text.is_empty()
    }

    fn is_written(&self) -> bool {
        self.writer != Writer::Writing && !self.is_filled()
    }

    /// Takes all that waits, as it is to be written.
    fn take(&mut self) -> String {
        if self.lost > 0 {
            let lost = mem::take(&mut self.lost);
            self.add(&format!(
                "warning: standard error is read too slowly: {lost} lines of the log are lost"
            ));
        }
        let text = mem::take(&mut self.text);
        self.picture.below(text, terminal_size(io::stderr()))
    }
}

fn lock() -> MutexGuard<'static, Queue> {
    QUEUE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has the thread write what waits; the first one to print starts it.
fn wake(mut queue: MutexGuard<'static, Queue>) {
    if queue.writer != Writer::Absent {
        FILLED.notify_one();
        return;
    }
    let thread = thread::Builder::new().name("stderr".to_owned());
    if thread.spawn(write_for_ever).is_ok() {
        queue.writer = Writer::Waiting;
        return;
    }
    // Better late than never.
    while queue.is_filled() {
        queue = write(queue);
    }
    queue.writer = Writer::Absent;
}

fn write_for_ever() {
    let mut queue = lock();
    loop {
        while !queue.is_filled() {
            queue = FILLED.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        queue = write(queue);
    }
}

/// Writes what waits; that nobody reads it is no failure.
fn write(mut queue: MutexGuard<'static, Queue>) -> MutexGuard<'static, Queue> {
    let text = queue.take();
    queue.writer = Writer::Writing;
    for piece in text.as_bytes().chunks(PIECE) {
        drop(queue);
        let written = write_piece(piece);
        queue = lock();
        queue.pieces += 1;
        WRITTEN.notify_all();
        if written.is_err() {
            break;
        }
    }
    queue.writer = Writer::Waiting;
    WRITTEN.notify_all();
    queue
}

/// Writes the piece, also to a stream that somebody who shares it made one that does not wait.
fn write_piece(mut piece: &[u8]) -> io::Result<()> {
    while !piece.is_empty() {
        match io::stderr().write(piece) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(taken) => piece = &piece[taken..],
            Err(error) => match error.kind() {
                io::ErrorKind::Interrupted => {}
                io::ErrorKind::WouldBlock => thread::sleep(FULL),
                _ => return Err(error),
            },
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_log_that_nobody_reads_it_is_told_how_much_is_lost() {
        let mut queue = Queue::new();
        let line = format!("{}\n", "x".repeat(99));
        let taken = LOG_WAITS.div_ceil(line.len());
        for _ in 0..taken + 3 {
            queue.add_log(&line);
        }
        // What the program says is not lost.
        queue.add("said");
        let text = queue.take();
        let end: Vec<_> = text.lines().skip(taken).collect();
        let lost =
            "warning: standard error is read too slowly: 3 lines of the log are lost".to_owned();
        assert_eq!(end, ["said", &lost]);
        assert!(!queue.is_filled());
        queue.add_log(&line);
        assert_eq!(queue.take(), line);
    }
}
