//! Running one deployment to its end, with Ctrl-C.

use deployment::{
    DeployRequest, Deployer, DeploymentEvent, DeploymentId, DeploymentRecord, DeploymentStatus,
    Error, EventKind, Events,
};
use futures_util::FutureExt as _;
use tokio::task::unconstrained;
use tokio::time::{MissedTickBehavior, interval};

use crate::failure::{FAILED, Failure};
use crate::hint;
use crate::message::say;
use crate::progress::{Progress, REDRAW_EVERY};
use crate::stop::Stop;
use crate::watch;

/// A deployment that was followed to its end, or until its owner was gone.
pub(crate) enum Followed {
    /// It ran here, and each of its steps was told.
    Here(DeploymentRecord),
    /// It ran elsewhere, or had ended: its record tells how.
    Elsewhere(DeploymentRecord),
}

impl Followed {
    pub(crate) const fn record(&self) -> &DeploymentRecord {
        match self {
            Self::Here(record) | Self::Elsewhere(record) => record,
        }
    }
}

/// Starts a deployment and shows it until it has ended; where its key stands for one that another
/// process runs, that one is watched.
///
/// The first Ctrl-C, SIGTERM or SIGHUP cancels the deployment: its command is asked to end, and it logs
/// out and cleans up. The second one does not wait for that. One that comes while the deployment
/// begins waits a little for it, to cancel it then.
pub(crate) async fn follow(
    deployer: &Deployer,
    status: &DeploymentStatus,
    request: DeployRequest,
    stop: &mut Stop,
) -> Result<Followed, Failure> {
    let mut events = deployer.subscribe();
    let id = begin(deployer, request, stop).await?;
    let Some(first) = beginning(&mut events, &id) else {
        let record = follow_another(deployer, status, stop, &id).await?;
        return Ok(Followed::Elsewhere(record));
    };
    let mut progress = Progress::new();
    progress.line(&format!("deployment {id}"));
    progress.show(&first);
    let record = follow_own(deployer, stop, events, progress, &id).await?;
    Ok(Followed::Here(record))
}

/// Has the deployment begin, unless a signal comes and the store does not answer soon after it; a
/// failure that it answers with by then is told. The signal is left to whoever goes on from there.
async fn begin(
    deployer: &Deployer,
    request: DeployRequest,
    stop: &mut Stop,
) -> Result<DeploymentId, Failure> {
    let beginning = deployer.deploy_package(request);
    tokio::pin!(beginning);
    let begun = tokio::select! {
        biased;
        begun = &mut beginning => begun,
        signal = stop.asked() => {
            say("stopping");
            // Dropped in the middle, it may be recorded and run by nobody.
            let Some(begun) = stop.last_chance(beginning).await else {
                return Err(signal.failure().with_hint(hint::left_beginning()));
            };
            // It cancels what has begun, and what has failed is told without more of the store.
            stop.put_back(signal);
            begun
        }
    };
    match begun {
        Ok(id) => Ok(id),
        Err(error) => Err(hint::with_holder(error, deployer, stop).await),
    }
}

/// The event of the beginning of `id`, which comes before the id does; `None` where it began
/// elsewhere.
fn beginning(events: &mut Events, id: &DeploymentId) -> Option<DeploymentEvent> {
    loop {
        // However much this task has done already, what is there is taken.
        let event = unconstrained(events.next()).now_or_never()??;
        if event.id == *id {
            return Some(event);
        }
    }
}

async fn follow_own(
    deployer: &Deployer,
    stop: &mut Stop,
    mut events: Events,
    mut progress: Progress,
    id: &DeploymentId,
) -> Result<DeploymentRecord, Failure> {
    let ended = deployer.wait(id);
    tokio::pin!(ended);
    let mut redraws = interval(REDRAW_EVERY);
    redraws.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut stops = 0;
    let record = loop {
        tokio::select! {
            biased;
            _ = stop.asked() => {
                stops += 1;
                if stops == 1 {
                    progress.line(cancel(deployer, id).await?);
                } else if deployer.cancel_now(id) {
                    progress.line("stopping at once");
                }
            }
            _ = redraws.tick(), if progress.is_live() => progress.redraw(),
            Some(event) = events.next() => {
                if event.id == *id && !matches!(event.kind, EventKind::Ended(_)) {
                    progress.show(&event);
                }
            }
            record = &mut ended => break record,
        }
    };
    progress.finish();
    Ok(record?)
}

/// Watches the record of a deployment that this process does not run; the first signal asks its
/// owner to cancel it, and the second one leaves it to its owner.
async fn follow_another(
    deployer: &Deployer,
    status: &DeploymentStatus,
    stop: &mut Stop,
    id: &DeploymentId,
) -> Result<DeploymentRecord, Failure> {
    say(&format!("deployment {id}"));
    let ended = async {
        if !watch::read(status, id).await?.is_terminal() {
            say("another process deploys it");
        }
        watch::watch(status, id).await
    };
    tokio::pin!(ended);
    if let Ok(record) = stop.before(&mut ended).await {
        return record;
    }
    let cancelled = async {
        say(cancel(deployer, id).await?);
        ended.await
    };
    // The store may take long with that, too.
    stop.before(cancelled).await.unwrap_or_else(|_| {
        let reason = format!("deployment {id} is left to its owner");
        Err(Failure::new(FAILED, reason))
    })
}

/// Asks for the end of a deployment, and tells what a person can do next.
async fn cancel(deployer: &Deployer, id: &DeploymentId) -> Result<&'static str, Failure> {
    match deployer.cancel(id).await {
        // It has just ended by itself.
        Ok(()) | Err(Error::IllegalMove { .. }) => Ok("cancelling; once more to stop at once"),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use batch::Secret;
    use deployment::{Credentials, DeployerOptions};
    use store::{FaultScript, FaultStore, IStore, MemoryStore, Operation, StoreExt as _};

    use super::*;
    use crate::cli::Client;
    use crate::clients;
    use crate::failure::CONFLICT;
    use crate::stop::StopSignal;

    fn deployer(store: &Arc<dyn IStore>, script: &FaultScript) -> Deployer {
        let platform = clients::platform(Client::Helion, clients::runner_options());
        let store = Arc::new(FaultStore::new(Arc::clone(store), script));
        Deployer::new(store, platform, DeployerOptions::default())
    }

    fn request() -> DeployRequest {
        let credentials = Credentials::new("ann", Secret::new("correct")).unwrap();
        DeployRequest::new("foo", "https://api.example.com", credentials).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_signal_what_is_in_the_way_is_told_without_its_record() {
        let store: Arc<dyn IStore> = Arc::new(MemoryStore::new());
        let archive = testkit::package("foo", &[("index.html", b"hello")]);
        let file = store::FileName::new("foo.tar.gz").unwrap();
        let options = store::SaveOptions::default();
        store.save_bytes(&file, archive, &options).await.unwrap();
        // Another engine has its lock, and hangs with its record.
        let script = FaultScript::new();
        script.on(Operation::SaveFile).nth(2).hang();
        let other = deployer(&store, &script);
        let other = tokio::spawn(async move { other.deploy_package(request()).await });
        script.wait_for_hang().await;
        let calls = script.calls();
        let mut saves = calls
            .iter()
            .filter(|call| call.operation == Operation::SaveFile);
        let record = saves.nth(1).and_then(|call| call.name.clone()).unwrap();
        let script = FaultScript::new();
        let reading = script.on(Operation::GetFileContents).named(record).nth(2);
        reading.hang();
        let looking = script.on(Operation::GetFileInfo).named("foo.tar.gz");
        looking.delay(Duration::from_secs(1));
        let mut stop = Stop::new().unwrap();
        stop.put_back(StopSignal::Terminate);
        let deployer = deployer(&store, &script);
        let begun = begin(&deployer, request(), &mut stop);
        let begun = tokio::time::timeout(Duration::from_hours(1), begun).await;
        let failure = begun.unwrap().unwrap_err();
        assert_eq!(failure.code(), CONFLICT, "{failure:?}");
        other.abort();
    }
}
