//! MD5, which Swift tells damage by.

use std::fmt::Write as _;

/// A hash as Swift writes it.
pub(super) fn hex(hash: &[u8]) -> String {
    let mut text = String::with_capacity(hash.len() * 2);
    for byte in hash {
        // Writing to a string never fails.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
