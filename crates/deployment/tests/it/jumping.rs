//! Wall clocks that jump, as seen by one process.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use deployment::{CliPlatform, Clock, Deployer, DeployerOptions, Phase};
use store::{IStore, MemoryStore};

use crate::fixture::{SUCCESS, add_package, assert_history, request};
use crate::halting::HaltingClient;

const DAY: Duration = Duration::from_hours(24);

/// Lets the clock jump while the client stands at one command, and lets it jump back while it
/// stands there still.
async fn nothing_comes_of_it(first: impl Fn(&mut SystemTime), second: impl Fn(&mut SystemTime)) {
    // The last one, the logout, is not waited for so long.
    for command in 1..=6 {
        let store: Arc<dyn IStore> = Arc::new(MemoryStore::new());
        add_package(&store, "foo").await;
        let start = SystemTime::UNIX_EPOCH + 365 * DAY;
        let now = Arc::new(Mutex::new(start));
        let told = Arc::clone(&now);
        let client = Arc::new(HaltingClient::at(command));
        let temp = tempfile::tempdir().unwrap();
        let options = DeployerOptions::default()
            .with_temp_root(temp.path())
            .with_clock(Clock::new(move || *told.lock().unwrap()));
        let platform = Arc::new(CliPlatform::helion(client.clone()));
        let deployer = Deployer::new(store, platform, options);
        let id = deployer.deploy_package(request("foo")).await.unwrap();
        client.halted.notified().await;
        for jump in [&first as &dyn Fn(&mut SystemTime), &second] {
            jump(&mut now.lock().unwrap());
            let report = deployer.recover().await.unwrap();
            assert_eq!((report.interrupted, report.cleaned), (vec![], vec![]));
            // Long enough for the lease to be renewed, and for it to end without that.
            tokio::time::sleep(Duration::from_mins(2)).await;
            let record = deployer.get_status(&id).await.unwrap().unwrap();
            assert!(!record.is_terminal(), "{record:?}");
            let told = *now.lock().unwrap();
            let lease = told..=told + Duration::from_mins(1);
            assert!(lease.contains(&record.lease_until().unwrap()), "{record:?}");
        }
        client.go_on.notify_one();
        assert_history(&deployer.wait(&id).await.unwrap(), SUCCESS);
        // Nor does a deployment that has ended begin to matter again.
        for jump in [&first as &dyn Fn(&mut SystemTime), &second] {
            jump(&mut now.lock().unwrap());
            let report = deployer.recover().await.unwrap();
            assert_eq!((report.interrupted, report.cleaned), (vec![], vec![]));
            let next = deployer.deploy_package(request("foo")).await.unwrap();
            let record = deployer.wait(&next).await.unwrap();
            assert_eq!(record.phase(), Some(Phase::Success));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_day_forward_and_back_interrupts_nothing() {
    nothing_comes_of_it(|now| *now += DAY, |now| *now -= DAY).await;
}

#[tokio::test(start_paused = true)]
async fn a_day_back_and_forward_interrupts_nothing() {
    nothing_comes_of_it(|now| *now -= DAY, |now| *now += DAY).await;
}
