//! Settings from several places.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::ISettings;

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
    use crate::MapSettings;

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
