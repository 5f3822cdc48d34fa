//! Whatever happens to a command, nothing of it is left: no process, no open file.

use std::fs::File;
use std::io::Write as _;
use std::time::{Duration, Instant};

use batch::{
    Command, ICommandRunner, LeakPolicy, LiveOutput, LocalRunner, LocalRunnerOptions, RunOptions,
    RunReport, SpawnFailureKind, StepOutcome, Sweep,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio_util::sync::CancellationToken;

use crate::alone::{alone, alone_through, open_files};
use crate::children::{Marked, THREE_GENERATIONS, sh, until_up};

/// How a command of a case is brought to its end.
#[derive(Clone, Copy, Debug)]
enum End {
    /// It ends by itself.
    Itself,
    /// By its timeout, which is over soon after it is up.
    Timeout,
    /// By a cancel once it has said so many times that it is up.
    Cancel(usize),
    /// By a forced cancel.
    Force(usize),
    /// By dropping the future.
    Drop(usize),
}

const LIMIT: Duration = Duration::from_millis(400);

/// Runs a command to its end; none where the future was dropped.
async fn run(runner: &LocalRunner, command: &Command, end: End) -> Option<RunReport> {
    let (cancel, force) = (CancellationToken::new(), CancellationToken::new());
    let mut options = RunOptions::new("/").with_force(force.clone());
    if let End::Timeout = end {
        options = options.with_timeout(Some(LIMIT));
    }
    let (live, mut receiver) = LiveOutput::channel(100);
    let mut run = runner.run(command, &options, &live, &cancel);
    match end {
        End::Itself | End::Timeout => {}
        End::Cancel(times) | End::Force(times) | End::Drop(times) => {
            tokio::select! {
                report = &mut run => panic!("it ended by itself: {report:?}"),
                () = until_up(&mut receiver, times) => {}
            }
        }
    }
    match end {
        End::Itself | End::Timeout => {}
        End::Cancel(_) => cancel.cancel(),
        End::Force(_) => force.cancel(),
        End::Drop(_) => return None,
    }
    Some(run.await)
}

/// Runs cases, and looks after each for what is left.
fn check(runner: &LocalRunner, cases: &[(&str, End, Option<StepOutcome>)]) {
    in_runtime(async {
        // The first makes what stays: the runtime's own files.
        run(runner, &sh("exit 0"), End::Itself).await.unwrap();
        let files = open_files();
        for (script, end, outcome) in cases {
            let marked = Marked::new();
            let report = run(runner, &marked.sh(script), *end).await;
            let ended = report.map(|report| report.outcome);
            assert_eq!(ended, *outcome, "{script} {end:?}");
            if let End::Drop(_) = end {
                marked.assert_ended();
            }
            // The runner's thread may be looking at processes right now, also where nobody waits
            // for it any more.
            let mut left = open_files();
            let limit = Instant::now() + Duration::from_secs(10);
            while left != files && Instant::now() < limit {
                std::thread::yield_now();
                left = open_files();
            }
            assert_eq!(marked.survivors(), [], "{script} {end:?}");
            assert_eq!(left, files, "{script} {end:?}");
        }
    });
}

fn in_runtime(body: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(body);
}

fn options() -> LocalRunnerOptions {
    LocalRunnerOptions::default().with_grace(Duration::from_millis(300))
}

const IGNORES: &str = "trap '' TERM; echo up; while :; do sleep 1000; done";

#[test]
fn of_a_command_that_is_stopped() {
    use End::{Cancel, Drop, Force, Timeout};

    alone("nothing_left::of_a_command_that_is_stopped", || {
        let blocks = "exec env --block-signal=TERM sh -c 'echo up; sleep 1000; :'";
        let halted = "(until grep -q 'State:.T' /proc/$$/status; do :; done; echo up) & \
                      kill -STOP $$; sleep 1000";
        let (cancelled, timed_out) = (
            Some(StepOutcome::Cancelled),
            Some(StepOutcome::TimedOut { after: LIMIT }),
        );
        let mut cases = Vec::new();
        for (script, times) in [
            (THREE_GENERATIONS, 3),
            (IGNORES, 1),
            (blocks, 1),
            (halted, 1),
        ] {
            cases.extend([
                (script, Cancel(times), cancelled.clone()),
                (script, Force(times), cancelled.clone()),
                (script, Timeout, timed_out.clone()),
                (script, Drop(times), None),
            ]);
        }
        for inline_limit in [0, 100] {
            check(
                &LocalRunner::new(options().with_inline_limit(inline_limit)),
                &cases,
            );
        }
    });
}

#[test]
fn of_a_command_that_leaves_others_behind() {
    use End::Itself;

    alone(
        "nothing_left::of_a_command_that_leaves_others_behind",
        || {
            let exited = Some(StepOutcome::Exited { code: 0 });
            let mut cases = Vec::new();
            for script in [
                // Silent and chatty holders of the output, and one that does not hold it.
                "sleep 1000 & exit 0",
                "yes & exit 0",
                "sleep 1000 >/dev/null 2>&1 & exit 0",
                "exec >&- 2>&-; sleep 0.1; exit 0",
                "printf '\\377\\376'; exit 0",
            ] {
                cases.push((script, Itself, exited.clone()));
            }
            check(&LocalRunner::new(options()), &cases);
            let waiting = LeakPolicy::Wait(Duration::from_millis(50));
            check(
                &LocalRunner::new(options().with_leak_policy(waiting)),
                &cases,
            );
        },
    );
}

#[test]
fn of_those_who_left_the_group_where_they_are_swept() {
    use End::{Cancel, Drop, Force, Itself, Timeout};

    alone(
        "nothing_left::of_those_who_left_the_group_where_they_are_swept",
        || {
            let cancelled = Some(StepOutcome::Cancelled);
            let script = "setsid sh -c 'trap \"\" TERM; echo up; sleep 1000; sleep 1000' & wait";
            let left = "setsid sleep 1000 >/dev/null 2>&1 & exit 3";
            let timed_out = StepOutcome::TimedOut { after: LIMIT };
            check(
                &LocalRunner::new(options().with_sweep(Sweep::On)),
                &[
                    (script, Cancel(1), cancelled.clone()),
                    (script, Force(1), cancelled),
                    (script, Timeout, Some(timed_out)),
                    (script, Drop(1), None),
                    (left, Itself, Some(StepOutcome::Exited { code: 3 })),
                ],
            );
        },
    );
}

#[test]
fn of_a_command_that_cannot_be_started() {
    alone("nothing_left::of_a_command_that_cannot_be_started", || {
        in_runtime(async {
            let runner = LocalRunner::new(options());
            run(&runner, &sh("exit 0"), End::Itself).await.unwrap();
            let folder = tempfile::tempdir().unwrap();
            let script = folder.path().join("script");
            std::fs::write(&script, "#!/no/such/interpreter\n").unwrap();
            let path = script.to_str().unwrap();
            let files = open_files();
            let no_right = Command::new(path);
            check_refused(&runner, &no_right, SpawnFailureKind::PermissionDenied).await;
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            std::fs::set_permissions(&script, mode).unwrap();
            for (command, kind) in [
                (Command::new("no-such"), SpawnFailureKind::ProgramNotFound),
                (Command::new("/no/such"), SpawnFailureKind::ProgramNotFound),
                (
                    sh("exit 0").current_dir("/no/such"),
                    SpawnFailureKind::DirectoryNotFound,
                ),
                (no_right, SpawnFailureKind::InterpreterNotFound),
                (sh("exit 0").arg("a\0"), SpawnFailureKind::InvalidInput),
                (
                    sh("exit 0").arg("x".repeat(200 * 1_024)),
                    SpawnFailureKind::InvalidInput,
                ),
            ] {
                check_refused(&runner, &command, kind).await;
                assert_eq!(open_files(), files, "{kind:?}");
            }
            // One that is still being written when its time is over.
            let busy = folder.path().join("busy");
            std::fs::copy("/bin/true", &busy).unwrap();
            let writer = File::options().append(true).open(&busy).unwrap();
            let command = Command::new(busy.to_str().unwrap());
            let report = run(&runner, &command, End::Timeout).await.unwrap();
            assert_eq!(report.outcome, StepOutcome::TimedOut { after: LIMIT });
            drop(writer);
            assert_eq!(open_files(), files);
        });
    });
}

async fn check_refused(runner: &LocalRunner, command: &Command, kind: SpawnFailureKind) {
    let report = run(runner, command, End::Itself).await.unwrap();
    match report.outcome {
        StepOutcome::SpawnFailed(failure) => assert_eq!(failure.kind, kind, "{failure}"),
        outcome => panic!("{outcome:?}"),
    }
}

/// With every number of free files, from none to plenty: the child runs to its end, or it was
/// never there.
#[test]
fn when_files_run_out() {
    alone("nothing_left::when_files_run_out", || {
        in_runtime(async {
            let runner = LocalRunner::new(options());
            run(&runner, &sh("exit 0"), End::Itself).await.unwrap();
            let files = open_files();
            let mut endings = Vec::new();
            for free in 0..10 {
                let marked = Marked::new();
                let taken = take_files_but(free);
                let report = run(&runner, &marked.sh("exit 4"), End::Timeout)
                    .await
                    .unwrap();
                // What shows the survivors needs files too.
                drop(taken);
                assert_eq!(marked.survivors(), [], "{free} {report:?}");
                assert_eq!(open_files(), files, "{free} {report:?}");
                endings.push(report.outcome);
            }
            // Nothing but the one or the other, and both.
            let done = StepOutcome::Exited { code: 4 };
            let refused = StepOutcome::TimedOut { after: LIMIT };
            let first_done = endings.iter().position(|ending| *ending == done).unwrap();
            assert!(first_done > 0, "{endings:?}");
            for (free, ending) in endings.iter().enumerate() {
                let expected = if free < first_done { &refused } else { &done };
                assert_eq!(ending, expected, "{endings:?}");
            }
        });
    });
}

/// A sweep that finds no free file has seen nothing, and looks again.
#[test]
fn when_files_run_out_for_a_sweep() {
    alone("nothing_left::when_files_run_out_for_a_sweep", || {
        in_runtime(async {
            let runner = LocalRunner::new(options().with_sweep(Sweep::On));
            run(&runner, &sh("exit 0"), End::Itself).await.unwrap();
            let folder = tempfile::tempdir().unwrap();
            let fifo = folder.path().join("fifo");
            rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RWXU).unwrap();
            let marked = Marked::new();
            let script = "setsid sleep 1000 >/dev/null 2>&1 & echo up; read go <$FIFO; exit 3";
            let command = marked.sh(script).env("FIFO", fifo.to_str().unwrap());
            let (live, mut receiver) = LiveOutput::channel(10);
            let (options, cancel) = (RunOptions::new("/"), CancellationToken::new());
            let mut run = runner.run(&command, &options, &live, &cancel);
            tokio::select! {
                report = &mut run => panic!("it ended by itself: {report:?}"),
                () = until_up(&mut receiver, 1) => {}
            }
            // Opening it waits for the child; reading and writing does not.
            let mut go = File::options().read(true).write(true).open(&fifo).unwrap();
            // Files that are closed meanwhile make no room then.
            let plenty = getrlimit(Resource::Nofile);
            let current = Some(3);
            setrlimit(Resource::Nofile, Rlimit { current, ..plenty }).unwrap();
            go.write_all(b"\n").unwrap();
            let early = tokio::time::timeout(LIMIT, &mut run).await;
            setrlimit(Resource::Nofile, plenty).unwrap();
            assert!(early.is_err(), "it has seen nothing: {early:?}");
            assert_eq!(run.await.outcome, StepOutcome::Exited { code: 3 });
            marked.assert_ended();
        });
    });
}

#[test]
fn when_files_stay_out_the_start_fails() {
    alone("nothing_left::when_files_stay_out_the_start_fails", || {
        in_runtime(async {
            let runner = LocalRunner::new(options());
            run(&runner, &sh("exit 0"), End::Itself).await.unwrap();
            let taken = take_files_but(0);
            let report = run(&runner, &sh("exit 0"), End::Itself).await.unwrap();
            drop(taken);
            let StepOutcome::SpawnFailed(failure) = &report.outcome else {
                panic!("{report:?}");
            };
            assert_eq!(failure.kind, SpawnFailureKind::Other);
            assert!(failure.detail.contains("open files"), "{failure}");
        });
    });
}

/// Opens files until no more than so many can be opened.
fn take_files_but(free: usize) -> Vec<File> {
    let limit = Rlimit {
        current: Some(100),
        maximum: getrlimit(Resource::Nofile).maximum,
    };
    setrlimit(Resource::Nofile, limit).unwrap();
    let mut taken: Vec<_> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    taken.truncate(taken.len() - free);
    taken
}

/// A host that ignores `SIGCHLD` has its children reaped by the system, and their statuses lost.
#[test]
fn when_the_host_ignores_the_end_of_its_children() {
    alone_through(
        &["env", "--ignore-signal=CHLD"],
        "nothing_left::when_the_host_ignores_the_end_of_its_children",
        || {
            in_runtime(async {
                let runner = LocalRunner::new(options());
                run(&runner, &sh("exit 0"), End::Itself).await.unwrap();
                let files = open_files();
                for script in ["exit 0", "sleep 1000 & exit 0"] {
                    let marked = Marked::new();
                    let report = run(&runner, &marked.sh(script), End::Itself).await.unwrap();
                    let StepOutcome::Failed { reason } = &report.outcome else {
                        panic!("{report:?}");
                    };
                    assert!(reason.starts_with("its exit status is lost"), "{reason}");
                    assert_eq!(open_files(), files);
                    assert_eq!(marked.survivors(), [], "{script}");
                }
                let marked = Marked::new();
                let report = run(&runner, &marked.sh(THREE_GENERATIONS), End::Cancel(3)).await;
                assert_eq!(report.unwrap().outcome, StepOutcome::Cancelled);
                assert_eq!(marked.survivors(), []);
            });
        },
    );
}

/// A child has what its parent's thread has blocked; the kill does not ask.
#[test]
fn when_the_host_blocks_the_request_to_end() {
    alone_through(
        &["env", "--block-signal=TERM"],
        "nothing_left::when_the_host_blocks_the_request_to_end",
        || {
            let runner = LocalRunner::new(options());
            let cancelled = Some(StepOutcome::Cancelled);
            check(
                &runner,
                &[
                    (THREE_GENERATIONS, End::Cancel(3), cancelled),
                    (THREE_GENERATIONS, End::Drop(3), None),
                ],
            );
        },
    );
}

#[test]
fn of_an_output_of_a_gibibyte() {
    alone("nothing_left::of_an_output_of_a_gibibyte", || {
        in_runtime(async {
            let runner = LocalRunner::new(options());
            run(&runner, &sh("exit 0"), End::Itself).await.unwrap();
            let files = open_files();
            let before = resident_peak();
            let marked = Marked::new();
            let script = "head -c 1073741824 /dev/zero; printf '\\377 last\\n'";
            let report = run(&runner, &marked.sh(script), End::Itself).await.unwrap();
            assert_eq!(report.outcome, StepOutcome::Exited { code: 0 });
            assert_eq!(report.output.total, (1 << 30) + 7);
            assert!(report.output.tail.ends_with(b"\0\xff last\n"));
            assert!(resident_peak() - before < 8 * 1_024, "in KiB");
            assert_eq!(open_files(), files);
            assert_eq!(marked.survivors(), []);
        });
    });
}

/// The most memory that was resident, in KiB.
fn resident_peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let words: Vec<_> = peak.unwrap().split_whitespace().collect();
    words[0].parse().unwrap()
}
