//! What is kept and shown of an output.

use std::fmt::Write as _;
use std::time::Duration;

use batch::{CaptureLimits, ICommandRunner as _, LiveOutput, RunOptions, StepOutcome};
use tokio_util::sync::CancellationToken;

use crate::children::{run, run_with, runner, sh};

#[tokio::test]
async fn both_streams_are_merged_in_their_order() {
    let script = "i=0; while [ $i -lt 300 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done";
    let mut expected = String::new();
    for i in 0..300 {
        write!(expected, "out {i}\nerr {i}\n").unwrap();
    }
    assert_eq!(run(&sh(script)).await.output.to_text(), expected);
}

#[tokio::test]
async fn bytes_are_kept_as_they_are() {
    let report = run(&sh(r"printf '\377\0\376\303\266'")).await;
    assert_eq!(&report.output.head[..], b"\xff\0\xfe\xc3\xb6");
    assert_eq!(report.output.to_text(), "\u{fffd}\0\u{fffd}ö");
}

#[tokio::test]
async fn a_large_output_is_bounded_and_counted() {
    let script = "echo first; head -c 50000000 /dev/zero; echo last";
    let report = run(&sh(script)).await;
    assert_eq!(report.outcome, StepOutcome::Exited { code: 0 });
    let output = report.output;
    assert_eq!(output.total, 50_000_011);
    assert_eq!(
        (output.head.len(), output.tail.len()),
        (64 * 1024, 192 * 1024)
    );
    assert_eq!(output.dropped(), 50_000_011 - 256 * 1024);
    assert!(output.head.starts_with(b"first\n\0") && output.tail.ends_with(b"\0last\n"));
    assert!(output.to_text().contains(" bytes dropped ...]\n"));
}

#[tokio::test]
async fn limits_may_be_nothing() {
    let options = RunOptions::new("/").with_capture(CaptureLimits::new(0, 0));
    let report = run_with(&runner(), &sh("echo x"), &options).await;
    assert_eq!((report.output.total, report.output.dropped()), (2, 2));
}

#[tokio::test]
async fn a_watcher_that_does_not_look_holds_up_nothing() {
    let (live, mut receiver) = LiveOutput::channel(1);
    let (options, cancel) = (RunOptions::new("/"), CancellationToken::new());
    let report = runner()
        .run(&sh("head -c 10000000 /dev/zero"), &options, &live, &cancel)
        .await;
    assert_eq!(report.outcome, StepOutcome::Exited { code: 0 });
    assert_eq!(report.output.total, 10_000_000);
    let seen = receiver.recv().await.unwrap().len() as u64;
    assert_eq!(seen + live.dropped(), 10_000_000);
}

#[tokio::test]
async fn endless_output_does_not_hold_up_a_timeout() {
    let limit = Duration::from_millis(300);
    let options = RunOptions::new("/").with_timeout(Some(limit));
    let report = run_with(&runner(), &sh("exec yes"), &options).await;
    assert_eq!(report.outcome, StepOutcome::TimedOut { after: limit });
    assert!(report.output.total > 0);
    assert!(report.took < Duration::from_secs(30));
}

#[tokio::test]
async fn an_output_that_is_closed_early_is_no_end() {
    let report = run(&sh("exec >&- 2>&-; sleep 0.3; exit 5")).await;
    assert_eq!(report.outcome, StepOutcome::Exited { code: 5 });
}
