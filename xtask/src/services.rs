//! `cargo xtask services`: a real OpenStack Swift and a real Keystone on loopback, for the tests.
//!
//! This side makes what they need, below `target/services`; the servers themselves are the business
//! of `xtask/services/servers.py`, which tests call as well, to stop and start one of them.

mod installation;
mod loan;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::shell::{Call, say};
use crate::unchecked::{self, Unchecked};
use crate::usage_error;
use crate::workspace::{Workspace, root};

use installation::Installation;
use loan::Loan;

/// The variable by which tests find the servers.
pub(crate) const VARIABLE: &str = "SWIFT_SERVICES";

/// The value of [`VARIABLE`] by which tests are told that there are none.
pub(crate) const NONE: &str = "none";

/// What asks the tests for their long form.
const CONFORMANCE: &str = "SWIFT_CONFORMANCE";

const NAMES: [&str; 2] = ["swift", "keystone"];

/// The command.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match *arguments.as_slice() {
        [command @ ("up" | "down" | "status"), ref names @ ..]
            if names.iter().all(|name| NAMES.contains(name)) =>
        {
            let services = Services::locate()?;
            match command {
                "up" => services.up(names),
                "down" => services.down(names),
                _ => services.call(&["status"]),
            }
        }
        ["test"] => test(),
        [command @ ("start" | "stop"), instance, server] => {
            Services::locate()?.call(&[command, instance, server])
        }
        _ => Err(usage_error(
            "`services` takes up, down or status, and then swift, keystone or nothing; \
             or start or stop, an instance and a server; or test",
        )),
    }
}

/// The long form of the store's tests on Swift, of which CI runs half.
fn test() -> Result<()> {
    let arguments = [
        "test",
        "--locked",
        "--package",
        "store",
        "--all-features",
        "--test",
        "swift",
    ];
    let tests = Call::cargo(&root(), &arguments).env(CONFORMANCE, "all");
    unchecked::tell(&Services::locate()?.run(&[], tests)?);
    Ok(())
}

/// The servers of this workspace's target folder.
#[derive(Debug)]
pub(crate) struct Services {
    installation: Installation,
    program: PathBuf,
}

impl Services {
    pub(crate) fn locate() -> Result<Self> {
        let workspace = Workspace::load()?;
        let sources = workspace.root.join("xtask/services");
        Ok(Self {
            program: sources.join("servers.py"),
            installation: Installation::new(workspace.target.join("services"), &sources),
        })
    }

    /// Runs a call that finds the servers by [`VARIABLE`]; whatever happens, also to this process,
    /// those that were not up before are ended. Tells what could not be checked.
    pub(crate) fn run(&self, names: &[&str], call: Call) -> Result<Unchecked> {
        let unchecked = self.installation.complete()?;
        let loan = Loan::take(&self.python(&[&["lend"], names].concat()))?;
        let result = call
            .env(VARIABLE, loan.environment())
            // A proxy that the host's environment names does not reach this host's loopback.
            .env("NO_PROXY", "127.0.0.1")
            .run();
        result.and(loan.give_back()).map(|()| unchecked)
    }

    /// Starts all that are named, or every one, and says how to reach them.
    fn up(&self, names: &[&str]) -> Result<()> {
        let unchecked = self.installation.complete()?;
        self.call(&[&["up"], names].concat())?;
        let environment = self.state().join("env.json");
        unchecked::tell(&unchecked);
        say(&format!("export {VARIABLE}={}", environment.display()));
        Ok(())
    }

    /// Kills them, and removes what was stored.
    fn down(&self, names: &[&str]) -> Result<()> {
        if !self.installation.exists() {
            return Ok(());
        }
        self.call(&[&["down"], names].concat())
    }

    fn call(&self, arguments: &[&str]) -> Result<()> {
        if !self.installation.exists() {
            bail!("nothing is installed: `cargo xtask services up` does it");
        }
        self.python(arguments).run()
    }

    fn python(&self, arguments: &[&str]) -> Call {
        let program = self.program.to_string_lossy();
        let state = self.state().to_string_lossy();
        let arguments = [&[program.as_ref(), state.as_ref()], arguments].concat();
        Call::new(self.installation.python(), self.state(), &arguments)
    }

    fn state(&self) -> &Path {
        self.installation.folder()
    }
}
