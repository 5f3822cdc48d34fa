//! Finding processes that left their group, by the variable that they still carry.

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::sync::Once;
use std::time::Duration;
use std::{fs, thread};

use rustix::process::{Pid, Signal, getpgid, getpid};

use crate::local::environment::MARKER;
use crate::local::retry::is_shortage;
use crate::local::stat::{Stat, processes};

/// A process may start others while they are being looked for, and what is short comes back.
const MOST_ROUNDS: u32 = 20;

/// A process that becomes another program shows its variables within so many rounds; one that
/// still shows none was started without any.
const EMPTY_ROUNDS: u32 = 3;

const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// A run whose processes are looked for.
#[derive(Debug)]
pub(super) struct Quarry {
    variable: String,
    /// When its first process was started.
    since: u64,
}

impl Quarry {
    /// The run that carries `marker`; `leader` is its first process, which has not been reaped.
    pub(super) fn new(marker: &str, leader: Pid) -> Self {
        Self {
            variable: variable(marker),
            // Where that is unknown, those that show nothing are taken for others.
            since: Stat::of(leader).map_or(u64::MAX, |stat| stat.started),
        }
    }
}

/// Kills every process of this user that is one of these runs', until none is found.
pub(super) fn kill_all(runs: &[Quarry]) {
    match hunt(runs) {
        Ok(Hunt::Done) => {}
        Ok(Hunt::GivenUp) => {
            tracing::warn!("not all of a run's processes could be looked at and killed in time");
        }
        Err(error) => warn_unlisted(&error),
    }
}

/// Kills every other process of this user that carries the variable; whether none is left, as far
/// as can be seen.
pub(super) fn kill_carriers(variable: &str) -> bool {
    // Whose they are is not known, so those that show nothing are taken for others.
    let carriers = Quarry {
        variable: variable.to_owned(),
        since: u64::MAX,
    };
    match hunt(&[carriers]) {
        Ok(hunt) => hunt == Hunt::Done,
        Err(error) => {
            warn_unlisted(&error);
            error.kind() == ErrorKind::NotFound
        }
    }
}

/// How looking for processes ended.
#[derive(Debug, PartialEq, Eq)]
enum Hunt {
    /// None is found any more.
    Done,
    /// Some may be left.
    GivenUp,
}

fn hunt(runs: &[Quarry]) -> io::Result<Hunt> {
    let since = runs.iter().map(|run| run.since).min().unwrap_or(u64::MAX);
    let variables: Vec<_> = runs.iter().map(|run| run.variable.as_str()).collect();
    let mut empty = HashMap::new();
    let mut pause = FIRST_PAUSE;
    for _ in 0..MOST_ROUNDS {
        match kill_found(&variables, since, &mut empty) {
            Ok(0) => return Ok(Hunt::Done),
            // Those just killed need a moment until they carry nothing any more, and those that
            // become another program until they carry something.
            Ok(_) => thread::sleep(FIRST_PAUSE),
            Err(error) if is_shortage(&error) => {
                thread::sleep(pause);
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Hunt::GivenUp)
}

/// How often a process, of this number and started then, has shown nothing.
type Empty = HashMap<(Pid, u64), u32>;

/// Kills those that are found, this process excepted; says how many may be left.
fn kill_found(variables: &[&str], since: u64, empty: &mut Empty) -> io::Result<usize> {
    let mut left = 0;
    let mut shortage = None;
    for pid in processes()?.into_iter().filter(|pid| *pid != getpid()) {
        match look(pid, variables) {
            Ok(Look::Carries) => left += usize::from(send(pid, variables, Signal::KILL)),
            Ok(Look::Empty) => {
                if let Some(stat) = Stat::of(pid).filter(|stat| stat.may_become_another(since)) {
                    let times = empty.entry((pid, stat.started)).or_insert(0);
                    *times += 1;
                    left += usize::from(*times < EMPTY_ROUNDS);
                }
            }
            Ok(Look::Other) => {}
            Err(error) => shortage = Some(error),
        }
    }
    shortage.map_or(Ok(left), Err)
}

/// Asks every process that carries `marker` and left the `group`, whose own members have been
/// asked, to end.
pub(super) fn ask_all(marker: &str, group: Pid) {
    let variable = variable(marker);
    let variables = [variable.as_str()];
    let found = match processes() {
        Ok(pids) => pids.into_iter().filter(|pid| carries(*pid, &variables)),
        Err(error) => return warn_unlisted(&error),
    };
    for pid in found.filter(|pid| getpgid(Some(*pid)) != Ok(group)) {
        send(pid, &variables, Signal::TERM);
        send(pid, &variables, Signal::CONT);
    }
}

/// Whether a process carries `marker`, as far as can be seen.
pub(super) fn is_carried(marker: &str) -> io::Result<bool> {
    let variable = variable(marker);
    for pid in processes()? {
        if let Look::Carries = look(pid, &[&variable])? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn variable(marker: &str) -> String {
    format!("{MARKER}={marker}")
}

/// A system without the list is told once; that it cannot be read right now, each time.
fn warn_unlisted(error: &io::Error) {
    static TOLD: Once = Once::new();
    if error.kind() == ErrorKind::NotFound {
        TOLD.call_once(|| {
            tracing::warn!("there is no /proc: processes that leave their group are not found");
        });
    } else {
        tracing::warn!(%error, "a run's processes were not looked for");
    }
}

/// What the environment says that a process was started with.
enum Look {
    /// One of the variables is in it.
    Carries,
    /// Nothing: of a zombie, of the kernel's own, and of one that is in the middle of becoming
    /// another program.
    Empty,
    /// Others, or nobody may know.
    Other,
}

/// An error says that files or memory are short, and that it stays unknown.
fn look(pid: Pid, variables: &[&str]) -> io::Result<Look> {
    let environment = match fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero())) {
        Ok(environment) => environment,
        Err(error) if is_shortage(&error) => return Err(error),
        Err(_) => return Ok(Look::Other),
    };
    let is_ours = |entry: &[u8]| {
        let mut variables = variables.iter();
        variables.any(|variable| entry == variable.as_bytes())
    };
    Ok(if environment.is_empty() {
        Look::Empty
    } else if environment.split(|byte| *byte == 0).any(is_ours) {
        Look::Carries
    } else {
        Look::Other
    })
}

fn carries(pid: Pid, variables: &[&str]) -> bool {
    matches!(look(pid, variables), Ok(Look::Carries))
}

/// Signals the process that carries a variable, and never one that got its number since; says
/// whether it may be there still.
#[cfg(target_os = "linux")]
fn send(pid: Pid, variables: &[&str], signal: Signal) -> bool {
    use rustix::process::{PidfdFlags, pidfd_open, pidfd_send_signal};

    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(process) => carries(pid, variables) && pidfd_send_signal(process, signal).is_ok(),
        Err(rustix::io::Errno::SRCH) => false,
        Err(error) if is_shortage(&error.into()) => true,
        Err(_) => rustix::process::kill_process(pid, signal).is_ok(),
    }
}

#[cfg(not(target_os = "linux"))]
fn send(pid: Pid, _variables: &[&str], signal: Signal) -> bool {
    rustix::process::kill_process(pid, signal).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One that looks as if it were becoming another program, and never does.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "a child without a runner")]
    fn a_bystander_without_variables_does_not_hold_a_sweep_up() {
        let mut bystander = std::process::Command::new("cat")
            .env_clear()
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let run = Quarry::new("nobody carries this", Pid::from_child(&bystander));
        assert_eq!(hunt(&[run]).unwrap(), Hunt::Done);
        assert_eq!(bystander.try_wait().unwrap(), None);
        drop(bystander.stdin.take());
        bystander.wait().unwrap();
    }
}
