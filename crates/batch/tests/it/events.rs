//! What a listener is told of real children, and that it cannot hold them up.

use std::sync::mpsc;
use std::time::Duration;

use async_trait::async_trait;
use batch::{
    Batch, BatchProcess, IProcess as _, IProgress, LineEnd, LiveEvent, LiveFeed, Milestone,
    ProcessOutcome, ReportError, Secret, Status, Step, StepReport,
};
use tokio_util::sync::CancellationToken;

use crate::children::{Marked, THREE_GENERATIONS, runner};

/// Passes events on, and keeps the reports of steps.
struct Progress {
    feed: LiveFeed,
    reports: std::sync::Mutex<Vec<StepReport>>,
}

impl Progress {
    const fn new(feed: LiveFeed) -> Self {
        Self {
            feed,
            reports: std::sync::Mutex::new(Vec::new()),
        }
    }
}

#[async_trait]
impl IProgress for Progress {
    async fn report(&self, milestone: &Milestone) -> Result<(), ReportError> {
        if let Milestone::Step(report) = milestone {
            self.reports.lock().unwrap().push(report.clone());
        }
        Ok(())
    }

    fn observe(&self, event: &LiveEvent) {
        self.feed.send(event);
    }
}

fn process(steps: impl IntoIterator<Item = Step>) -> BatchProcess {
    let mut batch = Batch::new("/").unwrap();
    for step in steps {
        batch.add(step);
    }
    BatchProcess::new(batch, std::sync::Arc::new(runner()))
}

fn step(marked: &Marked, script: &str) -> Step {
    Step::new(Status::from_static("DONE"), marked.sh(script))
}

async fn run(process: &BatchProcess, progress: &Progress) -> ProcessOutcome {
    let cancel = CancellationToken::new();
    process.execute(progress, &cancel).await.unwrap()
}

#[tokio::test]
async fn a_listener_is_told_everything_in_order() {
    let marked = Marked::new();
    let (feed, mut events) = LiveFeed::channel(100);
    let progress = Progress::new(feed);
    let process = process([step(&marked, "echo $$; printf ende")]).with_lines(100);
    assert!(run(&process, &progress).await.is_success());
    drop(progress);
    let (mut kinds, mut lines, mut process_id) = (Vec::new(), Vec::new(), None);
    while let Some(event) = events.recv().await {
        kinds.push(match event {
            LiveEvent::BatchStarted { steps: 1 } => "batch started",
            LiveEvent::StepStarted { index: 0, .. } => "step started",
            LiveEvent::ProcessStarted { index: 0, pid } => {
                process_id = Some(pid);
                "process started"
            }
            LiveEvent::Output { .. } => "output",
            LiveEvent::Line { bytes, end, .. } => {
                lines.push((String::from_utf8(bytes.to_vec()).unwrap(), end));
                "line"
            }
            LiveEvent::StepFinished { index: 0, .. } => "step finished",
            LiveEvent::BatchFinished { outcome } => {
                assert!(outcome.is_success());
                "batch finished"
            }
            other => panic!("{other:?}"),
        });
    }
    // The output may come in one piece or in two.
    kinds.retain(|kind| *kind != "output" && *kind != "line");
    let expected = [
        "batch started",
        "step started",
        "process started",
        "step finished",
        "batch finished",
    ];
    assert_eq!(kinds, expected);
    let pid = process_id.unwrap().to_string();
    let expected = [(pid, LineEnd::Break), ("ende".to_owned(), LineEnd::Output)];
    assert_eq!(lines, expected);
}

/// A listener that does not return before both batches are over, and one that panics.
#[tokio::test]
async fn a_listener_that_is_stuck_or_broken_holds_up_nothing() {
    let marked = Marked::new();
    let (feed, mut events) = LiveFeed::channel(1);
    let (release, held) = mpsc::channel::<()>();
    let listener = std::thread::spawn(move || {
        let first = events.blocking_recv();
        held.recv().unwrap_err();
        assert!(first.is_none(), "on purpose");
    });
    let (stuck, other) = (Progress::new(feed.clone()), Progress::new(feed.clone()));
    let limit = Duration::from_millis(300);
    let late = process([step(&marked, &format!("{THREE_GENERATIONS} & yes")).timeout(limit)]);
    let quick = process([step(&marked, "echo 1"), step(&marked, "echo 2")]);
    let (timed_out, done) = tokio::join!(run(&late, &stuck), run(&quick, &other));
    let status = Some(Status::from_static("DONE"));
    assert_eq!(timed_out, ProcessOutcome::TimedOut { status });
    assert!(done.is_success());
    assert!(feed.dropped() > 4, "{}", feed.dropped());
    // It was in the middle of its first event all the time.
    assert!(!listener.is_finished());
    drop(release);
    assert!(listener.join().is_err());

    // With nobody to listen any more, everything is dropped.
    let before = feed.dropped();
    let quick = process([step(&marked, "exit 0")]);
    assert!(run(&quick, &other).await.is_success());
    assert!(feed.dropped() > before);
    assert_eq!(marked.survivors(), []);
}

#[tokio::test]
async fn a_report_tells_what_was_used() {
    let marked = Marked::new();
    let (feed, _events) = LiveFeed::channel(1);
    let progress = Progress::new(feed);
    let busy = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done";
    let large = "head -c 50000000 /dev/zero | tail -c 50000000 | wc -c";
    let process = process([step(&marked, busy), step(&marked, large)]);
    assert!(run(&process, &progress).await.is_success());
    let reports = progress.reports.lock().unwrap();
    let [busy, large] = &reports[..] else {
        panic!("{reports:?}");
    };
    let (busy, large) = (busy.usage.unwrap(), large.usage.unwrap());
    // A loop of 300,000 turns takes more than this on any machine.
    assert!(
        busy.user + busy.system > Duration::from_millis(5),
        "{busy:?}"
    );
    // `tail` keeps all of it.
    assert!(large.max_rss > 50_000_000, "{large:?}");
}

/// Every way in which a client may write a secret is masked where it is shown too, also when it
/// comes in pieces.
#[tokio::test]
async fn live_output_shows_no_secret_in_any_encoding() {
    const SECRET: &str = "p@ss \"wörd\"/1+1";
    let marked = Marked::new();
    let (feed, mut events) = LiveFeed::channel(1_000);
    let progress = Progress::new(feed);
    let base64 = "cEBzcyAid8O2cmQiLzErMQ==";
    let written = [
        SECRET,
        base64,
        "p%40ss%20%22w%C3%B6rd%22%2F1%2B1",
        "p%40ss+%22w%C3%B6rd%22%2F1%2B1",
        r#"p@ss \"wörd\"/1+1"#,
        r#"p@ss \"w\u00f6rd\"\/1+1"#,
    ];
    let mut command = marked.sh(r#"for text; do
            first=${text%???????}
            printf '<%s' "$first"; sleep 0.02; printf '%s>\n' "${text#"$first"}"
        done"#);
    command = command
        .arg("sh")
        .args(written)
        .secret_env("PASSWORD", Secret::new(SECRET));
    let process = process([Step::new(Status::from_static("DONE"), command)]).with_lines(1_000);
    assert!(run(&process, &progress).await.is_success());
    let report = progress.reports.lock().unwrap()[0].clone();
    drop(progress);
    let (mut output, mut lines) = (Vec::new(), Vec::new());
    while let Some(event) = events.recv().await {
        match event {
            LiveEvent::Output { bytes, .. } => output.extend_from_slice(&bytes),
            LiveEvent::Line { bytes, .. } => lines.push(bytes),
            LiveEvent::StepStarted { command, .. } => assert!(!command.contains("p@ss")),
            _ => {}
        }
    }
    let output = String::from_utf8(output).unwrap();
    assert_eq!(output, report.output.to_text());
    // The last characters of base64 are no part of the secret alone.
    assert_eq!(
        output.replace("***==", "***").replace("***Q==", "***"),
        "<***>\n".repeat(6)
    );
    assert_eq!(lines.len(), 6);
    assert_eq!(report.what.matches("***").count(), 6, "{}", report.what);
}
