//! Finding processes that left their group, by the variable that they still carry.

use std::fs;
use std::time::Duration;

use rustix::process::{Pid, Signal, getpgid, getpid};

use crate::local::environment::MARKER;

/// A process may start others while they are being looked for.
const MOST_ROUNDS: u32 = 20;

/// Kills every process of this user that carries `marker`, until none is found.
pub(super) fn kill_all(marker: &str) {
    if !kill_carriers(&format!("{MARKER}={marker}")) {
        tracing::warn!("a run's processes start others faster than they can be killed");
    }
}

/// Kills every other process of this user that carries the variable; whether none is left.
pub(super) fn kill_carriers(variable: &str) -> bool {
    for _ in 0..MOST_ROUNDS {
        let others = found(variable).filter(|pid| *pid != getpid());
        let killed = others.filter(|pid| send(*pid, variable, Signal::KILL));
        if killed.count() == 0 {
            return true;
        }
        // Those just killed need a moment until they carry nothing any more.
        std::thread::sleep(Duration::from_millis(1));
    }
    false
}

/// Asks every process that carries `marker` and left the `group`, whose own members have been
/// asked, to end.
pub(super) fn ask_all(marker: &str, group: Pid) {
    let variable = format!("{MARKER}={marker}");
    for pid in found(&variable).filter(|pid| getpgid(Some(*pid)) != Ok(group)) {
        send(pid, &variable, Signal::TERM);
        send(pid, &variable, Signal::CONT);
    }
}

/// The processes that carry the variable, one after the other.
fn found(variable: &str) -> impl Iterator<Item = Pid> {
    let processes = fs::read_dir("/proc").into_iter().flatten();
    let pids = processes.filter_map(|entry| {
        let pid: i32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
        Pid::from_raw(pid)
    });
    pids.filter(|pid| carries(*pid, variable))
}

/// Whether the process was started with the variable; a zombie carries none.
fn carries(pid: Pid, variable: &str) -> bool {
    let environment = fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero()));
    environment.is_ok_and(|environment| {
        environment
            .split(|byte| *byte == 0)
            .any(|entry| entry == variable.as_bytes())
    })
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
