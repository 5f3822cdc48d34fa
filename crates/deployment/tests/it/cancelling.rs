//! A cancel at every step of a deployment, by its own process and by another one.

use std::sync::Arc;
use std::time::Duration;

use deployment::{
    CliPlatform, Deployer, DeployerOptions, DeploymentId, DeploymentRecord, Error, Phase,
};
use store::{FaultScript, FaultStore, IStore, MemoryStore, Operation, StoreExt as _};
use tempfile::TempDir;

use crate::fixture::{SUCCESS, add_package, assert_history, request};
use crate::halting::HaltingClient;

/// Where a deployment stands when it is cancelled.
#[derive(Clone, Copy, Debug)]
enum At {
    /// It waits for its turn.
    Queue,
    /// The archive does not come.
    Download,
    /// It comes up to this byte.
    Byte(u64),
    /// At this command of its client, the first one being 1.
    Command(usize),
}

const EVERYWHERE: [At; 11] = [
    At::Queue,
    At::Download,
    At::Byte(0),
    At::Byte(30),
    At::Byte(200),
    At::Command(1),
    At::Command(2),
    At::Command(3),
    At::Command(4),
    At::Command(5),
    At::Command(6),
];

/// The client's last command: the work is done by then, and a cancel comes too late.
const LOGOUT: usize = 7;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    ThisProcess,
    AnotherProcess,
}

/// A deployment that stands somewhere.
struct Standing {
    store: Arc<dyn IStore>,
    client: Arc<HaltingClient>,
    deployer: Deployer,
    temp: TempDir,
    id: DeploymentId,
}

impl Standing {
    async fn at(at: At) -> Self {
        let memory: Arc<dyn IStore> = Arc::new(MemoryStore::new());
        for package in ["foo", "before"] {
            add_package(&memory, package).await;
        }
        let script = FaultScript::new();
        let read = || script.on(Operation::GetFileContents).named("foo.tar.gz");
        let halts_at = match at {
            At::Queue => 1,
            At::Download => {
                read().hang();
                0
            }
            At::Byte(byte) => {
                read().at_byte(byte).hang();
                0
            }
            At::Command(number) => number,
        };
        let client = Arc::new(HaltingClient::at(halts_at));
        let temp = tempfile::tempdir().unwrap();
        let options = DeployerOptions::default()
            .with_temp_root(temp.path())
            .with_max_running(1);
        let faulty = Arc::new(FaultStore::new(Arc::clone(&memory), &script));
        let platform = Arc::new(CliPlatform::helion(client.clone()));
        let deployer = Deployer::new(faulty, platform, options);
        if matches!(at, At::Queue) {
            // Another application's deployment has the only place.
            let before = request("before");
            deployer.deploy_package(before).await.unwrap();
            client.halted.notified().await;
        }
        let mut events = deployer.subscribe();
        let id = deployer.deploy_package(request("foo")).await.unwrap();
        match at {
            At::Queue => {
                let is_queued =
                    |kind: &_| matches!(kind, deployment::EventKind::Status(Phase::Queued));
                while !is_queued(&events.next().await.unwrap().kind) {}
            }
            At::Download | At::Byte(_) => script.wait_for_hang().await,
            At::Command(_) => client.halted.notified().await,
        }
        Self {
            store: memory,
            client,
            deployer,
            temp,
            id,
        }
    }

    /// Has it cancelled.
    async fn cancel(&self, who: Who) {
        match who {
            Who::ThisProcess => self.deployer.cancel(&self.id).await.unwrap(),
            Who::AnotherProcess => {
                let platform = Arc::new(CliPlatform::helion(Arc::new(HaltingClient::default())));
                let options = DeployerOptions::default();
                let other = Deployer::new(Arc::clone(&self.store), platform, options);
                other.cancel(&self.id).await.unwrap();
                // Once: its owner looks every second, and unpacking keeps the time from passing.
                tokio::time::advance(Duration::from_millis(1_100)).await;
            }
        }
    }
}

async fn is_cancelled_once(at: At, who: Who) {
    let standing = Standing::at(at).await;
    standing.cancel(who).await;
    let record = standing.deployer.wait(&standing.id).await.unwrap();
    let statuses: Vec<_> = record.statuses().collect();
    let (ending, before) = statuses.split_last().unwrap();
    assert_eq!(*ending, "CANCELLED", "{at:?} {who:?}: {record:?}");
    let before = before.join(" ").replace(" QUEUED", "");
    assert!(SUCCESS.starts_with(&before), "{at:?} {who:?}: {before}");
    if let At::Command(number) = at {
        let seen = standing.client.seen();
        // After a push that was stopped, the application's logs are fetched.
        let after: &[&str] = match &*seen[number - 1] {
            "push" => &["logs", "logout"],
            _ => &["logout"],
        };
        assert_eq!(seen[number..], *after, "{at:?} {who:?}: {seen:?}");
    }
    standing.check_left(at, record).await;
}

impl Standing {
    /// The record stays as it is, and nothing else does.
    async fn check_left(&self, at: At, record: DeploymentRecord) {
        let error = self.deployer.cancel(&self.id).await.unwrap_err();
        assert!(matches!(error, Error::IllegalMove { .. }), "{error}");
        self.deployer.shutdown().await;
        let left: Vec<_> = std::fs::read_dir(self.temp.path()).unwrap().collect();
        assert!(left.is_empty(), "{at:?}: {left:?}");
        let file = self.id.cancel_file_name();
        let is_left = self.store.check_file_exists(&file).await.unwrap();
        assert!(!is_left, "{at:?}");
        let stored = self.deployer.get_status(&self.id).await.unwrap();
        assert_eq!(stored, Some(record));
    }
}

#[tokio::test(start_paused = true)]
async fn by_its_own_process_it_ends_at_every_step() {
    for at in EVERYWHERE {
        is_cancelled_once(at, Who::ThisProcess).await;
    }
}

#[tokio::test(start_paused = true)]
async fn by_another_process_it_ends_at_every_step() {
    for at in EVERYWHERE {
        is_cancelled_once(at, Who::AnotherProcess).await;
    }
}

#[tokio::test(start_paused = true)]
async fn during_the_logout_it_is_too_late() {
    for who in [Who::ThisProcess, Who::AnotherProcess] {
        let at = At::Command(LOGOUT);
        let standing = Standing::at(at).await;
        standing.cancel(who).await;
        standing.client.go_on.notify_one();
        let record = standing.deployer.wait(&standing.id).await.unwrap();
        assert_history(&record, SUCCESS);
        assert_eq!(standing.client.seen().len(), LOGOUT);
        standing.check_left(at, record).await;
    }
}
