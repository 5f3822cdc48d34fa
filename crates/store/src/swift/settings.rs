//! The settings of a container, by the names that people have for them already.

mod identity;

use std::path::PathBuf;

use reqwest::header::HeaderValue;

use crate::{Error, ErrorKind, FileName, ISettings, Result, StoreUrl};

use super::auth::{server_url, tokens_url};
use super::config::{SwiftOptions, SwiftTls};

/// What the URL and the settings name: a container, and the folder in it that is meant.
#[derive(Debug)]
pub(crate) struct SwiftPlace {
    pub(crate) options: SwiftOptions,
    pub(crate) folder: Option<FileName>,
}

impl SwiftPlace {
    /// Reads the settings, as [`open_store`](crate::open_store) describes them.
    pub(crate) fn from_settings(url: &StoreUrl, settings: &dyn ISettings) -> Result<Self> {
        let given = Given(settings);
        let (container, folder) = container(url, given)?;
        let identity = identity::read(given)?;
        let mut options = SwiftOptions::new(container, identity.auth).with_tls(tls(given)?);
        options.storage_url = identity.storage_url;
        options.check()?;
        Ok(Self { options, folder })
    }
}

/// The container and the folder, of `swift:CONTAINER/FOLDER` or of the setting.
fn container(url: &StoreUrl, given: Given<'_>) -> Result<(String, Option<FileName>)> {
    let wrong = |message| refused("store_url", message);
    let (named, folder) = match url.rest().split_once('/') {
        Some((container, folder)) => (container, Some(folder)),
        None => (url.rest(), None),
    };
    if named.is_empty() && folder.is_some() {
        return Err(wrong("a container follows the scheme: `swift:CONTAINER`"));
    }
    if url.rest().contains(['?', '#']) {
        return Err(wrong(
            "nothing but a container and a folder is told by the URL",
        ));
    }
    let folder = folder
        .map(FileName::new)
        .transpose()
        .map_err(|error| wrong("the folder is no name of a file").with_source(error))?;
    let set = given.text("swift_container")?;
    match (named, set) {
        ("", None) => Err(refused("swift_container", "the setting is missing")),
        ("", Some(container)) => Ok((container, folder)),
        (named, Some(container)) if named != container => Err(refused(
            "swift_container",
            "the setting and `store_url` name different containers",
        )),
        (named, _) => Ok((named.to_owned(), folder)),
    }
}

/// Whose certificates are accepted.
fn tls(given: Given<'_>) -> Result<SwiftTls> {
    let file = given.text("os_cacert")?;
    let is_insecure = match given.text("swift_insecure")?.as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => {
            return Err(refused(
                "swift_insecure",
                "the value is not `true` or `false`",
            ));
        }
    };
    match file {
        Some(_) if is_insecure => Err(refused(
            "swift_insecure",
            "certificates are either verified by `os_cacert` or not at all",
        )),
        Some(file) => Ok(SwiftTls::CaFile(PathBuf::from(file))),
        None if is_insecure => Ok(SwiftTls::Unverified),
        None => Ok(SwiftTls::System),
    }
}

/// The settings, none of which may be empty.
#[derive(Clone, Copy, Debug)]
struct Given<'a>(&'a dyn ISettings);

impl Given<'_> {
    fn text(self, key: &'static str) -> Result<Option<String>> {
        match self.0.get(key) {
            Some(text) if text.is_empty() => Err(refused(key, "the setting is empty")),
            text => Ok(text),
        }
    }

    fn required(self, key: &'static str) -> Result<String> {
        self.text(key)?
            .ok_or_else(|| refused(key, "the setting is missing"))
    }

    /// A text that can be sent as a header.
    fn header(self, key: &'static str) -> Result<String> {
        let text = self.required(key)?;
        match HeaderValue::from_str(&text) {
            Ok(_) => Ok(text),
            Err(_) => Err(refused(key, "the value cannot be sent as a header")),
        }
    }

    /// The URL of a server.
    fn server(self, key: &'static str) -> Result<String> {
        let text = self.required(key)?;
        server_url(key, &text)?;
        Ok(text)
    }

    /// The URL of Keystone.
    fn keystone(self, key: &'static str) -> Result<String> {
        let text = self.required(key)?;
        tokens_url(key, &text)?;
        Ok(text)
    }

    fn has(self, key: &str) -> bool {
        self.0.get(key).is_some()
    }

    /// The first of the keys that is set.
    fn first(self, keys: &[&'static str]) -> Option<&'static str> {
        keys.iter().copied().find(|key| self.has(key))
    }
}

/// The refusal of a setting.
fn refused(setting: &'static str, message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Configuration, "open store")
        .with_name(setting)
        .with_message(message.into())
}

#[cfg(test)]
mod tests;
