//! The stores, through their public interface.

#![cfg(any(feature = "fs", feature = "memory", feature = "sqlite"))]
#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test that is wrong about its own set-up may panic"
)]

#[cfg(feature = "conformance")]
mod crash;
mod mock;
#[cfg(all(feature = "fs", feature = "memory", feature = "sqlite"))]
mod open;
mod samples;

#[cfg(feature = "memory")]
mod ext;
#[cfg(feature = "memory")]
mod faults;
#[cfg(feature = "fs")]
mod fs;
#[cfg(all(feature = "fs", feature = "memory"))]
mod fuzz;
#[cfg(feature = "memory")]
mod layers;
#[cfg(feature = "memory")]
mod memory;
#[cfg(all(feature = "conformance", feature = "memory"))]
mod model;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(all(target_os = "linux", any(feature = "fs", feature = "sqlite")))]
mod trouble;
#[cfg(all(feature = "conformance", feature = "memory"))]
mod wrong;
