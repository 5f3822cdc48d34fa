//! Telling what still runs in a group from what only waits to be reaped.

use std::fs;

use rustix::process::Pid;

use crate::local::stat::Stat;

/// Whether a process of the group runs.
///
/// Killed grandchildren are the first process's of the system to reap, which in containers takes
/// its time or never does it; until then they count as members, though nothing of them runs.
pub(super) fn are_running(group: Pid) -> bool {
    let Ok(processes) = fs::read_dir("/proc") else {
        // A system without the list: it stays unknown.
        return true;
    };
    let mut pids = processes.filter_map(|entry| {
        let pid: i32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
        Pid::from_raw(pid)
    });
    pids.any(|pid| Stat::of(pid).is_some_and(|stat| stat.runs_in(group)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_runs_in_its_group() {
        assert!(are_running(rustix::process::getpgrp()));
    }
}
