//! A stand-in for the platform clients `helion` and `cf`, over a local platform folder.
//!
//! Run under the name `helion` or `cf`, the program of this crate takes the commands that a deployment composes, in the
//! option order the real clients want, keeps its state in the same files, prints their texts and ends with their exit
//! codes; a push really copies the application's tree into the platform folder.
//! Demonstrations and tests run it as a real child program, so nothing above it knows the difference.
//!
//! ```
//! use standin::{Client, Platform, Surroundings};
//!
//! let scratch = tempfile::tempdir()?;
//! let platform = Platform::create(scratch.path().join("platform"))?;
//! platform.add_user("ann", "correct horse")?;
//!
//! let folder = platform.root().display().to_string();
//! let home = scratch.path().display().to_string();
//! let environment = |name: &str| match name {
//!     "STANDIN_PLATFORM" => Some(folder.clone()),
//!     "HOME" => Some(home.clone()),
//!     _ => None,
//! };
//! let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
//! let arguments = ["target", "https://api.example.com"].map(String::from);
//! let surroundings = Surroundings::new(&environment, scratch.path(), &mut stdout, &mut stderr);
//!
//! assert_eq!(standin::run_as(Client::Helion, &arguments, surroundings), 0);
//! assert!(String::from_utf8(stdout)?.starts_with("Successfully targeted to [https://api.example.com]"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - [`Platform`]: the folder: users, spaces, applications, and the [`Behaviour`] that a test wants of a command.
//! - [`Client`] and [`run_as`]: one run of a client; [`run_this_process`] takes everything from the process.
//! - [`administer`]: the commands of the program under its own name, `standin`.
//!
//! What is left out: manifests in the application's folder, ignore files, services, routes beyond the default one, and
//! anything the composers never ask for. A push that is refused leaves no stopped application behind, only its logs.

mod admin;
mod cf;
mod client;
mod context;
mod endpoint;
mod error;
mod helion;
mod platform;
mod random;
mod run;
mod stop;
mod table;
mod terminal;
mod words;

pub use admin::administer;
pub use client::Client;
pub use error::{Error, Result};
pub use platform::{Application, Behaviour, Platform};
pub use run::{PLATFORM_VARIABLE, Surroundings, run_as, run_this_process};
