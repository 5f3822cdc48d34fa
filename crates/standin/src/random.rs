//! Random bytes, as text.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;

use crate::error::{Error, Result};

/// Where the system gives random bytes.
const SOURCE: &str = "/dev/urandom";

/// Sixteen random bytes in hexadecimal: salts and tokens.
pub(crate) fn random_text() -> Result<String> {
    let mut bytes = [0; 16];
    File::open(SOURCE)
        .and_then(|mut source| source.read_exact(&mut bytes))
        .map_err(Error::io("read", SOURCE))?;
    Ok(hexadecimal(&bytes))
}

/// `bytes` as lower-case hexadecimal digits.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a `String` cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}
