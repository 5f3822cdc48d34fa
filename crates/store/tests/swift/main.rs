//! The store on OpenStack Swift, against real servers: `cargo xtask services up` starts them, and
//! the variable `SWIFT_SERVICES` says where they are. Without it nothing here is tested, and each
//! test says so.

#![cfg(all(feature = "swift", feature = "conformance"))]
#![expect(
    clippy::unwrap_used,
    reason = "a test that is wrong about its own set-up may panic"
)]

mod auth;
mod compat;
mod conformance;
mod faults;
mod http;
mod large;
mod operations;
mod others;
mod proxy;
mod samples;
mod secrets;
mod traffic;
mod watch;
mod world;
