//! A token that somebody else got.

use crate::Result;

use super::{Grant, Secret, refused, server_url};

#[derive(Clone, Debug)]
pub(super) struct ReadyToken {
    pub(super) storage_url: String,
    pub(super) token: Secret,
}

impl ReadyToken {
    pub(super) fn check(&self) -> Result<()> {
        self.grant().map(|_| ())
    }

    pub(super) fn grant(&self) -> Result<Grant> {
        server_url("swift_url", &self.storage_url)?;
        Ok(Grant {
            token: (self.token.to_header())
                .ok_or_else(|| refused("swift_token", "the value cannot be a token"))?,
            storage_url: self.storage_url.clone(),
            ends: None,
        })
    }
}
