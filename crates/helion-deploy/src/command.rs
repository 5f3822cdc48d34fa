//! One file per command.

pub(crate) mod demo;
pub(crate) mod deploy;
pub(crate) mod packages;
pub(crate) mod records;
