//! The newest page of a long list.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use deployment::{Deployer, DeploymentId, ListQuery};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use store::{
    Durability, FsOptions, FsStore, IStore, SaveOptions, SqliteOptions, SqliteStore, StoreExt as _,
};

use super::row::Row;
use super::{Size, idle, runtime};

/// How many records are written at once before anything is measured.
const WRITERS: usize = 64;

/// Lists the newest page on both durable stores.
pub(crate) fn rows(size: &Size, folder: &Path) -> Result<Vec<Row>> {
    let runtime = runtime()?;
    runtime.block_on(async {
        // Nothing about reading depends on how durable the records were when they were written.
        let options = SqliteOptions::default().with_durability(Durability::Process);
        let sqlite = SqliteStore::open(folder.join("records.sqlite"), options).await?;
        let options = FsOptions::default().with_durability(Durability::Process);
        let fs = FsStore::open(folder.join("records"), options).await?;
        let sqlite = measure(Arc::new(sqlite), size, folder).await?;
        let fs = measure(Arc::new(fs), size, folder).await?;
        Ok(vec![
            Row::absolute("newest page of 100,000, SQLite", "ms", 50.0, &sqlite),
            Row::absolute("newest page of 100,000, fs", "ms", 300.0, &fs),
        ])
    })
}

/// The milliseconds that the newest page takes in each round.
async fn measure(store: Arc<dyn IStore>, size: &Size, folder: &Path) -> Result<Vec<f64>> {
    let deployer = idle::deployer(Arc::clone(&store), folder);
    fill(&deployer, store.as_ref(), size.records).await?;
    let mut times = Vec::new();
    // The first round warms caches and is not counted.
    for round in 0..=size.listings {
        let start = Instant::now();
        let page = deployer.list(&ListQuery::default()).await?;
        let took = start.elapsed().as_secs_f64() * 1e3;
        ensure!(page.records.len() == ListQuery::default().limit.min(size.records));
        if round > 0 {
            times.push(took);
        }
    }
    Ok(times)
}

/// Copies the record of a real deployment under many ids.
async fn fill(deployer: &Deployer, store: &dyn IStore, count: usize) -> Result<()> {
    let archive = testkit::package("small", &[("index.html", b"<h1>small</h1>")]);
    let name = store::FileName::new("small.tar.gz")?;
    store
        .save_bytes(&name, archive, &SaveOptions::default())
        .await?;
    idle::deploy(deployer, "small").await?;
    let page = deployer.list(&ListQuery::default()).await?;
    let record = page.records.first().context("the record is missing")?;
    stream::iter(1..count)
        .map(|_| async {
            let id = DeploymentId::generate();
            let mut record = record.clone();
            record.deploy_id = id.to_string();
            let options = SaveOptions::default().with_content_type("application/json");
            store
                .save_bytes(&id.file_name(), record.to_json()?, &options)
                .await?;
            anyhow::Ok(())
        })
        .buffer_unordered(WRITERS)
        .try_collect()
        .await
}
