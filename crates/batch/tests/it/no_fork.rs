//! No way of running a command copies this process.
//!
//! A `fork` write-protects every page of the parent, so the next write to each page is a page
//! fault; `vfork`, which `posix_spawn` uses, shares the pages and causes none. Faults are counted,
//! not timed, and the test first makes sure that a real fork is noticed.

use std::io::Write as _;
use std::time::Duration;

use batch::{
    Command, ICommandRunner as _, LiveOutput, LocalRunner, LocalRunnerOptions, RunOptions, Secret,
    Sweep,
};
use tokio_util::sync::CancellationToken;

use crate::alone::{alone, alone_through, is_alone};
use crate::children::sh;

const HEAP: usize = 256 << 20;

/// With pages of 2 MiB a fork causes 128 faults, with smaller ones more; anything else that runs
/// in between causes some.
const MANY: u64 = 100;

/// A heap of which every page is there.
struct Heap(Vec<u8>);

impl Heap {
    fn new() -> Self {
        Self(vec![1; HEAP])
    }

    /// How many page faults it takes to write to every page.
    fn faults(&mut self) -> u64 {
        let before = minor_faults();
        for byte in self.0.iter_mut().step_by(4_096) {
            *byte = byte.wrapping_add(1);
        }
        minor_faults() - before
    }
}

/// The page faults of this process that needed no disk: field 10 of `proc_pid_stat(5)`.
fn minor_faults() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    fields.split_whitespace().nth(7).unwrap().parse().unwrap()
}

/// The standard library forks for a bare name with a `PATH` of its own.
#[expect(clippy::disallowed_methods, reason = "what a runner must not do")]
fn fork() {
    let mut command = std::process::Command::new("true");
    command.env_clear().env("PATH", "/bin:/usr/bin");
    assert!(command.status().unwrap().success());
}

#[test]
fn no_step_forks() {
    alone("no_fork::no_step_forks", || {
        let mut heap = Heap::new();
        heap.faults();
        fork();
        let faults = heap.faults();
        assert!(faults >= MANY, "a fork is not noticed: {faults} faults");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let bare = Command::new("true");
        for inline_limit in [0, 100] {
            let options = LocalRunnerOptions::default()
                .with_inline_limit(inline_limit)
                .with_grace(Duration::ZERO)
                .with_sweep(Sweep::On);
            let runner = LocalRunner::new(options);
            for command in [
                bare.clone(),
                Command::new("/bin/true"),
                bare.clone().env("PATH", "/bin:/usr/bin"),
                bare.clone().secret_env("A", Secret::new("secret")),
                bare.clone().current_dir(folder.path()),
                Command::new("no-such-program"),
                Command::new("/no/such/program"),
                sh("exit 1"),
                sh("exec sleep 1000"),
                sh("sleep 1000 >/dev/null 2>&1 & exit 0"),
            ] {
                let options = RunOptions::new("/").with_timeout(Some(Duration::from_millis(100)));
                let (live, cancel) = (LiveOutput::none(), CancellationToken::new());
                let report = runtime.block_on(runner.run(&command, &options, &live, &cancel));
                let faults = heap.faults();
                assert!(faults < MANY, "{command}: {faults} faults, {report:?}");
            }
        }
    });
}

/// What the kernel was asked for, where a tracer can be had.
#[test]
fn a_tracer_sees_no_fork() {
    let name = "no_fork::a_tracer_sees_no_fork";
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    if !is_alone(name) && !can_trace(&log) {
        // Past the harness, which hides what a test prints that passes.
        let note = format!("{name}: NOT CHECKED, since `strace` is not there or may not trace\n");
        std::io::stderr().write_all(note.as_bytes()).unwrap();
        return;
    }
    let calls = "trace=clone,clone3,fork,vfork";
    let log = log.to_str().unwrap();
    alone_through(
        &["strace", "-f", "-qq", "-e", calls, "-o", log],
        name,
        || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            for inline_limit in [0, 100] {
                let options = LocalRunnerOptions::default().with_inline_limit(inline_limit);
                let runner = LocalRunner::new(options);
                let (options, live) = (RunOptions::new("/"), LiveOutput::none());
                let (command, cancel) = (Command::new("true"), CancellationToken::new());
                for _ in 0..5 {
                    runtime.block_on(runner.run(&command, &options, &live, &cancel));
                }
            }
        },
    );
    if is_alone(name) {
        return;
    }
    let log = std::fs::read_to_string(log).unwrap();
    let is_call = |line: &&str| {
        (line.contains("fork(") || line.contains("clone")) && !line.contains("resumed>")
    };
    // A new thread is no new process.
    let calls = log.lines().filter(is_call);
    let started: Vec<_> = calls
        .filter(|line| !line.contains("CLONE_THREAD"))
        .collect();
    let shared = started.iter().filter(|line| line.contains("CLONE_VFORK"));
    assert_eq!((shared.count(), started.len()), (10, 10), "{log}");
}

#[expect(
    clippy::disallowed_methods,
    reason = "a process of the tests', not a command"
)]
fn can_trace(log: &std::path::Path) -> bool {
    let traced = std::process::Command::new("strace")
        .arg("-o")
        .arg(log)
        .arg("true")
        .output();
    traced.is_ok_and(|traced| traced.status.success())
}
