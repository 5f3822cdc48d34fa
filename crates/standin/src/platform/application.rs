//! An application that was pushed.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// An application that runs on the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Application {
    /// The host of the endpoint it was pushed to, with its port if it has one.
    pub endpoint: String,
    /// The organization that it belongs to.
    pub organization: String,
    /// The space that it runs in.
    pub space: String,
    /// Its name.
    pub name: String,
    /// Where it would be served: `http://NAME.DOMAIN` for the endpoint `api.DOMAIN`.
    pub url: String,
    /// How many instances were asked for.
    pub instances: u32,
    /// The copy of its tree; another push replaces the folder.
    pub directory: PathBuf,
}

/// What is kept beside an application's tree, in `app.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) instances: u32,
}
