//! The servers that the tests are given.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Once, OnceLock};

use serde::Deserialize;
use store::{SwiftAuth, SwiftOptions};

/// What says where the servers are; `none`, or no such variable, where there are none.
const VARIABLE: &str = "SWIFT_SERVICES";

/// All that was started, as the file of it says.
#[derive(Debug, Deserialize)]
pub(crate) struct World {
    /// The program that starts and stops a server, and its first arguments.
    launcher: Vec<String>,
    /// Programs that others write and read files with; rclone is not everywhere to be had.
    pub(crate) swift: PathBuf,
    pub(crate) rclone: Option<PathBuf>,
    instances: BTreeMap<String, Instance>,
}

/// A Swift of its own, with its own limits.
#[derive(Debug, Deserialize)]
pub(crate) struct Instance {
    /// How long a token is good for.
    pub(crate) token_seconds: u64,
    pub(crate) tempauth: TempAuth,
    keystone: Option<Keystone>,
    /// Of each server on the loopback interface.
    pub(crate) ports: BTreeMap<String, u16>,
}

/// Swift's own authentication, and its users: two of different accounts, and one without rights.
#[derive(Debug, Deserialize)]
pub(crate) struct TempAuth {
    pub(crate) auth_url: String,
    pub(crate) users: Vec<TempAuthUser>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct TempAuthUser {
    pub(crate) name: String,
    pub(crate) key: String,
}

/// Keystone, and its users: two of different projects, and one without rights.
#[derive(Debug, Deserialize)]
pub(crate) struct Keystone {
    pub(crate) auth_url: String,
    pub(crate) region: String,
    pub(crate) domain_id: String,
    pub(crate) users: Vec<KeystoneUser>,
    pub(crate) application_credential: ApplicationCredential,
}

#[derive(Debug, Deserialize)]
pub(crate) struct KeystoneUser {
    pub(crate) name: String,
    pub(crate) password: String,
    pub(crate) project: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ApplicationCredential {
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl World {
    /// The servers, if there are any; where there are none, says once that nothing is tested.
    ///
    /// # Panics
    ///
    /// If there should be some: when the file that the variable names cannot be read.
    pub(crate) fn get() -> Option<&'static Self> {
        static WORLD: OnceLock<Option<World>> = OnceLock::new();
        WORLD.get_or_init(Self::load).as_ref()
    }

    fn load() -> Option<Self> {
        let path = std::env::var_os(VARIABLE).filter(|path| path != "none");
        let Some(path) = path else {
            say_untested(&format!(
                "the store on OpenStack Swift: {VARIABLE} names no servers (`cargo xtask services up` starts some)"
            ));
            return None;
        };
        let text = std::fs::read(&path)
            .unwrap_or_else(|error| panic!("{VARIABLE} names {}: {error}", path.display()));
        Some(serde_json::from_slice(&text).unwrap())
    }

    /// The instance of that name: `plain`, `harsh`, or `faulty`, whose servers may be stopped.
    pub(crate) fn instance(&self, name: &str) -> &Instance {
        &self.instances[name]
    }

    /// Kills a server of the instance `faulty`, until the guard is dropped.
    pub(crate) fn stop(&'static self, server: &'static str) -> Stopped {
        self.launch("stop", server);
        Stopped {
            world: self,
            server,
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the servers are outside of what is tested"
    )]
    fn launch(&self, command: &str, server: &str) {
        let (program, arguments) = self.launcher.split_first().unwrap();
        let output = std::process::Command::new(program)
            .args(arguments)
            .args([command, "faulty", server])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command} {server}: {said}");
    }
}

/// A server that is not running; started again when this is dropped.
#[derive(Debug)]
pub(crate) struct Stopped {
    world: &'static World,
    server: &'static str,
}

impl Drop for Stopped {
    fn drop(&mut self) {
        self.world.launch("start", self.server);
    }
}

impl Instance {
    /// Keystone, if it is up; where it is not, says once that nothing is tested by it.
    pub(crate) fn keystone(&self) -> Option<&Keystone> {
        static SAID: Once = Once::new();
        if self.keystone.is_none() {
            SAID.call_once(|| {
                say_untested("Keystone: it is not up (`cargo xtask services up` starts it)");
            });
        }
        self.keystone.as_ref()
    }

    /// A container that nobody else has, for the first user of `TempAuth`.
    pub(crate) fn place(&self) -> SwiftOptions {
        let user = &self.tempauth.users[0];
        let auth = SwiftAuth::v1(&*self.tempauth.auth_url, &*user.name, &*user.key);
        SwiftOptions::new(fresh_container(), auth)
    }

    /// The same, reached by another port than the proxy's own; Swift names that one in its answers.
    pub(crate) fn place_behind(&self, port: u16) -> SwiftOptions {
        let user = &self.tempauth.users[0];
        let url = format!("http://127.0.0.1:{port}/auth/v1.0");
        SwiftOptions::new(
            fresh_container(),
            SwiftAuth::v1(url, &*user.name, &*user.key),
        )
    }
}

/// A name that no container has yet, in this run or another.
pub(crate) fn fresh_container() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    // Random, for a process of another run may have had the same id.
    let random = RandomState::new().hash_one(count);
    format!("test-{}-{count}-{random:016x}", std::process::id())
}

/// Says on the program's own standard error, which the harness does not capture, what is left out.
pub(crate) fn say_untested(what: &str) {
    let _ = writeln!(std::io::stderr(), "NOT TESTED: {what}");
}
