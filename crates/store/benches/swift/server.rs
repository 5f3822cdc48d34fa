//! The server that both use.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use store::{
    IStore, RetryOptions, StoreBuilder, SwiftAuth, SwiftOptions, SwiftStore, TimeoutOptions,
};
use tokio::runtime::Runtime;

use super::floor::Floor;

/// What says where the servers are; `none`, or no such variable, where there are none.
const VARIABLE: &str = "SWIFT_SERVICES";

/// The instance that is as Swift comes, and a user of it.
#[derive(Debug)]
pub(super) struct Server {
    python: PathBuf,
    /// Its configuration and its data.
    folder: PathBuf,
    auth_url: String,
    user: String,
    key: String,
}

impl Server {
    /// The server, if there is one.
    pub(super) fn find() -> Result<Option<Self>> {
        let Some(path) = std::env::var_os(VARIABLE).filter(|path| path != "none") else {
            return Ok(None);
        };
        let text =
            std::fs::read(&path).with_context(|| format!("{VARIABLE} names {}", path.display()))?;
        let world: Value = serde_json::from_slice(&text)?;
        let text = |pointer: &str| {
            let value = world.pointer(pointer).and_then(Value::as_str);
            value
                .map(str::to_owned)
                .with_context(|| format!("no {pointer}"))
        };
        Ok(Some(Self {
            python: text("/python")?.into(),
            folder: text("/instances/plain/folder")?.into(),
            auth_url: text("/instances/plain/tempauth/auth_url")?,
            user: text("/instances/plain/tempauth/users/0/name")?,
            key: text("/instances/plain/tempauth/users/0/key")?,
        }))
    }

    /// The store, with the layers that programs have.
    pub(super) fn open(&self, runtime: &Runtime, container: &str) -> Result<Arc<dyn IStore>> {
        let auth = SwiftAuth::v1(&*self.auth_url, &*self.user, &*self.key);
        let store = runtime.block_on(SwiftStore::open(SwiftOptions::new(container, auth)))?;
        let store = StoreBuilder::new(Arc::new(store))
            .with_timeout(TimeoutOptions::default())
            .with_retry(RetryOptions::default());
        Ok(store.build())
    }

    /// A client that does nothing, on a container.
    pub(super) fn floor(&self, runtime: &Runtime, container: &str) -> Result<Floor> {
        runtime.block_on(Floor::open(
            &self.auth_url,
            &self.user,
            &self.key,
            container,
        ))
    }

    /// python-swiftclient, on a container.
    pub(super) fn reference(&self, container: &str) -> Command {
        let mut command = self.python("reference.py");
        command.args([&self.auth_url, &self.user, &self.key, container]);
        command
    }

    /// Lists so many files in a container that is there.
    pub(super) fn fill(&self, container: &str, files: usize) -> Result<()> {
        let account = self.user.split(':').next().unwrap_or_default();
        let mut command = self.python("listed.py");
        command
            .arg(&self.folder)
            .args([&format!("AUTH_{account}"), container, &files.to_string()]);
        let output = command.stdin(Stdio::null()).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "no listing was made: {said}");
        Ok(())
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the other side of the benchmark is a program of its own"
    )]
    fn python(&self, program: &str) -> Command {
        let mut command = Command::new(&self.python);
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/swift/");
        // No cache of compiled code beside the sources.
        command.arg("-B").arg(format!("{folder}{program}"));
        command
    }
}
