//! What the engine tells, compared with `docs/reference/observability.md`.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex};

use deployment::{Events, Phase};
use store::{IStore, MemoryStore, Traced};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::alone::is_alone;
use crate::fixture::{Fixture, PASSWORD, request};
use crate::played_client::Play;

const DOCUMENT: &str = include_str!("../../../../docs/reference/observability.md");

/// The rows of the table under a heading, each as the text of its cells without back quotes.
fn rows(heading: &str) -> Vec<Vec<String>> {
    let (_, section) = DOCUMENT.split_once(&format!("## {heading}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let lines = section.lines().filter(|line| line.starts_with('|'));
    let rows = lines.skip(2).map(|line| {
        let cells = line.trim_matches('|').split('|');
        cells.map(|cell| cell.trim().replace('`', "")).collect()
    });
    rows.collect()
}

/// Collects which spans have which fields, and everything that is told as text.
#[derive(Clone, Debug, Default)]
struct Collector(Arc<Told>);

#[derive(Debug, Default)]
struct Told {
    /// The span, the field and the level.
    fields: Mutex<BTreeSet<(String, String, String)>>,
    text: Mutex<String>,
}

struct Visitor<'a> {
    told: &'a Told,
    span: Option<&'static Metadata<'static>>,
}

impl Visit for Visitor<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        writeln!(self.told.text.lock().unwrap(), "{field}={value:?}").unwrap();
        if let Some(span) = self.span {
            let level = span.level().to_string().to_lowercase();
            let row = (span.name().to_owned(), field.to_string(), level);
            self.told.fields.lock().unwrap().insert(row);
        }
    }
}

/// The metadata of the spans, by id.
static SPANS: Mutex<Vec<&'static Metadata<'static>>> = Mutex::new(Vec::new());

impl Subscriber for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        ["deployment", "store"].contains(&metadata.target().split("::").next().unwrap())
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut spans = SPANS.lock().unwrap();
        spans.push(span.metadata());
        let id = Id::from_u64(spans.len() as u64);
        drop(spans);
        span.record(&mut Visitor {
            told: &self.0,
            span: Some(span.metadata()),
        });
        id
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let at = usize::try_from(span.into_u64()).unwrap() - 1;
        let metadata = SPANS.lock().unwrap()[at];
        values.record(&mut Visitor {
            told: &self.0,
            span: Some(metadata),
        });
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Visitor {
            told: &self.0,
            span: None,
        });
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// All that a subscriber was told.
async fn texts_of(mut events: Events, fixture: Fixture) -> String {
    drop(fixture);
    let mut text = String::new();
    while let Some(event) = events.next().await {
        writeln!(text, "{event:?}").unwrap();
    }
    text
}

#[test]
fn the_spans_and_fields_are_those_of_the_document_and_hold_no_secret() {
    if !is_alone("observability::the_spans_and_fields_are_those_of_the_document_and_hold_no_secret")
    {
        return;
    }
    let collector = Collector::default();
    // Threads for blocking work need it as well, so it is everybody's.
    tracing::subscriber::set_global_default(collector.clone()).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let events = runtime.block_on(async {
        let store: Arc<dyn IStore> = Arc::new(Traced::new(Arc::new(MemoryStore::new())));
        let fixture = Fixture::on(store).await;
        let events = fixture.deployer.subscribe();
        fixture.deploy(request("foo")).await;
        fixture.client.on("push", Play::Exit(1, PASSWORD));
        fixture.deploy(request("foo")).await;
        // The password is in the very command line that fails.
        fixture.client.on("login", Play::Exit(1, "no"));
        let record = fixture.deploy(request("foo")).await;
        assert_eq!(record.phase(), Some(Phase::Failed));
        texts_of(events, fixture).await
    });
    assert!(
        events.contains("login") && events.contains("***"),
        "{events}"
    );
    assert!(!events.contains(PASSWORD), "{events}");
    let documented: BTreeSet<_> = rows("Spans")
        .into_iter()
        .map(|row| (row[0].clone(), row[1].clone(), row[2].clone()))
        .collect();
    let told = collector.0.fields.lock().unwrap().clone();
    assert_eq!(told, documented);
    let text = collector.0.text.lock().unwrap().clone();
    assert!(text.contains("phase=\"SUCCESS\"") && text.contains("phase=\"FAILED\""));
    assert!(!text.contains(PASSWORD), "{text}");
}

#[cfg(feature = "metrics")]
mod metrics {
    use std::collections::BTreeSet;
    use std::sync::{Arc, Mutex};

    use metrics::{
        Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata,
        Recorder, SharedString, Unit,
    };

    use super::rows;
    use crate::alone::is_alone;
    use crate::fixture::{ENDPOINT, Fixture, PASSWORD, request};
    use crate::played_client::Play;

    /// The metric, its kind and its labels.
    type Seen = BTreeSet<(String, String, String)>;

    #[derive(Clone, Debug, Default)]
    struct Collector(Arc<Mutex<Told>>);

    /// What was registered, and each value under its key.
    type Told = (Seen, Vec<(String, f64)>);

    impl Collector {
        fn see(&self, kind: &str, key: &Key) -> Arc<Value> {
            let labels: Vec<_> = key.labels().map(metrics::Label::key).collect();
            let row = (key.name().to_owned(), kind.to_owned(), labels.join(", "));
            self.0.lock().unwrap().0.insert(row);
            Arc::new(Value(self.clone(), key.to_string()))
        }
    }

    #[derive(Debug)]
    struct Value(Collector, String);

    impl Value {
        fn note(&self, value: f64) {
            let mut told = self.0.0.lock().unwrap();
            told.1.push((self.1.clone(), value));
        }
    }

    impl CounterFn for Value {
        #[expect(
            clippy::cast_precision_loss,
            reason = "the test counts to a few thousand"
        )]
        fn increment(&self, value: u64) {
            self.note(value as f64);
        }

        fn absolute(&self, _: u64) {}
    }

    impl GaugeFn for Value {
        fn increment(&self, value: f64) {
            self.note(value);
        }

        fn decrement(&self, value: f64) {
            self.note(-value);
        }

        fn set(&self, _: f64) {}
    }

    impl HistogramFn for Value {
        fn record(&self, value: f64) {
            self.note(value);
        }
    }

    impl Recorder for Collector {
        fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

        fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

        fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

        fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
            Counter::from_arc(self.see("counter", key))
        }

        fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
            Gauge::from_arc(self.see("gauge", key))
        }

        fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
            Histogram::from_arc(self.see("histogram", key))
        }
    }

    #[test]
    fn the_metrics_are_those_of_the_document() {
        if !is_alone("observability::metrics::the_metrics_are_those_of_the_document") {
            return;
        }
        let collector = Collector::default();
        metrics::set_global_recorder(collector.clone()).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let id = runtime.block_on(async {
            let fixture = Fixture::new().await;
            fixture.client.on("login", Play::Exit(1, PASSWORD));
            let record = fixture.deploy(request("foo")).await;
            fixture.deployer.shutdown().await;
            record.deploy_id
        });
        let told = collector.0.lock().unwrap().clone();
        let documented: Seen = rows("Metrics")
            .into_iter()
            .map(|row| (row[0].clone(), row[1].clone(), row[3].clone()))
            .collect();
        let unknown: Vec<_> = told.0.difference(&documented).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
        // These need a lost record, or a client that prints while it is watched.
        let rare = ["helion_ownership_lost_total", "helion_output_bytes_total"];
        let missing: Vec<_> = documented
            .difference(&told.0)
            .filter(|row| !rare.contains(&row.0.as_str()))
            .collect();
        assert!(missing.is_empty(), "{missing:?}");
        let total = |key: &str| -> f64 {
            let values = told.1.iter().filter(|(name, _)| name.contains(key));
            values.map(|(_, value)| value).sum()
        };
        let is_one = |total: f64| (total - 1.0).abs() < f64::EPSILON;
        assert!(is_one(total("helion_deployments_started_total")));
        assert!(is_one(total("helion_deployments_ended_total")));
        assert!(
            is_one(total("helion_deployments_ended_total, [phase = FAILED]")),
            "{told:?}"
        );
        // It went up and down again.
        let running: Vec<_> = told
            .1
            .iter()
            .filter(|(key, _)| key.contains("running"))
            .collect();
        assert_eq!(running.len(), 2, "{running:?}");
        assert!(
            total("helion_deployments_running").abs() < f64::EPSILON,
            "{running:?}"
        );
        // A label is a word of a short list: no secret, and nothing that each deployment has anew.
        for (key, _) in &told.1 {
            for text in [PASSWORD, ENDPOINT, id.as_str()] {
                assert!(!key.contains(text), "{key}");
            }
        }
        assert!(total("helion_fetched_bytes_total") > 100.0);
    }
}

#[tokio::test]
async fn a_subscriber_that_stalls_slows_nothing_and_learns_what_it_missed() {
    let fixture = Fixture::new().await;
    let mut stalled = fixture.deployer.subscribe();
    let mut runs = 0;
    // More events than are kept for a subscriber; each deployment tells of each status and command.
    while runs < 60 {
        let record = fixture.deploy(request("foo")).await;
        assert_eq!(record.deploy_status, "SUCCESS");
        runs += 1;
    }
    let deployer = fixture.deployer;
    drop(deployer);
    let mut seen = 0;
    while stalled.next().await.is_some() {
        seen += 1;
    }
    assert!(stalled.missed() > 0, "{seen} events were seen");
    assert!(seen <= 1_024, "{seen} events were kept");
}
