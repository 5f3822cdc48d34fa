//! Which scheme opens which store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::settings::is_of_the_host;
use crate::{Error, ISettings, IStore, IStoreOpener, MapSettings, Result, StoreUrl};

use super::built_in::BuiltIn;
use super::hint::hint;
use super::refused;
use super::url::is_scheme;

/// The key of the setting that names the store.
const URL: &str = "store_url";

/// Words that people use for a scheme and that no likeness of letters would find.
const OTHER_NAMES: [(&str, &str); 5] = [
    ("file", "fs"),
    ("directory", "fs"),
    ("db", "sqlite"),
    ("mem", "memory"),
    ("openstack", "swift"),
];

/// Which scheme of a URL opens which store.
///
/// A registry is a value: an application makes one, adds the schemes of its own stores, and opens
/// its store with it. Nothing is global.
///
/// Settings are strict. A key that no registered scheme knows is refused, and the message names the
/// nearest known one; the keys of other schemes are let be, so that one set of settings can serve
/// several programs.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> store::Result<()> {
/// # #[cfg(feature = "memory")] {
/// let settings = store::MapSettings::from([("store_url", "memory:")]);
/// let store = store::StoreRegistry::built_in().open(&settings).await?;
/// # }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct StoreRegistry {
    openers: BTreeMap<String, Arc<dyn IStoreOpener>>,
    /// The schemes of this crate that are left out of this program.
    left_out: BTreeSet<String>,
}

impl StoreRegistry {
    /// A registry that knows no scheme.
    ///
    /// # Examples
    ///
    /// A program that keeps files on this machine alone:
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> store::Result<()> {
    /// use store::{ErrorKind, MapSettings, StoreRegistry};
    ///
    /// let registry = StoreRegistry::empty(); // and then `register`
    /// let error = registry.open_url("swift:deployments").await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Configuration);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// A registry of the schemes of this crate: those whose feature is on are opened, for the others
    /// the error says that they are not built in.
    #[must_use]
    pub fn built_in() -> Self {
        let mut registry = Self::empty();
        for opener in BuiltIn::ALL {
            let scheme = opener.scheme().to_owned();
            if !opener.is_on() {
                registry.left_out.insert(scheme.clone());
            }
            registry.openers.insert(scheme, Arc::new(opener));
        }
        registry
    }

    /// Has the stores of `scheme` opened by `opener`.
    ///
    /// A scheme of this crate whose feature is off may be taken; no other twice.
    ///
    /// # Errors
    ///
    /// - [`Configuration`](crate::ErrorKind::Configuration): the scheme is taken, or no scheme: a
    ///   lower-case letter and then lower-case letters, digits, `+`, `-` and `.`.
    pub fn register(
        &mut self,
        scheme: impl Into<String>,
        opener: Arc<dyn IStoreOpener>,
    ) -> Result<()> {
        let scheme = scheme.into();
        if !is_scheme(&scheme) || scheme != scheme.to_ascii_lowercase() {
            return Err(refused(&scheme, "this is no scheme"));
        }
        if self.openers.contains_key(&scheme) && !self.left_out.remove(&scheme) {
            return Err(refused(&scheme, "the scheme is taken"));
        }
        self.openers.insert(scheme, opener);
        Ok(())
    }

    /// The schemes that can be opened, sorted.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> store::Result<()> {
    /// # #[cfg(feature = "memory")] {
    /// use store::StoreRegistry;
    ///
    /// assert!(StoreRegistry::built_in().schemes().any(|scheme| scheme == "memory"));
    /// # }
    /// # Ok(())
    /// # }
    /// ```
    pub fn schemes(&self) -> impl Iterator<Item = &str> {
        let all = self.openers.keys().map(String::as_str);
        all.filter(|scheme| !self.left_out.contains(*scheme))
    }

    /// The keys that settings may have, sorted: `store_url` and those of every scheme, also of those
    /// that are left out.
    ///
    /// # Examples
    ///
    /// ```
    /// let keys = store::StoreRegistry::built_in().keys();
    /// assert!(keys.contains("store_url") && !keys.contains("store_ulr"));
    /// ```
    #[must_use]
    pub fn keys(&self) -> BTreeSet<&'static str> {
        let openers = self.openers.values();
        let keys = openers.flat_map(|opener| opener.keys()).copied();
        keys.chain([URL]).collect()
    }

    /// Opens the store that the settings name.
    ///
    /// Where `store_url` is not set, a setting that only one scheme knows names that scheme: its
    /// opener gets a URL with nothing behind the colon. The keys of OpenStack's environment, `os_…`
    /// and `st_…`, name none: they are set for whatever program there is.
    ///
    /// # Errors
    ///
    /// - [`Configuration`](crate::ErrorKind::Configuration): no store is named, a key or a scheme is
    ///   unknown, a value cannot be right, or the store is not built into this program.
    /// - Whatever the opener fails with.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> store::Result<()> {
    /// use store::{ErrorKind, MapSettings, StoreRegistry};
    ///
    /// let settings = MapSettings::from([("store_url", "file:/srv/deployments")]);
    /// let error = StoreRegistry::built_in().open(&settings).await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Configuration);
    /// assert!(error.to_string().ends_with("unknown scheme `file`; did you mean `fs`?"));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn open(&self, settings: &dyn ISettings) -> Result<Arc<dyn IStore>> {
        self.check_keys(settings)?;
        let url = match settings.get(URL) {
            Some(text) => StoreUrl::parse(&text)?,
            None => self.implied_url(settings)?,
        };
        self.open_with(&url, settings).await
    }

    /// Opens the store that the URL names, with every other setting unset.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> store::Result<()> {
    /// # #[cfg(feature = "memory")] {
    /// use store::StoreRegistry;
    ///
    /// let store = StoreRegistry::built_in().open_url("memory:").await?;
    /// # }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn open_url(&self, url: &str) -> Result<Arc<dyn IStore>> {
        let url = StoreUrl::parse(url)?;
        self.open_with(&url, &MapSettings::default()).await
    }

    async fn open_with(&self, url: &StoreUrl, settings: &dyn ISettings) -> Result<Arc<dyn IStore>> {
        match self.openers.get(url.scheme()) {
            Some(opener) => opener.open(url, settings).await,
            None => Err(self.unknown_scheme(url.scheme())),
        }
    }

    fn check_keys(&self, settings: &dyn ISettings) -> Result<()> {
        let known = self.keys();
        for key in settings.keys() {
            if !known.contains(key.as_str()) {
                let hint = hint(&key, known.iter().copied());
                return Err(refused(&key, format!("unknown setting{hint}")));
            }
            if settings.get(&key).is_none() {
                return Err(refused(&key, "the setting is no text"));
            }
        }
        Ok(())
    }

    /// The URL of the only scheme that knows a key that is set.
    fn implied_url(&self, settings: &dyn ISettings) -> Result<StoreUrl> {
        let mut knowing: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (scheme, opener) in &self.openers {
            for key in opener.keys() {
                knowing.entry(key).or_default().push(scheme);
            }
        }
        let set = knowing.into_iter().filter(|(key, schemes)| {
            schemes.len() == 1 && !is_of_the_host(key) && settings.get(key).is_some()
        });
        let implied: BTreeSet<&str> = set.flat_map(|(_, schemes)| schemes).collect();
        let mut implied = implied.into_iter();
        match (implied.next(), implied.next()) {
            (Some(scheme), None) => StoreUrl::parse(&format!("{scheme}:")),
            _ => Err(refused(URL, "the setting is missing")),
        }
    }

    fn unknown_scheme(&self, scheme: &str) -> Error {
        let known = self.openers.keys().map(String::as_str);
        let meant = OTHER_NAMES
            .into_iter()
            .find(|(other, meant)| *other == scheme && self.openers.contains_key(*meant));
        let hint = match meant {
            Some((_, meant)) => format!("; did you mean `{meant}`?"),
            None => hint(scheme, known),
        };
        refused(URL, format!("unknown scheme `{scheme}`{hint}"))
    }
}
