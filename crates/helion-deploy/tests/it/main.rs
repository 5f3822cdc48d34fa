//! The program as an operator runs it, against the stand-in client as a real child program.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails"
)]

mod beginning;
mod cancel;
mod cancelling;
mod completions;
mod crash;
mod demo;
mod deploy;
mod heard_signals;
mod hints;
#[path = "../../src/ignored_signals.rs"]
mod ignored_signals;
mod observability;
mod packages;
mod plan;
mod processes;
mod progress;
mod prompt;
mod records;
mod recover;
mod schemas;
mod secrets;
mod settings;
mod signals;
mod swift;
mod terminal;
mod usage;
mod world;
