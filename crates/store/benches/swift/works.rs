//! The works, by the store and by python-swiftclient.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, ensure};
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use store::{FileContents, FileName, IStore, ListOptions, ReadOptions, SaveOptions, StoreExt as _};
use tokio::runtime::Runtime;

use super::Size;
use super::case::{Case, Limit};
use super::floor::Floor;
use super::reference::Reference;
use super::server::Server;

const MIB: usize = 1 << 20;
const SMALL: [u8; 1024] = [b'x'; 1024];
/// Swift's own pages.
const PAGE: usize = 10_000;

/// Every work, in the order in which the later ones need the earlier.
pub(super) fn cases<'a>(
    server: &Server,
    runtime: &'a Runtime,
    size: Size,
) -> Result<Vec<Case<'a>>> {
    // A name of its own for each run: what was stored before is not replaced.
    let run = format!("bench-{}", std::process::id());
    let store = |container: &str| server.open(runtime, container);
    let (small, long, listed) = (
        store(&run)?,
        store(&format!("{run}-long"))?,
        store(&format!("{run}-listed"))?,
    );
    let reference = Rc::new(Reference::start(server.reference(&run))?);
    for store in [&small, &long, &listed] {
        // The containers are made by their first files.
        let name = FileName::new("first")?;
        runtime.block_on(store.save_bytes(&name, "", &SaveOptions::default()))?;
        runtime.block_on(store.delete_file(&name))?;
    }
    server.fill(&format!("{run}-listed"), size.listed)?;
    let mut all = Vec::new();
    for (at_once, least) in [(1, 1.0), (16, 1.5)] {
        for work in [Small::Put, Small::Get] {
            let (store, reference) = (Arc::clone(&small), Rc::clone(&reference));
            let files = size.files;
            all.push(Case {
                backend: "swift",
                work: work.name(at_once),
                unit: ("ms", 1000.0),
                limit: Some(Limit::RatioAtLeast(least)),
                store: Box::new(move |_| {
                    each(files, || runtime.block_on(work.run(&store, files, at_once)))
                }),
                floor: Box::new(move |_| {
                    let order = format!("{} {files} {at_once}", work.order());
                    Ok(reference.seconds(&order)? / count(files)?)
                }),
            });
        }
    }
    all.extend(long_cases(runtime, &long, &reference, size.long));
    let floor = server.floor(runtime, &format!("{run}-bare"))?;
    all.extend(bare_cases(runtime, &Rc::new(floor), &reference, size));
    let files = size.listed;
    all.push(Case {
        backend: "swift",
        work: "list",
        unit: ("s", 1.0),
        limit: Some(Limit::RatioAtLeast(1.0)),
        store: Box::new(move |_| each(1, || runtime.block_on(list(&listed, files)))),
        floor: Box::new(move |_| reference.seconds(&format!("list {files}"))),
    });
    Ok(all)
}

fn long_cases<'a>(
    runtime: &'a Runtime,
    store: &Arc<dyn IStore>,
    reference: &Rc<Reference>,
    bytes: usize,
) -> [Case<'a>; 4] {
    let limit = Some(Limit::RatioAtLeast(1.0));
    let [up, down, up_too, down_too] = [(); 4].map(|()| Arc::clone(store));
    let [up_there, down_there, up_checked, down_checked] = [(); 4].map(|()| Rc::clone(reference));
    [
        Case {
            backend: "swift",
            work: "up",
            unit: ("s", 1.0),
            limit,
            store: Box::new(move |_| each(1, || runtime.block_on(upload(&up, bytes)))),
            floor: Box::new(move |_| up_there.seconds(&format!("up {bytes}"))),
        },
        Case {
            backend: "swift",
            work: "down",
            unit: ("s", 1.0),
            limit,
            store: Box::new(move |_| each(1, || runtime.block_on(download(&down, bytes)))),
            floor: Box::new(move |_| down_there.seconds(&format!("down {bytes}"))),
        },
        // Those before are beside calls of python-swiftclient that check nothing.
        Case {
            backend: "swift",
            work: "up, peer checks",
            unit: ("s", 1.0),
            limit: None,
            store: Box::new(move |_| each(1, || runtime.block_on(upload(&up_too, bytes)))),
            floor: Box::new(move |_| up_checked.seconds(&format!("up_checked {bytes}"))),
        },
        Case {
            backend: "swift",
            work: "down, peer checks",
            unit: ("s", 1.0),
            limit: None,
            store: Box::new(move |_| each(1, || runtime.block_on(download(&down_too, bytes)))),
            floor: Box::new(move |_| down_checked.seconds(&format!("down_checked {bytes}"))),
        },
    ]
}

/// What the server itself takes, beside python-swiftclient: no client is faster than that.
fn bare_cases<'a>(
    runtime: &'a Runtime,
    floor: &Rc<Floor>,
    reference: &Rc<Reference>,
    size: Size,
) -> Vec<Case<'a>> {
    let Size { files, long, .. } = size;
    let mut all = Vec::new();
    for at_once in [1, 16] {
        for work in [Small::Put, Small::Get] {
            let floor = Rc::clone(floor);
            let bare = move || runtime.block_on(work.bare(&floor, files, at_once));
            let order = format!("{} {files} {at_once}", work.order());
            let unit = ("ms", 1000.0);
            all.push(bare_case(
                work.name(at_once),
                unit,
                (order, files),
                bare,
                reference,
            ));
        }
    }
    let (up, down) = (Rc::clone(floor), Rc::clone(floor));
    let up = move || runtime.block_on(up.up(long));
    let down = move || runtime.block_on(down.down(long));
    let unit = ("s", 1.0);
    all.push(bare_case(
        "up",
        unit,
        (format!("up {long}"), 1),
        up,
        reference,
    ));
    all.push(bare_case(
        "down",
        unit,
        (format!("down {long}"), 1),
        down,
        reference,
    ));
    all
}

fn bare_case<'a>(
    work: &'static str,
    unit: (&'static str, f64),
    (order, files): (String, usize),
    bare: impl Fn() -> Result<()> + 'a,
    reference: &Rc<Reference>,
) -> Case<'a> {
    let reference = Rc::clone(reference);
    Case {
        backend: "(bare)",
        work,
        unit,
        limit: None,
        store: Box::new(move |_| each(files, &bare)),
        floor: Box::new(move |_| Ok(reference.seconds(&order)? / count(files)?)),
    }
}

/// A work on small files.
#[derive(Clone, Copy, Debug)]
enum Small {
    Put,
    Get,
}

impl Small {
    fn name(self, at_once: usize) -> &'static str {
        match (self, at_once) {
            (Self::Put, 1) => "put 1 KiB",
            (Self::Get, 1) => "get 1 KiB",
            (Self::Put, _) => "put 1 KiB, 16-way",
            (Self::Get, _) => "get 1 KiB, 16-way",
        }
    }

    /// What python-swiftclient knows it by.
    fn order(self) -> &'static str {
        match self {
            Self::Put => "put",
            Self::Get => "get",
        }
    }

    async fn bare(self, floor: &Floor, files: usize, at_once: usize) -> Result<()> {
        match self {
            Self::Put => floor.put(files, at_once, &SMALL).await,
            Self::Get => floor.get(files, at_once).await,
        }
    }

    async fn run(self, store: &Arc<dyn IStore>, files: usize, at_once: usize) -> Result<()> {
        stream::iter(0..files)
            .map(|number| async move {
                let name = FileName::new(format!("small-{number}"))?;
                match self {
                    Self::Put => {
                        let options = SaveOptions::default();
                        store.save_bytes(&name, SMALL.to_vec(), &options).await?;
                    }
                    Self::Get => {
                        let (_, found) = store.get_file_bytes(&name, u64::MAX).await?;
                        ensure!(found == SMALL[..], "`{name}` is another");
                    }
                }
                Ok(())
            })
            .buffer_unordered(at_once)
            .try_collect()
            .await
    }
}

async fn upload(store: &Arc<dyn IStore>, bytes: usize) -> Result<()> {
    let piece = Bytes::from(vec![0; MIB]);
    let pieces = stream::iter(0..bytes / MIB).map(move |_| Ok(piece.clone()));
    let contents = FileContents::from_stream(pieces.boxed(), Some(bytes as u64));
    let (name, options) = (FileName::new("long")?, SaveOptions::default());
    store.save_file(&name, contents, &options).await?;
    Ok(())
}

async fn download(store: &Arc<dyn IStore>, bytes: usize) -> Result<()> {
    let (name, options) = (FileName::new("long")?, ReadOptions::default());
    let file = store.get_file_contents(&name, &options).await?;
    let pieces = file.contents.into_stream();
    let all = pieces.try_fold(0, |all, piece| async move { Ok(all + piece.len()) });
    ensure!(all.await? == bytes, "the file is of another length");
    Ok(())
}

async fn list(store: &Arc<dyn IStore>, files: usize) -> Result<()> {
    let mut found = 0;
    let mut options = ListOptions::default().with_limit(PAGE);
    loop {
        let page = store.get_files_list(&options).await?;
        found += page.len();
        match page.last() {
            Some(last) if page.len() == PAGE => options = options.with_after(last.name.as_str()),
            _ => break,
        }
    }
    ensure!(found == files, "{found} files are listed of {files}");
    Ok(())
}

/// The seconds that one of so many took.
fn each(files: usize, work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let started = Instant::now();
    work()?;
    Ok(started.elapsed().as_secs_f64() / count(files)?)
}

fn count(files: usize) -> Result<f64> {
    Ok(f64::from(u32::try_from(files)?))
}
