//! Running one deployment to its end, with Ctrl-C.

use deployment::{DeployRequest, Deployer, DeploymentId, DeploymentRecord, Error, EventKind};
use tokio::time::{MissedTickBehavior, interval};

use crate::failure::{FAILED, Failure};
use crate::progress::{Progress, REDRAW_EVERY};
use crate::stop::Stop;

/// Starts a deployment and shows it until it has ended.
///
/// The first Ctrl-C, SIGTERM or SIGHUP cancels the deployment: its command is asked to end, and it logs
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
    let mut redraws = interval(REDRAW_EVERY);
    redraws.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut stops = 0;
    let record = loop {
        tokio::select! {
            biased;
            _ = stop.asked() => {
                stops += 1;
                let Some(line) = stop_deployment(deployer, &id, stops).await? else {
                    progress.finish();
                    let reason = format!("deployment {id} is left to its owner");
                    return Err(Failure::new(FAILED, reason));
                };
                progress.line(line);
            }
            _ = redraws.tick(), if progress.is_live() => progress.redraw(),
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

/// Passes a stop on; `None` when there is nothing left to wait for.
async fn stop_deployment(
    deployer: &Deployer,
    id: &DeploymentId,
    stops: u32,
) -> Result<Option<&'static str>, Failure> {
    if stops > 1 {
        // A deployment of another process, which the same key has found, is left to its owner.
        return Ok(deployer.cancel_now(id).then_some("stopping at once"));
    }
    match deployer.cancel(id).await {
        // It has just ended by itself.
        Ok(()) | Err(Error::IllegalMove { .. }) => {
            Ok(Some("cancelling; once more to stop at once"))
        }
        Err(error) => Err(error.into()),
    }
}
