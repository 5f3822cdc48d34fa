//! Starting commands, and commands that cannot be started.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use batch::{
    Command, ICommandRunner as _, LiveOutput, LocalRunner, LocalRunnerOptions, RunOptions,
    RunReport, SpawnFailureKind, StepOutcome,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio_util::sync::CancellationToken;

use crate::alone::alone;
use crate::children::{run, run_with, runner, sh};

fn script(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[track_caller]
fn check(report: &RunReport, kind: SpawnFailureKind, detail: &str) {
    let StepOutcome::SpawnFailed(failure) = &report.outcome else {
        panic!("{report:?}");
    };
    assert_eq!(failure.kind, kind, "{failure}");
    assert!(failure.detail.contains(detail), "{failure}");
    assert_eq!(report.output.total, 0);
}

#[tokio::test]
async fn a_failed_start_says_what_is_missing() {
    use SpawnFailureKind::{DirectoryNotFound, InterpreterNotFound, ProgramNotFound};

    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    script(&at("lost"), "#! /no/such/interpreter -x\n", 0o755);
    script(&at("plain"), "#!/bin/sh\n", 0o644);
    let here = |name: &str| Command::new(name).current_dir(directory.path());
    let there = |program: &str, path: &str| Command::new(program).current_dir(path);
    for (command, kind, detail) in [
        (
            Command::new("no-such"),
            ProgramNotFound,
            "`no-such` not found in PATH",
        ),
        (
            Command::new("/no/such/program"),
            ProgramNotFound,
            "`/no/such/program`",
        ),
        (here("./absent"), ProgramNotFound, "absent"),
        (here("plain/x"), ProgramNotFound, "plain/x"),
        (
            there("sh", "/no/such/directory"),
            DirectoryNotFound,
            "`/no/such/directory`",
        ),
        (
            there("sh", at("plain").to_str().unwrap()),
            DirectoryNotFound,
            "plain",
        ),
        (
            there("nothing", "/no/such"),
            DirectoryNotFound,
            "`/no/such`",
        ),
        (
            here("./lost"),
            InterpreterNotFound,
            "`/no/such/interpreter`",
        ),
    ] {
        check(&run(&command).await, kind, detail);
    }
}

#[tokio::test]
async fn a_failed_start_says_what_is_not_allowed() {
    use SpawnFailureKind::{Other, PermissionDenied};

    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    script(&at("plain"), "#!/bin/sh\n", 0o644);
    script(&at("formless"), "no program\n", 0o755);
    script(&at("locked"), "#!./plain\n", 0o755);
    fs::create_dir(at("folder")).unwrap();
    let here = |name: &str| Command::new(name).current_dir(directory.path());
    for (command, kind, detail) in [
        (
            here("./plain"),
            PermissionDenied,
            "plain` may not be executed",
        ),
        (here("./folder"), PermissionDenied, "folder"),
        (here("./locked"), PermissionDenied, "plain"),
        (here("plain").env("PATH", "."), PermissionDenied, "plain"),
        (here("./formless"), Other, "formless"),
    ] {
        check(&run(&command).await, kind, detail);
    }
}

/// A pipe that nobody writes to is not read for the name of an interpreter.
#[test]
fn a_pipe_is_no_program() {
    let directory = tempfile::tempdir().unwrap();
    let fifo = directory.path().join("fifo");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RWXU).unwrap();
    let program = fifo.to_str().unwrap().to_owned();
    let (tell, told) = std::sync::mpsc::channel();
    // A runtime that hangs cannot end the test.
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        tell.send(runtime.block_on(run(&Command::new(program))))
            .unwrap();
    });
    let report = told.recv_timeout(std::time::Duration::from_secs(10));
    let report = report.expect("it hangs");
    check(&report, SpawnFailureKind::PermissionDenied, "fifo");
}

#[tokio::test]
async fn malformed_commands_are_refused() {
    for (command, detail) in [
        (Command::new(""), "empty"),
        (Command::new("a\0b"), "NUL"),
        (sh("exit 0").arg("a").arg("b\0c"), "argument 4 holds a NUL"),
        (sh("exit 0").env("A", "\0"), "`A`"),
        (sh("exit 0").env("A=B", "x"), "`A=B`"),
        (sh("exit 0").current_dir("a\0b"), ""),
        (sh("exit 0").arg("x".repeat(200_000)), ""),
    ] {
        check(&run(&command).await, SpawnFailureKind::InvalidInput, detail);
    }
}

#[tokio::test]
async fn programs_are_found_where_the_child_would_find_them() {
    let directory = tempfile::tempdir().unwrap();
    let bin = directory.path().join("bin");
    fs::create_dir(&bin).unwrap();
    script(&bin.join("tool"), "#!/bin/sh\necho \"$0 $1\"\n", 0o755);
    script(&directory.path().join("sh"), "not executable", 0o644);
    let path = format!("{}:/usr/bin:/bin", directory.path().display());
    for (command, expected) in [
        (
            Command::new("tool").env("PATH", "/no/such:bin"),
            "bin/tool a\n",
        ),
        (Command::new("./bin/tool"), "./bin/tool a\n"),
        (Command::new("bin/tool"), "bin/tool a\n"),
        // One that may not be executed is passed over.
        (sh("echo \"$0\"").env("PATH", path), "a\n"),
    ] {
        let command = command.arg("a").current_dir(directory.path());
        let report = run(&command).await;
        let text = report.output.to_text();
        assert_eq!(
            report.outcome,
            StepOutcome::Exited { code: 0 },
            "{command} {text}"
        );
        assert!(
            text.ends_with(expected.trim_start_matches("./")),
            "{command} {text}"
        );
    }
    let report = run(&Command::new("sh").args(["-c", "tr '\\0' ' ' </proc/$$/cmdline"])).await;
    assert!(report.output.to_text().starts_with("sh -c "), "{report:?}");
}

#[tokio::test]
async fn relative_directories_are_taken_from_the_default_one() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("sub")).unwrap();
    let options = RunOptions::new(directory.path());
    let report = run_with(&runner(), &sh("pwd").current_dir("sub"), &options).await;
    let expected = directory.path().canonicalize().unwrap().join("sub");
    assert_eq!(
        report.output.to_text().trim_end(),
        expected.display().to_string()
    );
}

#[tokio::test]
async fn exits_and_signals_are_told_apart() {
    for (script, outcome) in [
        ("exit 0", StepOutcome::Exited { code: 0 }),
        ("exit 255", StepOutcome::Exited { code: 255 }),
        ("kill -KILL $$", StepOutcome::Signaled { signal: 9 }),
        ("kill -TERM $$", StepOutcome::Signaled { signal: 15 }),
    ] {
        assert_eq!(run(&sh(script)).await.outcome, outcome, "{script}");
    }
}

#[tokio::test]
async fn standard_input_is_empty() {
    let report = run(&Command::new("cat")).await;
    assert_eq!(report.outcome, StepOutcome::Exited { code: 0 });
    assert_eq!(report.output.total, 0);
}

#[tokio::test]
async fn a_child_leads_its_own_group() {
    let report = run(&sh("echo $$; cut -d ' ' -f 5 /proc/$$/stat")).await;
    let text = report.output.to_text();
    let ids: Vec<_> = text.lines().collect();
    assert_eq!(ids[0], ids[1]);
}

#[tokio::test]
async fn a_program_that_is_still_being_written_is_tried_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("busy");
    fs::copy("/bin/true", &path).unwrap();
    let writer = File::options().append(true).open(&path).unwrap();
    let command = Command::new(path.to_str().unwrap());
    let (runner, options) = (runner(), RunOptions::new("/"));
    let (live, cancel) = (LiveOutput::none(), CancellationToken::new());
    let mut run = runner.run(&command, &options, &live, &cancel);
    assert!(futures_util::poll!(&mut run).is_pending());
    drop(writer);
    assert_eq!(run.await.outcome, StepOutcome::Exited { code: 0 });
}

#[tokio::test]
async fn a_program_that_stays_busy_fails_in_bounded_time() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("busy");
    fs::copy("/bin/true", &path).unwrap();
    let writer = File::options().append(true).open(&path).unwrap();
    let report = run(&Command::new(path.to_str().unwrap())).await;
    check(&report, SpawnFailureKind::Other, "busy");
    drop(writer);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_a_time_all_end() {
    for inline_limit in [0, 2, 1_000] {
        let limit = std::num::NonZeroUsize::new(16).unwrap();
        let options = LocalRunnerOptions::default()
            .with_inline_limit(inline_limit)
            .with_live_limit(limit)
            .with_spawn_limit(limit);
        let runner = LocalRunner::new(options);
        let codes = 0..100;
        let commands: Vec<_> = codes
            .clone()
            .map(|code| sh(&format!("exit {code}")))
            .collect();
        let options = RunOptions::new("/");
        let runs = commands
            .iter()
            .map(|command| run_with(&runner, command, &options));
        let reports = futures_util::future::join_all(runs).await;
        let ended: Vec<_> = reports
            .iter()
            .map(|report| report.outcome.exit_code())
            .collect();
        assert_eq!(ended, codes.map(Some).collect::<Vec<_>>());
    }
}

/// One thread starts all children, and does so for every runtime.
#[test]
fn a_runner_outlives_a_runtime_that_was_shut_down() {
    let one = std::num::NonZeroUsize::MIN;
    let options = LocalRunnerOptions::default()
        .with_inline_limit(0)
        .with_spawn_limit(one);
    let runner = LocalRunner::new(options);
    let first = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let handle = first.handle().clone();
    first.shutdown_background();
    let report = handle.block_on(run_with(&runner, &sh("exit 1"), &RunOptions::new("/")));
    let StepOutcome::Failed { reason } = report.outcome else {
        panic!("{report:?}");
    };
    assert!(
        reason.starts_with("its output cannot be read: "),
        "{reason}"
    );
    let second = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let report = second.block_on(run_with(&runner, &sh("exit 4"), &RunOptions::new("/")));
    assert_eq!(report.outcome, StepOutcome::Exited { code: 4 });
}

/// A thread's stack finds no room, which is told as a shortage of threads is.
#[test]
fn a_shortage_of_threads_passes() {
    alone("start::a_shortage_of_threads_passes", || {
        let options = LocalRunnerOptions::default()
            .with_inline_limit(0)
            .with_spawn_limit(std::num::NonZeroUsize::MIN);
        let runner = LocalRunner::new(options);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let run = |script| runtime.block_on(run_with(&runner, &sh(script), &RunOptions::new("/")));
        let plenty = getrlimit(Resource::As);
        let statm = fs::read_to_string("/proc/self/statm").unwrap();
        let pages: u64 = statm.split_whitespace().next().unwrap().parse().unwrap();
        let room = 1 << 20;
        let short = Rlimit {
            current: Some(pages * rustix::param::page_size() as u64 + room),
            maximum: plenty.maximum,
        };
        setrlimit(Resource::As, short).unwrap();
        let refused = [run("exit 0"), run("exit 0")];
        setrlimit(Resource::As, plenty).unwrap();
        for report in refused {
            check(&report, SpawnFailureKind::Other, "no thread");
        }
        assert_eq!(run("exit 4").outcome, StepOutcome::Exited { code: 4 });
    });
}
