//! What this process has used.

use std::time::Duration;

use anyhow::{Context as _, Result};

/// The processor time of this process and of the children that it has waited for, to the clock's
/// tick (10 ms mostly).
pub(crate) fn processor_time() -> Result<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The name in parentheses may hold anything.
    let (_, fields) = stat.rsplit_once(')').context("no process name")?;
    let mut ticks = 0;
    // utime, stime, cutime, cstime: fields 14 to 17 of proc_pid_stat(5), where `)` ends field 2.
    for field in fields.split_whitespace().skip(11).take(4) {
        ticks += field.parse::<u64>()?;
    }
    let nanos = ticks * 1_000_000_000 / rustix::param::clock_ticks_per_second();
    Ok(Duration::from_nanos(nanos))
}

/// Memory of this process that is resident, in KiB.
pub(crate) fn resident() -> Result<u64> {
    status("VmRSS:")
}

/// The most memory that was resident since [`forget_peak`], in KiB.
pub(crate) fn peak() -> Result<u64> {
    status("VmHWM:")
}

/// Begins anew to look for the peak.
pub(crate) fn forget_peak() -> Result<()> {
    // proc_pid_clear_refs(5)
    Ok(std::fs::write("/proc/self/clear_refs", "5")?)
}

fn status(name: &str) -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let words = line.with_context(|| format!("no {name}"))?;
    let number = words.split_whitespace().next().context("no number")?;
    Ok(number.parse()?)
}
