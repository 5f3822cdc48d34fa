//! Lines on standard error.

use std::io::{self, Write as _};

use crate::output::printable;

/// Prints one line for a person; that nobody reads it is no failure.
pub(crate) fn say(line: &str) {
    drop(writeln!(io::stderr().lock(), "{}", printable(line)));
}
