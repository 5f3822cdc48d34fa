//! One file per command.

pub(crate) mod cancel;
pub(crate) mod demo;
pub(crate) mod deploy;
pub(crate) mod packages;
pub(crate) mod plan;
pub(crate) mod prune;
pub(crate) mod records;
pub(crate) mod recover;
pub(crate) mod redeploy;
