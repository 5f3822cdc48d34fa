//! Whether a call may have taken effect though it failed.

use crate::{Error, ErrorKind};

/// The first try of a call whose failure leaves it open whether it took effect.
#[derive(Debug, Default)]
pub(super) struct LostReply(Option<Error>);

impl LostReply {
    /// Notes a failed try, where its outcome is open.
    pub(super) fn note(&mut self, error: &Error) {
        if is_open(error) {
            self.0.get_or_insert_with(|| same_kind(error));
        }
    }

    /// Whether there was such a try.
    pub(super) fn is_noted(&self) -> bool {
        self.0.is_some()
    }

    /// What the caller is told when the tries, or a look at what is stored, end with `error`:
    /// never less than that it is open whether the call took effect.
    pub(super) fn told(&self, error: Error) -> Error {
        match &self.0 {
            Some(first) if !is_open(&error) || error.operation() != first.operation() => {
                same_kind(first)
                    .with_message("a reply was lost, and whether it happened cannot be told")
                    .with_source(error)
            }
            Some(_) | None => error,
        }
    }
}

fn is_open(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Timeout | ErrorKind::Unavailable | ErrorKind::Interrupted
    )
}

/// What is kept of a failure while the call goes on.
fn same_kind(error: &Error) -> Error {
    let kept = Error::new(error.kind(), error.operation());
    match error.name() {
        Some(name) => kept.with_name(name),
        None => kept,
    }
}
