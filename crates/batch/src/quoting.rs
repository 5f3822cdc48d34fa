//! Writing arguments as a POSIX shell would have to read them.

use std::fmt::{self, Write};

/// Writes `text` as one shell word on one line.
///
/// Words of harmless characters stay bare, others stand in single quotes, and words with control
/// characters (or characters that reorder text on a screen) in `$'…'`, so that a line of a log or
/// a record cannot be forged.
pub(crate) fn write_quoted(f: &mut impl Write, text: &str) -> fmt::Result {
    if !text.is_empty() && text.chars().all(is_harmless) {
        f.write_str(text)
    } else if text.chars().any(is_deceptive) {
        write_escaped(f, text)
    } else {
        f.write_char('\'')?;
        f.write_str(&text.replace('\'', r"'\''"))?;
        f.write_char('\'')
    }
}

fn is_harmless(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_./:,+@%=^".contains(c)
}

fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn write_escaped(f: &mut impl Write, text: &str) -> fmt::Result {
    f.write_str("$'")?;
    for c in text.chars() {
        match c {
            '\n' => f.write_str(r"\n")?,
            '\r' => f.write_str(r"\r")?,
            '\t' => f.write_str(r"\t")?,
            '\\' | '\'' => write!(f, "\\{c}")?,
            // Three digits always, so that a digit which follows is not taken in.
            c if c.is_ascii_control() => write!(f, "\\{:03o}", u32::from(c))?,
            c if is_deceptive(c) => write!(f, "\\u{:04x}", u32::from(c))?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('\'')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let mut quoted = String::new();
        write_quoted(&mut quoted, text).unwrap();
        assert_eq!(quoted, expected);
    }

    #[test]
    fn words_are_quoted_only_where_the_shell_needs_it() {
        check("push", "push");
        check("--path=/a/b.c", "--path=/a/b.c");
        check("", "''");
        check("two words", "'two words'");
        check("it's", r"'it'\''s'");
        check("***", "'***'");
        check("$HOME", "'$HOME'");
        check("~", "'~'");
        check("größe", "'größe'");
    }

    #[test]
    fn no_argument_breaks_its_line() {
        check("a\nFAILED", r"$'a\nFAILED'");
        check("\u{1b}[2J'\\", r"$'\033[2J\'\\'");
        check("\u{1}7", r"$'\0017'");
        check("a\u{202e}b", r"$'a\u202eb'");
    }
}
