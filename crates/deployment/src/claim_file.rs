//! What stands in the file of a claim.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::id::DeploymentId;
use crate::timestamp;

/// What a claim's file holds that was given up.
pub(crate) const NO_CLAIM: &str = "{}";

/// What a claim's file holds that is about to be removed.
pub(crate) const REMOVED: &str = r#"{"removed":true}"#;

/// What a claim file holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClaimFile {
    /// The deployment that made the claim.
    pub(crate) deploy_id: DeploymentId,
    /// When it was made; the record's `datetime` format.
    claimed: String,
    /// The request's digest, where the claim is a key's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) request: Option<String>,
    /// Whether more than one engine may begin the deployment, none of which gives the claim up.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_shared: bool,
}

impl ClaimFile {
    pub(crate) fn new(
        deploy_id: DeploymentId,
        claimed: SystemTime,
        request: Option<String>,
    ) -> Self {
        Self {
            deploy_id,
            claimed: timestamp::to_text(claimed),
            request,
            is_shared: false,
        }
    }

    /// When it was made; `None` where that is not understood.
    pub(crate) fn claimed(&self) -> Option<SystemTime> {
        timestamp::from_text(&self.claimed)
    }

    /// The same claim, made at `now`.
    pub(crate) fn renewed(self, now: SystemTime) -> Self {
        Self {
            claimed: timestamp::to_text(now),
            ..self
        }
    }

    /// The same claim, for whoever joins in.
    pub(crate) fn shared(self) -> Self {
        Self {
            is_shared: true,
            ..self
        }
    }
}

/// What stands in a claim's file.
#[derive(Debug)]
pub(crate) enum Stored {
    Claim(ClaimFile),
    /// It was given up.
    Nothing,
    /// Somebody is about to remove it.
    Removed,
    /// It is none of this engine's forms, and may be one of a newer engine's.
    Unreadable,
}

impl Stored {
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        if bytes == NO_CLAIM.as_bytes() {
            return Self::Nothing;
        }
        if bytes == REMOVED.as_bytes() {
            return Self::Removed;
        }
        serde_json::from_slice(bytes).map_or(Self::Unreadable, Self::Claim)
    }

    pub(crate) fn claim(self) -> Option<ClaimFile> {
        match self {
            Self::Claim(claim) => Some(claim),
            Self::Nothing | Self::Removed | Self::Unreadable => None,
        }
    }
}
