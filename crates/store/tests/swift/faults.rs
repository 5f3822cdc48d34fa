//! Servers that are killed and networks that fail while files are saved and read.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use store::{
    ErrorKind, FileContents, FileInfo, FileName, IStore, MapSettings, ReadOptions, RetryOptions,
    SaveOptions, StoreBuilder, StoreExt as _, SwiftOptions, SwiftStore,
};
use tokio::sync::{Mutex, MutexGuard};

use crate::others::Other;
use crate::proxy::{Proxy, Way};
use crate::samples::bytes;
use crate::traffic::{Traffic, within};
use crate::world::{World, fresh_container};

const MIB: usize = 1024 * 1024;

/// From one round of the instance's updater to the next.
const UPDATER: Duration = Duration::from_secs(1);

/// How often it is swept at most until no segment is left.
const SWEEPS: usize = 20;

/// The instance whose servers fail, for one test at a time.
struct Scene {
    world: &'static World,
    options: SwiftOptions,
    swift: Arc<SwiftStore>,
    _turn: MutexGuard<'static, ()>,
}

impl Scene {
    async fn new() -> Option<Self> {
        static TURN: Mutex<()> = Mutex::const_new(());
        let world = World::get()?;
        let turn = TURN.lock().await;
        let options = world.instance("faulty").place();
        Some(Self {
            world,
            swift: Arc::new(SwiftStore::open(options.clone()).await.unwrap()),
            options,
            _turn: turn,
        })
    }

    /// The store with the repeats that a program has; few, so that an outage is also seen.
    fn store(&self) -> Arc<dyn IStore> {
        let retry = RetryOptions::default().with_max_tries(4);
        StoreBuilder::new(Arc::clone(&self.swift) as Arc<dyn IStore>)
            .with_retry(retry)
            .build()
    }

    /// Sweeps until no segment is left.
    ///
    /// A listing shows what has gone until the updater has told the server that was away, which it
    /// does each second.
    async fn check_swept(&self) {
        let instance = self.world.instance("faulty");
        let other = Other::swift(self.world, instance);
        let segments = format!("{}_segments", self.options.container);
        let mut tick = tokio::time::interval(UPDATER);
        for _ in 0..SWEEPS {
            tick.tick().await;
            within(self.swift.sweep(Duration::ZERO)).await.unwrap();
            let left = other.run("/".as_ref(), &["list", &segments]).await;
            if left.is_empty() {
                return;
            }
        }
        panic!("segments are left after {SWEEPS} sweeps");
    }
}

/// What an outage does to the calls of its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Calls {
    SomeFail,
    AnyEnd,
}

async fn check_outage(server: &'static str, calls: Calls) {
    let Some(scene) = Scene::new().await else {
        return;
    };
    let store = scene.store();
    let mut traffic = Traffic::start(&store);
    traffic.wait_for(10, |seen| seen.done).await;
    let world = scene.world;
    let stopped = tokio::task::spawn_blocking(|| world.stop(server)).await;
    match calls {
        Calls::SomeFail => traffic.wait_for(4, |seen| seen.failed).await,
        Calls::AnyEnd => traffic.wait_for(10, |seen| seen.done + seen.failed).await,
    }
    tokio::task::spawn_blocking(move || drop(stopped))
        .await
        .unwrap();
    traffic.wait_for(10, |seen| seen.done).await;
    let ledger = traffic.finish().await;
    ledger.check(&*store).await;
    ledger.delete(&*store).await;
    scene.check_swept().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_the_object_server_is_killed() {
    check_outage("object", Calls::SomeFail).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_the_container_server_is_killed() {
    check_outage("container", Calls::AnyEnd).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_the_account_server_is_killed() {
    check_outage("account", Calls::AnyEnd).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_the_cache_of_tokens_is_killed() {
    check_outage("memcached", Calls::SomeFail).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_the_proxy_is_killed() {
    check_outage("proxy", Calls::SomeFail).await;
}

/// A store behind a network, without repeats of its own.
struct Behind {
    network: Proxy,
    store: SwiftStore,
    name: FileName,
    _scene: Scene,
}

impl Behind {
    async fn new(adjust: fn(SwiftOptions) -> SwiftOptions) -> Option<Self> {
        let scene = Scene::new().await?;
        let instance = scene.world.instance("faulty");
        let network = Proxy::before(instance.ports["proxy"]).await;
        let options = adjust(instance.place_behind(network.port()));
        Some(Self {
            store: SwiftStore::open(options).await.unwrap(),
            network,
            name: FileName::new("file").unwrap(),
            _scene: scene,
        })
    }

    /// Five segments' worth, and a bit.
    fn contents() -> Vec<u8> {
        bytes(4, 5 * MIB + 123)
    }

    async fn save(&self, contents: FileContents) -> store::Result<FileInfo> {
        let options = SaveOptions::default();
        within(self.store.save_file(&self.name, contents, &options)).await
    }

    async fn save_bytes(&self) -> store::Result<FileInfo> {
        self.save(FileContents::from_bytes(Self::contents())).await
    }

    async fn check_read(&self) {
        let read = within(self.store.get_file_bytes(&self.name, u64::MAX)).await;
        assert!(read.unwrap().1 == Self::contents(), "the file is another");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_goes_on_where_it_was_cut() {
    let Some(behind) = Behind::new(|options| options).await else {
        return;
    };
    behind.save_bytes().await.unwrap();
    behind.network.cut(Way::Replies, 700_000, 6);
    behind.check_read().await;
    assert_eq!(behind.network.cuts_left(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_whose_segments_are_cut_is_saved_all_the_same() {
    let Some(behind) = Behind::new(|options| options).await else {
        return;
    };
    behind.network.cut(Way::Requests, 1_300_000, 4);
    let pieces: Vec<_> = Behind::contents()
        .chunks(50_000)
        .map(|piece| Ok(piece.to_vec().into()))
        .collect();
    let contents = FileContents::from_stream(stream::iter(pieces).boxed(), None);
    behind.save(contents).await.unwrap();
    assert_eq!(behind.network.cuts_left(), 0);
    behind.check_read().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_save_that_is_cut_can_be_made_again() {
    let Some(behind) = Behind::new(|options| options).await else {
        return;
    };
    // Without the containers a server answers before it has read what is sent: a cut there may be
    // of a request that is over.
    behind.save_bytes().await.unwrap();
    // In the middle of what is sent, and of what comes back.
    for (way, every) in [(Way::Requests, 700_000), (Way::Replies, 20)] {
        behind.network.cut(way, every, 1);
        let saved = behind.save_bytes().await;
        assert_eq!(behind.network.cuts_left(), 0);
        match saved {
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
                assert!(error.is_retryable());
            }
            // A reply that told of the container, and was asked for again by itself.
            Ok(_) => assert!(matches!(way, Way::Replies)),
        }
    }
    behind.save_bytes().await.unwrap();
    behind.check_read().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_network_is_waited_for_as_long_as_it_moves() {
    const STALL: Duration = Duration::from_secs(10);
    let Some(behind) = Behind::new(|options| options.with_stall_timeout(STALL)).await else {
        return;
    };
    // Either takes longer than the network may stand still: two segments behind each other, and the
    // whole file. One segment takes less, of which the system may hold all for the network.
    behind.network.slow_down(180_000);
    behind.save_bytes().await.unwrap();
    behind.network.slow_down(450_000);
    behind.check_read().await;
}

/// The layers that `open_store` puts around it wait as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_network_is_waited_for_through_open_store() {
    let Some(scene) = Scene::new().await else {
        return;
    };
    let instance = scene.world.instance("faulty");
    let network = Proxy::before(instance.ports["proxy"]).await;
    let user = &instance.tempauth.users[0];
    let url = format!("http://127.0.0.1:{}/auth/v1.0", network.port());
    let container = format!("swift:{}", fresh_container());
    let settings = MapSettings::from([
        ("store_url", &*container),
        ("st_auth", &*url),
        ("st_user", &*user.name),
        ("st_key", &*user.key),
    ]);
    let store = store::open_store(&settings).await.unwrap();
    let name = FileName::new("file").unwrap();
    network.slow_down(500_000);
    let contents = Behind::contents();
    let pieces: Vec<_> = contents
        .chunks(50_000)
        .map(|piece| Ok(piece.to_vec().into()))
        .collect();
    let streamed = stream::iter(pieces).boxed();
    let streamed = FileContents::from_stream(streamed, Some(contents.len() as u64));
    let options = SaveOptions::default();
    within(store.save_file(&name, streamed, &options))
        .await
        .unwrap();
    // A connection that is cut on the way is slow as well, to whoever reads.
    network.cut(Way::Replies, 2 * MIB, 1);
    network.slow_down(1_500_000);
    let read = within(store.get_file_bytes(&name, u64::MAX)).await;
    assert!(read.unwrap().1 == contents, "the file is another");
    assert_eq!(network.cuts_left(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_stands_still_is_an_error_in_time() {
    const STALL: Duration = Duration::from_millis(500);
    let Some(behind) = Behind::new(|options| options.with_stall_timeout(STALL)).await else {
        return;
    };
    let (store, name) = (&behind.store, &behind.name);
    behind.save_bytes().await.unwrap();
    let options = ReadOptions::default();
    let file = within(store.get_file_contents(name, &options)).await;
    let mut pieces = file.unwrap().contents.into_stream();
    within(pieces.try_next()).await.unwrap().unwrap();

    behind.network.stop();
    let rest = async {
        while pieces.try_next().await?.is_some() {}
        store::Result::Ok(())
    };
    check_timeout(within(rest).await);
    check_timeout(behind.save_bytes().await);
    check_timeout(within(store.get_file_info(name)).await);
    check_timeout(within(store.delete_file(name)).await);

    behind.network.clear();
    behind.check_read().await;
}

#[track_caller]
fn check_timeout<T: std::fmt::Debug>(ended: store::Result<T>) {
    let error = ended.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
    assert!(error.is_retryable());
}
