//! What the suite cannot ask of every store: segments, and what becomes of them.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use store::{
    Error, ErrorKind, FileContents, FileName, IStore, ReadOptions, SaveMode, SaveOptions, StoreExt,
    SwiftOptions, SwiftStore,
};

use crate::world::{Instance, World};

/// The bytes in a segment here.
const SEGMENT: usize = 64 * 1024;

const HOUR: Duration = Duration::from_hours(1);

/// A store that puts files together of small segments, and who can look behind it.
struct Place {
    store: Arc<SwiftStore>,
    container: String,
    world: &'static World,
    instance: &'static Instance,
}

impl Place {
    async fn new() -> Option<Self> {
        let world = World::get()?;
        let instance = world.instance("plain");
        let options = options_of(instance);
        Some(Self {
            container: options.container.clone(),
            store: Arc::new(SwiftStore::open(options).await.unwrap()),
            world,
            instance,
        })
    }

    /// Runs the `swift` command on the account, and returns what it printed.
    #[expect(
        clippy::disallowed_methods,
        reason = "the command is outside of what is tested"
    )]
    fn swift(&self, arguments: &[&str]) -> String {
        let user = &self.instance.tempauth.users[0];
        let output = std::process::Command::new(&self.world.swift)
            .args(["-A", &self.instance.tempauth.auth_url])
            .args(["-U", &user.name, "-K", &user.key])
            .args(arguments)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn segments(&self) -> Vec<String> {
        let container = format!("{}_segments", self.container);
        let listed = self.swift(&["list", &container]);
        listed.lines().map(str::to_owned).collect()
    }

    async fn save(&self, name: &str, bytes: &[u8], options: &SaveOptions) -> store::Result<()> {
        let (name, contents) = (file(name), streamed(bytes));
        let saved = self.store.save_file(&name, contents, options).await;
        saved.map(drop)
    }

    async fn read(&self, name: &str) -> store::Result<Bytes> {
        Ok(self.store.get_file_bytes(&file(name), u64::MAX).await?.1)
    }
}

fn options_of(instance: &Instance) -> SwiftOptions {
    let options = instance.place().with_sweep_age(None);
    options.with_segment_size(SEGMENT as u64)
}

fn file(text: &str) -> FileName {
    FileName::new(text).unwrap()
}

/// Bytes that tell places and seeds apart.
fn bytes_of(seed: u8, length: usize) -> Vec<u8> {
    let byte = |place: usize| (place / 251 + place + usize::from(seed) * 31).to_le_bytes()[0];
    (0..length).map(byte).collect()
}

fn streamed(bytes: &[u8]) -> FileContents {
    let pieces: Vec<store::Result<Bytes>> = bytes
        .chunks(10_007)
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect();
    FileContents::from_stream(stream::iter(pieces).boxed(), None)
}

#[tokio::test]
async fn segments_go_with_the_file_that_needed_them() {
    let Some(place) = Place::new().await else {
        return;
    };
    let (first, second) = (bytes_of(1, 5 * SEGMENT + 1), bytes_of(2, 2 * SEGMENT));
    let options = SaveOptions::default();
    place.save("a", &first, &options).await.unwrap();
    assert_eq!(place.segments().len(), 6);
    // Over it comes another in segments, and then one without.
    place.save("a", &second, &options).await.unwrap();
    assert_eq!(place.segments().len(), 2);
    assert!(place.read("a").await.unwrap() == second);
    place.save("a", b"short", &options).await.unwrap();
    assert_eq!(place.segments(), [""; 0]);
    place.save("a", &first, &options).await.unwrap();
    place.store.delete_file(&file("a")).await.unwrap();
    assert_eq!(place.segments(), [""; 0]);
}

#[tokio::test]
async fn segments_of_a_save_that_failed_are_deleted() {
    let Some(place) = Place::new().await else {
        return;
    };
    let pieces = (0..3).map(|_| Ok(Bytes::from(vec![7; 1024 * 1024])));
    let broken = Err(Error::new(ErrorKind::Other, "read something"));
    let pieces: Vec<_> = pieces.chain([broken]).collect();
    let contents = FileContents::from_stream(stream::iter(pieces).boxed(), None);
    let (name, options) = (file("a"), SaveOptions::default());
    let saved = place.store.save_file(&name, contents, &options).await;
    assert_eq!(saved.unwrap_err().kind(), ErrorKind::Interrupted);
    assert_eq!(place.segments(), [""; 0]);
    // A create that is refused has brought its segments, too.
    let create = SaveOptions::default().with_mode(SaveMode::Create);
    place.save("a", b"here", &create).await.unwrap();
    let refused = place.save("a", &bytes_of(1, 3 * SEGMENT), &create).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(place.segments(), [""; 0]);
    assert_eq!(place.read("a").await.unwrap(), "here");
}

#[tokio::test]
async fn a_sweep_deletes_what_no_manifest_names() {
    let Some(place) = Place::new().await else {
        return;
    };
    // Nothing was ever saved there.
    assert_eq!(place.store.sweep(Duration::ZERO).await.unwrap(), 0);
    let bytes = bytes_of(1, 3 * SEGMENT);
    let options = SaveOptions::default();
    place.save("kept", &bytes, &options).await.unwrap();
    place.save("copied", &bytes, &options).await.unwrap();
    leave_segments(&place).await;
    // Others have segments there as well.
    let segments = format!("{}_segments", place.container);
    let other = tempfile::NamedTempFile::new().unwrap();
    let path = other.path().to_str().unwrap();
    place.swift(&[
        "upload",
        "--object-name",
        "other/slo/1/2/3/0",
        &segments,
        path,
    ]);
    move_manifest(&place, "copied", "copy");
    let all = place.segments().len();

    assert_eq!(place.store.sweep(HOUR).await.unwrap(), 0);
    assert_eq!(place.segments().len(), all);
    let swept = place.store.sweep(Duration::ZERO).await.unwrap();
    assert!(swept > 0);
    assert_eq!(place.segments().len(), 3 + 3 + 1);
    assert_eq!(all - swept, 3 + 3 + 1);
    for name in ["kept", "copy"] {
        assert!(place.read(name).await.unwrap() == bytes, "{name}");
    }
    assert_eq!(place.store.sweep(Duration::ZERO).await.unwrap(), 0);
}

/// Drops a save after some of its segments are there.
async fn leave_segments(place: &Place) {
    let before = place.segments().len();
    let store = Arc::clone(&place.store);
    let (sender, receiver) = tokio::sync::mpsc::channel::<store::Result<Bytes>>(1);
    let pieces = stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|piece| (piece, receiver))
    });
    let contents = FileContents::from_stream(pieces.boxed(), None);
    let saving = tokio::spawn(async move {
        let options = SaveOptions::default();
        store.save_file(&file("dropped"), contents, &options).await
    });
    for _ in 0..8 {
        let piece = Bytes::from(vec![7; 1024 * 1024]);
        sender.send(Ok(piece)).await.unwrap();
    }
    saving.abort();
    assert!(saving.await.unwrap_err().is_cancelled());
    assert!(place.segments().len() > before);
}

/// Makes a second file of the same segments, and deletes the manifest of the first.
fn move_manifest(place: &Place, from: &str, to: &str) {
    copy_manifest(place, from, to);
    let container = &place.container;
    request(place, &format!("DELETE {{}}/{container}/{from}"), "");
}

/// Makes a second file of the same segments.
fn copy_manifest(place: &Place, from: &str, to: &str) {
    let container = &place.container;
    request(
        place,
        &format!("COPY {{}}/{container}/{from}?multipart-manifest=get"),
        &format!("Destination: {container}/{to}\r\n"),
    );
}

/// Makes a request as it stands, `{}` being the account, of what no client here knows.
fn request(place: &Place, line: &str, header: &str) {
    let told = place.swift(&["auth"]);
    let value = |key: &str| {
        let line = told.lines().find_map(|line| line.strip_prefix(key));
        line.unwrap().trim_matches(['=', '\'', '"']).to_owned()
    };
    let (url, token) = (
        value("export OS_STORAGE_URL"),
        value("export OS_AUTH_TOKEN"),
    );
    let (host, account) = url
        .strip_prefix("http://")
        .and_then(|rest| rest.split_once('/'))
        .unwrap();
    let line = line.replace("{}", &format!("/{account}"));
    let mut stream = TcpStream::connect(host).unwrap();
    let request = format!(
        "{line} HTTP/1.1\r\nHost: {host}\r\nX-Auth-Token: {token}\r\n{header}\
         Content-Length: 0\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 20"), "{line}: {answer}");
}

#[tokio::test]
async fn a_file_outlives_the_copy_of_its_manifest() {
    let Some(place) = Place::new().await else {
        return;
    };
    let bytes = bytes_of(1, 3 * SEGMENT);
    let options = SaveOptions::default();
    place.save("first", &bytes, &options).await.unwrap();
    copy_manifest(&place, "first", "copy");
    place.store.delete_file(&file("copy")).await.unwrap();
    copy_manifest(&place, "first", "copy");
    place.save("copy", b"short", &options).await.unwrap();
    assert_eq!(place.segments().len(), 3);
    assert!(place.read("first").await.unwrap() == bytes);
}

#[tokio::test]
async fn old_versions_keep_their_segments() {
    let Some(place) = Place::new().await else {
        return;
    };
    let (bytes, options) = (bytes_of(1, 3 * SEGMENT), SaveOptions::default());
    place.save("a", &bytes, &options).await.unwrap();
    let versions = format!("{}_versions", place.container);
    place.swift(&["post", &versions]);
    let header = format!("X-History-Location: {versions}");
    place.swift(&["post", "-H", &header, &place.container]);
    place.save("a", b"short", &options).await.unwrap();
    place.store.delete_file(&file("a")).await.unwrap();
    assert_eq!(place.store.sweep(Duration::ZERO).await.unwrap(), 0);
    assert_eq!(place.segments().len(), 3);
}

#[tokio::test]
async fn a_lost_segment_is_no_end_of_the_file() {
    let Some(place) = Place::new().await else {
        return;
    };
    let bytes = bytes_of(1, 4 * SEGMENT);
    for lost in [0, 2] {
        let options = SaveOptions::default();
        place.save("a", &bytes, &options).await.unwrap();
        let segments = format!("{}_segments", place.container);
        place.swift(&["delete", &segments, &place.segments()[lost]]);
        let error = place.read("a").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        assert_eq!(error.name(), Some("a"));
    }
}

#[tokio::test]
async fn parts_of_a_file_in_segments_are_read_across_their_seams() {
    let Some(place) = Place::new().await else {
        return;
    };
    let bytes = bytes_of(1, 3 * SEGMENT + 5);
    let options = SaveOptions::default();
    place.save("a", &bytes, &options).await.unwrap();
    let seam = SEGMENT as u64;
    for range in [seam - 1..seam + 1, 1..3 * seam + 1, 3 * seam..3 * seam + 9] {
        let end = usize::try_from(range.end).unwrap().min(bytes.len());
        let expected = &bytes[usize::try_from(range.start).unwrap()..end];
        let options = ReadOptions::default().with_range(store::ReadRange::Bounded(range));
        let file = place.store.get_file_contents(&file("a"), &options).await;
        let found = file.unwrap().contents.collect(u64::MAX).await.unwrap();
        assert!(found == expected);
    }
}

#[tokio::test]
async fn what_swift_would_lose_is_refused() {
    let Some(place) = Place::new().await else {
        return;
    };
    let own = SaveOptions::default().with_content_type("text/plain;swift_bytes=7");
    let unread = FileContents::from_stream(stream::pending().boxed(), None);
    let name = file("a");
    let refused = place.store.save_file(&name, unread, &own).now_or_never();
    let error = refused.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    // A create that is told of a container that is not there makes it.
    let create = SaveOptions::default().with_mode(SaveMode::Create);
    place.save("a", b"x", &create).await.unwrap();
    let again = place.save("a", b"y", &create).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::AlreadyExists);
}
