//! What the system's list says of a process.

use std::{fs, io};

use rustix::process::Pid;

use crate::local::retry::is_shortage;

/// The parent of the kernel's own processes.
const KERNEL: i32 = 2;

/// All processes that there are; an error says that the list cannot be read.
pub(super) fn processes() -> io::Result<Vec<Pid>> {
    let mut pids = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.parse().ok());
        pids.extend(number.and_then(Pid::from_raw));
    }
    Ok(pids)
}

/// Some of `/proc/PID/stat`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stat {
    state: char,
    parent: i32,
    group: i32,
    /// When it was started, in clock ticks.
    pub(super) started: u64,
}

impl Stat {
    /// What can be seen of a process.
    pub(super) fn of(pid: Pid) -> Option<Self> {
        Self::look(pid).ok()?
    }

    /// Nothing of a process that is gone; an error says that files or memory are short.
    pub(super) fn look(pid: Pid) -> io::Result<Option<Self>> {
        match fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())) {
            Ok(stat) => Ok(Self::parse(&stat)),
            Err(error) if is_shortage(&error) => Err(error),
            Err(_) => Ok(None),
        }
    }

    fn parse(stat: &str) -> Option<Self> {
        // The name in parentheses may hold anything; the third field follows.
        let (_, fields) = stat.rsplit_once(')')?;
        let fields: Vec<_> = fields.split_ascii_whitespace().collect();
        let field = |number: usize| fields.get(number - 3).copied();
        Some(Self {
            state: field(3)?.chars().next()?,
            parent: field(4)?.parse().ok()?,
            group: field(5)?.parse().ok()?,
            started: field(22)?.parse().ok()?,
        })
    }

    /// The group in which it runs; one that only waits to be reaped does not.
    pub(super) fn running_group(&self) -> Option<i32> {
        self.runs().then_some(self.group)
    }

    /// Whether it may be a descendant of what was started at `since`, where it shows no
    /// environment: while a process becomes another program it has none.
    pub(super) fn may_become_another(&self, since: u64) -> bool {
        self.started >= since && self.parent != KERNEL && self.runs()
    }

    const fn runs(&self) -> bool {
        !matches!(self.state, 'Z' | 'X')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(name: &str, state: char, parent: i32) -> Stat {
        let zeros = "0 ".repeat(16);
        Stat::parse(&format!("9 ({name}) {state} {parent} 7 {zeros}55 0")).unwrap()
    }

    #[test]
    fn a_zombie_does_not_run() {
        assert_eq!(stat("sh", 'S', 1).running_group(), Some(7));
        assert_eq!(stat("a) Z 1 8", 'D', 1).running_group(), Some(7));
        assert_eq!(stat("sh", 'Z', 1).running_group(), None);
        assert_eq!(Stat::parse("9 (sh"), None);
        assert_eq!(Stat::parse("9 (sh) S 1 7"), None);
    }

    #[test]
    fn only_young_ones_of_users_may_be_a_runs() {
        assert!(stat("sh", 'R', 1).may_become_another(55));
        assert!(!stat("sh", 'R', 1).may_become_another(56));
        assert!(!stat("sh", 'Z', 1).may_become_another(55));
        assert!(!stat("kworker", 'I', 2).may_become_another(55));
    }

    #[test]
    fn this_process_is_in_the_list() {
        let stat = Stat::of(rustix::process::getpid()).unwrap();
        let group = rustix::process::getpgrp().as_raw_nonzero().get();
        assert_eq!(stat.running_group(), Some(group));
        assert!(stat.started > 0);
    }
}
