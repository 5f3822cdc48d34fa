//! `MemoryStore` beside a map.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use store::MemoryStore;
use tokio::runtime::Runtime;

use super::Size;
use super::case::Case;
use super::floor::Map;
use super::subject::{SMALL, Subject, WRITERS};

pub(super) fn cases(runtime: &Runtime, size: Size) -> Result<Vec<Case<'_>>> {
    let subject = Subject {
        backend: "memory",
        runtime,
        store: Arc::new(MemoryStore::new()),
        listed: Arc::new(MemoryStore::new()),
        size,
    };
    subject.prepare()?;
    let map = Map::default();
    map.save("small", Bytes::from(vec![7; SMALL]));
    let listed = Map::default();
    for index in 0..size.listed {
        listed.save(&format!("{index:05}"), Bytes::from("listed"));
    }
    let (saved, many, read) = (map.clone(), map.clone(), map);
    let told = read.clone();
    let reads = size.reads;
    let mut cases = vec![
        subject.save(0.0, move |name, bytes| {
            saved.save(name, Bytes::copy_from_slice(bytes));
            Ok(())
        }),
        subject.save_at_once(0.0, move |round| {
            for index in 0..WRITERS * size.saves_each {
                many.save(
                    &format!("many-{round}-{index}"),
                    Bytes::from(vec![7; SMALL]),
                );
            }
            Ok(())
        }),
        subject.read(None, reads, move || {
            (0..reads).try_for_each(|_| read.read("small").map(drop).context("a file is missing"))
        }),
        subject.info(None, reads, move || {
            (0..reads).try_for_each(|_| told.read("small").map(drop).context("a file is missing"))
        }),
        subject.list(None, move || Ok(listed.list().len())),
    ];
    for case in &mut cases {
        case.limit = None;
    }
    Ok(cases)
}
