//! Processes that a command leaves behind.

use std::time::Duration;

use batch::{
    ICommandRunner as _, LeakPolicy, LiveOutput, LocalRunner, LocalRunnerOptions, RunOptions,
    RunReport, StepOutcome,
};
use tokio_util::sync::CancellationToken;

use crate::children::{Marked, run_with, until_up};

async fn run(marked: &Marked, policy: LeakPolicy, script: &str) -> RunReport {
    let runner = LocalRunner::new(LocalRunnerOptions::default().with_leak_policy(policy));
    run_with(&runner, &marked.sh(script), &RunOptions::new("/")).await
}

#[tokio::test]
async fn a_silent_holder_of_the_output_is_killed() {
    let marked = Marked::new();
    let report = run(&marked, LeakPolicy::Kill, "echo out; sleep 1000 & exit 3").await;
    assert_eq!(report.outcome, StepOutcome::Exited { code: 3 });
    assert!(report.leaked);
    assert_eq!(report.output.to_text(), "out\n");
    assert!(report.took < Duration::from_mins(1));
    assert_eq!(marked.survivors(), []);
}

#[tokio::test]
async fn a_chatty_holder_of_the_output_is_killed() {
    let marked = Marked::new();
    let report = run(&marked, LeakPolicy::Kill, "yes & exit 0").await;
    assert_eq!(report.outcome, StepOutcome::Exited { code: 0 });
    assert!(report.leaked);
    assert!(report.took < Duration::from_mins(1));
    assert_eq!(marked.survivors(), []);
}

#[tokio::test]
async fn one_without_the_output_is_killed_too() {
    let marked = Marked::new();
    let report = run(
        &marked,
        LeakPolicy::Kill,
        "sleep 1000 >/dev/null 2>&1 & exit 0",
    )
    .await;
    assert_eq!(report.outcome, StepOutcome::Exited { code: 0 });
    assert!(!report.leaked);
    assert_eq!(marked.survivors(), []);
}

#[tokio::test]
async fn one_that_ends_soon_is_heard_out() {
    let marked = Marked::new();
    let script = "(sleep 0.5; echo late) & exit 0";
    let report = run(&marked, LeakPolicy::Wait(Duration::MAX), script).await;
    assert_eq!(report.outcome, StepOutcome::Exited { code: 0 });
    assert_eq!(report.output.to_text(), "late\n");
    assert!(!report.leaked);
}

#[tokio::test]
async fn waiting_for_one_ends_with_the_timeout_and_a_cancel() {
    let marked = Marked::new();
    let policy = LeakPolicy::Wait(Duration::from_hours(1));
    let runner = LocalRunner::new(LocalRunnerOptions::default().with_leak_policy(policy));
    let command = marked.sh("(echo up; exec sleep 1000) & exit 0");
    let options = RunOptions::new("/").with_timeout(Some(Duration::from_secs(1)));
    let report = run_with(&runner, &command, &options).await;
    assert_eq!(report.outcome, StepOutcome::Exited { code: 0 });
    assert!(report.leaked);
    assert_eq!(marked.survivors(), []);

    let (live, mut receiver) = LiveOutput::channel(10);
    let (options, cancel) = (RunOptions::new("/"), CancellationToken::new());
    let run = runner.run(&command, &options, &live, &cancel);
    let (report, ()) = tokio::join!(run, async {
        until_up(&mut receiver, 1).await;
        cancel.cancel();
    });
    let ended = [StepOutcome::Exited { code: 0 }, StepOutcome::Cancelled];
    assert!(ended.contains(&report.outcome), "{report:?}");
    assert_eq!(marked.survivors(), []);
}

#[tokio::test]
async fn a_detached_one_lives_on() {
    let marked = Marked::new();
    let script = "sleep 1000 >/dev/null 2>&1 & echo $!";
    let report = run(&marked, LeakPolicy::Detach, script).await;
    assert_eq!(report.outcome, StepOutcome::Exited { code: 0 });
    let survivors = marked.survivors();
    let pid = report.output.to_text().trim().parse().unwrap();
    assert_eq!(
        survivors
            .iter()
            .map(|pid| pid.as_raw_pid())
            .collect::<Vec<_>>(),
        [pid]
    );
    rustix::process::kill_process(survivors[0], rustix::process::Signal::KILL).unwrap();
    marked.assert_ended();
}
