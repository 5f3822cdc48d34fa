//! The signals that whoever started the program has it ignore.

use tokio::signal::unix::SignalKind;

/// Signals that do nothing to this process, a bit for each.
///
/// `nohup` has a program ignore SIGHUP, and a shell without job control has what it starts in the
/// background ignore SIGINT: listening for one of them would undo that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IgnoredSignals(u64);

impl IgnoredSignals {
    /// Those of this moment, as Linux tells them; elsewhere none is known.
    pub(crate) fn now() -> Self {
        let status = std::fs::read_to_string("/proc/self/status");
        Self::of(&status.unwrap_or_default())
    }

    fn of(status: &str) -> Self {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        Self(mask.unwrap_or_default())
    }

    pub(crate) fn contains(self, kind: SignalKind) -> bool {
        let bit = u32::try_from(kind.as_raw_value() - 1);
        let bit = bit.ok().and_then(|bit| 1_u64.checked_shl(bit));
        bit.is_some_and(|bit| self.0 & bit != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_the_bits_of_the_mask() {
        let ignored = IgnoredSignals::of("SigBlk:\t0000000000004000\nSigIgn:\t0000000000001003\n");
        for (kind, is_ignored) in [
            (SignalKind::hangup(), true),
            (SignalKind::interrupt(), true),
            (SignalKind::pipe(), true),
            (SignalKind::terminate(), false),
            (SignalKind::from_raw(0), false),
            (SignalKind::from_raw(65), false),
        ] {
            assert_eq!(ignored.contains(kind), is_ignored, "{kind:?}");
        }
        assert_eq!(IgnoredSignals::of("SigIgn:\tnone"), IgnoredSignals(0));
        assert_eq!(IgnoredSignals::of(""), IgnoredSignals(0));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn linux_tells_those_of_this_process() {
        // Rust's runtime has every program ignore it.
        assert!(IgnoredSignals::now().contains(SignalKind::pipe()));
    }
}
