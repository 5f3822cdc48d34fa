//! A container of OpenStack Swift as a store.

mod auth;
mod client;
mod config;
mod error;
mod request;
mod response;
mod secret;
mod session;
mod settings;
mod timestamp;
mod tls;

pub use self::auth::{KeystoneAuth, KeystoneName, SwiftAuth, SwiftInterface};
pub use self::config::{SwiftOptions, SwiftTls};
