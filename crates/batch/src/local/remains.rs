//! Telling what still runs of a run from what only waits to be reaped.

use std::collections::HashSet;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use rustix::process::Pid;

use crate::local::stat::{Stat, processes};
use crate::local::sweep;

/// What is there of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remains {
    /// A process runs, or it cannot be seen right now.
    Running,
    /// Nothing runs.
    Nothing,
    /// The system has no list of its processes.
    Unlisted,
}

/// A group, and what those who left it carry where they are looked for.
#[derive(Debug)]
pub(super) struct Kin {
    pub(super) group: Pid,
    pub(super) swept_by: Option<Arc<str>>,
}

/// What is there of each of these, in one reading of the list.
///
/// Killed grandchildren are the first process's of the system to reap, which in containers takes
/// its time or never does it; until then they count as members, though nothing of them runs.
pub(super) fn of<'a>(kin: impl Iterator<Item = &'a Kin>) -> Vec<Remains> {
    let groups = running_groups();
    let of = |kin: &Kin| match &groups {
        Ok(groups) if groups.contains(&kin.group.as_raw_nonzero().get()) => Remains::Running,
        Ok(_) => match kin.swept_by.as_deref().map(sweep::is_carried) {
            None | Some(Ok(false)) => Remains::Nothing,
            Some(Ok(true) | Err(_)) => Remains::Running,
        },
        Err(error) if error.kind() == ErrorKind::NotFound => Remains::Unlisted,
        Err(_) => Remains::Running,
    };
    kin.map(of).collect()
}

fn running_groups() -> io::Result<HashSet<i32>> {
    let mut groups = HashSet::new();
    for pid in processes()? {
        groups.extend(Stat::look(pid)?.and_then(|stat| stat.running_group()));
    }
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_runs_in_its_group() {
        let kin = Kin {
            group: rustix::process::getpgrp(),
            swept_by: None,
        };
        assert_eq!(of([&kin].into_iter()), [Remains::Running]);
    }
}
