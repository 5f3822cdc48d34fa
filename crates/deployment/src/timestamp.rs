//! The original's text form of a point in time.

use std::sync::LazyLock;
use std::time::SystemTime;

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, NaiveDateTime, Utc};

/// `2015-07-08 14:35:52.951490`, always UTC, always six decimals.
///
/// # Source
///
/// `strftime("%Y-%m-%d %H:%M:%S.%f")` over `datetime.utcnow()` in the original's
/// `deploy_status.py`; Python's `%f` is microseconds padded to six digits.
const FORMAT: &str = "%Y-%m-%d %H:%M:%S%.6f";

/// The format, read once: a deployment writes some thirty times.
static ITEMS: LazyLock<Vec<Item<'static>>> = LazyLock::new(|| StrftimeItems::new(FORMAT).collect());

/// Writes `time` as records hold it, to the microsecond.
pub(crate) fn to_text(time: SystemTime) -> String {
    DateTime::<Utc>::from(time)
        .format_with_items(ITEMS.iter())
        .to_string()
}

/// Reads a record's time; `None` when it is not one.
pub(crate) fn from_text(text: &str) -> Option<SystemTime> {
    NaiveDateTime::parse_from_str(text, FORMAT)
        .ok()
        .map(|time| time.and_utc().into())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn it_is_the_text_that_the_original_wrote() {
        let time = SystemTime::UNIX_EPOCH + Duration::new(1_436_366_152, 951_490_000);
        assert_eq!(to_text(time), "2015-07-08 14:35:52.951490");
        assert_eq!(from_text("2015-07-08 14:35:52.951490"), Some(time));
        assert_eq!(
            to_text(SystemTime::UNIX_EPOCH),
            "1970-01-01 00:00:00.000000"
        );
        assert_eq!(from_text("yesterday"), None);
    }

    proptest! {
        #[test]
        fn any_microsecond_reads_back(micros in 0..4_000_000_000_000_000_u64) {
            let time = SystemTime::UNIX_EPOCH + Duration::from_micros(micros);
            prop_assert_eq!(from_text(&to_text(time)), Some(time));
        }
    }
}
