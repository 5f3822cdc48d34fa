//! Files that the clients of others have written are read, and they read what is written here.

use std::path::Path;
use std::sync::Arc;

use futures_util::TryStreamExt as _;
use serde_json::json;
use store::{
    FileContents, FileName, IStore, ListOptions, ReadOptions, ReadRange, SaveOptions,
    StoreExt as _, SwiftStore,
};
use tempfile::TempDir;

use crate::http;
use crate::others::Other;
use crate::samples::bytes;
use crate::world::{Instance, World, say_untested};

const MIB: usize = 1024 * 1024;

/// Names that a client may get wrong, with what they hold: nothing, little, and more than three
/// segments.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("empty", Vec::new()),
        ("small.txt", bytes(1, 1000)),
        ("folder/of folders/ä%2F?#&+ü.bin", bytes(2, 70_000)),
        ("large.tar.gz", bytes(3, 3 * MIB + 12_345)),
    ]
}

/// A container of the plain instance, and a folder with the files in it.
struct Scene {
    world: &'static World,
    instance: &'static Instance,
    container: String,
    folder: TempDir,
    store: Arc<SwiftStore>,
}

impl Scene {
    async fn new() -> Option<Self> {
        let world = World::get()?;
        let instance = world.instance("plain");
        let options = instance.place().with_segment_size(MIB as u64);
        let container = options.container.clone();
        Some(Self {
            world,
            instance,
            container,
            folder: tempfile::tempdir().unwrap(),
            store: Arc::new(SwiftStore::open(options).await.unwrap()),
        })
    }

    fn swift(&self) -> Other {
        Other::swift(self.world, self.instance)
    }

    fn rclone(&self) -> Option<Other> {
        let rclone = Other::rclone(self.world, self.instance);
        if rclone.is_none() {
            say_untested("what rclone writes and reads: there is none");
        }
        rclone
    }

    /// Puts the files into the folder, for another client to store.
    fn write_files(&self) {
        for (name, contents) in files() {
            let path = self.folder.path().join("there").join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, contents).unwrap();
        }
    }

    /// Saves the files through the store.
    async fn save_files(&self) {
        for (name, contents) in files() {
            let contents = FileContents::from_bytes(contents);
            let name = FileName::new(name).unwrap();
            let options = SaveOptions::default();
            self.store
                .save_file(&name, contents, &options)
                .await
                .unwrap();
        }
    }

    /// Reads each file through the store: whole, a range of it, its info and its row in a listing.
    async fn check_read(&self, listed_large: u64) {
        let listed = self.store.get_files_list(&ListOptions::default()).await;
        let listed = listed.unwrap();
        assert_eq!(listed.len(), files().len());
        for (text, contents) in files() {
            let name = FileName::new(text).unwrap();
            let whole = self.store.get_file_bytes(&name, u64::MAX).await.unwrap();
            assert!(whole.1 == contents, "{text} is another");
            let info = self.store.get_file_info(&name).await.unwrap();
            assert_eq!(info.size, contents.len() as u64, "{text}");
            let row = listed.iter().find(|row| row.name == name).unwrap();
            let is_large = text.starts_with("large");
            let size = if is_large { listed_large } else { info.size };
            assert_eq!(row.size, size, "{text}");
            // Over the seams of segments, where there are some.
            if contents.len() > 100 {
                let range = contents.len() as u64 / 3..contents.len() as u64 - 7;
                let options = ReadOptions::default().with_range(ReadRange::Bounded(range.clone()));
                let part = self.store.get_file_contents(&name, &options).await.unwrap();
                let part: Vec<_> = part.contents.into_stream().try_collect().await.unwrap();
                let wanted = &contents
                    [usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()];
                assert!(part.concat() == wanted, "a part of {text} is another");
            }
        }
    }

    fn check_fetched(folder: &Path) {
        for (name, contents) in files() {
            let fetched = std::fs::read(folder.join(name)).unwrap();
            assert!(fetched == contents, "{name} is another");
        }
    }

    /// The objects in the container of segments.
    async fn segments(&self) -> Vec<String> {
        let container = format!("{}_segments", self.container);
        let arguments = ["list", &container];
        let listed = self.swift().run(self.folder.path(), &arguments).await;
        listed.lines().map(str::to_owned).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_swift_command_stores_is_read_and_removed_without_its_segments() {
    let Some(scene) = Scene::new().await else {
        return;
    };
    scene.write_files();
    let there = scene.folder.path().join("there");
    let mut arguments = vec!["upload", "--segment-size", "1048576", "--use-slo"];
    arguments.push(&scene.container);
    let files = files();
    arguments.extend(files.iter().map(|(name, _)| *name));
    scene.swift().run(&there, &arguments).await;
    assert_eq!(scene.segments().await.len(), 4);

    let large = files.last().unwrap().1.len() as u64;
    scene.check_read(large).await;
    let name = FileName::new("large.tar.gz").unwrap();
    scene.store.delete_file(&name).await.unwrap();
    // Nobody knows who else needs them.
    assert_eq!(scene.segments().await.len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_rclone_stores_is_read() {
    let Some(scene) = Scene::new().await else {
        return;
    };
    let Some(rclone) = scene.rclone() else {
        return;
    };
    scene.write_files();
    let to = format!("there:{}", scene.container);
    rclone
        .run(scene.folder.path(), &["copy", "there", &to])
        .await;
    assert_eq!(scene.segments().await.len(), 4);
    // Its manifest of a large file is an empty object, and Swift lists it as one.
    scene.check_read(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_swift_command_reads_and_removes_what_is_stored_here() {
    let Some(scene) = Scene::new().await else {
        return;
    };
    scene.save_files().await;
    let fetched = scene.folder.path().join("fetched");
    std::fs::create_dir(&fetched).unwrap();
    let swift = scene.swift();
    swift
        .run(
            &fetched,
            &["download", "--skip-identical", &scene.container],
        )
        .await;
    Scene::check_fetched(&fetched);

    assert_eq!(scene.segments().await.len(), 4);
    let delete = ["delete", &scene.container, "large.tar.gz"];
    swift.run(&fetched, &delete).await;
    assert_eq!(scene.segments().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rclone_reads_what_is_stored_here() {
    let Some(scene) = Scene::new().await else {
        return;
    };
    let Some(rclone) = scene.rclone() else {
        return;
    };
    scene.save_files().await;
    let from = format!("there:{}", scene.container);
    rclone
        .run(scene.folder.path(), &["copy", &from, "fetched"])
        .await;
    Scene::check_fetched(&scene.folder.path().join("fetched"));
}

/// The checksum of a large file is metadata to others, who may replace it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_file_is_read_whose_checksum_the_swift_command_removed() {
    let Some(scene) = Scene::new().await else {
        return;
    };
    scene.save_files().await;
    let (swift, folder) = (scene.swift(), scene.folder.path());
    let stat = ["stat", &scene.container, "large.tar.gz"];
    let told = swift.run(folder, &stat).await;
    assert!(
        told.contains("Meta Helion-Store-Checksum: xxh3-128:"),
        "{told}"
    );
    let large = FileName::new("large.tar.gz").unwrap();
    let (info, _) = (scene.store.get_file_bytes(&large, u64::MAX).await).unwrap();
    assert_eq!(info.metadata.len(), 0);

    let mut post = vec!["post", &scene.container, "large.tar.gz"];
    post.extend(["--meta", "colour:red"]);
    swift.run(folder, &post).await;
    let told = swift.run(folder, &stat).await;
    assert!(!told.contains("Checksum"), "{told}");
    let size = files().last().unwrap().1.len() as u64;
    scene.check_read(size).await;
    let info = scene.store.get_file_info(&large).await.unwrap();
    let metadata: Vec<_> = info.metadata.into_iter().collect();
    assert_eq!(metadata, [("colour".to_owned(), "red".to_owned())]);
}

/// Other clients may put small bytes into the manifest itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_are_in_a_manifest_are_read() {
    let Some(scene) = Scene::new().await else {
        return;
    };
    let (part, file) = (
        FileName::new("part").unwrap(),
        FileName::new("file").unwrap(),
    );
    let middle = bytes(6, 1000);
    let options = SaveOptions::default();
    let saved = scene
        .store
        .save_bytes(&part, middle.clone(), &options)
        .await;
    saved.unwrap();
    let user = &scene.instance.tempauth.users[0];
    let who = format!("x-auth-user: {}\r\nx-auth-key: {}\r\n", user.name, user.key);
    let told = http::get(&scene.instance.tempauth.auth_url, &who).await;
    let account = told.header("x-storage-url");
    let token = format!("x-auth-token: {}\r\n", told.header("x-auth-token"));
    let url = format!("{account}/{}/file?multipart-manifest=put", scene.container);
    let hello = json!({"data": "aGVsbG8="});
    let path = format!("/{}/part", scene.container);
    let manifest = json!([hello, {"path": path}, hello]);
    let put = http::put(&url, &token, &manifest).await;
    assert!(put.is_created(), "{put:?}");

    let expected = [b"hello", &*middle, b"hello"].concat();
    let (info, whole) = scene.store.get_file_bytes(&file, u64::MAX).await.unwrap();
    assert!(whole == expected);
    assert_eq!(info.size, 1010);
    for range in [2..7, 4..1006, 1003..1010] {
        let options = ReadOptions::default().with_range(ReadRange::Bounded(range.clone()));
        let read = scene
            .store
            .get_file_contents(&file, &options)
            .await
            .unwrap();
        let found = read.contents.collect(u64::MAX).await.unwrap();
        let range = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
        assert!(found == expected[range]);
    }
    scene.store.delete_file(&file).await.unwrap();
    let kept = scene.store.get_file_bytes(&part, u64::MAX).await.unwrap();
    assert!(kept.1 == middle);
}
