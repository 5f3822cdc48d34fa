//! The gzip layer: members one after the other, and nothing after them.

use std::io::{self, Read};

use flate2::bufread::GzDecoder;

use super::fault::Fault;
use super::input::Input;

/// Unpacks all members of a gzip stream, as RFC 1952 section 2.2 lets them follow each other.
pub(super) struct Inflater<R> {
    state: State<R>,
    consumed: u64,
}

enum State<R> {
    /// Before a member: the first one, or one that may follow.
    Between { input: Input<R>, first: bool },
    /// In a member.
    Within(Box<GzDecoder<Input<R>>>),
    /// At the end, or after a failure.
    Done,
}

/// How a gzip member starts.
const MAGIC: [u8; 2] = [0x1f, 0x8b];

impl<R: Read> Inflater<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            state: State::Between {
                input: Input::new(reader),
                first: true,
            },
            consumed: 0,
        }
    }

    /// Compressed bytes used so far.
    pub(super) const fn consumed(&self) -> u64 {
        self.consumed
    }

    /// Unpacks some bytes; 0 is the end.
    pub(super) fn read(&mut self, into: &mut [u8]) -> Result<usize, Fault> {
        loop {
            match std::mem::replace(&mut self.state, State::Done) {
                State::Done => return Ok(0),
                State::Between { mut input, first } => {
                    let next = input.look().map_err(Fault::Read)?;
                    if next.starts_with(&MAGIC) {
                        self.state = State::Within(Box::new(GzDecoder::new(input)));
                    } else {
                        return match (next.is_empty(), first) {
                            (true, true) => Err(Fault::Empty),
                            (true, false) => Ok(0),
                            (false, true) => Err(Fault::NotGzip),
                            (false, false) => Err(Fault::TrailingData),
                        };
                    }
                }
                State::Within(mut decoder) => {
                    let count = match decoder.read(into) {
                        Ok(count) => count,
                        Err(error) => return Err(explained(error, decoder.get_ref())),
                    };
                    self.consumed = decoder.get_ref().consumed();
                    if count > 0 {
                        self.state = State::Within(decoder);
                        return Ok(count);
                    }
                    self.state = State::Between {
                        input: decoder.into_inner(),
                        first: false,
                    };
                }
            }
        }
    }
}

fn explained<R: Read>(error: io::Error, input: &Input<R>) -> Fault {
    if input.failed() {
        Fault::Read(error)
    } else if error.kind() == io::ErrorKind::UnexpectedEof {
        Fault::Truncated
    } else {
        Fault::Corrupt(error)
    }
}
