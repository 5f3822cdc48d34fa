//! Removals of a key's claim and requests with that key, in whatever order they meet.

use std::time::Duration;

use deployment::{DeploymentId, PrunePolicy};
use proptest::prelude::*;
use store::{ErrorKind, FaultScript, Operation};

use crate::fixture::Fixture;
use crate::keys::{forgotten, keyed};

/// What one of two engines does about one claim that is to be removed.
#[derive(Clone, Debug)]
struct Racer {
    /// When it begins to prune, and when a request comes to it.
    prunes_at: u64,
    requested_at: u64,
    /// How long its calls of the store take; a save is slow after its effect.
    read: u64,
    save: u64,
    delete: u64,
    /// Whether it is killed when it asks for the deletion.
    is_killed: bool,
}

/// All times are milliseconds.
fn racer() -> impl Strategy<Value = Racer> {
    let when = || 0..25_000_u64;
    // A mark is told within its second, most of the time, and no deletion is given up.
    let calls = (0..300_u64, 0..1_100_u64, 0..6_900_u64);
    (when(), when(), calls, any::<bool>()).prop_map(
        |(prunes_at, requested_at, (read, save, delete), is_killed)| Racer {
            prunes_at,
            requested_at,
            read,
            save,
            delete,
            is_killed,
        },
    )
}

/// The deployment that the racer's request was answered with.
async fn race(engine: &Fixture, script: &FaultScript, racer: &Racer) -> DeploymentId {
    let slow = [
        (Operation::GetFileContents, racer.read),
        (Operation::DeleteFile, racer.delete),
    ];
    for (operation, time) in slow {
        script
            .on(operation)
            .always()
            .delay(Duration::from_millis(time));
    }
    let save = script.on(Operation::SaveFile).always().after_effect();
    save.delay(Duration::from_millis(racer.save));
    if racer.is_killed {
        script
            .on(Operation::DeleteFile)
            .fail(ErrorKind::PermissionDenied);
    }
    let pruned = async {
        tokio::time::sleep(Duration::from_millis(racer.prunes_at)).await;
        let pruned = engine.deployer.prune(&PrunePolicy::default()).await;
        assert!(racer.is_killed || pruned.is_ok(), "{pruned:?}");
    };
    let begun = async {
        tokio::time::sleep(Duration::from_millis(racer.requested_at)).await;
        engine.deployer.deploy_package(keyed("order 66")).await
    };
    tokio::join!(pruned, begun).1.unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn whatever_removals_and_requests_meet_the_key_is_not_forgotten(one in racer(), two in racer()) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        let begun = runtime.block_on(async {
            let world = forgotten().await;
            let (by_one, by_two) = tokio::join!(
                race(&world.one, &world.one_script, &one),
                race(&world.two, &world.two_script, &two),
            );
            let later = world.one.deployer.deploy_package(keyed("order 66")).await;
            [by_one, by_two, later.unwrap()]
        });
        prop_assert!(begun.iter().all(|id| *id == begun[0]), "{begun:?}");
    }
}
