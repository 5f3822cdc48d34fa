//! Archives through the public API.

#![expect(clippy::unwrap_used, reason = "a test that fails shows where")]

mod archive;
mod attack;
mod mutation;

mod broken;
mod fuzz;
mod hostile;
mod limits;
mod manifest;
mod property;
mod refused;
mod unpacked;
