//! What becomes of private directories that no record tells of.

use std::sync::Arc;
use std::time::Duration;

use deployment::{Clock, DeploymentId};
use store::MemoryStore;

use crate::fixture::{Fixture, SUCCESS, assert_history, request};
use crate::played_client::Play;
use crate::recovery::recover_and_kill;
use crate::wall_clock::WallClock;

const DAY: Duration = Duration::from_hours(24);

/// An engine on a store of its own, at the time that directories are marked with.
async fn engine(wall_clock: &WallClock) -> Fixture {
    Fixture::at(Arc::new(MemoryStore::new()), wall_clock).await
}

fn wall_clock() -> WallClock {
    WallClock::at(Clock::system().now())
}

#[tokio::test]
async fn one_that_nothing_was_put_into_for_a_day_goes() {
    let wall_clock = wall_clock();
    let engine = engine(&wall_clock).await;
    let id = DeploymentId::generate();
    let directory = engine.leave_directory(id);
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
    let id = owner.deploy_up_to_push(Play::Wait, request("foo")).await;
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
    engine.leave_directory(id);
    wall_clock.jump(2 * DAY);
    let report = recover_and_kill(&engine, id).await;
    assert_eq!(report.cleaned, [id]);
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
