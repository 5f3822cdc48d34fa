//! Batches of real children.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use batch::{
    Accept, Batch, BatchProcess, IProcess as _, IProgress, LiveEvent, Milestone, ProcessOutcome,
    ReportError, Status, Step, StepOutcome, When,
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::children::{Marked, THREE_GENERATIONS, runner};

/// Keeps what it is told, and tells when the children have said three times that they are up.
#[derive(Default)]
struct Progress {
    statuses: Mutex<Vec<String>>,
    outputs: Mutex<Vec<String>>,
    live: Mutex<Vec<u8>>,
    up: Notify,
}

#[async_trait]
impl IProgress for Progress {
    async fn report(&self, milestone: &Milestone) -> Result<(), ReportError> {
        self.statuses
            .lock()
            .unwrap()
            .extend(milestone.status().map(|status| status.to_string()));
        if let Milestone::Step(report) = milestone {
            self.outputs.lock().unwrap().push(report.output.to_text());
        }
        Ok(())
    }

    fn observe(&self, event: &LiveEvent) {
        if let LiveEvent::Output { bytes, .. } = event {
            let mut live = self.live.lock().unwrap();
            live.extend_from_slice(bytes);
            if live.windows(3).filter(|text| text == b"up\n").count() == 3 {
                self.up.notify_one();
            }
        }
    }
}

fn process(steps: impl IntoIterator<Item = Step>) -> BatchProcess {
    let mut batch = Batch::new("/").unwrap();
    for step in steps {
        batch.add(step);
    }
    BatchProcess::new(batch, Arc::new(runner()))
}

fn step(marked: &Marked, status: &str, script: &str) -> Step {
    Step::new(Status::new(status).unwrap(), marked.sh(script))
}

#[tokio::test]
async fn a_batch_goes_through_its_statuses() {
    let marked = Marked::new();
    let process = process([
        step(&marked, "ONE", "echo one"),
        step(&marked, "REMOVED", "echo nothing there; exit 1").accept(Accept::AnyExit),
        step(&marked, "THREE", "echo three; exit 7"),
        step(&marked, "NEVER", "echo never"),
        step(&marked, "LOGOUT", "echo bye").when(When::Always),
    ]);
    let progress = Progress::default();
    let outcome = process
        .execute(&progress, &CancellationToken::new())
        .await
        .unwrap();
    assert_eq!(
        outcome,
        ProcessOutcome::failed(Status::from_static("THREE"), "exit code 7")
    );
    assert_eq!(
        *progress.statuses.lock().unwrap(),
        ["STARTED", "ONE", "REMOVED", "FAILED"]
    );
    let outputs = ["one\n", "nothing there\n", "three\n", "bye\n"];
    assert_eq!(*progress.outputs.lock().unwrap(), outputs);
    assert_eq!(
        *progress.live.lock().unwrap(),
        outputs.concat().into_bytes()
    );
}

#[tokio::test]
async fn a_cancel_ends_the_tree_and_cleans_up() {
    let marked = Marked::new();
    let process = process([
        step(&marked, "HANG", THREE_GENERATIONS),
        step(&marked, "LOGOUT", "echo bye").when(When::Always),
    ]);
    let (progress, cancel) = (Progress::default(), CancellationToken::new());
    let stop = async {
        progress.up.notified().await;
        cancel.cancel();
    };
    let (outcome, ()) = tokio::join!(process.execute(&progress, &cancel), stop);
    assert_eq!(outcome.unwrap(), ProcessOutcome::Cancelled);
    assert_eq!(marked.survivors(), []);
    assert_eq!(*progress.statuses.lock().unwrap(), ["STARTED", "FAILED"]);
    assert_eq!(*progress.outputs.lock().unwrap(), ["up\nup\nup\n", "bye\n"]);
}

#[tokio::test]
async fn a_dropped_execution_ends_the_tree() {
    let marked = Marked::new();
    let process = process([step(&marked, "HANG", THREE_GENERATIONS)]);
    let (progress, cancel) = (Progress::default(), CancellationToken::new());
    tokio::select! {
        _ = process.execute(&progress, &cancel) => panic!("it runs on"),
        () = progress.up.notified() => {}
    }
    marked.assert_ended();
}

#[tokio::test]
async fn an_aborted_task_ends_the_tree() {
    let marked = Marked::new();
    let process = process([step(&marked, "HANG", THREE_GENERATIONS)]);
    let progress = Arc::new(Progress::default());
    let shared = Arc::clone(&progress);
    let task = tokio::spawn(async move {
        process
            .execute(&*shared, &CancellationToken::new())
            .await
            .map(|_| ())
    });
    progress.up.notified().await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    marked.assert_ended();
}

#[tokio::test]
async fn when_nothing_can_be_recorded_the_tree_is_ended() {
    #[derive(Default)]
    struct Broken(Notify);

    #[async_trait]
    impl IProgress for Broken {
        async fn report(&self, _: &Milestone) -> Result<(), ReportError> {
            self.0.notified().await;
            Err(ReportError::from_message("disk full"))
        }

        fn observe(&self, event: &LiveEvent) {
            if let LiveEvent::Output { .. } = event {
                self.0.notify_one();
            }
        }
    }

    let marked = Marked::new();
    let process = process([step(&marked, "HANG", THREE_GENERATIONS)])
        .with_report_patience(Duration::from_millis(500));
    let result = process
        .execute(&Broken::default(), &CancellationToken::new())
        .await;
    assert!(
        matches!(result, Err(batch::Error::Report { .. })),
        "{result:?}"
    );
    assert_eq!(marked.survivors(), []);
}

#[tokio::test]
async fn a_step_is_stopped_at_its_own_limit() {
    let marked = Marked::new();
    let limit = Duration::from_millis(500);
    let process = process([
        step(&marked, "LATE", "sleep 1000")
            .timeout(limit)
            .accept(Accept::AnyExit),
        step(&marked, "LOGS", "sleep 1000")
            .timeout(limit)
            .when(When::OnFailure),
    ]);
    let progress = Progress::default();
    let outcome = process
        .execute(&progress, &CancellationToken::new())
        .await
        .unwrap();
    assert_eq!(
        outcome,
        ProcessOutcome::TimedOut {
            status: Some(Status::from_static("LATE"))
        }
    );
    assert_eq!(marked.survivors(), []);
}

#[tokio::test]
async fn a_program_that_is_not_there_fails_its_step() {
    let missing = batch::Command::new("no-such-program");
    let missing = Step::new(Status::from_static("MISSING"), missing).accept(Accept::AnyExit);
    let outcome = process([missing])
        .execute(&Progress::default(), &CancellationToken::new())
        .await
        .unwrap();
    let ProcessOutcome::Failed { reason, .. } = &outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(
        reason,
        "not started: program `no-such-program` not found in PATH"
    );
    assert_eq!(StepOutcome::Cancelled.exit_code(), None);
}
