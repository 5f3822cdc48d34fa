//! What state a child is in, and what follows from what happens to it.

use std::time::Duration;

use rustix::process::Signal;
use tokio::time::Instant;

use crate::local::attend::Care;
use crate::local::group::Group;
use crate::local::options::LeakPolicy;
use crate::outcome::StepOutcome;

/// How long output is read after everything was killed.
const LAST_DRAIN: Duration = Duration::from_millis(200);

/// How long a killed child may take to be gone; one that waits for a broken disk takes longer.
const KILLED_LIMIT: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It runs.
    Running,
    /// It was asked to end.
    Asked,
    /// It was asked to end and has; others of its group have the rest of the grace.
    Leaderless,
    /// It was killed and is not gone yet.
    Killed,
    /// It is gone, and its output is read to the end.
    Draining,
    /// There is nothing more to wait for.
    Over,
    /// It was killed and did not go.
    Unkillable,
}

/// A child on its way to its end.
#[derive(Debug)]
pub(super) struct Progress<'a> {
    care: &'a Care<'a>,
    group: &'a Group,
    pub(super) phase: Phase,
    /// When the phase ends at the latest.
    pub(super) alarm: Option<Instant>,
    /// Why the child is being stopped.
    pub(super) stopped: Option<StepOutcome>,
}

impl<'a> Progress<'a> {
    pub(super) fn new(care: &'a Care<'a>, group: &'a Group) -> Self {
        let alarm = care.deadline.map(|deadline| deadline.at);
        Self {
            care,
            group,
            phase: Phase::Running,
            alarm,
            stopped: None,
        }
    }

    pub(super) const fn has_exited(&self) -> bool {
        matches!(
            self.phase,
            Phase::Leaderless | Phase::Draining | Phase::Over
        )
    }

    #[expect(clippy::fn_params_excessive_bools, reason = "a fact, not a choice")]
    pub(super) const fn is_over(&self, has_output: bool) -> bool {
        match self.phase {
            Phase::Running | Phase::Asked | Phase::Leaderless | Phase::Killed => false,
            Phase::Draining => !has_output,
            Phase::Over | Phase::Unkillable => true,
        }
    }

    /// The child has exited.
    pub(super) fn exit(&mut self) {
        match self.phase {
            Phase::Running => self.enter(Phase::Draining, self.drain_end()),
            Phase::Asked => self.phase = Phase::Leaderless,
            Phase::Killed => self.enter(Phase::Draining, later(LAST_DRAIN)),
            Phase::Leaderless | Phase::Draining | Phase::Over | Phase::Unkillable => {}
        }
    }

    /// Nothing of the group runs any more, and nobody holds the output.
    pub(super) fn vacate(&mut self) {
        if self.phase == Phase::Leaderless {
            self.phase = Phase::Over;
        }
    }

    /// The run is cancelled.
    pub(super) fn cancel(&mut self) {
        match self.phase {
            Phase::Running => self.stop(StepOutcome::Cancelled),
            // It had ended by itself; only what it left behind is not waited for any more.
            Phase::Draining => self.phase = Phase::Over,
            Phase::Asked | Phase::Leaderless | Phase::Killed | Phase::Over | Phase::Unkillable => {}
        }
    }

    /// Whether a forced cancel changes anything: it does not once the child was killed.
    pub(super) const fn may_be_forced(&self) -> bool {
        match self.phase {
            Phase::Running | Phase::Asked | Phase::Leaderless => true,
            Phase::Draining => self.stopped.is_none(),
            Phase::Killed | Phase::Over | Phase::Unkillable => false,
        }
    }

    /// The run is cancelled without any delay.
    pub(super) fn force(&mut self) {
        match self.phase {
            Phase::Running | Phase::Asked | Phase::Leaderless => {
                self.stopped.get_or_insert(StepOutcome::Cancelled);
                self.kill();
            }
            Phase::Draining => self.phase = Phase::Over,
            Phase::Killed | Phase::Over | Phase::Unkillable => {}
        }
    }

    /// The alarm has gone off.
    pub(super) fn ring(&mut self) {
        self.alarm = None;
        match self.phase {
            Phase::Running => {
                let deadline = self.care.deadline;
                let after = deadline.map(|deadline| deadline.limit).unwrap_or_default();
                self.stop(StepOutcome::TimedOut { after });
            }
            Phase::Asked | Phase::Leaderless => self.kill(),
            Phase::Killed => self.phase = Phase::Unkillable,
            Phase::Draining => self.phase = Phase::Over,
            Phase::Over | Phase::Unkillable => {}
        }
    }

    /// Asks the group to end.
    fn stop(&mut self, outcome: StepOutcome) {
        self.stopped = Some(outcome);
        if self.care.grace.is_zero() {
            self.kill();
            return;
        }
        self.group.ask();
        self.enter(Phase::Asked, later(self.care.grace));
    }

    fn kill(&mut self) {
        self.group.signal(Signal::KILL);
        if self.phase == Phase::Leaderless {
            self.enter(Phase::Draining, later(LAST_DRAIN));
        } else {
            self.enter(Phase::Killed, later(KILLED_LIMIT));
        }
    }

    const fn enter(&mut self, phase: Phase, alarm: Instant) {
        self.phase = phase;
        self.alarm = Some(alarm);
    }

    fn drain_end(&self) -> Instant {
        let end = later(self.care.leak_policy.drain_time());
        match (self.care.leak_policy, self.care.deadline) {
            (LeakPolicy::Wait(_), Some(deadline)) => end.min(deadline.at),
            (LeakPolicy::Wait(_) | LeakPolicy::Kill | LeakPolicy::Detach, _) => end,
        }
    }
}

/// The moment after `time`; one that no clock can show is in 30 years.
fn later(time: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(time)
        .unwrap_or(now + Duration::from_hours(30 * 365 * 24))
}
