//! Where a program's settings come from.

mod chain;
mod env;

use std::collections::BTreeMap;
use std::fmt;

pub use self::chain::SettingsChain;
pub use self::env::EnvSettings;
pub(crate) use self::env::is_of_the_host;

/// Tells a program's settings, text by lower-case key.
///
/// An application that has settings of its own implements it over them.
///
/// # Contract
///
/// `get` answers every key that `keys` tells; what `keys` tells is meant for the store, so that a
/// key nobody knows can be reported.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> store::Result<()> {
/// # #[cfg(feature = "memory")] {
/// use store::ISettings;
///
/// /// What an application read from its own configuration.
/// #[derive(Debug)]
/// struct Config {
///     storage: Option<String>,
/// }
///
/// impl ISettings for Config {
///     fn get(&self, key: &str) -> Option<String> {
///         (key == "store_url").then(|| self.storage.clone())?
///     }
///
///     fn keys(&self) -> Vec<String> {
///         self.storage.iter().map(|_| "store_url".to_owned()).collect()
///     }
/// }
///
/// let config = Config { storage: Some("memory:".to_owned()) };
/// store::open_store(&config).await?;
/// # }
/// # Ok(())
/// # }
/// ```
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
    /// The settings in the map, each by its key, in lower case.
    ///
    /// # Examples
    ///
    /// From a file that was parsed already:
    ///
    /// ```
    /// use std::collections::BTreeMap;
    /// use store::{ISettings, MapSettings};
    ///
    /// let section = BTreeMap::from([("store_url".to_owned(), "memory:".to_owned())]);
    /// let settings = MapSettings::new(section);
    /// assert_eq!(settings.get("store_url").as_deref(), Some("memory:"));
    /// ```
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
}
