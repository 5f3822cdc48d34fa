//! The deployment engine: fetches a package, unpacks it safely, runs its platform's process in the
//! background, and records every status where anybody can read it.
//!
//! ```
//! use std::sync::Arc;
//! use batch::{LocalRunner, LocalRunnerOptions, Secret};
//! use deployment::{CliPlatform, Credentials, DeployRequest, Deployer, DeployerOptions, Error};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> deployment::Result<()> {
//! let store = Arc::new(store::MemoryStore::new());
//! let runner = Arc::new(LocalRunner::new(LocalRunnerOptions::default()));
//! let platform = Arc::new(CliPlatform::helion(runner));
//! let deployer = Deployer::new(store, platform, DeployerOptions::default());
//!
//! let credentials = Credentials::new("admin", Secret::new("open sesame"))?;
//! let request = DeployRequest::new("hello-world", "https://api.example.com", credentials)?;
//! let error = deployer.deploy_package(request).await.unwrap_err();
//! assert!(matches!(error, Error::PackageNotFound { .. })); // the store is empty
//! # Ok(()) }
//! ```
//!
//! # Main types
//!
//! - [`Deployer`]: what an application holds; makes and runs [`Deployment`]s.
//! - [`DeploymentRecord`]: what is stored of a deployment, readable by the Python original.
//! - [`IStatus`], [`DeploymentStatus`]: recording and reading statuses.
//! - [`IPlatform`], [`CliPlatform`]: making the process that talks to the platform.
//! - [`PackageCatalog`]: the packages in a store.
//!
//! # Not supported
//!
//! Deployments whose owner died are not taken up again: they never run twice by themselves.
//! [`Deployer::recover`] ends them, and [`Deployer::redeploy`] repeats one.
//!
//! # Features
//!
//! - `metrics`: counters and histograms through the `metrics` facade.
//! - `mock`: `MockIStatus` and `MockIPlatform`.
//! - `conformance`: the suite that proves a platform, `platform_conformance!`.
//!
//! Spans, metrics and events are listed in `docs/reference/observability.md`.
//! The design is explained in `docs/architecture.md` of the repository.

mod cancel;
mod catalog;
mod claim;
mod claim_file;
mod cli_platform;
mod cli_process;
mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
mod credentials;
mod deployer;
mod deployer_options;
mod deployment;
mod deployment_status;
mod digest;
mod directory;
mod ending;
mod endpoint;
mod engine;
mod error;
mod event;
mod file_names;
mod freeing;
mod held;
mod id;
mod inspection;
mod interruption;
mod key_pruning;
mod lease;
mod lock;
#[cfg(feature = "metrics")]
mod metrics;
mod package_file;
mod patience;
mod phase;
mod platform;
mod pruning;
mod record;
mod record_limits;
mod recorder;
mod recovery;
mod request;
mod running;
mod source;
mod status;
mod status_change;
mod step_record;
mod step_span;
mod timestamp;
mod unpacking;
mod young;

pub use catalog::{CatalogEntry, PackageCatalog, PackageDetails};
pub use cli_platform::CliPlatform;
pub use clock::Clock;
pub use credentials::Credentials;
pub use deployer::Deployer;
pub use deployer_options::DeployerOptions;
pub use deployment::Deployment;
pub use deployment_status::DeploymentStatus;
pub use endpoint::Endpoint;
pub use error::{Error, ErrorKind, Result};
pub use event::{DeploymentEvent, EventKind, Events};
pub use id::DeploymentId;
pub use phase::Phase;
#[cfg(any(test, feature = "mock"))]
pub use platform::MockIPlatform;
pub use platform::{DEPLOYMENT_VARIABLE, IPlatform, PlatformRequest, Space};
pub use pruning::{PrunePolicy, PruneReport};
pub use record::{DeploymentRecord, ENGINE_SCHEMA, EngineRecord, ErrorRecord, StepRecord};
pub use record_limits::RecordLimits;
pub use recovery::{RecoveryFailure, RecoveryReport};
pub use request::DeployRequest;
pub use source::PackageSource;
#[cfg(any(test, feature = "mock"))]
pub use status::MockIStatus;
pub use status::{IStatus, ListQuery, RecordPage, StatusChange, Subject, UnreadableRecord};

/// The examples of the README and the guides, so that they compile.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/guides/embed-the-engine.md")]
struct EmbedTheEngine;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/guides/operate.md")]
struct Operate;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/guides/test-with-fakes.md")]
struct TestWithFakes;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/guides/use-helion-or-cf.md")]
struct UseHelionOrCf;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/guides/write-a-platform-or-process.md")]
struct WriteAPlatformOrProcess;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/guides/write-a-store-backend.md")]
struct WriteAStoreBackend;
