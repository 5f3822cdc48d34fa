//! Ending what a program that died left running.

use crate::local::sweep;

/// How many times the search is begun anew, some tens of milliseconds each: on a busy machine a
/// killed process takes a while until it is gone.
const ATTEMPTS: u32 = 100;

/// Kills every process of this user on this machine that was started with the environment
/// variable `name` set to `value`, and all that such processes start meanwhile; whether none is
/// left.
///
/// For commands of a program that died, when each of them was given such a variable: what a
/// command starts inherits it.
/// This process itself is spared.
/// It blocks, mostly for some milliseconds and for a few seconds at most, and finds processes
/// through `/proc` only: where there is none, nothing is killed.
///
/// # Examples
///
/// ```
/// assert!(batch::kill_processes_with("NO_SUCH_VARIABLE", "42"));
/// ```
#[must_use]
pub fn kill_processes_with(name: &str, value: &str) -> bool {
    let variable = format!("{name}={value}");
    (0..ATTEMPTS).any(|_| sweep::kill_carriers(&variable))
}
