//! What becomes of private directories that no record tells of.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use batch::{
    Command, ICommandRunner as _, LiveOutput, LocalRunner, LocalRunnerOptions, RunOptions,
    StepOutcome,
};
use deployment::{Clock, DEPLOYMENT_VARIABLE, DeploymentId};
use store::MemoryStore;
use tokio_util::sync::CancellationToken;

use crate::fixture::{Fixture, SUCCESS, assert_history, request};
use crate::played_client::Play;
use crate::wall_clock::WallClock;

const DAY: Duration = Duration::from_hours(24);

/// An engine on a store of its own, at the time that directories are marked with.
async fn engine(wall_clock: &WallClock) -> Fixture {
    let clock = wall_clock.clock();
    let store = Arc::new(MemoryStore::new());
    Fixture::with_options(store, |options| options.with_clock(clock)).await
}

fn wall_clock() -> WallClock {
    WallClock::at(Clock::system().now())
}

/// The private directory of a deployment whose owner was killed.
fn leftover(engine: &Fixture, id: DeploymentId) -> PathBuf {
    let directory = engine.temp.path().join(format!("helion-deploy-{id}"));
    std::fs::create_dir(&directory).unwrap();
    std::fs::write(directory.join("file"), "x").unwrap();
    directory
}

#[tokio::test]
async fn one_that_nothing_was_put_into_for_a_day_goes() {
    let wall_clock = wall_clock();
    let engine = engine(&wall_clock).await;
    let id = DeploymentId::generate();
    let directory = leftover(&engine, id);
    for time in [Duration::ZERO, Duration::from_hours(23)] {
        wall_clock.jump(time);
        let report = engine.deployer.recover().await.unwrap();
        assert_eq!(report.cleaned, []);
        assert!(directory.exists());
    }
    wall_clock.jump(Duration::from_hours(2));
    let report = engine.deployer.recover().await.unwrap();
    assert_eq!((report.cleaned, report.failed.len()), (vec![id], 0));
    engine.assert_nothing_left();
}

#[tokio::test]
async fn one_whose_owner_lives_stays_however_old_it_is() {
    let wall_clock = wall_clock();
    let owner = engine(&wall_clock).await;
    owner.client.on("push", Play::Wait);
    let id = owner.deployer.deploy_package(request("foo")).await.unwrap();
    owner.client.hanging.notified().await;
    // An engine on another store, which shares the temporary folder.
    let later = WallClock::at(Clock::system().now() + 2 * DAY);
    let other = Fixture::with_options(Arc::new(MemoryStore::new()), |options| {
        let options = options.with_temp_root(owner.temp.path());
        options.with_clock(later.clock())
    });
    let other = other.await;
    let report = other.deployer.recover().await.unwrap();
    assert_eq!((report.cleaned, report.failed.len()), (vec![], 0));

    owner.client.go_on.notify_one();
    assert_history(&owner.deployer.wait(&id).await.unwrap(), SUCCESS);
    owner.assert_nothing_left();
}

#[tokio::test]
async fn what_still_runs_of_it_is_killed_before() {
    let wall_clock = wall_clock();
    let engine = engine(&wall_clock).await;
    let id = DeploymentId::generate();
    leftover(&engine, id);
    let runner = LocalRunner::new(LocalRunnerOptions::default());
    let command = Command::new("sh")
        .args(["-c", "echo started; sleep 600"])
        .env(DEPLOYMENT_VARIABLE, id.to_string());
    let (live, mut output) = LiveOutput::channel(8);
    let options = RunOptions::new("/").with_timeout(Some(Duration::from_secs(30)));
    let cancel = CancellationToken::new();
    let run = runner.run(&command, &options, &live, &cancel);
    let recover = async {
        output.recv().await.unwrap();
        wall_clock.jump(2 * DAY);
        engine.deployer.recover().await.unwrap()
    };
    let (run, report) = tokio::join!(run, recover);
    assert_eq!(report.cleaned, [id]);
    assert_eq!(run.outcome, StepOutcome::Signaled { signal: 9 });
    engine.assert_nothing_left();
}

#[tokio::test]
async fn what_is_no_directory_is_left_alone() {
    let wall_clock = wall_clock();
    let engine = engine(&wall_clock).await;
    let outside = tempfile::tempdir().unwrap();
    let (link, file) = (DeploymentId::generate(), DeploymentId::generate());
    let path = |id: DeploymentId| engine.temp.path().join(format!("helion-deploy-{id}"));
    std::os::unix::fs::symlink(outside.path(), path(link)).unwrap();
    std::fs::write(path(file), "x").unwrap();
    wall_clock.jump(2 * DAY);
    let report = engine.deployer.recover().await.unwrap();
    assert_eq!((report.cleaned, report.failed.len()), (vec![], 0));
    assert!(outside.path().exists() && path(link).exists() && path(file).exists());
}
