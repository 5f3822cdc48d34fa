//! The file that `cf` keeps: `.cf/config.json` in `CF_HOME`, or else in the user's home.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::error::{Error, Result};
use crate::platform::{read_optional_json, write_json};
use crate::stop::Stop;

/// The parts of the real file that commands depend on, under their real keys.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Config {
    #[serde(rename = "ConfigVersion")]
    version: u32,
    pub(super) target: String,
    pub(super) access_token: String,
    pub(super) refresh_token: String,
    /// The real client reads the name out of the token.
    pub(super) username: String,
    #[serde(rename = "OrganizationFields")]
    pub(super) organization: Place,
    #[serde(rename = "SpaceFields")]
    pub(super) space: Place,
}

/// An organization or a space.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Place {
    #[serde(rename = "GUID")]
    guid: String,
    #[serde(rename = "Name")]
    pub(super) name: String,
}

impl Place {
    pub(super) fn named(name: &str) -> Self {
        Self {
            guid: format!("{name}-guid"),
            name: name.to_owned(),
        }
    }
}

impl Config {
    /// Reads the file and says where it is; an absent one is empty.
    pub(super) fn load(context: &Context<'_>) -> std::result::Result<(Self, PathBuf), Stop> {
        let home = context
            .variable("CF_HOME")
            .or_else(|| context.variable("HOME"));
        let home = home.ok_or_else(|| Stop::refused("Error: neither CF_HOME nor HOME is set"))?;
        let path = Path::new(&home).join(".cf").join("config.json");
        Ok((read_optional_json(&path)?.unwrap_or_default(), path))
    }

    /// Writes the file with mode 0600, in a folder with mode 0700.
    pub(super) fn save(&self, path: &Path) -> Result<()> {
        let folder = path.parent().unwrap_or(path);
        fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
            .map_err(Error::io("change", folder))?;
        write_json(
            path,
            &Self {
                version: 4,
                ..self.clone()
            },
        )
    }

    pub(super) fn is_logged_in(&self) -> bool {
        !self.access_token.is_empty()
    }

    /// Forgets the login, and the organization and space with it; the target stays.
    pub(super) fn log_out(&mut self) {
        *self = Self {
            target: std::mem::take(&mut self.target),
            ..Self::default()
        };
    }
}
