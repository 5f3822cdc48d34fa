//! Writes that reach the store, and of which the engine does not learn.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use batch::{IProcess, IProgress, Milestone, ProcessOutcome, Status, StepOutcome, StepReport};
use deployment::{Deployment, DeploymentRecord, DeploymentStatus, PackageSource};
use package::Package;
use store::{ErrorKind, FaultScript, FaultStore, FileName, IStore, MemoryStore, Operation};
use tokio_util::sync::CancellationToken;

use crate::fixture::{assert_history, save};

/// The shortest lease there is: it is renewed before a failed write is tried again.
const LEASE: Duration = Duration::from_millis(100);

/// A process whose first step reaches no status, so that it shares the write of its second.
#[derive(Debug)]
struct OneWriteForTwoSteps;

#[async_trait]
impl IProcess for OneWriteForTwoSteps {
    async fn execute(
        &self,
        progress: &dyn IProgress,
        _cancel: &CancellationToken,
    ) -> batch::Result<ProcessOutcome> {
        progress.report(&Milestone::Started).await?;
        // The first one is the engine's own word.
        for status in ["SUCCESS", "SWITCHED"] {
            let report = StepReport::new(Status::new(status)?, "curl", StepOutcome::Done);
            progress.report(&Milestone::Step(report)).await?;
        }
        Ok(ProcessOutcome::Success)
    }
}

/// Deploys while the reply to the `number`-th write is lost; `None` when there is no such write.
async fn deploy_with_lost_reply(number: u64) -> Option<DeploymentRecord> {
    let store = Arc::new(MemoryStore::new());
    let file = FileName::new("foo.tar.gz").unwrap();
    let archive = testkit::package("foo", &[("x", b"x")]);
    save(store.as_ref(), &file, archive).await;
    let temp = tempfile::tempdir().unwrap();
    let package = Package::new("foo", temp.path().join("private/foo.tar.gz"), None).unwrap();
    let script = FaultScript::new();
    let failing: Arc<dyn IStore> = Arc::new(FaultStore::new(store.clone(), &script));
    let rule = script.on(Operation::SaveFile).nth(number);
    rule.after_effect().fail(ErrorKind::Timeout);
    let status = Arc::new(DeploymentStatus::new(failing));
    let source = PackageSource::Stored { store, file };
    let process = Box::new(OneWriteForTwoSteps);
    let deployment = Deployment::new(package, source, process, status).with_lease(LEASE);
    let deployed = deployment.deploy(&CancellationToken::new()).await;
    let calls = script.calls();
    let writes = calls
        .iter()
        .filter(|call| call.operation == Operation::SaveFile);
    (writes.count() as u64 >= number).then(|| deployed.unwrap())
}

#[tokio::test(start_paused = true)]
async fn nothing_is_recorded_twice_when_a_renewal_comes_before_the_next_try() {
    // The first write is that of INIT, which nobody renews.
    let mut number = 2;
    while let Some(record) = deploy_with_lost_reply(number).await {
        assert_history(
            &record,
            "INIT DOWNLOADING STARTED PREVIEW UNPACK EXTRACT DIR SWITCHED DIR SUCCESS",
        );
        let steps = record.engine.unwrap().steps;
        let steps: Vec<_> = steps.iter().map(|step| step.status.as_str()).collect();
        let expected = "PREVIEW UNPACK EXTRACT DIR SUCCESS SWITCHED DIR";
        assert_eq!(steps.join(" "), expected, "write {number}");
        number += 1;
    }
    assert!(number > 4, "{number}");
}
