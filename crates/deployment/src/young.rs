//! Which deployments are too young to be pruned, by their ids alone.

use std::time::{Duration, SystemTime};

use crate::id::DeploymentId;
use crate::pruning::PrunePolicy;

/// What ids of this engine tell their time in.
const A_MILLISECOND: Duration = Duration::from_millis(1);

/// The ids of deployments that are too young to be removed, whenever they ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Young {
    /// The greatest one; what sorts behind it is no id of this engine.
    last: DeploymentId,
    /// The smallest one.
    first: DeploymentId,
}

impl Young {
    /// `None` where a count needs all of them looked at.
    pub(crate) fn of(policy: &PrunePolicy, now: SystemTime) -> Option<Self> {
        let (Some(age), None) = (policy.max_age, policy.keep) else {
            return None;
        };
        Some(Self {
            last: DeploymentId::earliest_at(now.checked_add(A_MILLISECOND)?),
            first: DeploymentId::earliest_at(now.checked_sub(age)?.checked_add(A_MILLISECOND)?),
        })
    }

    /// Where a listing of the newest first goes on after `next`: behind these ids, if it is one.
    pub(crate) fn behind(self, next: DeploymentId) -> DeploymentId {
        if next <= self.last {
            next.min(self.first)
        } else {
            next
        }
    }

    pub(crate) fn contains(self, id: DeploymentId) -> bool {
        self.first <= id && id <= self.last
    }
}
