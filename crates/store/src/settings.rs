//! Where a program's settings come from.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::sync::Arc;

/// Tells a program's settings, text by lower-case key.
///
/// An application that has settings of its own implements it over them.
///
/// # Contract
///
/// `get` answers every key that `keys` tells; what `keys` tells is meant for the store, so that a
/// key nobody knows can be reported.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
pub trait ISettings: fmt::Debug + Send + Sync + 'static {
    /// The setting's text, or `None` where it is not set.
    fn get(&self, key: &str) -> Option<String>;

    /// The keys that are set for the store.
    fn keys(&self) -> Vec<String>;
}

const _: fn(&dyn ISettings) = |_| (); // stays dyn-compatible

/// Settings from a map.
///
/// # Examples
///
/// ```
/// use store::{ISettings, MapSettings};
///
/// let settings = MapSettings::from([("store_url", "fs:/var/lib/deployments")]);
/// assert_eq!(settings.keys(), ["store_url"]);
/// ```
#[derive(Clone, Default)]
pub struct MapSettings(BTreeMap<String, String>);

impl MapSettings {
    /// Takes the map.
    #[must_use]
    pub fn new(settings: BTreeMap<String, String>) -> Self {
        Self(settings)
    }
}

impl<const N: usize> From<[(&str, &str); N]> for MapSettings {
    fn from(settings: [(&str, &str); N]) -> Self {
        Self(
            settings
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
        )
    }
}

impl fmt::Debug for MapSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A setting may be a password.
        f.debug_tuple("MapSettings").field(&self.0.keys()).finish()
    }
}

impl ISettings for MapSettings {
    fn get(&self, key: &str) -> Option<String> {
        self.0.get(key).cloned()
    }

    fn keys(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

/// Settings from the environment: the key `store_url` from the variable `<prefix>STORE_URL`.
///
/// | variable | key |
/// |---|---|
/// | `<prefix>STORE_URL` | `store_url`: which store; see [`open_store`](crate::open_store) |
/// | `<prefix>STORE_DURABILITY` | `store_durability` |
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
/// tell settings, [`SettingsChain`] says which comes first.
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
        let name = format!("{}{}", self.prefix, key.to_ascii_uppercase());
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

/// Settings from several places, of which the first that has a key decides.
///
/// Usual is the command line, then the environment, then a file, then what the program would take.
/// Each key is decided for itself: `store_url` may come from one place and `store_durability` from
/// another. The keys of all places are told, so an unknown key is refused wherever it stands.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use store::{EnvSettings, ISettings, MapSettings, SettingsChain};
///
/// let arguments = MapSettings::from([("store_url", "memory:")]);
/// let environment = EnvSettings::from_variables(
///     "",
///     [("STORE_URL", "fs:/srv"), ("STORE_DURABILITY", "process")],
/// );
/// let settings = SettingsChain::new([Arc::new(arguments) as Arc<dyn ISettings>, Arc::new(environment)]);
/// assert_eq!(settings.get("store_url").as_deref(), Some("memory:"));
/// assert_eq!(settings.get("store_durability").as_deref(), Some("process"));
/// ```
#[derive(Clone, Debug)]
pub struct SettingsChain(Vec<Arc<dyn ISettings>>);

impl SettingsChain {
    /// The places, the one that decides first in front.
    #[must_use]
    pub fn new(places: impl IntoIterator<Item = Arc<dyn ISettings>>) -> Self {
        Self(places.into_iter().collect())
    }
}

impl ISettings for SettingsChain {
    fn get(&self, key: &str) -> Option<String> {
        self.0.iter().find_map(|place| place.get(key))
    }

    fn keys(&self) -> Vec<String> {
        let keys: BTreeSet<String> = self.0.iter().flat_map(|place| place.keys()).collect();
        keys.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_value() {
        let text = format!("{:?}", MapSettings::from([("cloud_password", "swordfish")]));
        assert!(
            text.contains("cloud_password") && !text.contains("swordfish"),
            "{text}"
        );
    }

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

    #[test]
    fn the_first_place_that_has_a_key_decides() {
        let first = MapSettings::from([("store_url", "memory:")]);
        let second = MapSettings::from([("store_url", "fs:/x"), ("store_durability", "process")]);
        let chain = SettingsChain::new([Arc::new(first) as Arc<dyn ISettings>, Arc::new(second)]);
        assert_eq!(chain.keys(), ["store_durability", "store_url"]);
        assert_eq!(chain.get("store_url").as_deref(), Some("memory:"));
        assert_eq!(chain.get("store_durability").as_deref(), Some("process"));
        assert_eq!(chain.get("colour"), None);
    }
}
