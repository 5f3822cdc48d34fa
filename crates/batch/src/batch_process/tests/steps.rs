//! Which steps run, and what is told of them.

use super::*;
use crate::progress::MockIProgress;
use crate::runner::MockICommandRunner;
use crate::{Accept, LineEnd, MockIProcess, Secret};

#[tokio::test]
async fn statuses_come_in_order() {
    let (process, _) = process([step("ONE", "ok"), step("TWO", "ok")]);
    let notes = Notes::default();
    assert_eq!(
        execute(&process, &notes).await.unwrap(),
        ProcessOutcome::Success
    );
    assert_eq!(notes.milestones(), ["STARTED", "ONE", "TWO", "SUCCESS"]);
    let events = notes.events.lock().unwrap().clone();
    assert_eq!(
        events,
        [
            "2 steps",
            "0 started ok",
            "0 is process 7",
            "0 output ok",
            "0 exit code 0",
            "1 started ok",
            "1 is process 7",
            "1 output ok",
            "1 exit code 0",
            "success"
        ]
    );
}

#[tokio::test]
async fn output_is_shown_in_lines_where_asked_for() {
    let (process, _) = process([step("ONE", "first\nsecond"), step("TWO", "ok")]);
    let notes = Notes::default();
    execute(&process.with_lines(4), &notes).await.unwrap();
    let mut events = notes.events.lock().unwrap().clone();
    let kinds = [LineEnd::Break, LineEnd::Cut, LineEnd::Output].map(|end| format!("{end:?}"));
    events.retain(|event| kinds.iter().any(|kind| event.contains(kind)));
    assert_eq!(
        events,
        [
            "0 Cut firs",
            "0 Break t",
            "0 Cut seco",
            "0 Output nd",
            "1 Output ok"
        ]
    );
}

#[tokio::test]
async fn an_empty_batch_succeeds() {
    let (process, _) = process([]);
    let notes = Notes::default();
    assert!(execute(&process, &notes).await.unwrap().is_success());
    assert_eq!(notes.milestones(), ["STARTED", "SUCCESS"]);
}

#[tokio::test]
async fn a_failed_step_ends_the_work() {
    let (process, runner) = process([
        step("EXTRA", "extra").when(When::OnFailure),
        step("ONE", "ok"),
        step("TWO", "fail"),
        step("THREE", "ok"),
        step("LOGS", "logs").when(When::OnFailureOf(Status::from_static("TWO"))),
        step("OTHER", "other").when(When::OnFailureOf(Status::from_static("ONE"))),
        step("LOGOUT", "fail").when(When::Always),
        step("LAST", "last").when(When::Always),
    ]);
    let notes = Notes::default();
    let outcome = execute(&process, &notes).await.unwrap();
    assert_eq!(
        outcome,
        ProcessOutcome::failed(Status::from_static("TWO"), "exit code 1")
    );
    assert_eq!(
        runner.programs(),
        ["ok", "fail", "extra", "logs", "fail", "last"]
    );
    assert_eq!(
        notes.milestones(),
        [
            "STARTED",
            "ONE",
            "(TWO exit code 1)",
            "(EXTRA exit code 0)",
            "(LOGS exit code 0)",
            "(LOGOUT exit code 1)",
            "(LAST exit code 0)",
            "FAILED"
        ]
    );
}

#[tokio::test]
async fn a_clean_up_that_fails_does_not_change_success() {
    let (process, runner) = process([
        step("ONE", "ok"),
        step("LOGS", "logs").when(When::OnFailure),
        step("LOGOUT", "panic").when(When::Always),
    ]);
    let notes = Notes::default();
    assert!(execute(&process, &notes).await.unwrap().is_success());
    assert_eq!(runner.programs(), ["ok", "panic"]);
    assert_eq!(
        notes.milestones(),
        ["STARTED", "ONE", "(LOGOUT the runner panicked)", "SUCCESS"]
    );
}

#[tokio::test]
async fn accepted_exits_go_on() {
    let (process, _) = process([
        step("ANY", "fail").accept(Accept::AnyExit),
        step("LISTED", "fail").accept(Accept::Codes(vec![1])),
        step("ZERO", "ok").accept(Accept::Codes(vec![1])),
    ]);
    let notes = Notes::default();
    let outcome = execute(&process, &notes).await.unwrap();
    assert_eq!(
        outcome,
        ProcessOutcome::failed(Status::from_static("ZERO"), "exit code 0")
    );
    assert_eq!(
        notes.milestones(),
        ["STARTED", "ANY", "LISTED", "(ZERO exit code 0)", "FAILED"]
    );
}

#[tokio::test]
async fn a_process_runs_once() {
    let (process, _) = process([]);
    let notes = Notes::default();
    execute(&process, &notes).await.unwrap();
    assert!(matches!(
        execute(&process, &notes).await,
        Err(Error::AlreadyStarted)
    ));
    assert_eq!(notes.milestones(), ["STARTED", "SUCCESS"]);
}

#[tokio::test]
async fn secrets_of_one_step_are_masked_in_all() {
    let mut runner = MockICommandRunner::new();
    runner.expect_run().times(2).returning(|_, options, _, _| {
        assert_eq!(options.redactor.redact_text("hunter2"), "***");
        assert_eq!(options.current_dir, std::path::Path::new("/srv"));
        RunReport::new(StepOutcome::Exited { code: 0 })
    });
    let mut batch = Batch::new("/srv").unwrap();
    let login = Command::new("login").secret_env("PASSWORD", Secret::new("hunter2"));
    batch.add(Step::new(Status::from_static("LOGIN"), login));
    batch.add(Step::new(
        Status::from_static("USE"),
        Command::new("use").arg("p=hunter2 x"),
    ));
    let process = BatchProcess::new(batch, Arc::new(runner));
    let notes = Notes::default();
    execute(&process, &notes).await.unwrap();
    let shown = format!("{process:?} {:?}", notes.events.lock().unwrap());
    assert!(shown.contains("1 started use 'p=*** x'"), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[tokio::test]
async fn a_mocked_process_answers_as_it_is_told() {
    let mut mock = MockIProcess::new();
    mock.expect_execute().once().returning(|_, cancel| {
        assert!(!cancel.is_cancelled());
        Ok(ProcessOutcome::Cancelled)
    });
    let process: Box<dyn IProcess> = Box::new(mock);
    let outcome = process
        .execute(&Notes::default(), &CancellationToken::new())
        .await;
    assert_eq!(outcome.unwrap(), ProcessOutcome::Cancelled);
}

#[tokio::test]
async fn a_step_tells_what_its_command_left_behind() {
    let mut runner = MockICommandRunner::new();
    runner
        .expect_run()
        .once()
        .returning(|_, _, _, _| RunReport::new(StepOutcome::Exited { code: 0 }).with_leak());
    let mut batch = Batch::new("/").unwrap();
    batch.add(step("A", "ok"));
    let mut progress = MockIProgress::new();
    progress.expect_observe().returning(|_| ());
    progress.expect_report().times(3).returning(|milestone| {
        if let Milestone::Step(report) = milestone {
            assert!(report.leaked);
        }
        Ok(())
    });
    let outcome = BatchProcess::new(batch, Arc::new(runner))
        .execute(&progress, &CancellationToken::new())
        .await
        .unwrap();
    assert!(outcome.is_success());
}
