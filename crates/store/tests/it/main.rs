//! The stores, through their public interface.

#![cfg(any(feature = "fs", feature = "memory", feature = "sqlite"))]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_possible_truncation,
    reason = "a test that is wrong about its own set-up may panic"
)]

#[macro_use]
mod conformance;
mod mock;
#[cfg(all(feature = "fs", feature = "memory", feature = "sqlite"))]
mod open;

#[cfg(feature = "memory")]
mod faults;
#[cfg(feature = "fs")]
mod fs;
#[cfg(feature = "memory")]
mod layers;
#[cfg(feature = "memory")]
mod memory;
#[cfg(feature = "sqlite")]
mod sqlite;
