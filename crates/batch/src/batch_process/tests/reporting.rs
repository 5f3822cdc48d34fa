//! Reports that are late, fail or panic, and observers that do.

use std::error::Error as _;

use futures_util::future::BoxFuture;

use super::*;
use crate::progress::MockIProgress;

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
