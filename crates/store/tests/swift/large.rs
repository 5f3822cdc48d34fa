//! Files so long that segments are sent while they come in, and read ahead.

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use store::{
    Error, ErrorKind, FileContents, FileInfo, FileName, IStore, ReadOptions, SaveOptions,
    StoreExt as _, SwiftStore,
};

use crate::others::Other;
use crate::proxy::{Proxy, Way};
use crate::samples::bytes;
use crate::traffic::within;
use crate::world::World;

const MIB: usize = 1024 * 1024;

/// Three segments of 8 MiB, and one that is sent while it comes in; long enough to be read ahead.
const LENGTH: usize = 65 * MIB + 12_345;

/// A container behind a network.
struct Place {
    world: &'static World,
    container: String,
    network: Proxy,
    store: SwiftStore,
    name: FileName,
}

impl Place {
    async fn new() -> Option<Self> {
        let world = World::get()?;
        let instance = world.instance("plain");
        let network = Proxy::before(instance.ports["proxy"]).await;
        let options = instance.place_behind(network.port()).with_sweep_age(None);
        let place = Self {
            world,
            container: options.container.clone(),
            store: SwiftStore::open(options).await.unwrap(),
            network,
            name: FileName::new("long").unwrap(),
        };
        // Both containers are there: what is sent to one that is not is sent twice, and counted.
        let first = FileName::new("first").unwrap();
        let (bytes, options) = (vec![7; 9 * MIB], SaveOptions::default());
        place
            .store
            .save_bytes(&first, bytes, &options)
            .await
            .unwrap();
        place.store.delete_file(&first).await.unwrap();
        Some(place)
    }

    async fn save(&self, pieces: Vec<store::Result<Bytes>>) -> store::Result<FileInfo> {
        let contents = stream::iter(pieces).boxed();
        let contents = FileContents::from_stream(contents, Some(LENGTH as u64));
        let options = SaveOptions::default();
        within(self.store.save_file(&self.name, contents, &options)).await
    }

    async fn read(&self) -> store::Result<Bytes> {
        let read = within(self.store.get_file_bytes(&self.name, u64::MAX)).await;
        Ok(read?.1)
    }

    async fn swift(&self, arguments: &[&str]) -> String {
        let other = Other::swift(self.world, self.world.instance("plain"));
        other.run("/".as_ref(), arguments).await
    }

    async fn segments(&self) -> Vec<String> {
        let container = format!("{}_segments", self.container);
        let listed = self.swift(&["list", &container]).await;
        listed.lines().map(str::to_owned).collect()
    }
}

fn pieces(contents: &Bytes) -> Vec<store::Result<Bytes>> {
    let starts = (0..contents.len()).step_by(MIB);
    starts
        .map(|start| Ok(contents.slice(start..contents.len().min(start + MIB))))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_file_takes_few_segments_and_is_read_from_them() {
    let Some(place) = Place::new().await else {
        return;
    };
    let contents = Bytes::from(bytes(5, LENGTH));
    place.save(pieces(&contents)).await.unwrap();
    let segments = place.segments().await;
    assert_eq!(segments.len(), 4);
    place.network.cut(Way::Replies, 9 * MIB, 4);
    assert!(place.read().await.unwrap() == contents);
    assert_eq!(place.network.cuts_left(), 0);

    // One that is lost is no end of the file.
    let container = format!("{}_segments", place.container);
    place.swift(&["delete", &container, &segments[3]]).await;
    let error = place.read().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_file_that_is_replaced_cannot_be_read_on() {
    let Some(place) = Place::new().await else {
        return;
    };
    let contents = Bytes::from(bytes(5, LENGTH));
    place.save(pieces(&contents)).await.unwrap();
    let options = ReadOptions::default();
    let file = place.store.get_file_contents(&place.name, &options).await;
    let mut read = file.unwrap().contents.into_stream();
    within(read.try_next()).await.unwrap().unwrap();
    let options = SaveOptions::default();
    let short = place.store.save_bytes(&place.name, "short", &options);
    within(short).await.unwrap();
    let rest = async {
        while read.try_next().await?.is_some() {}
        store::Result::Ok(())
    };
    let error = within(rest).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted, "{error:?}");
    assert_eq!(place.segments().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_segment_that_breaks_early_is_sent_again_and_the_rest_in_pieces() {
    let Some(place) = Place::new().await else {
        return;
    };
    let contents = Bytes::from(bytes(5, LENGTH));
    place.network.cut(Way::Requests, 25 * MIB, 1);
    place.save(pieces(&contents)).await.unwrap();
    assert_eq!(place.network.cuts_left(), 0);
    assert_eq!(place.segments().await.len(), 4);
    assert!(place.read().await.unwrap() == contents);
    // A save that is cut among its first pieces goes on with pieces.
    place.network.cut(Way::Requests, 5 * MIB, 1);
    place.save(pieces(&contents)).await.unwrap();
    assert_eq!(place.segments().await.len(), 9);
    assert!(place.read().await.unwrap() == contents);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_breaks_late_or_comes_short_fails_the_save_and_leaves_nothing() {
    let Some(place) = Place::new().await else {
        return;
    };
    let contents = Bytes::from(bytes(5, LENGTH));
    place.network.cut(Way::Requests, 38 * MIB, 1);
    let error = place.save(pieces(&contents)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert_eq!(place.network.cuts_left(), 0);

    let mut broken = pieces(&contents);
    let cause = Error::new(ErrorKind::PermissionDenied, "read something");
    broken[30] = Err(cause);
    let error = place.save(broken).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted, "{error:?}");
    let cause = std::error::Error::source(&error).map(ToString::to_string);
    assert!(cause.is_some_and(|cause| cause.contains("read something")));

    let mut short = pieces(&contents);
    short.pop();
    let error = place.save(short).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error:?}");
    assert_eq!(place.segments().await, Vec::<String>::new());
    assert_eq!(place.read().await.unwrap_err().kind(), ErrorKind::NotFound);
}
