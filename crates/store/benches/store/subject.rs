//! The works, as a store does them.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, ensure};
use bytes::Bytes;
use futures_util::future::try_join_all;
use futures_util::{StreamExt as _, stream};
use store::{FileContents, FileName, IStore, ListOptions, ReadOptions, SaveOptions, StoreExt as _};
use tokio::runtime::Runtime;

use super::Size;
use super::case::{Case, Limit, Work};
use super::floor::MIB;

pub(super) const SMALL: usize = 1024;
pub(super) const WRITERS: usize = 64;

const MICROS: (&str, f64) = ("us", 1e6);
const MILLIS: (&str, f64) = ("ms", 1e3);

/// The store of one backend, used from outside the runtime.
#[derive(Clone)]
pub(super) struct Subject<'a> {
    pub(super) backend: &'static str,
    pub(super) runtime: &'a Runtime,
    pub(super) store: Arc<dyn IStore>,
    /// A store that holds the files to be listed.
    pub(super) listed: Arc<dyn IStore>,
    pub(super) size: Size,
}

impl<'a> Subject<'a> {
    pub(super) fn prepare(&self) -> Result<()> {
        let options = SaveOptions::default();
        let small = FileName::new("small")?;
        let long = FileName::new("long")?;
        self.save_pieces(&long, self.size.long / MIB)?;
        self.runtime.block_on(async {
            self.store
                .save_bytes(&small, vec![7; SMALL], &options)
                .await?;
            for start in (0..self.size.listed).step_by(100) {
                let names = (start..self.size.listed.min(start + 100))
                    .map(|index| FileName::new(format!("{index:05}")))
                    .collect::<store::Result<Vec<_>>>()?;
                let saves = names
                    .iter()
                    .map(|name| self.listed.save_bytes(name, "listed", &options));
                try_join_all(saves).await?;
            }
            Ok(())
        })
    }

    pub(super) fn save_pieces(&self, name: &FileName, count: usize) -> Result<()> {
        let piece = Bytes::from(vec![7; MIB]);
        let pieces = stream::iter(std::iter::repeat_n(piece, count)).map(Ok);
        let contents = FileContents::from_stream(pieces.boxed(), Some((count * MIB) as u64));
        let options = SaveOptions::default();
        let saved = self.store.save_file(name, contents, &options);
        self.runtime.block_on(saved)?;
        Ok(())
    }

    pub(super) fn save(
        &self,
        least: f64,
        floor: impl Fn(&str, &[u8]) -> Result<()> + 'a,
    ) -> Case<'a> {
        let subject = self.clone();
        Case {
            limit: Some(Limit::RatioAtLeast(least)),
            ..self.save_by("put 1 KiB", floor, async move |name, bytes| {
                let name = FileName::new(name)?;
                let options = SaveOptions::default();
                subject.store.save_bytes(&name, bytes, &options).await?;
                Ok(())
            })
        }
    }

    /// Saves small files one after the other, in whatever way.
    pub(super) fn save_by(
        &self,
        work: &'static str,
        floor: impl Fn(&str, &[u8]) -> Result<()> + 'a,
        save: impl AsyncFn(String, Vec<u8>) -> Result<()> + 'a,
    ) -> Case<'a> {
        let (runtime, count) = (self.runtime, self.size.saves);
        let names = move |round| (0..count).map(move |index| format!("small-{round}-{index}"));
        Case {
            backend: self.backend,
            work,
            unit: MICROS,
            limit: None,
            store: Box::new(move |round| {
                per(count, || {
                    runtime.block_on(async {
                        for name in names(round) {
                            save(name, vec![7; SMALL]).await?;
                        }
                        Ok(())
                    })
                })
            }),
            floor: Box::new(move |round| {
                per(count, || {
                    names(round).try_for_each(|name| floor(&name, &vec![7; SMALL]))
                })
            }),
        }
    }

    pub(super) fn save_at_once(
        &self,
        least: f64,
        floor: impl Fn(usize) -> Result<()> + 'a,
    ) -> Case<'a> {
        let (subject, each) = (self.clone(), self.size.saves_each);
        let count = WRITERS * each;
        Case {
            backend: self.backend,
            work: "64 writers",
            unit: MICROS,
            limit: Some(Limit::RatioAtLeast(least)),
            store: Box::new(move |round| {
                per(count, || {
                    let writers = (0..WRITERS).map(|writer| {
                        let store = Arc::clone(&subject.store);
                        subject.runtime.spawn(async move {
                            for index in 0..each {
                                let name = FileName::new(format!("many-{round}-{writer}-{index}"))?;
                                let options = SaveOptions::default();
                                store.save_bytes(&name, vec![7; SMALL], &options).await?;
                            }
                            store::Result::Ok(())
                        })
                    });
                    let writers = subject.runtime.block_on(try_join_all(writers))?;
                    Ok(writers.into_iter().collect::<store::Result<()>>()?)
                })
            }),
            floor: Box::new(move |round| per(count, || floor(round))),
        }
    }

    pub(super) fn save_stream(
        &self,
        least: f64,
        floor: impl Fn(usize) -> Result<f64> + 'a,
    ) -> Case<'a> {
        let subject = self.clone();
        Case {
            backend: self.backend,
            work: "streamed put",
            unit: MILLIS,
            limit: Some(Limit::RatioAtLeast(least)),
            store: Box::new(move |round| {
                let name = FileName::new(format!("long-{round}"))?;
                let seconds = per(1, || subject.save_pieces(&name, subject.size.long / MIB))?;
                let deleted = subject.store.delete_file(&name);
                subject.runtime.block_on(deleted)?;
                Ok(seconds)
            }),
            floor: Box::new(floor),
        }
    }

    pub(super) fn read(
        &self,
        least: Option<f64>,
        count: usize,
        floor: impl Fn() -> Result<()> + 'a,
    ) -> Case<'a> {
        let subject = self.clone();
        Case {
            backend: self.backend,
            work: "get 1 KiB",
            unit: MICROS,
            limit: least.map(Limit::RatioAtLeast),
            store: Box::new(move |_| {
                let name = FileName::new("small")?;
                per(count, || {
                    subject.runtime.block_on(async {
                        for _ in 0..count {
                            subject.store.get_file_bytes(&name, 1024).await?;
                        }
                        Ok(())
                    })
                })
            }),
            floor: Box::new(move |_| per(count, &floor)),
        }
    }

    pub(super) fn info(
        &self,
        least: Option<f64>,
        count: usize,
        floor: impl Fn() -> Result<()> + 'a,
    ) -> Case<'a> {
        Case {
            backend: self.backend,
            work: "info",
            unit: MICROS,
            limit: least.map(Limit::RatioAtLeast),
            store: match FileName::new("small") {
                Ok(name) => self.info_of(name),
                Err(error) => Box::new(move |_| Err(anyhow::anyhow!("{error}"))),
            },
            floor: Box::new(move |_| per(count, &floor)),
        }
    }

    pub(super) fn info_of(&self, name: FileName) -> Work<'a> {
        let (subject, count) = (self.clone(), self.size.reads);
        Box::new(move |_| {
            per(count, || {
                subject.runtime.block_on(async {
                    for _ in 0..count {
                        subject.store.get_file_info(&name).await?;
                    }
                    Ok(())
                })
            })
        })
    }

    pub(super) fn read_stream(
        &self,
        least: f64,
        floor: impl Fn() -> Result<usize> + 'a,
    ) -> Case<'a> {
        let (subject, bytes) = (self.clone(), self.size.long);
        let check = move |all| {
            ensure!(all == bytes, "{all} bytes were read of {bytes}");
            Ok(())
        };
        Case {
            backend: self.backend,
            work: "streamed get",
            unit: MILLIS,
            limit: Some(Limit::RatioAtLeast(least)),
            store: Box::new(move |_| {
                let name = FileName::new("long")?;
                per(1, || {
                    check(subject.runtime.block_on(async {
                        let options = ReadOptions::default();
                        let file = subject.store.get_file_contents(&name, &options).await?;
                        let mut pieces = file.contents.into_stream();
                        let mut all = 0;
                        while let Some(piece) = pieces.next().await {
                            all += piece?.len();
                        }
                        store::Result::Ok(all)
                    })?)
                })
            }),
            floor: Box::new(move |_| per(1, || check(floor()?))),
        }
    }

    pub(super) fn list(
        &self,
        limit: Option<Limit>,
        floor: impl Fn() -> Result<usize> + 'a,
    ) -> Case<'a> {
        let (subject, count) = (self.clone(), self.size.listed);
        let check = move |all| {
            ensure!(all == count, "{all} files were listed of {count}");
            Ok(())
        };
        Case {
            backend: self.backend,
            work: "list 10,000",
            unit: MILLIS,
            limit,
            store: Box::new(move |_| {
                let options = ListOptions::default().with_limit(count + 1);
                per(1, || {
                    let files = subject.listed.get_files_list(&options);
                    check(subject.runtime.block_on(files)?.len())
                })
            }),
            floor: Box::new(move |_| per(1, || check(floor()?))),
        }
    }
}

/// Does the work; the seconds that each of its `count` units took.
fn per(count: usize, work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let start = Instant::now();
    work()?;
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    Ok(start.elapsed().as_secs_f64() / f64::from(count))
}
