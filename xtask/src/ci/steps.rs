//! The parts of CI.

use anyhow::{Context as _, Result};

use super::{Needs, Step, Swift, WITHOUT_SERVICES};
use crate::api;
use crate::documents;
use crate::examples;
use crate::layers;
use crate::services::{self, Services};
use crate::shell::Call;
use crate::unchecked::Unchecked;
use crate::workspace::{Workspace, root};

/// In this order: what fails fast comes first, and steps that share a build stand together.
pub(crate) const STEPS: &[Step] = &[
    step("fmt", |_| whole(fmt())),
    step("layers", |_| whole(prove_layers())),
    step("clippy", |_| whole(clippy())),
    step("features", |_| whole(features())),
    step("docs", |_| whole(docs())),
    of_rustdoc("api", |_| whole(api::check())),
    of_rustdoc("examples", |_| whole(examples::check())),
    step("tests", tests),
    step("doctests", |_| whole(doctests())),
    step("documents", |_| documents::check()),
];

const fn step(name: &'static str, run: fn(Swift) -> Result<Unchecked>) -> Step {
    Step {
        name,
        needs: Needs::Nothing,
        run,
    }
}

const fn of_rustdoc(name: &'static str, run: fn(Swift) -> Result<Unchecked>) -> Step {
    Step {
        name,
        needs: Needs::RustdocJson,
        run,
    }
}

/// Of a step that checks all or fails.
fn whole(result: Result<()>) -> Result<Unchecked> {
    result.map(|()| Unchecked::new())
}

fn fmt() -> Result<()> {
    Call::cargo(&root(), &["fmt", "--all", "--check"]).run()
}

fn prove_layers() -> Result<()> {
    layers::check(layers::Proof::EachRule)
}

fn clippy() -> Result<()> {
    let arguments = [
        "clippy",
        "--locked",
        "--workspace",
        "--all-targets",
        "--all-features",
        "--",
        "-D",
        "warnings",
    ];
    Call::cargo(&root(), &arguments).run()
}

/// Each crate alone under each of its feature sets: what the whole workspace turns on must not be needed by accident.
fn features() -> Result<()> {
    let workspace = Workspace::load()?;
    for member in &workspace.members {
        for set in member.feature_sets() {
            let set = set.join(",");
            let mut arguments = vec![
                "clippy",
                "--locked",
                "--package",
                &member.name,
                "--no-default-features",
            ];
            if !set.is_empty() {
                arguments.extend(["--features", &set]);
            }
            arguments.extend(["--", "-D", "warnings"]);
            Call::cargo(&workspace.root, &arguments).run()?;
        }
    }
    Ok(())
}

fn docs() -> Result<()> {
    let arguments = [
        "doc",
        "--locked",
        "--workspace",
        "--no-deps",
        "--all-features",
    ];
    Call::cargo(&root(), &arguments)
        .env("RUSTDOCFLAGS", "-D warnings")
        .run()
}

fn tests(swift: Swift) -> Result<Unchecked> {
    let arguments = [
        "test",
        "--locked",
        "--workspace",
        "--all-targets",
        "--all-features",
    ];
    let tests = Call::cargo(&root(), &arguments);
    if swift == Swift::None {
        tests.env(services::VARIABLE, services::NONE).run()?;
        return Ok(vec![format!(
            "OpenStack Swift and Keystone, for {WITHOUT_SERVICES} was given"
        )]);
    }
    let result = Services::locate()?.run(&[], tests);
    result.context(
        "the tests failed, or their servers (--without-services leaves out what needs those)",
    )
}

fn doctests() -> Result<()> {
    Call::cargo(
        &root(),
        &["test", "--locked", "--workspace", "--doc", "--all-features"],
    )
    .run()
}
