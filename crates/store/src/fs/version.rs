//! What tells one version of a file from another.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{Stat, Timespec};
use sha2::{Digest, Sha256};

use crate::clock::Clock;
use crate::{Etag, FileInfo, FileName};

/// One version of a file, as the file system tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Version {
    inode: u64,
    /// Nanoseconds since 1970: the stamp of the save, or the time of a change by hand.
    modified: i128,
    pub(super) size: u64,
}

impl Version {
    pub(super) fn of(stat: &Stat) -> Self {
        Self {
            inode: stat.st_ino,
            modified: i128::from(stat.st_mtime) * 1_000_000_000 + i128::from(stat.st_mtime_nsec),
            size: u64::try_from(stat.st_size).unwrap_or_default(),
        }
    }

    pub(super) fn etag(&self) -> Etag {
        let Ok(modified) = u64::try_from(self.modified) else {
            // Before 1970, or after 2554.
            return Etag::new(format!(
                "{:x}-{:x}-{:x}",
                self.inode, self.modified, self.size
            ));
        };
        // The same by hand: a listing makes one for each file, and `format!` took a tenth of its time.
        let mut text = [0; 3 * 16 + 2];
        let mut start = text.len();
        for number in [self.size, modified, self.inode] {
            if start < text.len() {
                start -= 1;
                text[start] = b'-';
            }
            start = write_hex_before(&mut text, start, number);
        }
        Etag::new(String::from_utf8_lossy(&text[start..]))
    }

    /// Whether the version may have facts beyond its name.
    ///
    /// The lowest bit of a stamp says so, which spares all other files a look into the facts'
    /// directory.
    pub(super) fn may_have_facts(&self) -> bool {
        self.modified & 1 == 1
    }

    /// Where the facts of the version are kept; a copy of the root keeps times and lengths, and so
    /// its facts.
    pub(super) fn facts_file(&self, name: &FileName) -> String {
        let (mut high, mut low) = ([0; 16], [0; 16]);
        let hash = Sha256::digest(name.as_str());
        high.copy_from_slice(&hash[..16]);
        low.copy_from_slice(&hash[16..]);
        let (high, low) = (u128::from_be_bytes(high), u128::from_be_bytes(low));
        format!("{high:032x}{low:032x}-{:x}-{:x}", self.modified, self.size)
    }

    pub(super) fn info(&self, name: FileName) -> FileInfo {
        let nanos = self.modified.unsigned_abs();
        // A division of 128 bits costs as much as all the rest here.
        let distance = u64::try_from(nanos)
            .map_or_else(|_| Duration::from_nanos_u128(nanos), Duration::from_nanos);
        let modified: SystemTime = if self.modified < 0 {
            UNIX_EPOCH - distance
        } else {
            UNIX_EPOCH + distance
        };
        FileInfo::new(name, self.size, self.etag(), modified)
    }
}

/// Writes what `{:x}` does, so that it ends at `end`; where it starts.
fn write_hex_before(text: &mut [u8], end: usize, mut number: u64) -> usize {
    let mut start = end;
    loop {
        start -= 1;
        text[start] = b"0123456789abcdef"[(number & 0xf) as usize];
        number >>= 4;
        if number == 0 {
            return start;
        }
    }
}

/// Where the facts of a version come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FactsOrigin {
    /// They are what the name says.
    Name,
    /// They are recorded beside the file.
    Recorded,
}

/// Times for saves, no two of which are equal.
#[derive(Debug)]
pub(super) struct Stamps {
    clock: Clock,
    last: Mutex<u64>,
}

impl Stamps {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            last: Mutex::new(0),
        }
    }

    /// The next time to mark a file with.
    pub(super) fn next(&self, facts: FactsOrigin) -> Timespec {
        let now = self
            .clock
            .now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX / 2);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        // The lowest bit is not the clock's: see `may_have_facts`.
        *last = now.max(*last + 2) & !1;
        let stamp = Duration::from_nanos(*last | u64::from(facts == FactsOrigin::Recorded));
        Timespec {
            tv_sec: stamp.as_secs().try_into().unwrap_or_default(),
            tv_nsec: stamp.subsec_nanos().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_etag_is_inode_time_and_size_in_hexadecimal(
            inode: u64,
            modified in prop_oneof![
                any::<u64>().prop_map(i128::from),
                any::<i64>().prop_map(i128::from),
                Just(1 << 100),
            ],
            size in prop_oneof![any::<u64>(), 0..300_u64],
        ) {
            let version = Version { inode, modified, size };
            let etag = version.etag();
            prop_assert_eq!(etag.as_str(), format!("{inode:x}-{modified:x}-{size:x}"));
        }
    }

    #[test]
    fn stamps_differ_though_the_clock_stands_still_or_runs_back() {
        let stamps = Stamps {
            clock: Clock::system(),
            last: Mutex::new(u64::MAX / 4),
        };
        let all: Vec<_> = (0..4)
            .map(|n| {
                stamps
                    .next([FactsOrigin::Name, FactsOrigin::Recorded][n % 2])
                    .tv_nsec
            })
            .collect();
        assert!(all.windows(2).all(|pair| pair[0] < pair[1]), "{all:?}");
        assert!(
            all.iter().zip(0..).all(|(nanos, n)| nanos % 2 == n % 2),
            "{all:?}"
        );
    }
}
