//! A cancel at every status that a deployment reaches.

use std::time::Duration;

use store::Operation;

use super::world::{Time, World, deploy, request, shown};
use super::{MakeTrial, Verdict, in_runtime, told};
use crate::deployer::Deployer;
use crate::error::Error;
use crate::event::EventKind;
use crate::phase::Phase;
use crate::record::DeploymentRecord;

/// How long each write takes, so that a cancel finds the work where it stood.
const WRITE_TIME: Duration = Duration::from_millis(5);

pub(super) fn a_cancel_at_any_status_is_recorded(make: MakeTrial<'_>) -> Verdict {
    in_runtime(Time::Real, async {
        let whole = World::new(make).await?;
        let baseline = deploy(&whole.engine(Time::Real)).await.map_err(told)?;
        for number in 1..=baseline.statuses().count() {
            let world = World::new(make).await?;
            // A quick platform would have ended before it is told.
            let saves = world.script.on(Operation::SaveFile);
            saves.always().delay(WRITE_TIME);
            let engine = world.engine(Time::Real);
            let record = deploy_and_cancel(&engine, number).await?;
            engine.shutdown().await;
            let checked = cancelled(&world, &baseline, &record, number).await;
            checked.map_err(|seen| format!("a cancel at status {number}: {seen}"))?;
        }
        Ok(())
    })
}

/// Deploys, and asks for a cancel as soon as so many statuses are recorded.
async fn deploy_and_cancel(engine: &Deployer, number: usize) -> Verdict<DeploymentRecord> {
    let mut events = engine.subscribe();
    let request = request().map_err(told)?;
    let id = engine.deploy_package(request).await.map_err(told)?;
    let mut reached = 0;
    while reached < number
        && let Some(event) = events.next().await
    {
        match event.kind {
            EventKind::Status(_) => reached += 1,
            EventKind::Ended(_) => break,
            _ => {}
        }
    }
    match engine.cancel(&id).await {
        // It may have ended meanwhile.
        Ok(()) | Err(Error::IllegalMove { .. }) => engine.wait(&id).await.map_err(told),
        Err(error) => Err(told(error)),
    }
}

async fn cancelled(
    world: &World,
    baseline: &DeploymentRecord,
    record: &DeploymentRecord,
    number: usize,
) -> Verdict {
    let mut statuses: Vec<_> = record.statuses().collect();
    let usual: Vec<_> = baseline.statuses().collect();
    let is_as_promised = match statuses.pop() {
        Some("CANCELLED") => usual.starts_with(&statuses) && statuses.len() >= number,
        // It came too late, which right after INIT it does not.
        _ => record.phase() == Some(Phase::Success) && record.statuses().eq(usual) && number > 1,
    };
    if !is_as_promised {
        return Err(format!("it ended as {}", shown(record)));
    }
    world.check().await?;
    world.check_logged_out()?;
    world.check_next(Time::Real).await
}
