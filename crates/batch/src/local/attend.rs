//! Looking after one child from its start to its end.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::Duration;

use tokio::net::unix::pipe::Receiver;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::deadline::Deadline;
use crate::local::exit::ExitWatch;
use crate::local::group::Group;
use crate::local::launch::Launched;
use crate::local::options::LeakPolicy;
use crate::local::progress::{Phase, Progress};
use crate::local::remains::Remains;
use crate::local::sink::{Sink, Turn};
use crate::outcome::StepOutcome;
use crate::usage::ResourceUsage;

/// How soon, and how seldom, it is looked whether something still runs.
const FIRST_PAUSE: Duration = Duration::from_micros(500);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// How long the killed rest of a group may take to be gone.
const REST_LIMIT: Duration = Duration::from_millis(100);

/// How a child is looked after.
#[derive(Debug)]
pub(super) struct Care<'a> {
    /// When it is stopped.
    pub(super) deadline: Option<Deadline>,
    pub(super) cancel: &'a CancellationToken,
    pub(super) force: &'a CancellationToken,
    pub(super) grace: Duration,
    pub(super) leak_policy: LeakPolicy,
}

/// How a child ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) outcome: StepOutcome,
    pub(super) leaked: bool,
    pub(super) usage: Option<ResourceUsage>,
}

impl Ended {
    /// An end of which nothing else is known.
    const fn unseen(outcome: StepOutcome) -> Self {
        Self {
            outcome,
            leaked: false,
            usage: None,
        }
    }
}

/// Looks after `launched` until it has ended and nothing is left of its group.
///
/// An exit is seen before a timeout or a cancel of the same moment, and both before output.
pub(super) async fn attend(launched: Launched, care: &Care<'_>, sink: &mut Sink<'_>) -> Ended {
    let Launched { mut group, output } = launched;
    let output = match Receiver::from_owned_fd_unchecked(output) {
        Ok(receiver) => receiver,
        Err(error) => {
            let reason = format!("its output cannot be read: {error}");
            return Ended::unseen(StepOutcome::Failed { reason });
        }
    };
    let (progress, rest) = watch(&group, output, care, sink).await;
    if progress.phase == Phase::Unkillable {
        tracing::error!(
            pid = group.pid().as_raw_nonzero(),
            "a killed command is not gone yet"
        );
        return Ended::unseen(unkillable(progress.stopped));
    }
    let is_cleared = progress.stopped.is_some() || care.leak_policy != LeakPolicy::Detach;
    let stopped = progress.stopped;
    // Its end may have come with the alarm.
    let is_held = |output: &Receiver| sink.read(output) != Turn::End;
    let leaked = stopped.is_none() && rest.as_ref().is_some_and(is_held);
    if is_cleared {
        group.kill_rest().await;
    }
    let ended = group.reap();
    if let Some(output) = &rest {
        // What the killed ones had written.
        sink.read(output);
    }
    if is_cleared {
        wait_until_gone(&group).await;
    }
    Ended {
        usage: ended.as_ref().ok().map(|ended| usage(&ended.rusage)),
        outcome: stopped.unwrap_or_else(|| outcome(ended.map(|ended| ended.status))),
        leaked,
    }
}

/// Waits for what happens to the child, and reads its output meanwhile; returns the output if it
/// is not at its end.
async fn watch<'a>(
    group: &'a Group,
    output: Receiver,
    care: &'a Care<'a>,
    sink: &mut Sink<'_>,
) -> (Progress<'a>, Option<Receiver>) {
    let mut output = Some(output);
    let mut progress = Progress::new(care, group);
    let exit = ExitWatch::new(group.pid());
    let mut cancelled = std::pin::pin!(care.cancel.cancelled());
    let mut forced = std::pin::pin!(care.force.cancelled());
    let mut timer = std::pin::pin!(tokio::time::sleep_until(Instant::now()));
    while !progress.is_over(output.is_some()) {
        if let Some(alarm) = progress.alarm
            && timer.deadline() != alarm
        {
            timer.as_mut().reset(alarm);
        }
        tokio::select! {
            biased;
            () = exit.exited(group.pid()), if !progress.has_exited() => progress.exit(),
            () = &mut forced, if progress.may_be_forced() => progress.force(),
            () = &mut cancelled, if progress.stopped.is_none() => progress.cancel(),
            () = &mut timer, if progress.alarm.is_some() => progress.ring(),
            () = nothing_runs(group), if progress.phase == Phase::Leaderless && output.is_none() => {
                progress.vacate();
            }
            () = readable(output.as_ref()), if output.is_some() => {
                match output.as_ref().map(|output| sink.read(output)) {
                    None | Some(Turn::End) => output = None,
                    Some(Turn::Drained) => {}
                    Some(Turn::Full) => tokio::task::yield_now().await,
                }
            }
        }
    }
    (progress, output)
}

/// Waits until nothing runs of a group that was asked to end.
async fn nothing_runs(group: &Group) {
    let mut pause = FIRST_PAUSE;
    while group.remains().await == Remains::Running {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// A signal is sent at once and takes effect a little later.
async fn wait_until_gone(group: &Group) {
    let give_up = Instant::now() + REST_LIMIT;
    let mut pause = FIRST_PAUSE;
    while group.has_members() && Instant::now() < give_up {
        tokio::time::sleep(pause).await;
        pause *= 2;
        let remains = tokio::time::timeout_at(give_up, group.remains()).await;
        if let Ok(Remains::Nothing) = remains {
            return;
        }
    }
}

async fn readable(output: Option<&Receiver>) {
    match output {
        // An error shows again in the reading.
        Some(output) => drop(output.readable().await),
        None => std::future::pending().await,
    }
}

fn usage(used: &wait4::ResourceUsage) -> ResourceUsage {
    ResourceUsage::new(used.utime, used.stime, used.maxrss)
}

/// One that was killed and waits in the kernel, as for a broken disk.
fn unkillable(stopped: Option<StepOutcome>) -> StepOutcome {
    let stopped = stopped.unwrap_or(StepOutcome::Cancelled);
    StepOutcome::Failed {
        reason: format!("{stopped}, killed, and not gone yet"),
    }
}

fn outcome(status: io::Result<ExitStatus>) -> StepOutcome {
    match status {
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => StepOutcome::Exited { code },
            (None, Some(signal)) => StepOutcome::Signaled { signal },
            (None, None) => StepOutcome::Failed {
                reason: format!("ended with {status}"),
            },
        },
        Err(error) => StepOutcome::Failed {
            reason: format!("its exit status is lost: {error}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_not_gone_is_not_told_as_stopped() {
        let after = Duration::from_secs(3);
        let outcome = unkillable(Some(StepOutcome::TimedOut { after }));
        assert_eq!(
            outcome.to_string(),
            "timed out after 3s, killed, and not gone yet"
        );
        assert!(matches!(outcome, StepOutcome::Failed { .. }), "{outcome:?}");
    }
}
