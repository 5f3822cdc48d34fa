//! Limits and cancels.

use super::*;
use crate::Accept;

/// The limit of the whole batch stops the step that runs, and not those that clean up.
#[tokio::test(start_paused = true)]
async fn a_batch_has_a_limit_of_its_own() {
    let (mut process, runner) = process([
        step("ONE", "ok"),
        step("HANG", "hang")
            .timeout(Duration::from_hours(2))
            .accept(Accept::AnyExit),
        step("NEXT", "ok"),
        step("LOGS", "logs").when(When::OnFailureOf(Status::from_static("HANG"))),
        step("LOGOUT", "logout").when(When::Always),
    ]);
    process.batch.timeout(Duration::from_hours(1));
    let notes = Notes::default();
    let begun = tokio::time::Instant::now();
    let outcome = execute(&process, &notes).await.unwrap();
    let status = Some(Status::from_static("HANG"));
    assert_eq!(outcome, ProcessOutcome::TimedOut { status });
    assert_eq!(begun.elapsed().as_secs(), 3_600);
    assert_eq!(runner.programs(), ["ok", "hang", "logs", "logout"]);
    assert_eq!(
        notes.milestones(),
        [
            "STARTED",
            "ONE",
            "(HANG timed out after 3600s)",
            "(LOGS exit code 0)",
            "(LOGOUT exit code 0)",
            "FAILED"
        ]
    );
}

/// A runner that has no place for a command does not count its time yet.
#[tokio::test(start_paused = true)]
async fn a_clean_up_has_no_longer_than_its_limit_even_to_begin() {
    let logout = || step("LOGOUT", "hang").when(When::Always);
    let (process, _) = process([logout().timeout(Duration::from_secs(2)), logout()]);
    let notes = Notes::default();
    let begun = tokio::time::Instant::now();
    let execution = tokio::time::timeout(Duration::from_hours(1), execute(&process, &notes));
    assert!(execution.await.unwrap().unwrap().is_success());
    assert_eq!(begun.elapsed().as_secs(), 62);
    assert_eq!(
        notes.milestones(),
        [
            "STARTED",
            "(LOGOUT timed out after 2s)",
            "(LOGOUT timed out after 60s)",
            "SUCCESS"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn no_step_begins_after_the_batchs_limit() {
    let (mut process, runner) = process([step("ONE", "ok"), step("END", "end").when(When::Always)]);
    process.batch.timeout(Duration::ZERO);
    let notes = Notes::default();
    let outcome = execute(&process, &notes).await.unwrap();
    let status = Some(Status::from_static("ONE"));
    assert_eq!(outcome, ProcessOutcome::TimedOut { status });
    assert_eq!(runner.programs(), ["end"]);
}

#[tokio::test]
async fn a_timeout_is_never_accepted() {
    let late = step("LATE", "late")
        .accept(Accept::AnyExit)
        .timeout(Duration::from_secs(1));
    let (process, runner) = process([late, step("AFTER", "ok").when(When::OnFailure)]);
    let notes = Notes::default();
    let outcome = execute(&process, &notes).await.unwrap();
    assert_eq!(
        outcome,
        ProcessOutcome::TimedOut {
            status: Some(Status::from_static("LATE"))
        }
    );
    let runs = runner.runs.lock().unwrap().clone();
    let (second, minute) = (Duration::from_secs(1), Duration::from_mins(1));
    assert_eq!(
        runs,
        [
            ("late".to_owned(), Some(second)),
            ("ok".to_owned(), Some(minute))
        ]
    );
}

#[tokio::test]
async fn a_cancel_stops_the_step_and_cleans_up() {
    let (process, runner) = process([
        step("HANG", "hang").accept(Accept::AnyExit),
        step("NEXT", "ok"),
        step("LOGS", "logs").when(When::OnFailureOf(Status::from_static("HANG"))),
        step("LOGOUT", "logout").when(When::Always),
    ]);
    let (notes, cancel) = (Notes::default(), CancellationToken::new());
    let stop = async {
        runner.hanging.notified().await;
        cancel.cancel();
    };
    let (outcome, ()) = tokio::join!(process.execute(&notes, &cancel), stop);
    assert_eq!(outcome.unwrap(), ProcessOutcome::Cancelled);
    assert_eq!(runner.programs(), ["hang", "logs", "logout"]);
    assert_eq!(
        notes.milestones(),
        [
            "STARTED",
            "(HANG cancelled)",
            "(LOGS exit code 0)",
            "(LOGOUT exit code 0)",
            "FAILED"
        ]
    );
}

#[tokio::test]
async fn a_cancel_before_the_start_runs_the_clean_up_only() {
    let (process, runner) = process([step("ONE", "ok"), step("END", "end").when(When::Always)]);
    let cancel = CancellationToken::new();
    cancel.cancel();
    let outcome = process.execute(&Notes::default(), &cancel).await.unwrap();
    assert_eq!(outcome, ProcessOutcome::Cancelled);
    assert_eq!(runner.programs(), ["end"]);
}

#[tokio::test]
async fn force_stops_the_clean_up_too() {
    let (process, runner) = process([
        step("ONE", "ok"),
        step("LOGOUT", "hang").when(When::Always),
        step("LAST", "last").when(When::Always),
    ]);
    let force = CancellationToken::new();
    let process = process.with_force(force.clone());
    let notes = Notes::default();
    let stop = async {
        runner.hanging.notified().await;
        force.cancel();
    };
    let (outcome, ()) = tokio::join!(execute(&process, &notes), stop);
    assert_eq!(outcome.unwrap(), ProcessOutcome::Success);
    assert_eq!(runner.programs(), ["ok", "hang"]);
    assert_eq!(
        notes.milestones(),
        ["STARTED", "ONE", "(LOGOUT cancelled)", "SUCCESS"]
    );
}

#[tokio::test]
async fn force_stops_the_work_without_a_cancel() {
    let (process, runner) = process([step("HANG", "hang"), step("END", "end").when(When::Always)]);
    let force = CancellationToken::new();
    let process = process.with_force(force.clone());
    let notes = Notes::default();
    let stop = async {
        runner.hanging.notified().await;
        force.cancel();
    };
    let (outcome, ()) = tokio::join!(execute(&process, &notes), stop);
    assert_eq!(outcome.unwrap(), ProcessOutcome::Cancelled);
    assert_eq!(runner.programs(), ["hang"]);
}
