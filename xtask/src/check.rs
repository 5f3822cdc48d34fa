//! `cargo xtask check`: what the usual tools of the Rust world find.
//!
//! They are built at a pinned version into `target/tools`, the first time, which takes minutes; CI
//! does not run them.

use anyhow::Result;

use crate::shell::{Call, say};
use crate::unchecked::{self, Unchecked};
use crate::usage_error;
use crate::workspace::Workspace;

/// A tool, by the version that is built.
struct Tool {
    name: &'static str,
    version: &'static str,
    run: fn(&Tools) -> Result<Unchecked>,
}

const TOOLS: &[Tool] = &[
    Tool {
        name: "cargo-machete",
        version: "0.9.2",
        run: |tools| machete(tools).map(|()| Unchecked::new()),
    },
    Tool {
        name: "cargo-hack",
        version: "0.6.46",
        run: |tools| hack(tools).map(|()| Unchecked::new()),
    },
    Tool {
        name: "cargo-deny",
        version: "0.20.2",
        run: deny,
    },
    Tool {
        name: "cargo-semver-checks",
        version: "0.51.0",
        run: semver,
    },
];

/// The command.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let is_named =
        |tool: &Tool, name: &String| tool.name.strip_prefix("cargo-") == Some(name.as_str());
    if let Some(unknown) = arguments
        .iter()
        .find(|name| !TOOLS.iter().any(|tool| is_named(tool, name)))
    {
        return Err(usage_error(format!("no such tool: `{unknown}`")));
    }
    let tools = Tools {
        workspace: Workspace::load()?,
    };
    let mut unchecked = Unchecked::new();
    for tool in TOOLS {
        if arguments.is_empty() || arguments.iter().any(|name| is_named(tool, name)) {
            say(&format!("\n== {} {} ==", tool.name, tool.version));
            tools.install(tool)?;
            unchecked.extend((tool.run)(&tools)?);
        }
    }
    unchecked::tell(&unchecked);
    Ok(())
}

/// Where the tools are.
struct Tools {
    workspace: Workspace,
}

impl Tools {
    /// Builds the tool, unless that version is there.
    fn install(&self, tool: &Tool) -> Result<()> {
        let root = self.workspace.target.join("tools");
        let root = root.to_string_lossy();
        let wanted = format!("{}@{}", tool.name, tool.version);
        let arguments = ["install", "--locked", "--quiet", "--root", &root, &wanted];
        // Away from the workspace, whose own settings are not the tool's.
        Call::cargo(&std::env::temp_dir(), &arguments).run()
    }

    /// A call of the tool in the workspace.
    fn call(&self, name: &str, arguments: &[&str]) -> Call {
        let program = self.workspace.target.join("tools/bin").join(name);
        Call::new(program, &self.workspace.root, arguments)
    }
}

/// Dependencies that nothing uses.
fn machete(tools: &Tools) -> Result<()> {
    tools.call("cargo-machete", &[]).run()
}

/// Each crate with each pair of its features.
fn hack(tools: &Tools) -> Result<()> {
    let arguments = [
        "hack",
        "check",
        "--workspace",
        "--feature-powerset",
        "--depth=2",
    ];
    tools.call("cargo-hack", &arguments).run()
}

/// Licences, sources and versions of what is depended on, and what is known against them.
fn deny(tools: &Tools) -> Result<Unchecked> {
    let checks = ["--all-features", "check", "bans", "licenses", "sources"];
    tools.call("cargo-deny", &checks).run()?;
    let fetched = tools.call("cargo-deny", &["fetch", "db"]).run();
    if fetched.is_err() {
        return Ok(vec![
            "advisories, for their list cannot be fetched".to_owned(),
        ]);
    }
    let advisories = ["--all-features", "check", "advisories"];
    tools.call("cargo-deny", &advisories).run()?;
    Ok(Unchecked::new())
}

/// Whether the version says what changed since the last release, where there is one.
fn semver(tools: &Tools) -> Result<Unchecked> {
    let tags = Call::new(
        "git",
        &tools.workspace.root,
        &["tag", "--list", "v*", "--sort=v:refname"],
    )
    .read()?;
    let Some(release) = tags.lines().last() else {
        let what = "the version, for there is no release to compare with";
        return Ok(vec![what.to_owned()]);
    };
    let baseline = format!("--baseline-rev={release}");
    let arguments = ["semver-checks", "--workspace", "--all-features", &baseline];
    tools.call("cargo-semver-checks", &arguments).run()?;
    Ok(Unchecked::new())
}
