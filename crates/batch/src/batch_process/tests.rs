use std::collections::VecDeque;
use std::error::Error as _;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::sync::Notify;

use super::*;
use crate::progress::{LiveEvent, Milestone, MockIProgress, ReportError};
use crate::runner::MockICommandRunner;
use crate::{
    Accept, Command, LineEnd, LiveOutput, MockIProcess, RunOptions, RunReport, Secret, Status,
    Step, StepOutcome, When,
};

/// Runs commands by their names: `ok`, `fail`, `late`, `hang` (until it is stopped), `panic`.
#[derive(Debug, Default)]
struct Scripted {
    runs: Mutex<Vec<(String, Option<Duration>)>>,
    hanging: Notify,
}

impl Scripted {
    fn programs(&self) -> Vec<String> {
        self.runs
            .lock()
            .unwrap()
            .iter()
            .map(|(program, _)| program.clone())
            .collect()
    }
}

#[async_trait]
impl ICommandRunner for Scripted {
    async fn run(
        &self,
        command: &Command,
        options: &RunOptions,
        live: &LiveOutput,
        cancel: &CancellationToken,
    ) -> RunReport {
        self.runs
            .lock()
            .unwrap()
            .push((command.program().to_owned(), options.timeout));
        live.start(7);
        live.send(command.program().as_bytes());
        RunReport::new(match command.program() {
            "fail" => StepOutcome::Exited { code: 1 },
            "late" => StepOutcome::TimedOut {
                after: Duration::from_secs(1),
            },
            "hang" => {
                self.hanging.notify_one();
                cancel.cancelled().await;
                StepOutcome::Cancelled
            }
            "panic" => panic!("on purpose"),
            _ => StepOutcome::Exited { code: 0 },
        })
    }
}

/// Writes down what it is told.
#[derive(Default)]
struct Notes {
    milestones: Mutex<Vec<String>>,
    events: Mutex<Vec<String>>,
    /// How the next reports fail.
    failures: Mutex<VecDeque<Failure>>,
    reports: AtomicUsize,
}

enum Failure {
    Error,
    Panic,
    Hang,
}

impl Notes {
    fn failing(failures: impl IntoIterator<Item = Failure>) -> Self {
        Self {
            failures: Mutex::new(failures.into_iter().collect()),
            ..Self::default()
        }
    }

    fn milestones(&self) -> Vec<String> {
        self.milestones.lock().unwrap().clone()
    }
}

#[async_trait]
impl IProgress for Notes {
    async fn report(&self, milestone: &Milestone) -> Result<(), ReportError> {
        self.reports.fetch_add(1, Ordering::Relaxed);
        let failure = self.failures.lock().unwrap().pop_front();
        match failure {
            None => {}
            Some(Failure::Error) => return Err(ReportError::new("disk full")),
            Some(Failure::Panic) => panic!("on purpose"),
            Some(Failure::Hang) => std::future::pending().await,
        }
        let note = match (milestone, milestone.status()) {
            (Milestone::Step(step), None) => format!("({} {})", step.status, step.outcome),
            (_, status) => status.unwrap().to_string(),
        };
        self.milestones.lock().unwrap().push(note);
        Ok(())
    }

    fn observe(&self, event: &LiveEvent) {
        let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
        let event = match event {
            LiveEvent::BatchStarted { steps } => format!("{steps} steps"),
            LiveEvent::BatchFinished { outcome } => outcome.to_string(),
            LiveEvent::ProcessStarted { index, pid } => format!("{index} is process {pid}"),
            LiveEvent::Line { index, bytes, end } => format!("{index} {end:?} {}", text(bytes)),
            LiveEvent::StepStarted { index, command, .. } => format!("{index} started {command}"),
            LiveEvent::Output { index, bytes } => format!("{index} output {}", text(bytes)),
            LiveEvent::OutputDropped { index, bytes } => format!("{index} dropped {bytes}"),
            LiveEvent::StepFinished { index, outcome, .. } => format!("{index} {outcome}"),
        };
        self.events.lock().unwrap().push(event);
    }
}

fn step(status: &'static str, program: &str) -> Step {
    Step::new(Status::from_static(status), Command::new(program))
}

fn process(steps: impl IntoIterator<Item = Step>) -> (BatchProcess, Arc<Scripted>) {
    let mut batch = Batch::new("/").unwrap();
    for step in steps {
        batch.add(step);
    }
    let runner = Arc::new(Scripted::default());
    (
        BatchProcess::new(batch, Arc::<Scripted>::clone(&runner)),
        runner,
    )
}

async fn execute(process: &BatchProcess, notes: &Notes) -> Result<ProcessOutcome> {
    process.execute(notes, &CancellationToken::new()).await
}

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

/// A recorder and a runner in one: what is recorded before a step's command waits for that
/// command to run.
#[derive(Debug)]
struct Interlocked {
    runs: tokio::sync::Semaphore,
    under_way: AtomicUsize,
    order: Mutex<Vec<String>>,
}

impl Interlocked {
    fn note(&self, what: String) {
        self.order.lock().unwrap().push(what);
    }
}

#[async_trait]
impl IProgress for Interlocked {
    async fn report(&self, milestone: &Milestone) -> Result<(), ReportError> {
        assert_eq!(
            self.under_way.fetch_add(1, Ordering::Relaxed),
            0,
            "one report at a time"
        );
        let status = milestone.status().unwrap();
        if ["STARTED", "ONE"].contains(&status.as_str()) {
            self.runs.acquire().await.unwrap().forget();
        }
        self.note(format!("{status} recorded"));
        self.under_way.fetch_sub(1, Ordering::Relaxed);
        Ok(())
    }

    fn observe(&self, _: &LiveEvent) {}
}

#[async_trait]
impl ICommandRunner for Interlocked {
    async fn run(
        &self,
        command: &Command,
        _: &RunOptions,
        _: &LiveOutput,
        _: &CancellationToken,
    ) -> RunReport {
        self.note(format!("{} runs", command.program()));
        self.runs.add_permits(1);
        RunReport::new(StepOutcome::Exited { code: 0 })
    }
}

#[tokio::test(start_paused = true)]
async fn a_report_is_written_while_the_next_step_runs() {
    let interlocked = Arc::new(Interlocked {
        runs: tokio::sync::Semaphore::new(0),
        under_way: AtomicUsize::new(0),
        order: Mutex::default(),
    });
    let mut batch = Batch::new("/").unwrap();
    batch.add(step("ONE", "first")).add(step("TWO", "second"));
    let process = BatchProcess::new(batch, Arc::<Interlocked>::clone(&interlocked));
    let outcome = process
        .execute(&*interlocked, &CancellationToken::new())
        .await
        .unwrap();
    assert!(outcome.is_success());
    assert_eq!(
        *interlocked.order.lock().unwrap(),
        [
            "first runs",
            "STARTED recorded",
            "second runs",
            "ONE recorded",
            "TWO recorded",
            "SUCCESS recorded"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_report_that_fails_is_tried_again() {
    use Failure::{Error, Panic};

    let (process, _) = process([step("ONE", "ok")]);
    let notes = Notes::failing([Error, Panic, Error]);
    assert!(execute(&process, &notes).await.unwrap().is_success());
    assert_eq!(notes.milestones(), ["STARTED", "ONE", "SUCCESS"]);
    assert_eq!(notes.reports.load(Ordering::Relaxed), 6);
}

/// Panics when it is called, before there is a future to await.
#[derive(Debug)]
struct Sudden(AtomicUsize);

impl IProgress for Sudden {
    fn report<'s: 'f, 'm: 'f, 'f>(
        &'s self,
        _: &'m Milestone,
    ) -> BoxFuture<'f, Result<(), ReportError>> {
        let reports = self.0.fetch_add(1, Ordering::Relaxed);
        assert_ne!(reports, 0, "on purpose");
        Box::pin(async { Ok(()) })
    }

    fn observe(&self, _: &LiveEvent) {}
}

impl ICommandRunner for Sudden {
    fn run<'s: 'f, 'c: 'f, 'o: 'f, 'l: 'f, 't: 'f, 'f>(
        &'s self,
        _: &'c Command,
        _: &'o RunOptions,
        _: &'l LiveOutput,
        _: &'t CancellationToken,
    ) -> BoxFuture<'f, RunReport> {
        panic!("on purpose")
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_before_there_is_a_future_is_caught_too() {
    let sudden = Arc::new(Sudden(AtomicUsize::new(0)));
    let mut batch = Batch::new("/").unwrap();
    batch.add(step("ONE", "ok"));
    let process = BatchProcess::new(batch, Arc::<Sudden>::clone(&sudden));
    let cancel = CancellationToken::new();
    let outcome = process.execute(&*sudden, &cancel).await.unwrap();
    let reason = "the runner panicked";
    assert_eq!(
        outcome,
        ProcessOutcome::failed(Status::from_static("ONE"), reason)
    );
    // The first is tried again.
    assert_eq!(sudden.0.load(Ordering::Relaxed), 4);
}

#[tokio::test(start_paused = true)]
async fn when_reports_stay_down_the_work_is_stopped() {
    let (process, runner) = process([step("HANG", "hang"), step("END", "end").when(When::Always)]);
    let notes = Notes::failing((0..1_000).map(|_| Failure::Error));
    let begun = tokio::time::Instant::now();
    let error = execute(&process, &notes).await.unwrap_err();
    assert!(matches!(&error, Error::Report { status: Some(s), .. } if *s == Status::STARTED));
    assert_eq!(error.to_string(), "failed to record STARTED");
    let report = error.source().unwrap();
    assert_eq!(report.source().unwrap().to_string(), "disk full");
    assert_eq!(runner.programs(), ["hang"]);
    assert_eq!(begun.elapsed().as_secs(), REPORT_PATIENCE.as_secs());
    assert!(notes.milestones().is_empty());
    // The step has ended for those who watch; the error tells them of the batch.
    assert_eq!(
        *notes.events.lock().unwrap(),
        [
            "2 steps",
            "0 started hang",
            "0 is process 7",
            "0 output hang",
            "0 cancelled"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_report_that_does_not_return_is_given_up() {
    let (process, _) = process([step("ONE", "ok")]);
    let process = process.with_report_patience(Duration::from_secs(2));
    let notes = Notes::failing([Failure::Hang]);
    let error = execute(&process, &notes).await.unwrap_err();
    assert_eq!(error.source().unwrap().to_string(), "no answer within 2s");
}

#[tokio::test]
async fn a_panic_of_the_observer_does_not_stop_the_work() {
    let (process, _) = process([step("ONE", "ok")]);
    let mut progress = MockIProgress::new();
    progress.expect_report().times(3).returning(|_| Ok(()));
    progress
        .expect_observe()
        .once()
        .returning(|_| panic!("on purpose"));
    let outcome = process
        .execute(&progress, &CancellationToken::new())
        .await
        .unwrap();
    assert!(outcome.is_success());
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
