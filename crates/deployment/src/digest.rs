//! Digests as the engine writes them.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// SHA-256 over `parts`, each with its length before it, in lower-case hexadecimal digits.
pub(crate) fn of_parts(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hex(&hasher.finalize())
}

/// In lower case, as digests are written.
pub(crate) fn hex(digest: &[u8]) -> String {
    digest.iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_part_ends_matters() {
        assert_ne!(of_parts(&["ab", "c"]), of_parts(&["a", "bc"]));
    }
}
