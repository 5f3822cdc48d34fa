//! The engine in a program of the test's own, which stops at a call of its store: the real program
//! has no seam for that.

use std::io::Write as _;
use std::sync::Arc;

use batch::{LocalRunner, LocalRunnerOptions, Secret, Sweep};
use deployment::{CliPlatform, Credentials, DeployRequest, Deployer, DeployerOptions, EventKind};
use serde::{Deserialize, Serialize};
use store::{FaultScript, FaultStore};

use crate::crash::plan::Moment;
use crate::world::{ENDPOINT, PASSWORD};

/// The variable that tells this program its task.
pub(crate) const VARIABLE: &str = "CRASH_TASK";

/// What it says when it stands at its call.
pub(crate) const AT_THE_CALL: &str = "at the call";

/// What it says when there was no such call, before the number of calls that there were.
pub(crate) const CALLS: &str = "calls ";

/// What the program does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Work {
    /// As `helion-deploy deploy`, which recovers first.
    Deploy,
    /// As `helion-deploy recover`.
    Recover,
}

/// What this program was started for.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Task {
    pub(crate) work: Work,
    pub(crate) call: u64,
    pub(crate) is_before: bool,
    pub(crate) key: Option<String>,
}

impl Task {
    pub(crate) fn new(work: Work, call: u64, moment: Moment, key: Option<&str>) -> Self {
        Self {
            work,
            call,
            is_before: moment == Moment::Before,
            key: key.map(str::to_owned),
        }
    }

    /// This program's task, where it has one.
    pub(crate) fn of_this_program() -> Option<Self> {
        let task = std::env::var(VARIABLE).ok()?;
        Some(serde_json::from_str(&task).unwrap())
    }

    /// Does it, and ends the program.
    pub(crate) fn act(self) -> ! {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(self.run());
        // The test harness would go on with the test.
        std::process::exit(0);
    }

    async fn run(self) {
        let script = FaultScript::new();
        let call = script.on_any().nth(self.call);
        if self.is_before {
            call.hang();
        } else {
            call.after_effect().hang();
        }
        let stopped = script.clone();
        tokio::spawn(async move {
            stopped.wait_for_hang().await;
            say(AT_THE_CALL);
        });
        let url = std::env::var("STORE_URL").unwrap();
        let store = store::open_store_url(&url).await.unwrap();
        let store = Arc::new(FaultStore::new(store, &script));
        let runner = LocalRunnerOptions::default()
            .with_sweep(Sweep::On)
            .with_passed_env(standin::PLATFORM_VARIABLE);
        let platform = Arc::new(CliPlatform::helion(Arc::new(LocalRunner::new(runner))));
        let deployer = Deployer::new(store, platform, DeployerOptions::default());
        deployer.recover().await.unwrap();
        if self.work == Work::Deploy {
            deploy(&deployer, self.key).await;
        }
        say(&format!("{CALLS}{}", script.calls().len()));
    }
}

async fn deploy(deployer: &Deployer, key: Option<String>) {
    let credentials = Credentials::new("ann", Secret::new(PASSWORD)).unwrap();
    let mut request = DeployRequest::new("foo", ENDPOINT, credentials).unwrap();
    if let Some(key) = key {
        request = request.with_idempotency_key(key).unwrap();
    }
    let mut events = deployer.subscribe();
    let id = deployer.deploy_package(request).await.unwrap();
    say(&format!("deployment {id}"));
    while let Some(event) = events.next().await {
        match event.kind {
            EventKind::Status(phase) => say(&format!("ok 0.00s {phase}")),
            EventKind::Ended(_) => return,
            _ => {}
        }
    }
}

/// Prints a line as the program does.
fn say(line: &str) {
    writeln!(std::io::stderr().lock(), "{line}").unwrap();
}
