//! Finding processes that left their group, by the variable that they still carry.

use std::fs;
use std::time::Duration;

use rustix::process::{Pid, Signal, getpgid, getpid};

use crate::local::environment::MARKER;
use crate::local::stat::Stat;

/// A process may start others while they are being looked for.
const MOST_ROUNDS: u32 = 20;

/// Kills every process of this user that carries `marker`, until none is found; `leader` is the
/// run's first process, which has not been reaped.
pub(super) fn kill_all(marker: &str, leader: Pid) {
    let since = Stat::of(leader).map_or(u64::MAX, |stat| stat.started);
    if !kill_all_since(&format!("{MARKER}={marker}"), since) {
        tracing::warn!("not all of a run's processes could be looked at and killed in time");
    }
}

/// Kills every other process of this user that carries the variable; whether none is left.
pub(super) fn kill_carriers(variable: &str) -> bool {
    kill_all_since(variable, u64::MAX)
}

/// Kills every other process that carries the variable; one that shows no environment may carry
/// it in a moment, if it was started since then.
fn kill_all_since(variable: &str, since: u64) -> bool {
    for _ in 0..MOST_ROUNDS {
        let is_left = |pid: &Pid| match look(*pid, variable) {
            Look::Carries => send(*pid, variable, Signal::KILL),
            Look::Empty => Stat::of(*pid).is_some_and(|stat| stat.may_become_another(since)),
            Look::Other => false,
        };
        let others = processes().filter(|pid| *pid != getpid());
        if others.filter(is_left).count() == 0 {
            return true;
        }
        // Those just killed need a moment until they carry nothing any more, and those that
        // become another program until they carry something.
        std::thread::sleep(Duration::from_millis(1));
    }
    false
}

/// Asks every process that carries `marker` and left the `group`, whose own members have been
/// asked, to end.
pub(super) fn ask_all(marker: &str, group: Pid) {
    let variable = format!("{MARKER}={marker}");
    let found = processes().filter(|pid| carries(*pid, &variable));
    for pid in found.filter(|pid| getpgid(Some(*pid)) != Ok(group)) {
        send(pid, &variable, Signal::TERM);
        send(pid, &variable, Signal::CONT);
    }
}

/// All processes, one after the other.
fn processes() -> impl Iterator<Item = Pid> {
    let processes = fs::read_dir("/proc").into_iter().flatten();
    processes.filter_map(|entry| {
        let pid: i32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
        Pid::from_raw(pid)
    })
}

/// What the environment says that a process was started with.
enum Look {
    /// The variable is in it.
    Carries,
    /// Nothing: of a zombie, of the kernel's own, and of one that is in the middle of becoming
    /// another program.
    Empty,
    /// Others, or nobody may know.
    Other,
}

fn look(pid: Pid, variable: &str) -> Look {
    let Ok(environment) = fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero())) else {
        return Look::Other;
    };
    let mut entries = environment.split(|byte| *byte == 0);
    if environment.is_empty() {
        Look::Empty
    } else if entries.any(|entry| entry == variable.as_bytes()) {
        Look::Carries
    } else {
        Look::Other
    }
}

fn carries(pid: Pid, variable: &str) -> bool {
    matches!(look(pid, variable), Look::Carries)
}

/// Signals the process that carries the variable, and never one that got its number since.
#[cfg(target_os = "linux")]
fn send(pid: Pid, variable: &str, signal: Signal) -> bool {
    use rustix::process::{PidfdFlags, pidfd_open, pidfd_send_signal};

    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(process) => carries(pid, variable) && pidfd_send_signal(process, signal).is_ok(),
        Err(rustix::io::Errno::SRCH) => false,
        Err(_) => rustix::process::kill_process(pid, signal).is_ok(),
    }
}

#[cfg(not(target_os = "linux"))]
fn send(pid: Pid, _variable: &str, signal: Signal) -> bool {
    rustix::process::kill_process(pid, signal).is_ok()
}
