//! Steps of the platform's process that go wrong, each in turn.

use super::trial::{Effect, StepFault};
use super::world::{Time, World, deploy, shown};
use super::{MakeTrial, Verdict, in_runtime, told};
use crate::phase::Phase;
use crate::record::DeploymentRecord;

pub(super) fn a_step_that_is_refused_is_recorded(make: MakeTrial<'_>) -> Verdict {
    each_step(make, StepFault::Refused)
}

pub(super) fn a_step_that_cannot_start_is_recorded(make: MakeTrial<'_>) -> Verdict {
    each_step(make, StepFault::CannotStart)
}

pub(super) fn a_step_that_takes_too_long_is_recorded(make: MakeTrial<'_>) -> Verdict {
    each_step(make, StepFault::TimesOut)
}

pub(super) fn a_step_that_is_killed_is_recorded(make: MakeTrial<'_>) -> Verdict {
    each_step(make, StepFault::Killed)
}

pub(super) fn a_step_that_panics_fails_its_deployment_only(make: MakeTrial<'_>) -> Verdict {
    each_step(make, StepFault::Panics)
}

fn each_step(make: MakeTrial<'_>, fault: StepFault) -> Verdict {
    in_runtime(Time::Real, async {
        let whole = World::new(make).await?;
        let baseline = deploy(&whole.engine(Time::Real)).await.map_err(told)?;
        for step in 0..whole.trial.steps() {
            let world = World::new(make).await?;
            let Some(effect) = world.trial.break_step(step, fault) else {
                continue;
            };
            let engine = world.engine(Time::Real);
            let record = deploy(&engine).await.map_err(told)?;
            engine.shutdown().await;
            let checked = broke(&world, &record, &baseline, effect, fault).await;
            checked.map_err(|seen| format!("{fault:?} at step {step}: {seen}"))?;
        }
        Ok(())
    })
}

async fn broke(
    world: &World,
    record: &DeploymentRecord,
    baseline: &DeploymentRecord,
    effect: Effect,
    fault: StepFault,
) -> Verdict {
    match effect {
        Effect::Tolerated if record.statuses().eq(baseline.statuses()) => {}
        Effect::Tolerated => return Err(format!("it ended as {}", shown(record))),
        Effect::Fatal => check_fatal(record, baseline, fault)?,
    }
    world.check().await?;
    world.check_logged_out()
}

/// The history goes as it does without a fault, up to the step that broke.
fn check_fatal(
    record: &DeploymentRecord,
    baseline: &DeploymentRecord,
    fault: StepFault,
) -> Verdict {
    let expected = match fault {
        StepFault::TimesOut => Phase::TimedOut,
        StepFault::Refused | StepFault::CannotStart | StepFault::Killed | StepFault::Panics => {
            Phase::Failed
        }
    };
    let mut statuses: Vec<_> = record.statuses().collect();
    statuses.pop();
    let usual: Vec<_> = baseline.statuses().collect();
    if record.phase() != Some(expected) || !usual.starts_with(&statuses) {
        return Err(format!("it ended as {}", shown(record)));
    }
    // A success has a last DIR of the engine's own behind the process's statuses.
    if statuses.len() + 2 >= usual.len() {
        return Err(format!(
            "a status of the broken step is recorded: {}",
            shown(record)
        ));
    }
    Ok(())
}
