//! Packages that come wrongly, and directories that cannot be made or removed.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use batch::{IProcess, IProgress, ProcessOutcome};
use sha2::{Digest as _, Sha256};
use store::{ErrorKind, Operation, SaveOptions, StoreExt as _};
use tokio_util::sync::CancellationToken;

use super::world::{Time, World, archive, deploy, shown};
use super::{MakeTrial, Verdict, in_runtime, told};
use crate::digest::hex;
use crate::error::Result;
use crate::phase::Phase;
use crate::platform::{IPlatform, PlatformRequest};
use crate::record::DeploymentRecord;
use crate::source::DIGEST_KEY;

pub(super) fn a_package_whose_download_breaks_is_not_deployed(make: MakeTrial<'_>) -> Verdict {
    in_runtime(Time::Paused, async {
        let world = World::new(make).await?;
        let size = whole(&world).await?.len() as u64;
        for byte in [0, 1, size / 2, size - 1, size] {
            for kind in [ErrorKind::Interrupted, ErrorKind::ChecksumMismatch] {
                let world = World::new(make).await?;
                let read = world.script.on(Operation::GetFileContents);
                read.named(archive()?.as_str()).at_byte(byte).fail(kind);
                let record = refused(&world).await;
                record.map_err(|seen| format!("{kind:?} at byte {byte}: {seen}"))?;
            }
        }
        Ok(())
    })
}

pub(super) fn a_package_that_is_cut_short_is_not_deployed(make: MakeTrial<'_>) -> Verdict {
    in_runtime(Time::Paused, async {
        let world = World::new(make).await?;
        let whole = whole(&world).await?;
        // Every sixteenth length, and all of those that lack only what gzip adds at the end.
        let lengths = (0..whole.len()).step_by(16);
        for length in lengths.chain(whole.len() - 8..whole.len()) {
            let world = World::new(make).await?;
            save(&world, whole[..length].to_vec(), SaveOptions::default()).await?;
            let record = refused(&world).await;
            record.map_err(|seen| format!("cut to {length} bytes: {seen}"))?;
        }
        Ok(())
    })
}

pub(super) fn a_package_of_another_digest_is_not_deployed(make: MakeTrial<'_>) -> Verdict {
    in_runtime(Time::Paused, async {
        let world = World::new(make).await?;
        let whole = whole(&world).await?;
        let right = hex(&Sha256::digest(&whole)).to_ascii_uppercase();
        let options = SaveOptions::default().with_metadata(DIGEST_KEY, right);
        save(&world, whole.clone(), options).await?;
        world.check_next(Time::Paused).await?;
        let options = SaveOptions::default().with_metadata(DIGEST_KEY, "0".repeat(64));
        save(&world, whole, options).await?;
        let record = refused(&world).await?;
        if shown(&record).contains("sha256") {
            return Ok(());
        }
        Err(format!("the digest is not named: {}", shown(&record)))
    })
}

pub(super) fn a_directory_that_cannot_be_made_fails_the_deployment(make: MakeTrial<'_>) -> Verdict {
    in_runtime(Time::Paused, async {
        let mut world = World::new(make).await?;
        let real = std::mem::replace(&mut world.temp, tempfile::tempdir().map_err(told)?);
        // Nothing can be made in a folder that is not there.
        std::fs::remove_dir(world.temp.path()).map_err(told)?;
        let record = deploy(&world.engine(Time::Paused)).await.map_err(told)?;
        world.temp = real;
        check_not_run(&world, &record).await
    })
}

/// What a deployment comes to whose package must not be deployed.
async fn refused(world: &World) -> Verdict<DeploymentRecord> {
    let engine = world.engine(Time::Paused);
    let record = deploy(&engine).await.map_err(told)?;
    engine.shutdown().await;
    check_not_run(world, &record).await?;
    Ok(record)
}

/// Checks that the platform was not even begun with.
async fn check_not_run(world: &World, record: &DeploymentRecord) -> Verdict {
    let is_early = record
        .statuses()
        .all(|status| ["INIT", "DOWNLOADING", "STARTED", "PREVIEW", "FAILED"].contains(&status));
    if record.phase() != Some(Phase::Failed) || !is_early {
        return Err(format!("it ended as {}", shown(record)));
    }
    world.check().await?;
    world.check_logged_out()
}

async fn whole(world: &World) -> Verdict<Vec<u8>> {
    let read = world.store.get_file_bytes(&archive()?, 1_000_000).await;
    Ok(read.map_err(told)?.1.to_vec())
}

async fn save(world: &World, bytes: Vec<u8>, options: SaveOptions) -> Verdict {
    let saved = world.store.save_bytes(&archive()?, bytes, &options).await;
    saved.map(drop).map_err(told)
}

pub(super) fn a_directory_that_cannot_be_removed_is_told(make: MakeTrial<'_>) -> Verdict {
    in_runtime(Time::Paused, async {
        let world = World::new(make).await?;
        let platform = Arc::new(Spoiling(world.trial.platform()));
        let record = deploy(&world.engine_with(platform)).await.map_err(told)?;
        let engine = record.engine.as_ref();
        let mut steps = engine.iter().flat_map(|engine| &engine.steps);
        let told_of = steps.any(|step| step.status == "CLEANUP" && !step.accepted);
        if record.phase() == Some(Phase::Failed) && told_of {
            return world.check_logged_out();
        }
        Err(format!("no step tells of it: {}", shown(&record)))
    })
}

/// A platform that puts a file in the place of each private directory, when all is done.
#[derive(Debug)]
struct Spoiling(Arc<dyn IPlatform>);

#[derive(Debug)]
struct SpoilingProcess {
    inner: Box<dyn IProcess>,
    directory: PathBuf,
}

impl IPlatform for Spoiling {
    fn process(&self, request: &PlatformRequest) -> Result<Box<dyn IProcess>> {
        Ok(Box::new(SpoilingProcess {
            inner: self.0.process(request)?,
            directory: request.directory.clone(),
        }))
    }
}

#[async_trait]
impl IProcess for SpoilingProcess {
    async fn execute(
        &self,
        progress: &dyn IProgress,
        cancel: &CancellationToken,
    ) -> batch::Result<ProcessOutcome> {
        let outcome = self.inner.execute(progress, cancel).await?;
        let spoiled = std::fs::remove_dir_all(&self.directory)
            .and_then(|()| std::fs::write(&self.directory, "in the way"));
        Ok(match spoiled {
            Ok(()) => outcome,
            Err(error) => ProcessOutcome::failed(None, error.to_string()),
        })
    }
}
