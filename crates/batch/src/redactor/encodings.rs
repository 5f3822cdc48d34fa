//! The ways a secret may be written.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Below this many bytes an encoded secret, or a part of one, would be found by chance.
const SHORTEST: usize = 4;

/// What RFC 3986 leaves as it is (section 2.3, read 2026-11).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// What `encodeURIComponent` leaves as it is.
const COMPONENT: &AsciiSet = &UNRESERVED
    .remove(b'!')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*');

/// What is escaped inside a path.
const PATH: &AsciiSet = &UNRESERVED.remove(b'/');

/// What is escaped in forms (`application/x-www-form-urlencoded`), besides the space.
const FORM: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'*');

/// All byte strings that stand for `secret`.
pub(super) fn of(secret: &str) -> Vec<Vec<u8>> {
    let mut texts = Vec::new();
    if secret.len() >= SHORTEST {
        for part in std::iter::once(secret.trim()).chain(secret.lines().map(str::trim)) {
            if part.len() >= SHORTEST {
                texts.push(part.to_owned());
            }
        }
        base64(secret.as_bytes(), &mut texts);
        url(secret, &mut texts);
        json(secret, &mut texts);
        shell(secret, &mut texts);
        texts.extend([
            secret.escape_debug().to_string(),
            secret.escape_default().to_string(),
        ]);
    }
    texts.push(secret.to_owned());
    texts
        .into_iter()
        .filter(|text| !text.is_empty())
        .map(String::into_bytes)
        .collect()
}

/// What `secret` looks like inside encoded data, by how many bytes of a group stand before it.
fn base64(secret: &[u8], texts: &mut Vec<String>) {
    for before in 0..3 {
        let mut data = vec![0; before];
        data.extend_from_slice(secret);
        // Characters of which every bit is the secret's.
        let whole = (before * 8).div_ceil(6)..data.len() * 8 / 6;
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            let encoded = engine.encode(&data);
            texts.extend(encoded.get(whole.clone()).map(str::to_owned));
        }
        zeroize::Zeroize::zeroize(&mut data);
    }
}

fn url(secret: &str, texts: &mut Vec<String>) {
    for set in [NON_ALPHANUMERIC, UNRESERVED, COMPONENT, PATH] {
        push_both_cases(utf8_percent_encode(secret, set).to_string(), texts);
    }
    for set in [FORM, UNRESERVED, COMPONENT] {
        push_both_cases(
            utf8_percent_encode(secret, set)
                .to_string()
                .replace("%20", "+"),
            texts,
        );
    }
}

fn push_both_cases(encoded: String, texts: &mut Vec<String>) {
    let mut lower = String::with_capacity(encoded.len());
    let mut digits = 0;
    for c in encoded.chars() {
        lower.push(if digits > 0 {
            c.to_ascii_lowercase()
        } else {
            c
        });
        digits = if c == '%' {
            2
        } else {
            digits - i32::from(digits > 0)
        };
    }
    texts.extend([encoded, lower]);
}

/// The common ways to write a JSON string: with and without escapes for characters beyond ASCII,
/// for `/`, and for what HTML would take for its own.
fn json(secret: &str, texts: &mut Vec<String>) {
    for beyond_ascii in [false, true] {
        for also in ["", "/", "<>&", "<>&'", "\u{7f}"] {
            texts.push(json_with(secret, |c| {
                (beyond_ascii && !c.is_ascii()) || also.contains(c)
            }));
        }
    }
}

fn json_with(secret: &str, is_escaped: impl Fn(char) -> bool) -> String {
    let mut text = String::with_capacity(secret.len());
    for c in secret.chars() {
        let short = match c {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '\u{8}' => "\\b",
            '\u{c}' => "\\f",
            '/' if is_escaped(c) => "\\/",
            _ => "",
        };
        if !short.is_empty() {
            text.push_str(short);
        } else if c.is_ascii_control() && c != '\u{7f}' || is_escaped(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string does not fail.
                let _ = write!(text, "\\u{unit:04x}");
            }
        } else {
            text.push(c);
        }
    }
    text
}

/// Inside single quotes, and with a backslash before every special character.
fn shell(secret: &str, texts: &mut Vec<String>) {
    texts.push(secret.replace('\'', r"'\''"));
    texts.push(secret.replace('\'', r#"'"'"'"#));
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:,+@%=".contains(c) || !c.is_ascii();
    let mut escaped = String::with_capacity(secret.len());
    for c in secret.chars() {
        if !is_plain(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    texts.push(escaped);
}
