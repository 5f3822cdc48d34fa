//! Scenarios that need a process of their own.

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::{many, output, step};

/// The argument before a scenario's name and amount.
pub(crate) const FLAG: &str = "--scenario";

/// Plays a scenario in this process and prints what it measured.
pub(crate) fn play(name: &str, amount: usize) -> Result<()> {
    let measured = match name {
        "many" => many::play(amount)?,
        "output" => output::play(amount as u64)?,
        "heap" => step::play(amount)?,
        _ => bail!("no such scenario: `{name}`"),
    };
    println!("{measured}");
    Ok(())
}

/// Has a new process play a scenario; returns what it measured.
#[expect(
    clippy::disallowed_methods,
    reason = "a process of the bench's, not a command"
)]
pub(crate) fn stage(name: &str, amount: usize, environment: &[(&str, &str)]) -> Result<Value> {
    let output = std::process::Command::new(std::env::current_exe()?)
        .args([FLAG, name, &amount.to_string()])
        .envs(environment.iter().copied())
        .output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "scenario `{name}`: {errors}");
    serde_json::from_slice(&output.stdout).with_context(|| format!("scenario `{name}`"))
}

/// A number of what a scenario measured.
pub(crate) fn number(measured: &Value, name: &str) -> Result<f64> {
    let number = measured[name].as_f64();
    number.with_context(|| format!("no `{name}` in {measured}"))
}
