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

/// All ways in which a step goes wrong.
const FAULTS: [StepFault; 5] = [
    StepFault::Refused,
    StepFault::CannotStart,
    StepFault::TimesOut,
    StepFault::Killed,
    StepFault::Panics,
];

/// A platform of which nothing can go wrong would pass every check of a step.
fn check_breakable(make: MakeTrial<'_>) -> Verdict {
    let breaks = |step| {
        let mut faults = FAULTS.into_iter();
        faults.any(|fault| make().break_step(step, fault).is_some())
    };
    if (0..make().steps()).any(breaks) {
        return Ok(());
    }
    Err("no step can be broken in any way".to_owned())
}

fn each_step(make: MakeTrial<'_>, fault: StepFault) -> Verdict {
    check_breakable(make)?;
    in_runtime(Time::Real, async {
        let whole = World::new(make).await?;
        let baseline = deploy(&whole.engine(Time::Real)).await.map_err(told)?;
        if baseline.phase() != Some(Phase::Success) {
            let shown = shown(&baseline);
            return Err(format!("with no step broken it ended as {shown}"));
        }
        let steps = whole.trial.steps();
        for step in 0..steps {
            let world = World::new(make).await?;
            let Some(effect) = world.trial.break_step(step, fault) else {
                continue;
            };
            let engine = world.engine(Time::Real);
            let record = deploy(&engine).await.map_err(told)?;
            engine.shutdown().await;
            let checked = match effect {
                Effect::Tolerated => check_tolerated(&record, &baseline),
                Effect::Fatal => check_fatal(&record, &baseline, fault)
                    .and_then(|reached| check_place(reached, &baseline, step, steps)),
            };
            let checked = match checked {
                Ok(()) => world.check().await.and_then(|()| world.check_logged_out()),
                Err(seen) => Err(format!("{seen}: {}", shown(&record))),
            };
            checked.map_err(|seen| format!("{fault:?} at step {step}: {seen}"))?;
        }
        Ok(())
    })
}

fn check_tolerated(record: &DeploymentRecord, baseline: &DeploymentRecord) -> Verdict {
    if record.statuses().eq(baseline.statuses()) {
        return Ok(());
    }
    Err("it is not as without the fault".to_owned())
}

/// The history goes as it does without a fault, up to the step that broke; how many statuses it
/// has before its ending.
fn check_fatal(
    record: &DeploymentRecord,
    baseline: &DeploymentRecord,
    fault: StepFault,
) -> Verdict<usize> {
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
        return Err(
            "it is not as without the fault up to the step, and then its ending".to_owned(),
        );
    }
    Ok(statuses.len())
}

/// The statuses of all steps before the broken one are recorded, and none of its own.
fn check_place(reached: usize, baseline: &DeploymentRecord, step: usize, steps: usize) -> Verdict {
    let usual: Vec<_> = baseline.statuses().collect();
    // The engine's own statuses end with DIR before those of the process, and a success has
    // another DIR behind them.
    let own = usual.iter().position(|status| *status == "DIR");
    let own = own.map_or(0, |last| last + 1);
    let silent = (own + steps + 2).saturating_sub(usual.len());
    let Some(reached) = reached.checked_sub(own) else {
        return Err("the process has not begun".to_owned());
    };
    if reached > step {
        return Err("a status of the broken step is recorded".to_owned());
    }
    if reached + silent < step {
        return Err("a status of a step before the broken one is missing".to_owned());
    }
    Ok(())
}
