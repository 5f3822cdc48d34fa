//! Lines on standard error.

use std::io;

use crate::failure::Failure;
use crate::output::printable;
use crate::paint::Paint;
use crate::stderr;

/// Prints one line for a person; that nobody reads it is no failure.
pub(crate) fn say(line: &str) {
    say_painted(&printable(line));
}

/// Prints a line that is printable already.
pub(crate) fn say_painted(line: &str) {
    stderr::print(line);
}

/// Prints what went wrong, and what to do next.
pub(crate) fn say_failure(failure: &Failure) {
    let paint = Paint::on(&io::stderr());
    let message = printable(failure.message());
    say_painted(&format!("{} {message}", paint.bad("error:")));
    if let Some(hint) = failure.hint() {
        say_hint(hint);
    }
}

/// Prints what to do next.
pub(crate) fn say_hint(hint: &str) {
    let paint = Paint::on(&io::stderr());
    say_painted(&format!("{} {}", paint.strong("hint:"), printable(hint)));
}
