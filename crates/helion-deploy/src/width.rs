//! How many columns of a terminal a text takes; what only colours it takes none.

use unicode_width::UnicodeWidthChar as _;

/// What begins a colour; it ends with `m`.
const ESCAPE: char = '\u{1b}';

/// Takes every colour away again.
pub(crate) const RESET: &str = "\u{1b}[0m";

/// The columns of `text`.
pub(crate) fn columns(text: &str) -> usize {
    visible(text).map(|(_, width)| width).sum()
}

/// The text with spaces up to `width` columns.
pub(crate) fn padded(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(columns(text));
    format!("{text}{}", " ".repeat(missing))
}

/// The beginning of `text` that fits into `width` columns, with `…` where something was cut.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let (mut taken, mut end) = (0, 0);
    for (at, columns) in visible(text) {
        // One column is the ellipsis's.
        if taken + columns + 1 > width {
            break;
        }
        taken += columns;
        end = at;
    }
    let kept = &text[..end];
    let reset = if kept.contains(ESCAPE) { RESET } else { "" };
    let ellipsis = if width == 0 { "" } else { "…" };
    format!("{kept}{ellipsis}{reset}")
}

/// Of each character that is seen, the place behind it and its columns.
fn visible(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let mut is_escape = false;
    text.char_indices().filter_map(move |(at, character)| {
        if character == ESCAPE {
            is_escape = true;
        }
        if is_escape {
            is_escape = character != 'm';
            return None;
        }
        Some((at + character.len_utf8(), character.width().unwrap_or(0)))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wide_characters_and_colours_are_counted_as_they_are_seen() {
        assert_eq!(columns("abc"), 3);
        assert_eq!(columns("日本"), 4);
        assert_eq!(columns("\u{1b}[32mok\u{1b}[0m"), 2);
        assert_eq!(padded("日本", 6), "日本  ");
        assert_eq!(padded("abc", 2), "abc");
    }

    #[test]
    fn what_is_cut_ends_with_an_ellipsis_and_without_a_colour() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(cut("\u{1b}[32mabcdef", 3), "\u{1b}[32mab…\u{1b}[0m");
        assert_eq!(cut("abc", 0), "");
    }

    proptest! {
        #[test]
        fn a_cut_text_fits(text in "(\\PC|\u{1b}\\[3[0-7]m){0,40}", width in 0..50_usize) {
            prop_assert!(columns(&cut(&text, width)) <= width);
        }
    }
}
