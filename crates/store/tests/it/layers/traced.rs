//! `Traced`: a span for each call.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use store::{
    ErrorKind, FaultScript, IStore, ListOptions, Operation, ReadOptions, Retry, StoreExt, Traced,
};
use tracing_subscriber::fmt::format::FmtSpan;

use super::{exact, faulty};
use crate::samples::{bytes_of, name, options, save, streamed};

/// The lines that a subscriber wrote.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// Has this thread's spans written here when they end.
    fn collect(&self) -> tracing::subscriber::DefaultGuard {
        let lines = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_span_events(FmtSpan::CLOSE)
            .with_writer(move || lines.clone())
            .with_ansi(false)
            .without_time()
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    /// The lines since the last time.
    fn take(&self) -> Vec<String> {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap());
        let text = String::from_utf8(bytes).unwrap();
        text.lines().map(|line| line.trim().to_owned()).collect()
    }
}

#[track_caller]
fn check(lines: &Lines, expected: &str) {
    let found = lines.take();
    let [line] = &found[..] else {
        panic!("{found:?}");
    };
    assert!(
        line.contains(&format!("store_call{{{expected}}}")),
        "{line}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_span_tells_operation_name_size_outcome_and_time() {
    let script = FaultScript::new();
    let store = Traced::new(faulty(&script));
    let lines = Lines::default();
    let _guard = lines.collect();
    script.on_any().always().delay(Duration::from_millis(1500));
    save(&store, "a", "hello").await;
    check(
        &lines,
        r#"operation="save file" name="a" size=5 outcome=ok took=1.5s"#,
    );
    store
        .save_file(&name("b"), streamed(b"ab"), &options())
        .await
        .unwrap();
    check(
        &lines,
        r#"operation="save file" name="b" size=2 outcome=ok took=1.5s"#,
    );
    store.get_file_info(&name("a")).await.unwrap();
    check(
        &lines,
        r#"operation="get file info" name="a" size=5 outcome=ok took=1.5s"#,
    );
    store.get_files_list(&ListOptions::default()).await.unwrap();
    check(&lines, r#"operation="list files" outcome=ok took=1.5s"#);
    store.delete_file(&name("b")).await.unwrap();
    check(
        &lines,
        r#"operation="delete file" name="b" outcome=ok took=1.5s"#,
    );
    store.delete_file(&name("b")).await.unwrap_err();
    check(
        &lines,
        r#"operation="delete file" name="b" outcome=NotFound took=1.5s"#,
    );
    let read = store
        .get_file_contents(&name("b"), &ReadOptions::default())
        .await;
    assert_eq!(read.unwrap_err().kind(), ErrorKind::NotFound);
    check(
        &lines,
        r#"operation="read file" name="b" outcome=NotFound took=1.5s"#,
    );
}

#[tokio::test(start_paused = true)]
async fn the_span_of_a_read_lasts_as_long_as_its_contents() {
    let script = FaultScript::new();
    let store = Traced::new(faulty(&script));
    save(&store, "a", "hello").await;
    let lines = Lines::default();
    let _guard = lines.collect();
    script
        .on(Operation::GetFileContents)
        .at_byte(3)
        .delay(Duration::from_secs(2));
    bytes_of(&store, "a").await;
    check(
        &lines,
        r#"operation="read file" name="a" size=5 outcome=ok took=2s"#,
    );
    script
        .on(Operation::GetFileContents)
        .at_byte(3)
        .fail(ErrorKind::Interrupted);
    store.get_file_bytes(&name("a"), 9).await.unwrap_err();
    check(
        &lines,
        r#"operation="read file" name="a" size=5 outcome=Interrupted took=0ns"#,
    );
    let file = store
        .get_file_contents(&name("a"), &ReadOptions::default())
        .await
        .unwrap();
    assert!(lines.take().is_empty());
    drop(file);
    check(
        &lines,
        r#"operation="read file" name="a" size=5 outcome=dropped took=0ns"#,
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_caller_went_away_is_told_as_dropped() {
    let script = FaultScript::new();
    let store = Traced::new(faulty(&script));
    let lines = Lines::default();
    let _guard = lines.collect();
    script.on(Operation::GetFileInfo).hang();
    let name = name("a");
    let look = store.get_file_info(&name);
    assert!(
        tokio::time::timeout(Duration::from_secs(4), look)
            .await
            .is_err()
    );
    check(
        &lines,
        r#"operation="get file info" name="a" outcome=dropped took=4s"#,
    );
}

#[tokio::test(start_paused = true)]
async fn neither_contents_nor_metadata_are_told() {
    let script = FaultScript::new();
    let store = Traced::new(Arc::new(Retry::new(faulty(&script), exact())));
    let lines = Lines::default();
    let _guard = lines.collect();
    let told = options()
        .with_content_type("secret/swordfish")
        .with_metadata("word", "swordfish");
    script.on_any().times(2).fail(ErrorKind::Unavailable);
    store
        .save_bytes(&name("a"), "swordfish", &told)
        .await
        .unwrap();
    bytes_of(&store, "a").await;
    let lines = lines.take();
    assert!(
        lines.iter().all(|line| !line.contains("swordfish")),
        "{lines:?}"
    );
    // Each repeat is told inside the span of the call.
    let again = lines
        .iter()
        .filter(|line| line.contains("trying again"))
        .collect::<Vec<_>>();
    assert_eq!(again.len(), 2);
    assert!(
        again
            .iter()
            .all(|line| line.contains("store_call{operation=\"save file\"")),
        "{again:?}"
    );
    assert!(again[0].contains("kind=Unavailable"), "{again:?}");
}

#[tokio::test]
async fn without_a_subscriber_nothing_changes() {
    let store = Traced::new(faulty(&FaultScript::new()));
    save(&store, "a", "hello").await;
    let file = store
        .get_file_contents(&name("a"), &ReadOptions::default())
        .await
        .unwrap();
    let pieces: Vec<_> = file.contents.into_stream().collect().await;
    assert_eq!(pieces.len(), 1);
}
