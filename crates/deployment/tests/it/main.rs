//! The engine through its public interface, on stores of every kind and with parts swapped.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::clone_on_ref_ptr,
    reason = "a test that cannot go on fails, and clones say enough here"
)]

mod claims;
mod ending;
mod fixture;
mod fuzz;
mod gate;
mod history;
mod hostile;
mod observability;
mod ownership;
mod pruning;
mod records;
mod recovery;
mod repeating;
mod swapping;
