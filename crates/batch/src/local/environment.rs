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

/// What every child of a runner gets.
#[derive(Default)]
pub(super) struct BaseEnvironment(Vec<(OsString, OsString)>);

impl BaseEnvironment {
    /// The variables of this process that are passed on, as they are now, and those that the
    /// options set.
    pub(super) fn new(options: &LocalRunnerOptions) -> Self {
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
        Self(variables.into_iter().collect())
    }
}

/// The environment of one child, made of its parts when it is started.
#[derive(Clone, Copy)]
pub(super) struct Environment<'a> {
    pub(super) base: &'a BaseEnvironment,
    /// Its variables win over the base's.
    pub(super) command: &'a Command,
    pub(super) marker: &'a str,
}

impl<'a> Environment<'a> {
    /// The value that a variable has.
    pub(super) fn get(&self, name: &str) -> Option<&'a OsStr> {
        let named = self.iter().filter(|(other, _)| *other == name);
        named.last().map(|(_, value)| value)
    }

    /// All variables; the last of a name is the one that counts.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a OsStr, &'a OsStr)> + use<'a> {
        let base = self.base.0.iter();
        let set = self.command.environment().iter();
        base.map(|(name, value)| (name.as_os_str(), value.as_os_str()))
            .chain(set.map(|(name, value)| (OsStr::new(name), OsStr::new(value.expose()))))
            .chain([(OsStr::new(MARKER), OsStr::new(self.marker))])
    }

    /// Refuses variables that no environment can hold.
    pub(super) fn check(&self) -> Result<(), SpawnFailure> {
        self.iter().try_for_each(|(name, value)| check(name, value))
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

    fn with<'a>(base: &'a BaseEnvironment, command: &'a Command) -> Environment<'a> {
        Environment {
            base,
            command,
            marker: "m",
        }
    }

    #[test]
    fn bad_variables_are_refused_without_their_values() {
        for (name, value) in [("", "v"), ("A=B", "v"), ("A\0", "v"), ("A", "secret\0")] {
            let set = LocalRunnerOptions::default().with_env(name, value);
            for (base, command) in [
                (
                    BaseEnvironment::default(),
                    Command::new("x").env(name, value),
                ),
                (BaseEnvironment::new(&set), Command::new("x")),
            ] {
                let failure = with(&base, &command).check().unwrap_err();
                assert_eq!(failure.kind, SpawnFailureKind::InvalidInput, "{name:?}");
                assert!(!failure.detail.contains("secret"), "{failure}");
            }
        }
    }

    #[test]
    fn the_commands_value_wins() {
        let options = LocalRunnerOptions::default()
            .with_env("A", "base")
            .with_env("B", "base")
            .with_env(MARKER, "base");
        let base = BaseEnvironment::new(&options);
        let command = Command::new("x").env("A", "own").env(MARKER, "own");
        let environment = with(&base, &command);
        environment.check().unwrap();
        assert_eq!(environment.get("A"), Some(OsStr::new("own")));
        assert_eq!(environment.get("B"), Some(OsStr::new("base")));
        assert_eq!(environment.get(MARKER), Some(OsStr::new("m")));
    }

    #[test]
    fn only_named_variables_are_passed_on() {
        let command = Command::new("x");
        let has = |options: LocalRunnerOptions, name| {
            let base = BaseEnvironment::new(&options);
            with(&base, &command).get(name).is_some()
        };
        let options = LocalRunnerOptions::default;
        assert!(has(options(), "PATH"));
        assert!(!has(options(), "HOME"));
        assert!(!has(options(), "CARGO_MANIFEST_DIR"));
        assert!(has(
            options().with_passed_env("CARGO_*"),
            "CARGO_MANIFEST_DIR"
        ));
        assert!(!has(options().without_passed_env(), "PATH"));
    }

    #[test]
    fn markers_differ() {
        assert_ne!(new_marker(), new_marker());
    }
}
