//! Where a command's output goes.

use std::cell::RefCell;
use std::io::ErrorKind;

use tokio::net::unix::pipe::Receiver;

use crate::live::LiveOutput;
use crate::output::{Capture, CaptureLimits, CapturedOutput};
use crate::redactor::{RedactedStream, Redactor};

/// As much as a pipe holds unless set otherwise.
const PIECE: usize = 64 * 1024;

/// Pieces that are read before others have their turn.
const PIECES_A_TURN: u32 = 8;

thread_local! {
    /// One for each thread, not for each command: a thousand commands would need 64 MiB.
    static PIECE_BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Masks output, keeps its ends, and shows it.
pub(super) struct Sink<'a> {
    masked: RedactedStream<'a>,
    is_masking: bool,
    capture: Capture,
    live: &'a LiveOutput,
}

/// What a turn of reading came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nothing more is there right now.
    Drained,
    /// There may be more.
    Full,
    /// The output is at its end.
    End,
}

impl<'a> Sink<'a> {
    pub(super) fn new(redactor: &'a Redactor, limits: CaptureLimits, live: &'a LiveOutput) -> Self {
        Self {
            masked: redactor.stream(),
            is_masking: !redactor.is_empty(),
            capture: Capture::new(limits),
            live,
        }
    }

    /// Reads what is there, a bounded amount of it.
    pub(super) fn read(&mut self, output: &Receiver) -> Turn {
        PIECE_BUFFER.with_borrow_mut(|buffer| {
            buffer.resize(PIECE, 0);
            for _ in 0..PIECES_A_TURN {
                match output.try_read(buffer) {
                    Ok(0) => return Turn::End,
                    Ok(length) => self.push(&buffer[..length]),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return Turn::Drained,
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => {
                        tracing::warn!(%error, "the rest of a command's output is lost");
                        return Turn::End;
                    }
                }
            }
            Turn::Full
        })
    }

    fn push(&mut self, bytes: &[u8]) {
        if self.is_masking {
            let mut passed_on = Vec::with_capacity(bytes.len());
            self.masked
                .push(bytes, |piece| passed_on.extend_from_slice(piece));
            put(&mut self.capture, self.live, &passed_on);
        } else {
            put(&mut self.capture, self.live, bytes);
        }
    }

    /// Passes on what was held back, and ends.
    pub(super) fn finish(self) -> CapturedOutput {
        let Self {
            masked,
            mut capture,
            live,
            ..
        } = self;
        masked.finish(|piece| put(&mut capture, live, piece));
        capture.finish()
    }
}

fn put(capture: &mut Capture, live: &LiveOutput, bytes: &[u8]) {
    if !bytes.is_empty() {
        capture.push(bytes);
        live.send(bytes);
    }
}
