//! What is remembered of records that were written, and built upon.

use std::sync::Arc;

use store::Etag;

use crate::record::DeploymentRecord;
use crate::status::StatusChange;

/// What this value last wrote of one record.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) record: Arc<DeploymentRecord>,
    pub(super) etag: Etag,
    /// A change whose write failed in a way that may yet have reached the store.
    ///
    /// Boxed, since there are as many of these as unfinished deployments, and few have one.
    pub(super) unsure: Option<Box<Unsure>>,
    /// The last such change that turned out to be stored: its owner does not know, and will hand
    /// it in again.
    pub(super) settled: Option<Box<StatusChange>>,
}

/// A change that may be stored, and the record as it then is.
#[derive(Clone, Debug)]
pub(super) struct Unsure {
    pub(super) change: StatusChange,
    pub(super) record: Arc<DeploymentRecord>,
}

/// What a change is applied to.
pub(super) struct Base {
    pub(super) replaced: Option<(Arc<DeploymentRecord>, Etag)>,
    /// The part of the change that the record lacks.
    pub(super) change: StatusChange,
    pub(super) settled: Option<Box<StatusChange>>,
}

impl Base {
    pub(super) fn of(
        replaced: Option<(Arc<DeploymentRecord>, Etag)>,
        change: &StatusChange,
    ) -> Self {
        Self {
            replaced,
            change: change.clone(),
            settled: None,
        }
    }
}
