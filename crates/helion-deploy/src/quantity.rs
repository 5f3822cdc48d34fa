//! Numbers as people read them, with their units.

use std::time::Duration;

/// A count of bytes, in the unit that leaves it below 1,024: `12.3 MiB`.
pub(crate) fn bytes(count: u64) -> String {
    if count < 1_024 {
        return format!("{count} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
    let mut value = count as f64 / 1_024.0;
    let mut unit = "KiB";
    for larger in ["MiB", "GiB", "TiB"] {
        if value < 1_024.0 {
            break;
        }
        value /= 1_024.0;
        unit = larger;
    }
    format!("{value:.1} {unit}")
}

/// A time that something took: `0.42s`, `2m 05s`, `1h 02m`.
pub(crate) fn time(took: Duration) -> String {
    let seconds = took.as_secs();
    match (seconds / 3_600, seconds / 60 % 60) {
        (0, 0) => format!("{:.2}s", took.as_secs_f64()),
        (0, minutes) => format!("{minutes}m {:02}s", seconds % 60),
        (hours, minutes) => format!("{hours}h {minutes:02}m"),
    }
}

/// How many there are of what `noun` names: `1 key`, `2 keys`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_in_the_unit_that_suits_them() {
        for (count, text) in [
            (0, "0 B"),
            (1_023, "1023 B"),
            (1_024, "1.0 KiB"),
            (12_900_000, "12.3 MiB"),
            (u64::MAX, "16777216.0 TiB"),
        ] {
            assert_eq!(bytes(count), text);
        }
    }

    #[test]
    fn times_lose_what_does_not_matter_any_more() {
        for (milliseconds, text) in [
            (0, "0.00s"),
            (420, "0.42s"),
            (59_000, "59.00s"),
            (125_900, "2m 05s"),
            (3_723_000, "1h 02m"),
        ] {
            assert_eq!(time(Duration::from_millis(milliseconds)), text);
        }
    }

    #[test]
    fn one_is_no_plural() {
        for (number, text) in [(0, "0 keys"), (1, "1 key"), (2, "2 keys")] {
            assert_eq!(count(number, "key"), text);
        }
    }
}
