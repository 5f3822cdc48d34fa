//! Running one deployment to its end, with Ctrl-C.

use deployment::{DeployRequest, Deployer, DeploymentId, DeploymentRecord, EventKind};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::failure::{FAILED, Failure};
use crate::progress::Progress;

/// Starts a deployment and shows it until it has ended.
///
/// The first Ctrl-C, or SIGTERM, cancels the deployment: its command is asked to end, and it logs
/// out and cleans up. The second one does not wait for that.
pub(crate) async fn follow(
    deployer: &Deployer,
    request: DeployRequest,
) -> Result<DeploymentRecord, Failure> {
    let mut stop = Stop::new()?;
    let mut events = deployer.subscribe();
    let id = deployer.deploy_package(request).await?;
    let mut progress = Progress::new();
    progress.line(&format!("deployment {id}"));
    let ended = deployer.wait(&id);
    tokio::pin!(ended);
    let mut stops = 0;
    let record = loop {
        tokio::select! {
            biased;
            () = stop.asked() => {
                stops += 1;
                progress.line(stop_deployment(deployer, &id, stops).await?);
            }
            Some(event) = events.next() => {
                if event.id == id && !matches!(event.kind, EventKind::Ended(_)) {
                    progress.show(&event);
                }
            }
            record = &mut ended => break record?,
        }
    };
    progress.finish();
    Ok(record)
}

async fn stop_deployment(
    deployer: &Deployer,
    id: &DeploymentId,
    stops: u32,
) -> Result<&'static str, Failure> {
    if stops == 1 {
        deployer.cancel(id).await?;
        return Ok("cancelling; once more to stop at once");
    }
    Ok(if deployer.cancel_now(id) {
        "stopping at once"
    } else {
        "ending"
    })
}

/// Ctrl-C and SIGTERM.
struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    fn new() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind).map_err(|error| {
                Failure::new(FAILED, format!("failed to listen for signals: {error}"))
            })
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
