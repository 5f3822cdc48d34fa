//! A store that fails at each of its calls in turn.

use std::time::Duration;

use store::{CallOutcome, ErrorKind, FaultRule, LoggedCall, Operation};

use super::world::{CALL_LIMIT, Time, World, archive, deploy, request, shown};
use super::{MakeTrial, Verdict, in_runtime, told};
use crate::deployer::Deployer;
use crate::error::Result;
use crate::phase::Phase;
use crate::record::DeploymentRecord;

/// Far more calls than a deployment makes.
const MOST_CALLS: u64 = 10_000;

/// Longer than any wait of the engine that ends its work: a lease, and the patience of reports.
const LONG_OUTAGE: Duration = Duration::from_mins(3);

/// How the call that a rule is about goes wrong.
type Fault = fn(FaultRule<'_>);

pub(super) fn a_deployment_without_faults_succeeds(make: MakeTrial<'_>) -> Verdict {
    in_runtime(Time::Paused, async { baseline(make).await.map(drop) })
}

pub(super) fn a_store_call_that_fails_once_is_survived(make: MakeTrial<'_>) -> Verdict {
    one_fault(make, |rule| rule.fail(ErrorKind::Unavailable))
}

pub(super) fn a_store_call_that_takes_too_long_is_survived(make: MakeTrial<'_>) -> Verdict {
    one_fault(make, |rule| rule.delay(CALL_LIMIT * 2))
}

pub(super) fn a_store_call_whose_reply_is_lost_is_survived(make: MakeTrial<'_>) -> Verdict {
    one_fault(make, |rule| rule.after_effect().fail(ErrorKind::Timeout))
}

pub(super) fn a_store_that_stays_away_stops_the_deployment(make: MakeTrial<'_>) -> Verdict {
    outage(make, |rule| rule.always().fail(ErrorKind::Unavailable))
}

pub(super) fn a_store_that_stays_silent_stops_the_deployment(make: MakeTrial<'_>) -> Verdict {
    outage(make, |rule| rule.always().delay(Duration::from_hours(24)))
}

pub(super) fn a_crash_before_any_store_call_is_recovered(make: MakeTrial<'_>) -> Verdict {
    crash(make, |rule| rule.times(1).hang())
}

pub(super) fn a_crash_after_any_store_call_is_recovered(make: MakeTrial<'_>) -> Verdict {
    crash(make, |rule| rule.after_effect().hang())
}

/// The record of a deployment during which nothing goes wrong.
pub(super) async fn baseline(make: MakeTrial<'_>) -> Verdict<DeploymentRecord> {
    let world = World::new(make).await?;
    let record = deploy(&world.engine(Time::Paused)).await.map_err(told)?;
    if record.phase() != Some(Phase::Success) {
        return Err(format!("it ended as {}", shown(&record)));
    }
    world.check().await?;
    world.check_logged_out()?;
    world.check_next(Time::Paused).await?;
    Ok(record)
}

fn one_fault(make: MakeTrial<'_>, fault: Fault) -> Verdict {
    in_runtime(Time::Paused, async {
        let baseline = baseline(make).await?;
        for number in 1..MOST_CALLS {
            let world = World::new(make).await?;
            fault(world.script.on_any().nth(number));
            let engine = world.engine(Time::Paused);
            let deployed = deploy(&engine).await;
            engine.shutdown().await;
            let Some(call) = nth_call(&world, number) else {
                return Ok(());
            };
            survived(&world, &baseline, deployed, &call)
                .await
                .map_err(at(number, &call))?;
        }
        Err(format!("a deployment makes more than {MOST_CALLS} calls"))
    })
}

/// Checks a deployment during which `call` alone went wrong.
async fn survived(
    world: &World,
    baseline: &DeploymentRecord,
    deployed: Result<DeploymentRecord>,
    call: &LoggedCall,
) -> Verdict {
    match deployed {
        // A request that is refused has left nothing, and nothing is in the way of the next one.
        Err(error) if !error.is_retryable() => return Err(format!("it is refused: {error}")),
        Err(_) => {
            let records = world.records().await?;
            if !records.is_empty() {
                return Err("a refused request has a record".to_owned());
            }
        }
        Ok(record) if is_package(call) && call.outcome != CallOutcome::Done => {
            let engine = record.engine.as_ref();
            let step = engine.and_then(|engine| engine.error.as_ref()?.step.as_deref());
            if record.phase() != Some(Phase::Failed) || step != Some("DOWNLOADING") {
                return Err(format!("a failed download ended as {}", shown(&record)));
            }
        }
        Ok(record) => {
            if !record.statuses().eq(baseline.statuses()) {
                return Err(format!("it ended as {}", shown(&record)));
            }
        }
    }
    world.check().await?;
    world.check_logged_out()?;
    world.check_next(Time::Paused).await
}

fn outage(make: MakeTrial<'_>, fault: Fault) -> Verdict {
    in_runtime(Time::Paused, async {
        let baseline = baseline(make).await?;
        for number in 1..MOST_CALLS {
            let world = World::new(make).await?;
            fault(world.script.on_any().nth(number));
            let engine = world.engine(Time::Paused);
            let outlived = outlive(&world, &engine, &baseline).await;
            let Some(call) = nth_call(&world, number) else {
                engine.shutdown().await;
                return outlived;
            };
            outlived.map_err(at(number, &call))?;
            engine.shutdown().await;
        }
        Err(format!("a deployment makes more than {MOST_CALLS} calls"))
    })
}

/// Checks a deployment whose store went away in the middle.
async fn outlive(world: &World, engine: &Deployer, baseline: &DeploymentRecord) -> Verdict {
    let Ok(id) = engine.deploy_package(request().map_err(told)?).await else {
        // What it may have left by a call whose reply was lost ends with its lease.
        world.script.clear();
        world.outlive_the_lease();
        let recovered = world
            .other_engine(Time::Paused)
            .recover()
            .await
            .map_err(told)?;
        if let Some(failure) = recovered.failed.first() {
            return Err(format!("it is not recovered: {failure:?}"));
        }
        world.check().await?;
        return world.check_next(Time::Paused).await;
    };
    tokio::time::sleep(LONG_OUTAGE).await;
    world.check_nothing_left()?;
    world.script.clear();
    let record = engine.wait(&id).await.map_err(told)?;
    let has_succeeded = record.statuses().eq(baseline.statuses());
    if record.phase() != Some(Phase::Failed) && !has_succeeded {
        return Err(format!("after the outage it ended as {}", shown(&record)));
    }
    world.check().await?;
    world.check_next(Time::Paused).await
}

fn crash(make: MakeTrial<'_>, fault: Fault) -> Verdict {
    for number in 1..MOST_CALLS {
        let world = in_runtime(Time::Paused, World::new(make))?;
        fault(world.script.on_any().nth(number));
        // With its runtime, all tasks of the engine are dropped where they stand.
        let has_ended = in_runtime(Time::Paused, async {
            let engine = world.engine(Time::Paused);
            tokio::select! {
                () = world.script.wait_for_hang() => Ok(false),
                deployed = deploy(&engine) => deployed.map(|_| true).map_err(told),
            }
        })?;
        let Some(call) = nth_call(&world, number) else {
            return Ok(());
        };
        if has_ended {
            // The call came after the ending, which is nobody's to recover.
            continue;
        }
        world.script.clear();
        in_runtime(Time::Paused, recovered(&world)).map_err(at(number, &call))?;
    }
    Err(format!("a deployment makes more than {MOST_CALLS} calls"))
}

/// Has another engine recover what a crash left, and checks it.
async fn recovered(world: &World) -> Verdict {
    world.outlive_the_lease();
    let engine = world.other_engine(Time::Paused);
    let report = engine.recover().await.map_err(told)?;
    if let Some(failure) = report.failed.first() {
        return Err(format!("it is not recovered: {failure:?}"));
    }
    world.check().await?;
    world.check_next(Time::Paused).await
}

fn nth_call(world: &World, number: u64) -> Option<LoggedCall> {
    let index = usize::try_from(number).ok()?.checked_sub(1)?;
    world.script.calls().get(index).cloned()
}

/// Whether the call fetches the package; those that only look for it are others.
fn is_package(call: &LoggedCall) -> bool {
    let is_archive = |name| archive().is_ok_and(|archive| archive == name);
    call.operation == Operation::GetFileContents && call.name.clone().is_some_and(is_archive)
}

fn at(number: u64, call: &LoggedCall) -> impl Fn(String) -> String {
    let name = call.name.as_ref().map_or("", |name| name.as_str());
    let call = format!("call {number}, {:?} {name}", call.operation);
    move |seen| format!("{call}: {seen}")
}
