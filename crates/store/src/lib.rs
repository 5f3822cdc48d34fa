//! Keeps files by name, behind one trait: in a directory, in a SQLite database, in a container of
//! OpenStack Swift, or in memory.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> store::Result<()> {
//! # #[cfg(feature = "memory")] {
//! use store::{FileName, IStore, ListOptions, MapSettings, SaveMode, SaveOptions, StoreExt};
//!
//! let settings = MapSettings::from([("store_url", "memory:")]);
//! let store = store::open_store(&settings).await?;
//! let name = FileName::new("notes/today.txt")?;
//! let options = SaveOptions::default().with_mode(SaveMode::Create);
//! store.save_bytes(&name, "hello", &options).await?;
//! let page = store.get_files_list(&ListOptions::default().with_prefix("notes/")).await?;
//! assert_eq!(page[0].name, name);
//! # }
//! # Ok(())
//! # }
//! ```
//!
//! - [`IStore`]: the trait and its contract; [`StoreExt`]: the comfortable calls on top of it.
//! - [`FileName`], [`FileInfo`], [`FileContents`], [`Etag`]: what goes in and comes out.
//! - [`SaveOptions`], [`ReadOptions`], [`ListOptions`]: how.
//! - [`Error`] and [`ErrorKind`]: why not.
//! - `FsStore`, `SqliteStore`, `SwiftStore`, `MemoryStore`: the stores, each behind the feature of
//!   its name.
//! - [`Prefix`], [`Timeout`], [`Retry`], [`Traced`]: layers over any store, nested by
//!   [`StoreBuilder`].
//! - [`open_store`]: the store that the settings name; [`StoreRegistry`]: with stores of other crates.
//! - `FaultScript` and `FaultStore`: what a test makes go wrong, with the feature `memory`.
//!
//! Not supported: copying or renaming on the store's side, appending, and folders that exist
//! without a file.
//!
//! # Features
//!
//! - `fs` (default): `FsStore`, a directory on this machine (Unix).
//! - `sqlite`: `SqliteStore`, one database file; builds SQLite itself.
//! - `swift`: `SwiftStore`, a container of OpenStack Swift.
//! - `memory`: `MemoryStore`, and the scripted faults over any store.
//! - `mock`: `MockIStore`, for tests of code that is given a store.
//! - `conformance`: the suite that proves a store, `store_conformance!`.

mod blocking;
mod blocks;
mod capabilities;
#[cfg(any(feature = "fs", feature = "memory", feature = "sqlite"))]
mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
mod contents;
#[cfg(any(all(feature = "fs", unix), feature = "sqlite"))]
mod directory;
mod durability;
mod error;
mod etag;
mod ext;
#[cfg(feature = "memory")]
mod faults;
#[cfg(all(feature = "fs", unix))]
mod fs;
mod info;
mod layers;
mod list_options;
#[cfg(feature = "memory")]
mod memory;
mod name;
mod open;
mod operation;
mod read_options;
mod save_options;
mod settings;
#[cfg(feature = "sqlite")]
mod sqlite;
mod store;
#[cfg(any(all(feature = "fs", unix), feature = "sqlite"))]
mod streak;
#[cfg(feature = "swift")]
mod swift;

pub use crate::capabilities::{
    Buffering, Capabilities, Folders, Freshness, Guarantee, Snapshots, Support, Versions,
};
pub use crate::contents::{FileContents, StoredFile};
pub use crate::durability::Durability;
pub use crate::error::{Error, ErrorKind, Result};
pub use crate::etag::Etag;
pub use crate::ext::StoreExt;
#[cfg(feature = "memory")]
pub use crate::faults::{CallOutcome, FaultRule, FaultScript, FaultStore, LoggedCall};
#[cfg(all(feature = "fs", unix))]
pub use crate::fs::{FsOptions, FsStore};
pub use crate::info::FileInfo;
pub use crate::layers::{
    Prefix, Retry, RetryOptions, StoreBuilder, Timeout, TimeoutOptions, Traced,
};
pub use crate::list_options::{ListOptions, Order};
#[cfg(feature = "memory")]
pub use crate::memory::MemoryStore;
pub use crate::name::FileName;
#[cfg(any(test, feature = "mock"))]
pub use crate::open::MockIStoreOpener;
pub use crate::open::{IStoreOpener, StoreRegistry, StoreUrl, open_store, open_store_url};
pub use crate::operation::Operation;
pub use crate::read_options::{ReadOptions, ReadRange};
pub use crate::save_options::{SaveMode, SaveOptions};
#[cfg(any(test, feature = "mock"))]
pub use crate::settings::MockISettings;
pub use crate::settings::{EnvSettings, ISettings, MapSettings, SettingsChain};
#[cfg(feature = "sqlite")]
pub use crate::sqlite::{SqliteOptions, SqliteStore};
pub use crate::store::IStore;
#[cfg(any(test, feature = "mock"))]
pub use crate::store::MockIStore;
#[cfg(feature = "swift")]
pub use crate::swift::{
    KeystoneAuth, KeystoneName, SwiftAuth, SwiftInterface, SwiftOptions, SwiftStore, SwiftTls,
};
