//! The two ways in which Swift writes a time.

use std::time::{Duration, SystemTime};

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// The time of a header, such as `Thu, 26 Nov 2026 15:33:44 GMT`: whole seconds.
pub(super) fn of_header(text: &str) -> Option<SystemTime> {
    let mut words = text.strip_suffix(" GMT")?.split_once(", ")?.1.split(' ');
    let day = words.next()?.parse().ok()?;
    let month = words.next()?;
    let month = MONTHS.iter().position(|name| *name == month)? as u64 + 1;
    let year = words.next()?.parse().ok()?;
    let time = words.next()?;
    words.next().is_none().then_some(())?;
    time_of([year, month, day], time)
}

/// The time of a row of a listing, such as `2026-11-26T15:33:43.614300`, in UTC, as the header of
/// the same object tells it: the next whole second.
pub(super) fn of_row(text: &str) -> Option<SystemTime> {
    let (date, time) = text.split_once('T')?;
    let mut numbers = date.split('-').map(str::parse);
    let date = [(); 3].map(|()| numbers.next().and_then(Result::ok));
    let [Some(year), Some(month), Some(day)] = date else {
        return None;
    };
    let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
    let rest = u64::from(fraction.bytes().any(|digit| digit != b'0'));
    time_of([year, month, day], time)?.checked_add(Duration::from_secs(rest))
}

/// The time of a date and of a text such as `15:33:44`.
fn time_of([year, month, day]: [u64; 3], time: &str) -> Option<SystemTime> {
    let mut numbers = time.split(':').map(str::parse::<u64>);
    let time = [(); 3].map(|()| numbers.next().and_then(Result::ok));
    let [Some(hours), Some(minutes), Some(seconds)] = time else {
        return None;
    };
    let is_date = (1970..10_000).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hours < 24
        && minutes < 60
        && seconds <= 60;
    is_date.then_some(())?;
    let seconds = ((days(year, month, day) * 24 + hours) * 60 + minutes) * 60 + seconds;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// The days from 1970 on to a date of the Gregorian calendar.
///
/// Years begin in March here, so that the day that some years have more is their last.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let of_years = year * 365 + year / 4 - year / 100 + year / 400;
    // Five months in a row have 153 days, whichever they are.
    let of_months = (153 * month + 2) / 5;
    // From the first of March of the year 0 on, 1970 begins on day 719,468.
    of_years + of_months + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(found: Option<SystemTime>, expected: Option<u64>) {
        let seconds = found.map(|time| time.duration_since(SystemTime::UNIX_EPOCH).unwrap());
        assert_eq!(seconds, expected.map(Duration::from_secs));
    }

    #[test]
    fn a_header_and_a_row_tell_the_same_second() {
        check(
            of_header("Thu, 26 Nov 2026 15:33:44 GMT"),
            Some(1_795_707_224),
        );
        check(of_row("2026-11-26T15:33:43.614300"), Some(1_795_707_224));
        check(of_row("2026-11-26T15:33:44.000000"), Some(1_795_707_224));
        check(of_row("2026-11-26T15:33:44"), Some(1_795_707_224));
        check(of_header("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        check(
            of_header("Thu, 29 Feb 2024 23:59:59 GMT"),
            Some(1_709_251_199),
        );
        check(
            of_header("Fri, 01 Mar 2024 00:00:00 GMT"),
            Some(1_709_251_200),
        );
        check(of_row("2100-03-01T00:00:00"), Some(4_107_542_400));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "Thu, 26 Nov 2026 15:33:44",
            "Thu, 26 Nox 2026 15:33:44 GMT",
            "Thu, 26 Nov 2026 25:33:44 GMT",
            "Thu, 0 Nov 2026 15:33:44 GMT",
            "Thu, 26 Nov 2026 GMT",
        ] {
            check(of_header(text), None);
        }
        for text in [
            "",
            "2026-11-26",
            "2026-11T00:00:00",
            "2026-13-26T00:00:00",
            "0-1-1T0:0:0",
        ] {
            check(of_row(text), None);
        }
    }
}
