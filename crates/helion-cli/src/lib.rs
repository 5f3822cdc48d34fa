//! Composes the command lines of the `helion` and `cf` clients.
//!
//! A composer takes an endpoint and an account and gives [`batch::Command`]s: programs with
//! arguments and environment, in which passwords are marked as secret. It does no I/O and starts
//! nothing.
//!
//! ```
//! use batch::Secret;
//! use helion_cli::{HelionCliComposer, ICliComposer};
//!
//! let password = Secret::new("open sesame");
//! let composer = HelionCliComposer::new("https://api.x.io", "me", password, None)?;
//! let login = composer.login_command()?;
//! assert_eq!(
//!     login.to_string(),
//!     "helion login me --credentials 'username: me' --password *** --target https://api.x.io",
//! );
//! # Ok::<(), helion_cli::Error>(())
//! ```
//!
//! # Main types
//!
//! - [`ICliComposer`]: the commands of one deployment, whatever the client.
//! - [`HelionCliComposer`]: the `helion` client of Helion Development Platform 1.x.
//! - [`CfCliComposer`]: the `cf` client, version 7 or 8.
//!
//! # The environment of the client
//!
//! Commands only add variables. A variable of the parent that would redirect a client
//! (`HELION_TARGET`, `STACKATO_TARGET`, `CF_HOME`, `CF_TRACE`, …) must not reach it: run the
//! commands with a runner that passes on an allow-list of variables, as
//! [`batch::LocalRunner`] does.
//! Give each deployment a home directory of its own with `with_home`: the clients keep tokens in
//! it, `helion` keeps whole command lines with passwords, and two that share one sign each other
//! out.
//!
//! # Features
//!
//! - `mock`: `MockICliComposer`, made by mockall.

mod composer;

mod cf;
mod helion;

mod account;
mod error;
mod text;

pub use crate::cf::{CfCliComposer, PushStrategy};
pub use crate::composer::ICliComposer;
pub use crate::error::{Error, Result};
pub use crate::helion::HelionCliComposer;

#[cfg(any(test, feature = "mock"))]
pub use crate::composer::MockICliComposer;
