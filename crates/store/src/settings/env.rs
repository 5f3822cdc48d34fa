//! Settings from the environment.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;

use crate::ISettings;

/// Settings from the environment: the key `store_url` from the variable `<prefix>STORE_URL`.
///
/// | variable | key |
/// |---|---|
/// | `<prefix>STORE_URL` | `store_url`: which store; see [`open_store`](crate::open_store) |
/// | `<prefix>STORE_DURABILITY` | `store_durability` |
/// | `OS_…`, `ST_…` | `os_…`, `st_…`: OpenStack's own variables, which no program puts a prefix before |
/// | `<prefix>…` | any other key of the scheme's, in upper case |
///
/// - Of all variables, [`keys`](ISettings::keys) tells those that start with `<prefix>STORE_`: these
///   are meant for the store, and an unknown one is refused. Others, which may be some other
///   program's, are only looked at when a scheme asks for them.
/// - A variable that is empty is not set, as in a shell's `${STORE_URL:-…}`.
/// - A variable that is not UTF-8 has a key and no text, so that it is refused instead of ignored.
/// - Variables in lower case are other variables.
///
/// The environment is read at each question. Where a command line, the environment and a file each
/// tell settings, [`SettingsChain`](crate::SettingsChain) says which comes first.
///
/// # Examples
///
/// ```
/// use store::{EnvSettings, ISettings};
///
/// let settings = EnvSettings::new("HELION_");
/// assert_eq!(settings.get("store_url"), None); // HELION_STORE_URL is not set
///
/// let settings = EnvSettings::from_variables("", [("STORE_URL", "memory:"), ("PATH", "/bin")]);
/// assert_eq!(settings.keys(), ["store_url"]);
/// ```
#[derive(Clone, Default)]
pub struct EnvSettings {
    prefix: String,
    /// What stands in for the environment, in a test.
    variables: Option<BTreeMap<OsString, OsString>>,
}

impl EnvSettings {
    /// The variables that start with `prefix`, which may be empty.
    #[must_use]
    pub fn new(prefix: impl Into<String>) -> Self {
        Self {
            prefix: prefix.into(),
            variables: None,
        }
    }

    /// The same over variables that are given: for tests, and for whoever has an environment of
    /// another process.
    #[must_use]
    pub fn from_variables<N, V>(
        prefix: impl Into<String>,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self
    where
        N: Into<OsString>,
        V: Into<OsString>,
    {
        let variables = variables
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        Self {
            prefix: prefix.into(),
            variables: Some(variables),
        }
    }

    fn variable(&self, name: &str) -> Option<OsString> {
        match &self.variables {
            Some(variables) => variables.get(OsStr::new(name)).cloned(),
            None => std::env::var_os(name),
        }
    }

    fn variables(&self) -> BTreeMap<OsString, OsString> {
        match &self.variables {
            Some(variables) => variables.clone(),
            None => std::env::vars_os().collect(),
        }
    }

    /// The key of a variable that is meant for the store.
    fn key(&self, name: &OsStr) -> Option<String> {
        let upper = name.to_str()?.strip_prefix(&self.prefix)?;
        let key = upper.to_ascii_lowercase();
        let is_ours = key.starts_with("store_") && upper == key.to_ascii_uppercase();
        is_ours.then_some(key)
    }
}

impl fmt::Debug for EnvSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A variable may be a password.
        f.debug_struct("EnvSettings")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

impl ISettings for EnvSettings {
    fn get(&self, key: &str) -> Option<String> {
        let prefix = if is_of_the_host(key) {
            ""
        } else {
            &*self.prefix
        };
        let name = format!("{prefix}{}", key.to_ascii_uppercase());
        let text = self.variable(&name)?.into_string().ok()?;
        (!text.is_empty()).then_some(text)
    }

    fn keys(&self) -> Vec<String> {
        self.variables()
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .filter_map(|(name, _)| self.key(name))
            .collect()
    }
}

/// Whether the key is a variable of OpenStack's environment, which a user has set for every program,
/// and not for this one: it never has a prefix, and alone it does not say that Swift is meant.
pub(crate) fn is_of_the_host(key: &str) -> bool {
    key.starts_with("os_") || key.starts_with("st_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_tells_what_is_meant_for_the_store() {
        let variables = [
            ("X_STORE_URL", "memory:"),
            ("X_STORE_COLOUR", "red"),
            ("X_STORE_DURABILITY", ""),
            ("X_store_path", "/x"),
            ("STORE_URL", "fs:/other"),
            ("X_CLOUD_PASSWORD", "swordfish"),
        ];
        let settings = EnvSettings::from_variables("X_", variables);
        assert_eq!(settings.keys(), ["store_colour", "store_url"]);
        assert_eq!(settings.get("store_url").as_deref(), Some("memory:"));
        assert_eq!(settings.get("store_durability"), None, "it is empty");
        assert_eq!(settings.get("store_path"), None, "it is in lower case");
        // A scheme may ask for it, though it is not told of.
        assert_eq!(settings.get("cloud_password").as_deref(), Some("swordfish"));
        let text = format!("{settings:?}");
        assert!(text.contains("X_") && !text.contains("swordfish"), "{text}");
    }

    #[test]
    fn what_the_host_has_set_for_every_program_has_no_prefix() {
        let variables = [
            ("OS_AUTH_URL", "http://one"),
            ("X_OS_AUTH_URL", "http://other"),
            ("X_ST_KEY", "swordfish"),
        ];
        let settings = EnvSettings::from_variables("X_", variables);
        assert_eq!(settings.get("os_auth_url").as_deref(), Some("http://one"));
        assert_eq!(settings.get("st_key"), None);
        assert_eq!(settings.keys(), Vec::<String>::new());
    }

    #[test]
    fn without_a_stand_in_it_is_the_environment_of_the_process() {
        let (name, value) = std::env::vars()
            .find(|(name, value)| {
                *name == name.to_ascii_uppercase() && !name.is_empty() && !value.is_empty()
            })
            .unwrap();
        assert_eq!(
            EnvSettings::default().get(&name.to_ascii_lowercase()),
            Some(value)
        );
        assert_eq!(
            EnvSettings::new("NOBODY_SETS_").keys(),
            Vec::<String>::new()
        );
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_variable_that_is_no_text_is_refused() {
        use std::os::unix::ffi::OsStrExt as _;

        let value = OsStr::from_bytes(b"fs:/\xff").to_owned();
        let settings = EnvSettings::from_variables("", [("STORE_URL", value)]);
        let error = crate::open_store(&settings).await.unwrap_err();
        assert!(
            error
                .to_string()
                .contains("`store_url`: the setting is no text"),
            "{error}"
        );
    }
}
