//! A program that is listened to until it ends or is killed.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use deployment::Phase;

use crate::crash::victim::CALLS;

/// What a program had told before it died, or ended.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) id: Option<String>,
    /// The statuses that it knew to be recorded.
    pub(crate) statuses: Vec<String>,
    pub(crate) was_killed: bool,
    /// How many calls of its store it made, where it got through.
    pub(crate) calls: u64,
}

/// What is to become of a program that has just told something.
pub(crate) enum Verdict {
    GoOn,
    Kill,
}

/// Runs a program and reads what it tells, up to its end; `judge` is told the number of lines and
/// the last one, before the first too.
pub(crate) fn watch(command: &mut Command, mut judge: impl FnMut(usize, &str) -> Verdict) -> Told {
    let command = command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let (mut told, mut seen, mut line) = (Told::default(), 0, String::new());
    let mut is_watched = true;
    loop {
        if is_watched && let Verdict::Kill = judge(seen, line.trim()) {
            child.kill().unwrap();
            is_watched = false;
        }
        line.clear();
        // The last line of a program that was killed may be cut.
        if stderr.read_line(&mut line).unwrap() == 0 || !line.ends_with('\n') {
            break;
        }
        seen += 1;
        told.hear(line.trim());
    }
    told.was_killed = child.wait().unwrap().code().is_none();
    told
}

impl Told {
    /// The statuses, as a history has them.
    pub(crate) fn words(&self) -> Vec<&str> {
        self.statuses.iter().map(String::as_str).collect()
    }

    fn hear(&mut self, line: &str) {
        if let Some(id) = line.strip_prefix("deployment ") {
            self.id = Some(id.to_owned());
        } else if let Some(calls) = line.strip_prefix(CALLS) {
            self.calls = calls.parse().unwrap();
        } else if let [mark, time, status, ..] = line.split_whitespace().collect::<Vec<_>>()[..]
            && time.ends_with('s')
            && time[..time.len() - 1].parse::<f64>().is_ok()
            && is_recorded(mark, status)
        {
            self.statuses.push(status.to_owned());
        }
    }
}

/// Whether a step's line tells of a status: one that failed reaches none, nor do the commands after
/// the work.
fn is_recorded(mark: &str, status: &str) -> bool {
    let is_ending = Phase::parse(status).is_some_and(|phase| phase.is_terminal());
    is_ending || mark == "ok" && !["LOGS", "LOGOUT"].contains(&status)
}
