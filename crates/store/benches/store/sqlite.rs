//! `SqliteStore` beside rows.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use store::{FileName, SqliteOptions, SqliteStore};
use tokio::runtime::Runtime;

use super::Size;
use super::bare;
use super::case::{Case, Limit};
use super::floor::{MIB, Rows};
use super::subject::{SMALL, Subject, WRITERS};

pub(super) fn cases<'a>(runtime: &'a Runtime, folder: &Path, size: Size) -> Result<Vec<Case<'a>>> {
    let open = |name| {
        let store = SqliteStore::open(folder.join(name), SqliteOptions::default());
        runtime.block_on(store)
    };
    let subject = Subject {
        backend: "sqlite",
        runtime,
        store: Arc::new(open("sqlite.db")?),
        listed: Arc::new(open("sqlite-listed.db")?),
        size,
    };
    subject.prepare()?;
    let huge = FileName::new("huge")?;
    subject.save_pieces(&huge, size.huge / MIB)?;
    let rows = Arc::new(Rows::new(&folder.join("rows.db"))?);
    rows.save("small", &[7; SMALL])?;
    rows.save_stream("long", &vec![7; MIB], size.long / MIB)?;
    let bare = bare::case(&subject, folder, Arc::clone(&rows))?;
    let listed = Rows::new(&folder.join("rows-listed.db"))?;
    listed.save_all(
        (0..size.listed).map(|index| format!("{index:05}")),
        b"listed",
    )?;
    let (many, long, saved) = (Arc::clone(&rows), Arc::clone(&rows), Arc::clone(&rows));
    let (read, told, streamed) = (Arc::clone(&rows), Arc::clone(&rows), rows);
    let reads = size.reads;
    // The floor of the info of a huge file is the info of a small one.
    let info_of_huge = Case {
        work: "info of 1 GiB",
        limit: Some(Limit::RatioAtLeast(1.0)),
        store: subject.info_of(huge),
        floor: subject.info_of(FileName::new("small")?),
        ..subject.info(None, reads, || Ok(()))
    };
    Ok(vec![
        subject.save(0.80, move |name, bytes| saved.save(name, bytes)),
        bare,
        subject.save_at_once(5.0, move |round| {
            (0..WRITERS * size.saves_each)
                .try_for_each(|index| many.save(&format!("many-{round}-{index}"), &[7; SMALL]))
        }),
        subject.save_stream(1.0, move |round| {
            let name = format!("long-{round}");
            let start = Instant::now();
            long.save_stream(&name, &vec![7; MIB], size.long / MIB)?;
            let seconds = start.elapsed().as_secs_f64();
            long.remove_stream(&name)?;
            Ok(seconds)
        }),
        subject.read(None, reads, move || {
            (0..reads).try_for_each(|_| read.read("small").map(drop))
        }),
        subject.info(None, reads, move || {
            (0..reads).try_for_each(|_| told.info("small").map(drop))
        }),
        info_of_huge,
        subject.read_stream(0.70, move || streamed.stream("long")),
        subject.list(Some(Limit::MeasuredAtMost(10.0)), move || {
            Ok(listed.list()?.len())
        }),
    ])
}
