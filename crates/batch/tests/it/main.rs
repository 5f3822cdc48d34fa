//! The crate from outside, with real children.
//!
//! Modules are marked as tests so that lints take their helpers for tests too.

#[cfg(test)]
mod alone;
#[cfg(test)]
mod carriers;
#[cfg(test)]
mod children;
#[cfg(test)]
mod environment;
#[cfg(test)]
mod events;
#[cfg(test)]
mod leaks;
#[cfg(test)]
mod no_fork;
#[cfg(test)]
mod nothing_left;
#[cfg(test)]
mod output;
#[cfg(test)]
mod process;
#[cfg(test)]
mod quoting;
#[cfg(test)]
mod schedules;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod start;
#[cfg(test)]
mod stop;
