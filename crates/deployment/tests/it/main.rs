//! The engine through its public interface, on stores of every kind and with parts swapped.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::clone_on_ref_ptr,
    reason = "a test that cannot go on fails, and clones say enough here"
)]

mod abandoned;
mod alone;
mod beginning;
mod cancelling;
mod claims;
mod crowd;
mod dry_run;
mod ending;
mod fixture;
mod fuzz;
mod gate;
mod halting;
mod history;
mod hostile;
mod jumping;
mod key_races;
mod keys;
mod limits;
mod lost_reply;
mod observability;
mod ownership;
#[cfg(feature = "conformance")]
mod platforms;
mod played_client;
mod pruning;
mod records;
mod recovery;
mod repeating;
mod stopped;
mod swapping;
mod telling;
mod two_processes;
mod wall_clock;
