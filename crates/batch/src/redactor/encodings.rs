//! The ways a secret may be written.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

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

/// What RFC 3986 leaves as it is in a user's name or password (section 3.2.1).
const USER_INFO: &AsciiSet = &COMPONENT
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=');

/// What it leaves as it is in a segment of a path (section 3.3).
const SEGMENT: &AsciiSet = &USER_INFO.remove(b':').remove(b'@');

/// What `encodeURI` leaves as it is.
const WHOLE: &AsciiSet = &SEGMENT.remove(b'/').remove(b'?').remove(b'#');

/// What Go escapes in a user's name or password (`net/url`, read 2026-11).
const GO_USER_INFO: &AsciiSet = &UNRESERVED
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=');

/// What Go escapes in a segment of a path.
const GO_SEGMENT: &AsciiSet = &UNRESERVED
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

/// What Go escapes in a path.
const GO_PATH: &AsciiSet = &GO_SEGMENT.remove(b',').remove(b';').remove(b'/');

/// What browsers, Node and Rust's `url` escape in a query
/// (<https://url.spec.whatwg.org/#percent-encoded-bytes>, read 2026-11); they leave a `%` bare.
const WHATWG_QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>');

/// The same in a path; not all of them escape `^`.
const WHATWG_PATH: &AsciiSet = &WHATWG_QUERY.add(b'?').add(b'`').add(b'{').add(b'}');

/// The same in a user's name or password.
const WHATWG_USER_INFO: &AsciiSet = &WHATWG_PATH
    .add(b'/')
    .add(b':')
    .add(b';')
    .add(b'=')
    .add(b'@')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'|');

/// All sets of what is escaped within URLs.
const URL: &[&AsciiSet] = &[
    NON_ALPHANUMERIC,
    UNRESERVED,
    // Inside a path.
    &UNRESERVED.remove(b'/'),
    COMPONENT,
    // What Node's `url.format` makes of a name and a password.
    &COMPONENT.remove(b':'),
    USER_INFO,
    &USER_INFO.remove(b':'),
    SEGMENT,
    &SEGMENT.remove(b'/'),
    WHOLE,
    GO_USER_INFO,
    GO_SEGMENT,
    GO_PATH,
    WHATWG_QUERY,
    &WHATWG_QUERY.add(b'\''),
    WHATWG_PATH,
    &WHATWG_PATH.add(b'^'),
    WHATWG_USER_INFO,
];

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
    for set in URL {
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

/// What has an escape of two characters in JSON, and mostly is written by it.
const SHORT: &str = "\"\\\n\r\t\u{8}\u{c}";

/// The common ways to write a JSON string: which characters have their short escape, and which
/// others are escaped by their number though they need not be.
const JSON: &[(&str, &str)] = &[
    (SHORT, ""),
    ("/\"\\\n\r\t\u{8}\u{c}", ""),
    (SHORT, "\u{7f}"),
    // What HTML would take for its own.
    (SHORT, "<>&"),
    (SHORT, "<>&'"),
    // Go before 1.22.
    ("\"\\\n\r\t", "<>&"),
    // PHP with all its `JSON_HEX_…` flags.
    ("/\\\n\r\t\u{8}\u{c}", "\"<>&'"),
    ("\\\n\r\t\u{8}\u{c}", "\"<>&'"),
    // .NET's `System.Text.Json`.
    ("\\\n\r\t\u{8}\u{c}", "\"<>&'+`\u{7f}"),
    // Those who trust letters and digits only.
    ("", " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~\u{7f}"),
];

fn json(secret: &str, texts: &mut Vec<String>) {
    for (short, numbered) in JSON {
        for is_ascii_only in [false, true] {
            push_json(secret, short, texts, |c| {
                (is_ascii_only && !c.is_ascii()) || numbered.contains(c)
            });
        }
    }
}

/// Writes numbers in lower case, and in upper case.
fn push_json(
    secret: &str,
    short: &str,
    texts: &mut Vec<String>,
    is_numbered: impl Fn(char) -> bool,
) {
    let [mut lower, mut upper] = [(); 2].map(|()| String::with_capacity(secret.len()));
    for c in secret.chars() {
        let is_control = c.is_ascii_control() && c != '\u{7f}';
        if short.contains(c) {
            let letter = match c {
                '\n' => 'n',
                '\r' => 'r',
                '\t' => 't',
                '\u{8}' => 'b',
                '\u{c}' => 'f',
                itself => itself,
            };
            for text in [&mut lower, &mut upper] {
                text.extend(['\\', letter]);
            }
        } else if is_control || is_numbered(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string does not fail.
                let _ = write!(lower, "\\u{unit:04x}");
                let _ = write!(upper, "\\u{unit:04X}");
            }
        } else {
            lower.push(c);
            upper.push(c);
        }
    }
    texts.extend([lower, upper]);
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
