//! The environment of children: by allow-list, never all of it.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::ffi::{OsStr, OsString};
use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::command::Command;
use crate::local::options::LocalRunnerOptions;
use crate::outcome::{SpawnFailure, SpawnFailureKind};

/// The variable that tells a run's processes from all others.
pub(super) const MARKER: &str = "BATCH_RUN";

/// The environment of one child.
#[derive(Default)]
pub(super) struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    /// What every child of a runner gets: the variables of this process that are passed on, as
    /// they are now, and those that the options set.
    pub(super) fn base(options: &LocalRunnerOptions) -> Self {
        let is_passed = |name: &OsStr| {
            options
                .passed_env
                .iter()
                .any(|passed| match passed.strip_suffix('*') {
                    Some(start) => name.as_encoded_bytes().starts_with(start.as_bytes()),
                    None => name == passed.as_str(),
                })
        };
        let mut variables: BTreeMap<_, _> = std::env::vars_os()
            .filter(|(name, _)| is_passed(name))
            .collect();
        let set = options.env.iter();
        variables.extend(set.map(|(name, value)| (name.into(), value.into())));
        Self(variables)
    }

    /// The environment of `command`.
    pub(super) fn of(&self, command: &Command, marker: &str) -> Result<Self, SpawnFailure> {
        let mut variables = self.0.clone();
        let set = command.environment().iter();
        variables.extend(set.map(|(name, value)| (name.into(), value.expose().into())));
        variables.insert(MARKER.into(), marker.into());
        for (name, value) in &variables {
            check(name, value)?;
        }
        Ok(Self(variables))
    }

    pub(super) fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&OsString, &OsString)> {
        self.0.iter()
    }
}

fn check(name: &OsStr, value: &OsStr) -> Result<(), SpawnFailure> {
    let bytes = name.as_encoded_bytes();
    let shown = name.to_string_lossy();
    let problem = if bytes.is_empty() {
        "the name of an environment variable is empty".to_owned()
    } else if bytes.contains(&b'=') || bytes.contains(&0) {
        format!(
            "`{}` cannot name an environment variable",
            shown.escape_debug()
        )
    } else if value.as_encoded_bytes().contains(&0) {
        format!("the value of the environment variable `{shown}` holds a NUL")
    } else {
        return Ok(());
    };
    Err(SpawnFailure::new(SpawnFailureKind::InvalidInput, problem))
}

/// A text that no other run on this machine carries.
pub(super) fn new_marker() -> String {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let run = RUNS.fetch_add(1, Ordering::Relaxed);
    // Each state has keys of its own, which the system's randomness seeds.
    let word = || RandomState::new().hash_one((run, std::process::id()));
    format!("{:016x}{:016x}", word(), word())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_variables_are_refused_without_their_values() {
        for (name, value) in [("", "v"), ("A=B", "v"), ("A\0", "v"), ("A", "secret\0")] {
            let failure = Environment::default().of(&Command::new("x").env(name, value), "m");
            let failure = failure.err().unwrap();
            assert_eq!(failure.kind, SpawnFailureKind::InvalidInput, "{name:?}");
            assert!(!failure.detail.contains("secret"), "{failure}");
        }
    }

    #[test]
    fn the_commands_value_wins() {
        let options = LocalRunnerOptions::default()
            .with_env("A", "base")
            .with_env("B", "base");
        let base = Environment::base(&options);
        let environment = base.of(&Command::new("x").env("A", "own"), "m").unwrap();
        assert_eq!(environment.get("A"), Some(OsStr::new("own")));
        assert_eq!(environment.get("B"), Some(OsStr::new("base")));
        assert_eq!(environment.get(MARKER), Some(OsStr::new("m")));
    }

    #[test]
    fn only_named_variables_are_passed_on() {
        let base = Environment::base(&LocalRunnerOptions::default());
        assert!(base.get("PATH").is_some());
        assert!(base.get("HOME").is_none());
        assert!(base.get("CARGO_MANIFEST_DIR").is_none());
        let base = Environment::base(&LocalRunnerOptions::default().with_passed_env("CARGO_*"));
        assert!(base.get("CARGO_MANIFEST_DIR").is_some());
        let base = Environment::base(&LocalRunnerOptions::default().without_passed_env());
        assert_eq!(base.iter().count(), 0);
    }

    #[test]
    fn markers_differ() {
        assert_ne!(new_marker(), new_marker());
    }
}
