//! The stand-in clients, run as real child programs.

#![expect(
    clippy::expect_used,
    reason = "a test that cannot be set up has failed"
)]

mod admin;
mod behaviours;
mod cf;
mod helion;
mod platform;
mod world;
