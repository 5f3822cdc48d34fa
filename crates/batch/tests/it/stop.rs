//! Timeouts, cancels, and futures that are dropped.

use std::time::Duration;

use batch::{
    ICommandRunner, LiveOutput, LocalRunner, LocalRunnerOptions, RunOptions, RunReport,
    StepOutcome, Sweep,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::alone::alone;
use crate::children::{Marked, THREE_GENERATIONS, runner, sh, until_up};

fn with_grace(grace: Duration) -> LocalRunner {
    LocalRunner::new(LocalRunnerOptions::default().with_grace(grace))
}

/// Runs `script` and calls `act` once it has said `times` times that it is up.
async fn run_and(
    runner: &LocalRunner,
    marked: &Marked,
    script: &str,
    times: usize,
    act: impl FnOnce(&CancellationToken, &CancellationToken),
) -> RunReport {
    let (cancel, force) = (CancellationToken::new(), CancellationToken::new());
    let options = RunOptions::new("/").with_force(force.clone());
    let (live, mut receiver) = LiveOutput::channel(100);
    let command = marked.sh(script);
    let act = async {
        until_up(&mut receiver, times).await;
        act(&cancel, &force);
    };
    tokio::join!(runner.run(&command, &options, &live, &cancel), act).0
}

#[tokio::test]
async fn a_timeout_ends_three_generations() {
    let marked = Marked::new();
    let (live, mut receiver) = LiveOutput::channel(100);
    let limit = Duration::from_secs(2);
    let options = RunOptions::new("/").with_timeout(Some(limit));
    let (command, cancel) = (marked.sh(THREE_GENERATIONS), CancellationToken::new());
    let runner = runner();
    let run = runner.run(&command, &options, &live, &cancel);
    let (report, ()) = tokio::join!(run, async {
        until_up(&mut receiver, 3).await;
        assert!(marked.survivors().len() >= 3);
    });
    assert_eq!(report.outcome, StepOutcome::TimedOut { after: limit });
    assert_eq!(marked.survivors(), []);
    assert!(report.took >= limit);
}

#[tokio::test]
async fn a_cancel_ends_three_generations() {
    let marked = Marked::new();
    let report = run_and(&runner(), &marked, THREE_GENERATIONS, 3, |cancel, _| {
        cancel.cancel();
    })
    .await;
    assert_eq!(report.outcome, StepOutcome::Cancelled);
    assert_eq!(marked.survivors(), []);
    assert_eq!(report.output.to_text(), "up\nup\nup\n");
}

#[tokio::test]
async fn a_dropped_future_ends_three_generations() {
    let marked = Marked::new();
    let (live, mut receiver) = LiveOutput::channel(100);
    let (command, cancel) = (marked.sh(THREE_GENERATIONS), CancellationToken::new());
    let (runner, options) = (runner(), RunOptions::new("/"));
    tokio::select! {
        _ = runner.run(&command, &options, &live, &cancel) => panic!("it runs on"),
        () = until_up(&mut receiver, 3) => {}
    }
    marked.assert_ended();
}

#[tokio::test]
async fn a_dropped_futures_child_is_reaped() {
    let marked = Marked::new();
    let (live, mut receiver) = LiveOutput::channel(100);
    let (command, cancel) = (
        marked.sh("echo up; exec sleep 1000"),
        CancellationToken::new(),
    );
    let (runner, options) = (runner(), RunOptions::new("/"));
    tokio::select! {
        _ = runner.run(&command, &options, &live, &cancel) => panic!("it runs on"),
        () = until_up(&mut receiver, 1) => {}
    }
    // A zombie has no environment, and still its place in the list.
    for pid in marked.survivors() {
        let entry = format!("/proc/{}", pid.as_raw_nonzero());
        let limit = std::time::Instant::now() + Duration::from_secs(10);
        while std::fs::exists(&entry).unwrap() {
            assert!(std::time::Instant::now() < limit, "{pid:?} is a zombie");
            std::thread::yield_now();
        }
    }
}

#[test]
fn a_future_that_was_polled_once_leaves_nothing() {
    alone("stop::a_future_that_was_polled_once_leaves_nothing", || {
        for inline_limit in [0, 100, 0, 100, 0, 0] {
            let marked = Marked::new();
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let options = LocalRunnerOptions::default().with_inline_limit(inline_limit);
                let runner = LocalRunner::new(options);
                let (command, cancel) = (marked.sh(THREE_GENERATIONS), CancellationToken::new());
                let (live, options) = (LiveOutput::none(), RunOptions::new("/"));
                let mut run = runner.run(&command, &options, &live, &cancel);
                assert!(futures_util::poll!(&mut run).is_pending());
            });
            // One of them may be starting the child right now; with its runner it ends.
            let limit = std::time::Instant::now() + Duration::from_secs(10);
            while has_thread("batch-starter") {
                assert!(std::time::Instant::now() < limit, "a thread goes on");
                std::thread::yield_now();
            }
            marked.assert_ended();
        }
    });
}

/// Whether this process has a thread of that name.
fn has_thread(name: &str) -> bool {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    threads.filter_map(Result::ok).any(|thread| {
        let comm = std::fs::read_to_string(thread.path().join("comm"));
        comm.is_ok_and(|comm| comm.trim_end() == name)
    })
}

/// At whatever moment of its start a command is stopped, nothing of it is there once it is
/// reported.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_is_stopped_leaves_nothing() {
    let options = LocalRunnerOptions::default().with_inline_limit(0);
    let (runner, live) = (LocalRunner::new(options), LiveOutput::none());
    for micros in 0..300 {
        let marked = Marked::new();
        let limit = Duration::from_micros(micros);
        let (options, cancel) = (RunOptions::new("/"), CancellationToken::new());
        let command = marked.sh("sleep 1000; :");
        let stop = async {
            let begun = std::time::Instant::now();
            while begun.elapsed() < limit {
                tokio::task::yield_now().await;
            }
            cancel.cancel();
        };
        let (report, ()) = tokio::join!(runner.run(&command, &options, &live, &cancel), stop);
        assert_eq!(report.outcome, StepOutcome::Cancelled);
        assert_eq!(marked.survivors(), [], "after {limit:?}");
    }
}

/// Runs three generations in a task, and does the rest of it when they are up.
async fn begin(marked: &Marked, rest: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    let (live, mut receiver) = LiveOutput::channel(100);
    let command = marked.sh(THREE_GENERATIONS);
    let (tell, told) = tokio::sync::oneshot::channel();
    let task = tokio::spawn(async move {
        let (runner, options) = (runner(), RunOptions::new("/"));
        let cancel = CancellationToken::new();
        let run = runner.run(&command, &options, &live, &cancel);
        let rest = async {
            until_up(&mut receiver, 3).await;
            tell.send(()).unwrap();
            rest.await;
        };
        tokio::join!(run, rest);
    });
    told.await.unwrap();
    task
}

#[test]
fn a_runtime_that_shuts_down_ends_three_generations() {
    for threads in [1, 2] {
        let marked = Marked::new();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .enable_all()
            .build()
            .unwrap();
        drop(runtime.block_on(begin(&marked, std::future::pending())));
        drop(runtime);
        marked.assert_ended();
    }
}

#[tokio::test]
async fn a_panic_ends_three_generations() {
    let marked = Marked::new();
    let task = begin(&marked, async { panic!("on purpose") }).await;
    assert!(task.await.unwrap_err().is_panic());
    marked.assert_ended();
}

/// Those who wait for a place get it in the order in which they came.
#[tokio::test]
async fn commands_take_their_turns() {
    for inline_limit in [0, 100] {
        let directory = tempfile::tempdir().unwrap();
        let one = std::num::NonZeroUsize::MIN;
        let options = LocalRunnerOptions::default()
            .with_live_limit(one)
            .with_inline_limit(inline_limit);
        let (runner, options) = (LocalRunner::new(options), RunOptions::new(directory.path()));
        let (live, cancel) = (LiveOutput::none(), CancellationToken::new());
        let commands: Vec<_> = (0..20)
            .map(|turn| sh(&format!("echo {turn} >>turns")))
            .collect();
        let runs = commands
            .iter()
            .map(|command| runner.run(command, &options, &live, &cancel));
        futures_util::future::join_all(runs).await;
        let turns = std::fs::read_to_string(directory.path().join("turns")).unwrap();
        let turns: Vec<usize> = turns.lines().map(|turn| turn.parse().unwrap()).collect();
        assert_eq!(turns, (0..20).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn who_ignores_the_request_is_killed() {
    let marked = Marked::new();
    let script = "trap '' TERM; echo up; while :; do sleep 1000; done";
    let runner = with_grace(Duration::from_millis(300));
    let report = run_and(&runner, &marked, script, 1, |cancel, _| cancel.cancel()).await;
    assert_eq!(report.outcome, StepOutcome::Cancelled);
    assert_eq!(marked.survivors(), []);
    assert!(report.took >= Duration::from_millis(300));
}

#[tokio::test]
async fn who_obeys_the_request_may_finish() {
    let marked = Marked::new();
    let script = "trap 'echo bye; exit 0' TERM; sleep 1000 >/dev/null 2>&1 & echo up; wait";
    let report = run_and(&runner(), &marked, script, 1, |cancel, _| cancel.cancel()).await;
    assert_eq!(report.outcome, StepOutcome::Cancelled);
    assert_eq!(report.output.to_text(), "up\nbye\n");
    assert_eq!(marked.survivors(), []);
}

#[tokio::test]
async fn the_rest_of_a_group_has_its_grace_and_no_more() {
    let marked = Marked::new();
    // The first process ends on the request, its child ignores it.
    let script = "sh -c 'trap \"\" TERM; echo up; while :; do sleep 1000; done' & wait";
    let runner = with_grace(Duration::from_millis(300));
    let report = run_and(&runner, &marked, script, 1, |cancel, _| cancel.cancel()).await;
    assert_eq!(report.outcome, StepOutcome::Cancelled);
    assert_eq!(marked.survivors(), []);

    // The first process ends on the request, its child obeys a little later.
    let script = "sh -c 'trap \"sleep 0.4; echo bye; exit\" TERM; sleep 1000 >/dev/null 2>&1 & echo up; wait' & wait";
    let report = run_and(&self::runner(), &marked, script, 1, |cancel, _| {
        cancel.cancel();
    })
    .await;
    assert_eq!(report.output.to_text(), "up\nbye\n");
    assert_eq!(marked.survivors(), []);
}

/// Those too who do not hold the output, and those who left the group where they are swept.
#[tokio::test]
async fn who_holds_no_output_has_its_grace() {
    let worker = "sh -c 'trap \"sleep 0.3; echo bye >$OUT; exit\" TERM; echo up >&3; exec 3>&-; \
                  while :; do sleep 0.05; done' 3>&1 >/dev/null 2>&1";
    for (script, sweep) in [
        (format!("{worker} & wait"), Sweep::Off),
        (format!("setsid {worker} & wait"), Sweep::On),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let marked = Marked::new();
        let runner = LocalRunner::new(
            LocalRunnerOptions::default()
                .with_env("OUT", out.to_str().unwrap())
                .with_sweep(sweep),
        );
        let report = run_and(&runner, &marked, &script, 1, |cancel, _| cancel.cancel()).await;
        assert_eq!(report.outcome, StepOutcome::Cancelled);
        assert_eq!(marked.survivors(), [], "{sweep:?}");
        assert_eq!(std::fs::read_to_string(&out).unwrap(), "bye\n", "{sweep:?}");
    }
}

#[tokio::test]
async fn a_halted_child_hears_the_request() {
    let marked = Marked::new();
    // Its own child says so when it is halted.
    let script = "trap 'echo bye; exit 0' TERM; \
                  (until grep -q 'State:.T' /proc/$$/status; do :; done; echo up) & \
                  kill -STOP $$; sleep 1000";
    let report = run_and(&runner(), &marked, script, 1, |cancel, _| cancel.cancel()).await;
    assert_eq!(report.output.to_text(), "up\nbye\n");
    assert_eq!(marked.survivors(), []);
}

#[tokio::test]
async fn force_leaves_out_the_grace() {
    let script = "trap '' TERM; echo up; while :; do sleep 1000; done";
    for forced_only in [false, true] {
        let marked = Marked::new();
        let runner = with_grace(Duration::MAX);
        let report = run_and(&runner, &marked, script, 1, |cancel, force| {
            if !forced_only {
                cancel.cancel();
            }
            force.cancel();
        })
        .await;
        assert_eq!(report.outcome, StepOutcome::Cancelled);
        assert!(!report.leaked, "{report:?}");
        assert_eq!(marked.survivors(), []);
    }
}

#[tokio::test]
async fn no_grace_kills_at_once() {
    let marked = Marked::new();
    let script = "trap '' TERM; echo up; while :; do sleep 1000; done";
    let runner = with_grace(Duration::ZERO);
    let report = run_and(&runner, &marked, script, 1, |cancel, _| cancel.cancel()).await;
    assert_eq!(report.outcome, StepOutcome::Cancelled);
    assert_eq!(marked.survivors(), []);
}

#[tokio::test]
async fn a_cancelled_command_is_not_started() {
    let directory = tempfile::tempdir().unwrap();
    let cancel = CancellationToken::new();
    cancel.cancel();
    let (options, live) = (RunOptions::new(directory.path()), LiveOutput::none());
    let report = runner()
        .run(&sh("touch made"), &options, &live, &cancel)
        .await;
    assert_eq!(report.outcome, StepOutcome::Cancelled);
    assert!(!directory.path().join("made").exists());
}

#[tokio::test]
async fn times_beyond_every_clock_are_no_time_limits() {
    let options = RunOptions::new("/").with_timeout(Some(Duration::MAX));
    let cancel = CancellationToken::new();
    let report = runner()
        .run(&sh("exit 4"), &options, &LiveOutput::none(), &cancel)
        .await;
    assert_eq!(report.outcome, StepOutcome::Exited { code: 4 });
}

#[tokio::test]
async fn a_sweep_ends_those_who_left_the_group() {
    let script = "setsid sh -c 'echo up; sleep 1000' & wait";
    let options = LocalRunnerOptions::default().with_sweep(Sweep::On);
    let marked = Marked::new();
    let runner = LocalRunner::new(options);
    let report = run_and(&runner, &marked, script, 1, |cancel, _| cancel.cancel()).await;
    assert_eq!(report.outcome, StepOutcome::Cancelled);
    marked.assert_ended();

    // After a success too.
    let script = "setsid sh -c 'echo up; sleep 1000' >/dev/null & exit 0";
    let report = run_and(
        &runner,
        &marked,
        &format!("echo up; {script}"),
        1,
        |_, _| (),
    )
    .await;
    assert_eq!(report.outcome, StepOutcome::Exited { code: 0 });
    marked.assert_ended();
}

/// The host's own work is no reason to wait.
#[test]
fn a_sweep_needs_no_thread_of_the_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let (tell, told) = std::sync::mpsc::channel::<()>();
    let busy = runtime.spawn_blocking(move || told.recv_timeout(Duration::from_secs(10)));
    let marked = Marked::new();
    let runner = LocalRunner::new(LocalRunnerOptions::default().with_sweep(Sweep::On));
    let script = "setsid sh -c 'echo up; sleep 1000' & wait";
    let run = run_and(&runner, &marked, script, 1, |cancel, _| cancel.cancel());
    let report = runtime.block_on(run);
    assert_eq!(report.outcome, StepOutcome::Cancelled);
    assert!(!busy.is_finished());
    assert_eq!(marked.survivors(), []);
    tell.send(()).unwrap();
}

#[tokio::test]
async fn waiting_for_a_place_can_be_cancelled() {
    let marked = Marked::new();
    let one = std::num::NonZeroUsize::MIN;
    let runner = LocalRunner::new(LocalRunnerOptions::default().with_live_limit(one));
    let (first, second) = (CancellationToken::new(), CancellationToken::new());
    let (live, mut receiver) = LiveOutput::channel(10);
    let (none, options) = (LiveOutput::none(), RunOptions::new("/"));
    let (hanging, quick) = (marked.sh("echo up; sleep 1000"), sh("exit 0"));
    let stop = async {
        until_up(&mut receiver, 1).await;
        let mut waiting = runner.run(&quick, &options, &none, &second);
        assert!(futures_util::poll!(&mut waiting).is_pending());
        second.cancel();
        assert_eq!(waiting.await.outcome, StepOutcome::Cancelled);
        first.cancel();
    };
    let (report, ()) = tokio::join!(runner.run(&hanging, &options, &live, &first), stop);
    assert_eq!(report.outcome, StepOutcome::Cancelled);
    let report = runner
        .run(&quick, &options, &none, &CancellationToken::new())
        .await;
    assert_eq!(report.outcome, StepOutcome::Exited { code: 0 });
}
