//! No key, password or token is told, whatever is logged or shown.

use std::error::Error as _;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, Once};

use futures_util::{StreamExt as _, stream};
use store::{
    Error, FileContents, FileName, IStore as _, KeystoneAuth, KeystoneName, ListOptions,
    ReadOptions, SaveOptions, StoreExt as _, SwiftAuth, SwiftOptions, SwiftStore,
};

use crate::world::{Instance, World, fresh_container};

/// What tokens begin with: Swift's own, and Keystone's.
const TOKENS: [&str; 2] = ["AUTH_tk", "gAAAA"];

/// What was logged by this process; the libraries below log in their own way.
static LOGGED: Mutex<String> = Mutex::new(String::new());

struct Logger;

impl log::Log for Logger {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }
    fn log(&self, record: &log::Record<'_>) {
        let mut logged = LOGGED.lock().unwrap();
        writeln!(logged, "{}: {}", record.target(), record.args()).unwrap();
    }
    fn flush(&self) {}
}

/// The events and spans of this thread, as text.
#[derive(Clone, Default)]
struct Traced(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Traced {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Traced {
    fn begin(&self) -> tracing::subscriber::DefaultGuard {
        static LOGGER: Once = Once::new();
        LOGGER.call_once(|| {
            log::set_logger(&Logger).unwrap();
            log::set_max_level(log::LevelFilter::Trace);
        });
        let lines = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(move || lines.clone())
            .with_ansi(false)
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

fn file(text: &str) -> FileName {
    FileName::new(text).unwrap()
}

/// The error and its causes, in both ways to show them.
fn told(error: &Error) -> String {
    let mut text = format!("{error} {error:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(text, " {error} {error:?}").unwrap();
        cause = error.source();
    }
    text
}

/// Does a bit of everything, and returns what it was told.
async fn use_everything(options: &SwiftOptions) -> String {
    let store = SwiftStore::open(options.clone()).await.unwrap();
    let plain = SaveOptions::default();
    let (short, long) = (file("short"), file("long"));
    store.save_bytes(&short, "x", &plain).await.unwrap();
    let pieces = stream::iter((0..4).map(|_| Ok(vec![7; 1000].into())));
    let contents = FileContents::from_stream(pieces.boxed(), None);
    store.save_file(&long, contents, &plain).await.unwrap();
    let listed = store.get_files_list(&ListOptions::default()).await.unwrap();
    let whole = ReadOptions::default();
    let read = store.get_file_contents(&long, &whole).await.unwrap();
    let shown = format!("{store:?} {options:?} {listed:?} {read:?}");
    read.contents.collect(u64::MAX).await.unwrap();
    let missing = store.get_file_info(&file("missing")).await.unwrap_err();
    let update = plain.with_mode(store::SaveMode::Update(listed[0].etag.clone()));
    let refused = store.save_bytes(&short, "x", &update).await.unwrap_err();
    for name in [short, long] {
        store.delete_file(&name).await.unwrap();
    }
    format!("{shown} {} {}", told(&missing), told(&refused))
}

async fn check(secret: &str, auth: impl Fn(&str) -> SwiftAuth) {
    let traced = Traced::default();
    let guard = traced.begin();
    let options =
        |secret: &str| SwiftOptions::new(fresh_container(), auth(secret)).with_segment_size(1500);
    let mut shown = use_everything(&options(secret)).await;
    let wrong = "swordfish-and-chips";
    let refused = SwiftStore::open(options(wrong)).await.unwrap_err();
    shown.push_str(&told(&refused));
    // A port on which nobody listens.
    let mut nowhere = options(secret);
    nowhere.storage_url = Some("http://127.0.0.1:9/v1/AUTH_test".to_owned());
    shown.push_str(&told(&SwiftStore::open(nowhere).await.unwrap_err()));
    drop(guard);
    let (traced, logged) = (traced.text(), LOGGED.lock().unwrap().clone());
    assert!(traced.contains("made the container"), "{traced}");
    assert!(logged.contains("starting new connection"), "{logged}");
    for text in [traced, logged, shown] {
        for secret in [secret, wrong].into_iter().chain(TOKENS) {
            let place = text.find(secret);
            let around = place.map(|place| &text[place.saturating_sub(200)..place]);
            assert_eq!(around, None, "`{secret}` is told behind this");
        }
    }
}

#[tokio::test]
async fn a_key_and_its_tokens_are_told_nowhere() {
    let Some(world) = World::get() else {
        return;
    };
    let Instance { tempauth, .. } = world.instance("plain");
    let user = &tempauth.users[0];
    check(&user.key, |key| {
        SwiftAuth::v1(&*tempauth.auth_url, &*user.name, key)
    })
    .await;
}

#[tokio::test]
async fn a_password_and_its_tokens_are_told_nowhere() {
    let Some(keystone) = World::get().and_then(|world| world.instance("plain").keystone()) else {
        return;
    };
    let user = &keystone.users[0];
    let name = |name: &str| KeystoneName::new(name).in_domain_id(&*keystone.domain_id);
    check(&user.password, |password| {
        KeystoneAuth::password(&*keystone.auth_url, name(&user.name), password)
            .with_project(name(&user.project))
            .with_region(&*keystone.region)
            .into()
    })
    .await;
}
