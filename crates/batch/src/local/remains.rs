//! Telling what still runs in a group from what only waits to be reaped.

use std::fs;

use rustix::process::Pid;

/// Whether a process of the group runs.
///
/// Killed grandchildren are the first process's of the system to reap, which in containers takes
/// its time or never does it; until then they count as members, though nothing of them runs.
pub(super) fn are_running(group: Pid) -> bool {
    let Ok(processes) = fs::read_dir("/proc") else {
        // A system without the list: it stays unknown.
        return true;
    };
    let mut stats = processes.filter_map(|entry| {
        let path = entry.ok()?.path();
        let is_process = path.file_name()?.as_encoded_bytes()[0].is_ascii_digit();
        let stat = is_process.then(|| fs::read_to_string(path.join("stat")))?;
        stat.ok()
    });
    stats.any(|stat| is_running_in(group, &stat).unwrap_or(false))
}

/// What `/proc/PID/stat` says of a process.
fn is_running_in(group: Pid, stat: &str) -> Option<bool> {
    // The name in parentheses may hold anything; state, parent and group follow.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace();
    let state = fields.next()?;
    let member_of: i32 = fields.nth(1)?.parse().ok()?;
    Some(member_of == group.as_raw_nonzero().get() && !matches!(state, "Z" | "X"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zombie_does_not_run() {
        let group = Pid::from_raw(7).unwrap();
        for (stat, runs) in [
            ("9 (sh) S 1 7 7 0", Some(true)),
            ("9 (a) Z 1 7) D 1 7 7 0", Some(true)),
            ("9 (sh) Z 1 7 7 0", Some(false)),
            ("9 (sh) S 1 8 7 0", Some(false)),
            ("9 (sh", None),
        ] {
            assert_eq!(is_running_in(group, stat), runs, "{stat}");
        }
    }

    #[test]
    fn this_process_runs_in_its_group() {
        assert!(are_running(rustix::process::getpgrp()));
    }
}
