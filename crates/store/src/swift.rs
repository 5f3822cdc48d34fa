//! A container of OpenStack Swift as a store.

mod ahead;
mod auth;
mod checksum;
mod client;
mod config;
mod container;
mod date;
mod digest;
mod download;
mod error;
#[cfg(test)]
mod fake_server;
mod fetch;
mod flow;
mod hash;
mod info;
mod limits;
mod listing;
mod manifest;
mod pages;
mod pieces;
mod request;
mod response;
mod save;
mod secret;
mod segment_name;
mod session;
mod settings;
mod store;
mod sweep;
mod tls;
mod turns;
mod upload;

pub use self::auth::{KeystoneAuth, KeystoneName, SwiftAuth, SwiftInterface};
pub(crate) use self::settings::SwiftPlace;

pub use self::config::{SwiftOptions, SwiftTls};
pub use self::store::SwiftStore;
