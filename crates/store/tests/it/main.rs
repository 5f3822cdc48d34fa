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
mod open;

#[cfg(feature = "fs")]
mod fs;
#[cfg(feature = "memory")]
mod memory;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(all(target_os = "linux", any(feature = "fs", feature = "sqlite")))]
mod trouble;
