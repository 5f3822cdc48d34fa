//! One file per command.

pub(crate) mod cancel;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod demo;
pub(crate) mod deploy;
pub(crate) mod man;
pub(crate) mod packages;
pub(crate) mod plan;
pub(crate) mod prune;
pub(crate) mod records;
pub(crate) mod recover;
pub(crate) mod redeploy;
