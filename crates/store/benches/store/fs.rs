//! `FsStore` beside files.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, ensure};
use store::{Durability, FsOptions, FsStore};
use tokio::runtime::Runtime;

use super::Size;
use super::case::{Case, Limit};
use super::floor::{Files, MIB};
use super::subject::{SMALL, Subject, WRITERS};

pub(super) fn cases<'a>(runtime: &'a Runtime, folder: &Path, size: Size) -> Result<Vec<Case<'a>>> {
    let open = |name, durability| {
        let options = FsOptions::default().with_durability(durability);
        runtime.block_on(FsStore::open(folder.join(name), options))
    };
    let subject = Subject {
        backend: "fs",
        runtime,
        store: Arc::new(open("fs", Durability::Full)?),
        listed: Arc::new(open("fs-listed", Durability::Process)?),
        size,
    };
    subject.prepare()?;
    let files = Arc::new(Files::new(folder.join("files"))?);
    files.save("small", &[7; SMALL], 1)?;
    files.save("long", &vec![7; MIB], size.long / MIB)?;
    let listed = Arc::new(Files::new(folder.join("files-listed"))?);
    for index in 0..size.listed {
        std::fs::write(listed.path(&format!("{index:05}")), "listed")?;
    }
    let (saved, many, long) = (Arc::clone(&files), Arc::clone(&files), Arc::clone(&files));
    let (read, told, streamed) = (Arc::clone(&files), Arc::clone(&files), files);
    let reads = size.reads;
    Ok(vec![
        subject.save(0.80, move |name, bytes| saved.save(name, bytes, 1)),
        subject.save_at_once(0.90, move |round| {
            save_at_once(&many, round, size.saves_each)
        }),
        subject.save_stream(0.85, move |round| {
            let name = format!("long-{round}");
            let start = Instant::now();
            long.save(&name, &vec![7; MIB], size.long / MIB)?;
            let seconds = start.elapsed().as_secs_f64();
            std::fs::remove_file(long.path(&name))?;
            Ok(seconds)
        }),
        subject.read(Some(0.90), reads, move || {
            runtime.block_on(async {
                for _ in 0..reads {
                    ensure!(read.read("small").await?.len() == SMALL, "a file was cut");
                }
                Ok(())
            })
        }),
        subject.info(Some(0.90), reads, move || {
            runtime.block_on(async {
                for _ in 0..reads {
                    ensure!(told.info("small").await?.len() == 1024, "a file was cut");
                }
                Ok(())
            })
        }),
        subject.read_stream(0.80, move || runtime.block_on(streamed.stream("long"))),
        subject.list(Some(Limit::RatioAtLeast(0.70)), move || {
            Ok(runtime.block_on(listed.list())?.len())
        }),
    ])
}

/// Each of the writers is a thread.
fn save_at_once(files: &Files, round: usize, each: usize) -> Result<()> {
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                scope.spawn(move || {
                    (0..each).try_for_each(|index| {
                        files.save(&format!("many-{round}-{writer}-{index}"), &[7; SMALL], 1)
                    })
                })
            })
            .collect();
        writers.into_iter().try_for_each(|writer| {
            let joined = writer.join();
            joined.map_err(|_| anyhow::anyhow!("a writer of the floor panicked"))?
        })
    })
}
