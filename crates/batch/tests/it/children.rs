//! Running real children, and finding those that are left.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use batch::{
    Command, ICommandRunner as _, LiveOutput, LiveReceiver, LocalRunner, LocalRunnerOptions,
    RunOptions, RunReport,
};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio_util::sync::CancellationToken;

/// A command whose processes can be told from all others.
#[derive(Debug)]
pub(crate) struct Marked {
    variable: String,
    mark: String,
}

impl Marked {
    pub(crate) fn new() -> Self {
        static MARKS: AtomicU32 = AtomicU32::new(0);
        let mark = format!(
            "{}-{}",
            std::process::id(),
            MARKS.fetch_add(1, Ordering::Relaxed)
        );
        Self {
            variable: format!("TEST_MARK={mark}"),
            mark,
        }
    }

    pub(crate) fn sh(&self, script: &str) -> Command {
        sh(script).env("TEST_MARK", &*self.mark)
    }

    /// The processes that are there now.
    pub(crate) fn survivors(&self) -> Vec<Pid> {
        let processes = std::fs::read_dir("/proc").unwrap();
        processes
            .filter_map(|entry| {
                let name = entry.unwrap().file_name();
                let pid = Pid::from_raw(name.to_str()?.parse().ok()?)?;
                let environment =
                    std::fs::read(format!("/proc/{}/environ", name.display())).ok()?;
                let mut variables = environment.split(|byte| *byte == 0);
                variables
                    .any(|variable| variable == self.variable.as_bytes())
                    .then_some(pid)
            })
            .collect()
    }

    /// Waits until every process that is there has ended, and those that they had just started;
    /// the test's time limit is the kernel's for a poll.
    #[track_caller]
    pub(crate) fn assert_ended(&self) {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};

        let limit = Timespec {
            tv_sec: 10,
            tv_nsec: 0,
        };
        for _generation in 0..10 {
            for pid in self.survivors() {
                let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else {
                    continue;
                };
                let mut exit = [PollFd::new(&process, PollFlags::IN)];
                assert_eq!(poll(&mut exit, Some(&limit)).unwrap(), 1, "{pid:?} lives");
            }
        }
        assert_eq!(self.survivors(), []);
    }
}

/// The children of this process that have ended and that nobody has reaped, and the others too;
/// for tests that have a process of their own.
///
/// What has ended has no environment any more, so no mark tells whose it is.
pub(crate) fn children() -> Vec<String> {
    let own = format!("{}", std::process::id());
    let processes = std::fs::read_dir("/proc").unwrap();
    processes
        .filter_map(|entry| {
            let stat = std::fs::read_to_string(entry.unwrap().path().join("stat")).ok()?;
            // Number, name in parentheses, state, parent: proc_pid_stat(5).
            let (_, fields) = stat.rsplit_once(") ")?;
            let is_own = fields.split(' ').nth(1) == Some(&own);
            is_own.then_some(stat)
        })
        .collect()
}

/// Waits until all children of this process are reaped: another thread may be at it.
#[track_caller]
pub(crate) fn assert_reaped() {
    let limit = Instant::now() + Duration::from_secs(10);
    while !children().is_empty() && Instant::now() < limit {
        std::thread::yield_now();
    }
    assert_eq!(children(), [""; 0]);
}

pub(crate) fn sh(script: &str) -> Command {
    Command::new("sh").args(["-c", script])
}

pub(crate) fn runner() -> LocalRunner {
    LocalRunner::new(LocalRunnerOptions::default())
}

/// Runs a command in `/` with default options.
pub(crate) async fn run(command: &Command) -> RunReport {
    run_with(&runner(), command, &RunOptions::new("/")).await
}

pub(crate) async fn run_with(
    runner: &LocalRunner,
    command: &Command,
    options: &RunOptions,
) -> RunReport {
    runner
        .run(
            command,
            options,
            &LiveOutput::none(),
            &CancellationToken::new(),
        )
        .await
}

/// Waits until the children have printed `up` so many times.
pub(crate) async fn until_up(receiver: &mut LiveReceiver, times: usize) {
    let mut printed = Vec::new();
    while printed.windows(3).filter(|text| text == b"up\n").count() < times {
        printed.extend_from_slice(&receiver.recv().await.expect("the children are up"));
    }
}

/// A child, its child, and a grandchild that sleeps; each says that it is up.
pub(crate) const THREE_GENERATIONS: &str =
    r#"echo up; sh -c 'echo up; sh -c "echo up; sleep 1000; :" & wait' & wait"#;
