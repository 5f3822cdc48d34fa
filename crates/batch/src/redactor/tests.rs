use proptest::prelude::*;

use super::*;

fn redactor(secrets: &[&str]) -> Redactor {
    let secrets: Vec<_> = secrets.iter().map(|secret| Secret::new(*secret)).collect();
    Redactor::new(&secrets)
}

#[track_caller]
fn check(secrets: &[&str], text: &str, expected: &str) {
    let redactor = redactor(secrets);
    assert_eq!(redactor.redact_text(text), expected);
    for size in 1..=text.len() {
        assert_eq!(
            in_pieces(&redactor, text.as_bytes().chunks(size)),
            expected.as_bytes()
        );
    }
}

fn in_pieces<'a>(redactor: &Redactor, pieces: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut masked = Vec::new();
    let mut stream = redactor.stream();
    for piece in pieces {
        stream.push(piece, |bytes| masked.extend_from_slice(bytes));
    }
    stream.finish(|bytes| masked.extend_from_slice(bytes));
    masked
}

#[test]
fn plain_occurrences_are_masked() {
    check(&["hunter2"], "a hunter2 b hunter2", "a *** b ***");
    check(&["hunter2"], "hunter", "hunter");
    check(&["hunter2"], "hunterhunter2", "hunter***");
    check(&["aab"], "aaab", "a***");
    check(&["päss"], "x päss y", "x *** y");
}

#[test]
fn secrets_that_overlap_or_touch_leave_nothing() {
    check(&["abcd", "cdef"], "-abcdef-", "-***-");
    check(&["abcd"], "abcdabcd", "***");
    check(&["abcd", "abcdefgh"], "abcdefg", "***efg");
    check(&["abcd", "abcdefgh"], "abcdefgh", "***");
    check(&["bc", "abcd"], "abcx abcd", "a***x ***");
    check(&["aaaa"], "aaaaaaa", "***");
}

#[test]
fn encoded_secrets_are_masked() {
    check(&["hunter2"], "dXNlcjpodW50ZXIy", "dXNlcjp***");
    check(&["p\"w\\d"], r#"{"p":"p\"w\\d"}"#, r#"{"p":"***"}"#);
    check(&["a b&c/d"], "x=a%20b%26c%2Fd&", "x=***&");
    check(&["a b&c/d"], "x=a%20b%26c%2fd&", "x=***&");
    check(&["a b&c/d"], "x=a+b%26c%2Fd&", "x=***&");
    check(&["päss"], r"p\u00e4ss", "***");
    check(&["it's me"], r"'it'\''s me'", "'***'");
    check(&["line one\nline two"], "> line two", "> ***");
    check(&["trimmed\n"], "is trimmed.", "is ***.");
}

/// As Go, WHATWG's URL, `encodeURI` and Node's `url.format` write them.
#[test]
fn secrets_within_urls_are_masked() {
    let url = |written: &str| format!("https://u:{written}@host/");
    for (secret, written) in [
        ("p@ss+1", "p%40ss+1"),
        ("p@ss!word$", "p%40ss!word$"),
        ("a b&c=d!", "a%20b&c=d%21"),
        ("100% (it's) a|b", "100%%20(it's)%20a%7Cb"),
        ("[a]/b:c", "%5Ba%5D%2Fb%3Ac"),
        ("a:b c!", "a:b%20c!"),
        ("a b;c,d*", "a%20b;c,d*"),
    ] {
        check(&[secret], &url(written), &url("***"));
    }
    check(
        &["a b:c@d+e"],
        "https://host/a%20b:c@d+e/x",
        "https://host/***/x",
    );
    check(
        &["a b^c|d[e"],
        "https://host/a%20b^c|d[e/x",
        "https://host/***/x",
    );
    check(&["a b;c&d"], "https://host/a%20b%3Bc&d", "https://host/***");
    check(
        &["a b#c?d'e"],
        "https://host/a%20b#c?d'e",
        "https://host/***",
    );
    check(
        &["a b'c(d)"],
        "https://host/?a%20b%27c(d)",
        "https://host/?***",
    );
}

/// As .NET, PHP, and those who escape whatever is no letter write them.
#[test]
fn secrets_within_json_are_masked() {
    check(&["größe1"], r"gr\u00F6\u00DFe1", "***");
    check(&["a\"b+cd"], r"a\u0022b\u002Bcd", "***");
    check(&["a\"b+cd"], r"a\u0022b\u002bcd", "***");
    check(&["a'b/c\\d"], r"a\u0027b\/c\\d", "***");
    check(&["a b-c/d"], r"a\u0020b\u002dc\u002fd", "***");
    check(&["a\u{8}b\u{c}\nc"], r"a\u0008b\u000c\nc", "***");
}

#[test]
fn base64_is_masked_wherever_the_secret_stands() {
    use base64::Engine as _;
    let secret = "s3cr?t~v>lue";
    let redactor = redactor(&[secret]);
    for before in 0..7 {
        for after in 0..4 {
            let data = format!("{}{secret}{}", "u".repeat(before), "v".repeat(after));
            for engine in [
                base64::engine::general_purpose::STANDARD,
                base64::engine::general_purpose::URL_SAFE,
            ] {
                let text = engine.encode(&data);
                let masked = redactor.redact_text(&text);
                // A character at either end may hold some bits of the secret.
                assert!(
                    masked.replace("***", "").len() <= text.len() - 14,
                    "{text} {masked}"
                );
            }
        }
    }
}

#[test]
fn short_secrets_are_masked_where_they_stand_plainly() {
    check(&["x"], "axb", "a***b");
    check(&["ab"], "ab YWI=", "*** YWI=");
}

#[test]
fn an_empty_secret_masks_nothing() {
    check(&[""], "text", "text");
    check(&[], "text", "text");
    check(&["  \n "], "a b", "a b");
}

#[test]
fn harmless_bytes_are_not_held_back() {
    let redactor = redactor(&["hunter2"]);
    let mut stream = redactor.stream();
    let mut pieces = Vec::new();
    for bytes in [&b"password: "[..], b"hun", b"gry\n"] {
        stream.push(bytes, |piece| pieces.push(piece.to_vec()));
    }
    assert_eq!(pieces, [b"password: ".to_vec(), b"hungry\n".to_vec()]);
}

#[test]
fn nothing_of_a_secret_is_in_debug() {
    let redactor = redactor(&["hunter2"]);
    let mut stream = redactor.stream();
    stream.push(b"hunter", |_| ());
    assert!(!format!("{redactor:?} {stream:?}").contains("hunter"));
}

proptest! {
    #[test]
    fn pieces_do_not_change_the_result(
        secrets in prop::collection::vec("[abc]{1,6}", 0..4),
        text in "[abcd]{0,60}",
        cuts in prop::collection::vec(0_usize..60, 0..12),
    ) {
        let secrets: Vec<_> = secrets.iter().map(String::as_str).collect();
        let redactor = redactor(&secrets);
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|pair| &text.as_bytes()[pair[0]..pair[1]]);
        let masked = in_pieces(&redactor, pieces);
        let whole = redactor.redact_text(&text);
        prop_assert_eq!(&masked[..], whole.as_bytes());

        // What a reader who looks at every place by itself would leave.
        let mut covered = vec![false; text.len()];
        for secret in &secrets {
            for (start, _) in text.char_indices().filter(|(i, _)| text[*i..].starts_with(secret)) {
                covered[start..start + secret.len()].fill(true);
            }
        }
        let mut expected = String::new();
        for (i, c) in text.char_indices() {
            if !covered[i] {
                expected.push(c);
            } else if i == 0 || !covered[i - 1] {
                expected.push_str("***");
            }
        }
        // Encodings of these secrets are longer than, or equal to, what is plain in the text.
        prop_assert_eq!(whole.as_ref(), expected);
    }

    #[test]
    fn no_way_to_write_a_secret_is_left(
        secret in "[a-zA-Z0-9 '\"\\\\&/<>+=~?é\n]{4,20}",
        before in "[A-Z]{0,10}",
        after in "[A-Z]{0,10}",
        size in 1_usize..12,
    ) {
        use base64::Engine as _;

        let redactor = redactor(&[&secret]);
        let data = format!("{before}{secret}{after}");
        let percent = percent_encoding::utf8_percent_encode(
            &secret,
            percent_encoding::NON_ALPHANUMERIC,
        );
        for text in [
            data.clone(),
            format!("{data:?}"),
            format!("{before}{percent}{after}"),
            format!("'{}'", secret.replace('\'', r"'\''")),
        ] {
            let masked = in_pieces(&redactor, text.as_bytes().chunks(size));
            let masked = String::from_utf8(masked).unwrap();
            prop_assert_eq!(&masked, &redactor.redact_text(&text));
            prop_assert!(masked.contains("***"), "{}", text);
            prop_assert!(!masked.contains(&secret), "{} {}", text, masked);
        }
        let text = base64::engine::general_purpose::STANDARD.encode(&data);
        let masked = in_pieces(&redactor, text.as_bytes().chunks(size));
        // At each end one character may hold some bits of the secret.
        let left = masked.len() - 3;
        let others = (before.len() + after.len()) * 4 / 3;
        prop_assert!(left <= others + 8, "{} {}", text, String::from_utf8_lossy(&masked));
    }
}
