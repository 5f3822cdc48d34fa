//! A platform, a store whose calls can go wrong, and engines on them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use batch::Secret;
use store::{
    FaultScript, FaultStore, FileName, IStore, MemoryStore, SaveOptions, StoreBuilder,
    StoreExt as _, TimeoutOptions,
};
use tempfile::TempDir;

use super::acknowledged::{Acknowledged, WatchedStatus};
use super::still_platform::StillPlatform;
use super::trial::ITrial;
use super::{MakeTrial, Verdict, told};
use crate::clock::Clock;
use crate::credentials::Credentials;
use crate::deployer::Deployer;
use crate::deployer_options::DeployerOptions;
use crate::deployment_status::DeploymentStatus;
use crate::error::Result;
use crate::id::DeploymentId;
use crate::phase::Phase;
use crate::platform::IPlatform;
use crate::record::DeploymentRecord;
use crate::request::DeployRequest;
use crate::status::{IStatus as _, ListQuery};

/// The package that is deployed: `hello/manifest.json` and an application of two files.
const PACKAGE: &[u8] = include_bytes!("hello.tar.gz");

/// The package's name.
pub(super) const NAME: &str = "hello";

/// How long one call of the store may take.
pub(super) const CALL_LIMIT: Duration = Duration::from_secs(5);

/// When an owner that renews no lease is taken for dead: a minute, and the margin for clocks.
const PAST_THE_LEASE: Duration = Duration::from_secs(71);

pub(super) struct World {
    pub(super) trial: Box<dyn ITrial>,
    pub(super) store: Arc<MemoryStore>,
    /// What goes wrong with the calls of the engine that is under test.
    pub(super) script: FaultScript,
    pub(super) temp: TempDir,
    acknowledged: Acknowledged,
    wall_clock: Arc<Mutex<SystemTime>>,
}

/// Which time a deployment runs in.
#[derive(Clone, Copy, Debug)]
pub(super) enum Time {
    /// The machine's.
    Real,
    /// Tokio's, which leaps from one wait to the next while nothing works.
    Paused,
}

impl World {
    pub(super) async fn new(make: MakeTrial<'_>) -> Verdict<Self> {
        let store = Arc::new(MemoryStore::new());
        let (archive, options) = (archive()?, SaveOptions::default());
        let saved = store.save_bytes(&archive, PACKAGE, &options);
        saved.await.map_err(told)?;
        // Late enough for leases and margins to lie before it.
        let start = SystemTime::UNIX_EPOCH + Duration::from_hours(24 * 365);
        Ok(Self {
            trial: make(),
            store,
            script: FaultScript::new(),
            temp: tempfile::tempdir().map_err(told)?,
            acknowledged: Acknowledged::default(),
            wall_clock: Arc::new(Mutex::new(start)),
        })
    }

    /// The engine that is under test.
    pub(super) fn engine(&self, time: Time) -> Deployer {
        self.engine_on(self.failing_store(), self.platform(time))
    }

    /// The engine that is under test, with another platform.
    pub(super) fn engine_with(&self, platform: Arc<dyn IPlatform>) -> Deployer {
        self.engine_on(self.failing_store(), Arc::new(StillPlatform(platform)))
    }

    fn failing_store(&self) -> Arc<dyn IStore> {
        let faults = FaultStore::new(Arc::clone(&self.store) as Arc<dyn IStore>, &self.script);
        let limits = TimeoutOptions::default().with_call(CALL_LIMIT);
        let store = StoreBuilder::new(Arc::new(faults)).with_timeout(limits);
        store.build()
    }

    /// Another engine, to which the store does not fail.
    pub(super) fn other_engine(&self, time: Time) -> Deployer {
        let store = Arc::clone(&self.store) as Arc<dyn IStore>;
        self.engine_on(store, self.platform(time))
    }

    fn platform(&self, time: Time) -> Arc<dyn IPlatform> {
        match time {
            Time::Real => self.trial.platform(),
            Time::Paused => Arc::new(StillPlatform(self.trial.platform())),
        }
    }

    fn engine_on(&self, store: Arc<dyn IStore>, platform: Arc<dyn IPlatform>) -> Deployer {
        let status = Arc::new(WatchedStatus {
            inner: Arc::new(DeploymentStatus::new(Arc::clone(&store))),
            acknowledged: self.acknowledged.clone(),
        });
        let now = Arc::clone(&self.wall_clock);
        // No two moments are the same, so that what is made anew on a second try is seen.
        let clock = Clock::new(move || {
            let mut now = now.lock().unwrap_or_else(PoisonError::into_inner);
            *now += Duration::from_micros(1);
            *now
        });
        let options = DeployerOptions::default()
            .with_temp_root(self.temp.path())
            .with_clock(clock);
        Deployer::with_status(store, platform, status, options)
    }

    /// Lets so much time go by that whoever does not renew its lease is dead.
    pub(super) fn outlive_the_lease(&self) {
        *self
            .wall_clock
            .lock()
            .unwrap_or_else(PoisonError::into_inner) += PAST_THE_LEASE;
    }

    /// Checks what holds of every deployment, however it ended: its record has ended, with a
    /// history that is legal and that extends what was acknowledged; it says why unless it
    /// succeeded; nothing runs and nothing is left.
    pub(super) async fn check(&self) -> Verdict {
        let records = self.records().await?;
        for record in &records {
            self.check_record(record)?;
        }
        for id in self.acknowledged.ids() {
            if records
                .iter()
                .all(|record| record.deploy_id != id.to_string())
            {
                return Err(format!(
                    "the record of `{id}` was acknowledged, and is gone"
                ));
            }
        }
        self.check_nothing_left()
    }

    /// All records there are.
    pub(super) async fn records(&self) -> Verdict<Vec<DeploymentRecord>> {
        let status = DeploymentStatus::new(Arc::clone(&self.store) as Arc<dyn IStore>);
        let page = status.list(&ListQuery::default()).await.map_err(told)?;
        match page.unreadable.first() {
            None => Ok(page.records),
            Some(bad) => Err(format!("a record cannot be read: {}", bad.reason)),
        }
    }

    fn check_record(&self, record: &DeploymentRecord) -> Verdict {
        let statuses: Vec<_> = record.statuses().collect();
        let shown = statuses.join(" ");
        if !record.is_terminal() {
            return Err(format!("a deployment has not ended: {shown}"));
        }
        let mut previous = None;
        for word in statuses {
            let phase = Phase::parse(word).ok_or(format!("`{word}` is no status"))?;
            phase.after(previous.as_ref()).map_err(told)?;
            previous = Some(phase);
        }
        if previous != record.phase() {
            return Err(format!(
                "`{}` is not the last of {shown}",
                record.deploy_status
            ));
        }
        let id: DeploymentId = record.deploy_id.parse().map_err(told)?;
        let acknowledged = self.acknowledged.history(&id);
        if !record.history.starts_with(&acknowledged) {
            return Err(format!(
                "what was acknowledged is lost: {acknowledged:?} became {:?}",
                record.history
            ));
        }
        let error = record
            .engine
            .as_ref()
            .and_then(|engine| engine.error.as_ref());
        match (record.phase(), error) {
            (Some(Phase::Success), None) => Ok(()),
            (Some(Phase::Success), Some(error)) => Err(format!("a success has {error:?}")),
            (_, Some(error)) if !error.message.is_empty() => Ok(()),
            (_, _) => Err(format!("no reason is told for {shown}")),
        }
    }

    /// Checks that nothing of a deployment runs or lies about.
    pub(super) fn check_nothing_left(&self) -> Verdict {
        let left: Vec<_> = std::fs::read_dir(self.temp.path())
            .map_err(told)?
            .flatten()
            .map(|entry| entry.file_name())
            .collect();
        if !left.is_empty() {
            return Err(format!("private directories are left: {left:?}"));
        }
        match self.trial.running() {
            0 => Ok(()),
            running => Err(format!("{running} commands go on")),
        }
    }

    pub(super) fn check_logged_out(&self) -> Verdict {
        match self.trial.sessions() {
            0 => Ok(()),
            sessions => Err(format!("{sessions} sessions are left")),
        }
    }

    /// Checks that nothing is in the way of the application's next deployment.
    pub(super) async fn check_next(&self, time: Time) -> Verdict {
        let engine = self.other_engine(time);
        let record = deploy(&engine).await.map_err(told)?;
        match record.phase() {
            Some(Phase::Success) => Ok(()),
            _ => Err(format!("the next deployment ended as {}", shown(&record))),
        }
    }
}

/// Deploys to the end; an error is that of the request.
pub(super) async fn deploy(engine: &Deployer) -> Result<DeploymentRecord> {
    let id = engine.deploy_package(request()?).await?;
    engine.wait(&id).await
}

pub(super) fn request() -> Result<DeployRequest> {
    let credentials = Credentials::new("admin", Secret::new("correct horse"))?;
    DeployRequest::new(NAME, "https://api.example.com", credentials)
}

/// The package's file.
pub(super) fn archive() -> Verdict<FileName> {
    FileName::new(format!("{NAME}.tar.gz")).map_err(told)
}

/// The record's statuses, and its error.
pub(super) fn shown(record: &DeploymentRecord) -> String {
    let statuses: Vec<_> = record.statuses().collect();
    let error = record
        .engine
        .as_ref()
        .and_then(|engine| engine.error.as_ref());
    format!("{} ({error:?})", statuses.join(" "))
}
