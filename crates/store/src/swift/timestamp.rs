//! The times that OpenStack's servers tell.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The time in UTC that a text such as `2026-11-23T22:58:20.000000Z` tells; the zone, which only
/// some servers write, and the fraction may be absent. `None` for anything else, and for times
/// before 1970.
pub(super) fn parse(text: &str) -> Option<SystemTime> {
    let (date, time) = text.strip_suffix('Z').unwrap_or(text).split_once('T')?;
    let [year, month, day] = fields(date, '-')?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
    let [hour, minute, second] = fields(time, ':')?;
    let is_possible = (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && (1970..=9999).contains(&year)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !is_possible {
        return None;
    }
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    Some(UNIX_EPOCH + Duration::new(seconds, nanos(fraction)?))
}

fn fields(text: &str, separator: char) -> Option<[u64; 3]> {
    let mut fields = text.split(separator).map(digits);
    let all = [fields.next()??, fields.next()??, fields.next()??];
    fields.next().is_none().then_some(all)
}

fn digits(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

/// The fraction of a second in nanoseconds; digits past those are cut.
fn nanos(fraction: &str) -> Option<u32> {
    if fraction.is_empty() {
        return Some(0);
    }
    digits(fraction)?;
    format!("{fraction:0<9}").get(..9)?.parse().ok()
}

/// The days from 1970 to the date; years are counted from March, so that a leap day is their last.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = year / 4 - year / 100 + year / 400;
    // 719,468 days lie between March 1st of year 0 and 1970.
    (year * 365 + leap_days + (153 * month + 2) / 5 + day - 1).saturating_sub(719_468)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, seconds: u64, nanos: u32) {
        let expected = UNIX_EPOCH + Duration::new(seconds, nanos);
        assert_eq!(parse(text), Some(expected), "{text}");
    }

    #[test]
    fn times_of_servers_are_read() {
        check("1970-01-01T00:00:00Z", 0, 0);
        check("2000-02-29T23:59:59", 951_868_799, 0);
        check("2000-03-01T00:00:00", 951_868_800, 0);
        check("2100-03-01T00:00:00", 4_107_542_400, 0);
        check("2026-11-23T22:58:20.000000Z", 1_795_474_700, 0);
        check("2026-11-26T15:32:19.602340", 1_795_707_139, 602_340_000);
        check("2026-11-26T15:32:19.1234567899", 1_795_707_139, 123_456_789);
    }

    #[test]
    fn anything_else_is_no_time() {
        for text in [
            "",
            "T",
            "2026-11-23",
            "2026-11-23 22:58:20",
            "2026-13-01T00:00:00",
            "2026-00-01T00:00:00",
            "2026-01-00T00:00:00",
            "2026-01-01T24:00:00",
            "2026-01-01T00:00",
            "2026-01-01T00:00:00:00",
            "2026-01-01T00:00:00.1x",
            "2026-01-01T00:00:+1",
            "2026-01-01T00:00:00+01:00",
            "1969-12-31T23:59:59Z",
            "99999999999999999999-01-01T00:00:00",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn days_follow_each_other(year in 1970..9999_u64, month in 1..=12_u64) {
            let (next_year, next_month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
            let length = days(next_year, next_month, 1) - days(year, month, 1);
            let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let expected = match month {
                2 if is_leap => 29,
                2 => 28,
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            prop_assert_eq!(length, expected);
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = parse(&text);
        }
    }
}
