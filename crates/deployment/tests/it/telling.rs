//! An interruption is told once: in a report, and where none comes, in the log.

use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex};

use deployment::DeploymentId;
use store::{FaultScript, FaultStore, Operation};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Level, Metadata, Subscriber};

use crate::fixture::{Fixture, request};
use crate::recovery::World;
use crate::wall_clock::PAST_THE_LEASE;

/// The warnings of the engine, a line for each field.
#[derive(Clone, Debug, Default)]
struct Warnings(Arc<Mutex<String>>);

impl Warnings {
    /// Collects those of this thread.
    fn collect() -> (Self, DefaultGuard) {
        let warnings = Self::default();
        let guard = tracing::subscriber::set_default(warnings.clone());
        (warnings, guard)
    }

    /// How often it is told that `id` is interrupted.
    fn count(&self, id: DeploymentId) -> usize {
        let text = self.0.lock().unwrap();
        let told = format!("message=deployment interrupted: its owner is dead\ndeployment={id}\n");
        text.matches(&told).count()
    }
}

impl Visit for Warnings {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        writeln!(self.0.lock().unwrap(), "{field}={value:?}").unwrap();
    }
}

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// A world in which the owner of a deployment is dead, whose lease has ended.
fn with_a_dead_one() -> (World, DeploymentId) {
    let world = World::new();
    let id = world.died("foo");
    world.wall_clock.jump(PAST_THE_LEASE);
    (world, id)
}

#[tokio::test]
async fn what_a_report_tells_is_not_logged() {
    let (world, id) = with_a_dead_one();
    let engine = world.engine().await;
    let (warnings, _guard) = Warnings::collect();
    assert_eq!(engine.deployer.recover().await.unwrap().interrupted, [id]);
    assert_eq!(warnings.count(id), 0, "{warnings:?}");
}

#[tokio::test]
async fn what_a_recovery_that_fails_has_ended_is_logged() {
    let (world, id) = with_a_dead_one();
    let clock = world.wall_clock.clock();
    let file = tempfile::NamedTempFile::new().unwrap();
    let options = |options: deployment::DeployerOptions| {
        options.with_clock(clock).with_temp_root(file.path())
    };
    let engine = Fixture::with_options(Arc::clone(&world.store), options).await;
    let (warnings, _guard) = Warnings::collect();
    let error = engine.deployer.recover().await.unwrap_err();
    assert!(matches!(error, deployment::Error::Directory { .. }));
    assert_eq!(warnings.count(id), 1, "{warnings:?}");
}

#[tokio::test]
async fn what_a_recovery_that_is_dropped_has_ended_is_logged() {
    let (world, id) = with_a_dead_one();
    let script = FaultScript::new();
    // The second listing is that of the cancel files, which go last.
    script.on(Operation::GetFilesList).nth(2).hang();
    let store = FaultStore::new(Arc::clone(&world.store), &script);
    let engine = Fixture::at(Arc::new(store), &world.wall_clock).await;
    let (warnings, _guard) = Warnings::collect();
    tokio::select! {
        report = engine.deployer.recover() => panic!("it has ended: {report:?}"),
        () = script.wait_for_hang() => {}
    }
    assert_eq!(warnings.count(id), 1, "{warnings:?}");
}

#[tokio::test]
async fn what_a_deployment_takes_over_is_logged() {
    let (world, id) = with_a_dead_one();
    let engine = world.engine().await;
    let (warnings, _guard) = Warnings::collect();
    engine.deploy(request("foo")).await;
    assert_eq!(warnings.count(id), 1, "{warnings:?}");
}
