//! The settings of one run: of the command line, the environment and the configuration file.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum as _;
use deployment::Space;
use serde::Serialize;
use store::{EnvSettings, ISettings, MapSettings};

use crate::cli::{Cli, Client, Format};
use crate::config_file::{ConfigFile, Place};
use crate::failure::{Failure, INVALID};
use crate::setting::{
    self, CLIENT, ENDPOINT, ORG, OUTPUT, SPACE, STORE_URL, Setting, TIMEOUT, USERNAME,
};

/// What was set, where. The command line counts before the environment, the environment before the
/// file; each setting is decided for itself.
///
/// The flags of single commands are handed to the questions below, since they are known to their
/// commands alone.
pub(crate) struct Settings {
    store: Option<String>,
    format: Option<Format>,
    place: Option<Place>,
    file: Option<ConfigFile>,
}

/// A value, and where it came from.
pub(crate) struct Found {
    pub(crate) value: String,
    pub(crate) source: Source,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Source {
    Flag { name: &'static str },
    Variable { name: String },
    File { path: PathBuf, line: usize },
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag { name } => write!(f, "flag {name}"),
            Self::Variable { name } => write!(f, "variable {name}"),
            Self::File { path, line } => write!(f, "file {}, line {line}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

impl Settings {
    /// Reads the file, if there is one and the command goes by it, and checks it.
    pub(crate) fn load(cli: &Cli) -> Result<Self, Failure> {
        let place = Place::find(cli.config.as_deref());
        let file = match &place {
            Some(place) if cli.command.goes_by_the_file() => place.read()?,
            Some(_) | None => None,
        };
        Ok(Self {
            store: cli.store.clone().filter(|url| !url.is_empty()),
            format: cli.output,
            place,
            file,
        })
    }

    /// Where the file is or would be.
    pub(crate) fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// What is set, unless the command has a flag of its own for it.
    pub(crate) fn find(&self, setting: &Setting) -> Result<Option<Found>, Failure> {
        if let Some(found) = self.flag(setting) {
            return Ok(Some(found));
        }
        let name = setting.variable();
        if let Some(value) = variable(&name)? {
            let source = Source::Variable { name };
            return Ok(Some(Found { value, source }));
        }
        let file = self.file.as_ref();
        let entry = file.and_then(|file| Some((file, file.get(setting)?)));
        Ok(entry.map(|(file, entry)| Found {
            value: entry.value.clone(),
            source: Source::File {
                path: file.path.clone(),
                line: entry.line,
            },
        }))
    }

    /// What a flag that every command has sets.
    fn flag(&self, setting: &Setting) -> Option<Found> {
        let (value, name) = match setting.key {
            key if key == STORE_URL.key => (self.store.clone(), "--store"),
            key if key == OUTPUT.key => (self.format.map(word), "--output"),
            _ => (None, ""),
        };
        let source = Source::Flag { name };
        value.map(|value| Found { value, source })
    }

    /// What is set, where it is what the setting expects.
    fn checked(&self, setting: &Setting) -> Result<Option<String>, Failure> {
        match self.find(setting)? {
            Some(Found { value, source }) if !setting.kind.accepts(&value) => {
                let expected = setting.kind.expectation();
                let message = format!("`{}` has to be {expected} ({source})", setting.key);
                Err(Failure::new(INVALID, message))
            }
            found => Ok(found.map(|found| found.value)),
        }
    }

    /// What is set, or what to do about that nothing is.
    fn required(&self, setting: &Setting) -> Result<String, Failure> {
        if let Some(value) = self.checked(setting)? {
            return Ok(value);
        }
        let (key, variable) = (setting.key, setting.variable());
        let file = self.place.as_ref().map_or(String::new(), |place| {
            format!(", or write `{key} = \"…\"` in `{}`", place.path.display())
        });
        let message = format!("no {key}: give --{key}, set {variable}{file}");
        Err(Failure::new(INVALID, message))
    }

    /// What is printed on standard output.
    pub(crate) fn format(&self) -> Result<Format, Failure> {
        let format = self.checked(&OUTPUT)?;
        Ok(format
            .and_then(|word| Format::from_str(&word, false).ok())
            .unwrap_or(Format::Text))
    }

    /// The platform's client.
    pub(crate) fn client(&self, flag: Option<Client>) -> Result<Client, Failure> {
        if let Some(client) = flag {
            return Ok(client);
        }
        let client = self.checked(&CLIENT)?;
        Ok(client
            .and_then(|word| Client::from_str(&word, false).ok())
            .unwrap_or(Client::Helion))
    }

    /// The platform's address.
    pub(crate) fn endpoint(&self, flag: Option<String>) -> Result<String, Failure> {
        flag.map_or_else(|| self.required(&ENDPOINT), Ok)
    }

    /// Who logs in.
    pub(crate) fn username(&self, flag: Option<String>) -> Result<String, Failure> {
        flag.map_or_else(|| self.required(&USERNAME), Ok)
    }

    /// The space to deploy to, which takes its organization and its name.
    pub(crate) fn space(
        &self,
        org: Option<String>,
        space: Option<String>,
    ) -> Result<Option<Space>, Failure> {
        let org = org.map_or_else(|| self.checked(&ORG), |org| Ok(Some(org)))?;
        let space = space.map_or_else(|| self.checked(&SPACE), |space| Ok(Some(space)))?;
        let alone = |one: &str, other: &str| {
            let message = format!("{one} without {other}: both are needed, or neither");
            Err(Failure::new(INVALID, message))
        };
        match (org, space) {
            (Some(organization), Some(space)) => Ok(Some(Space {
                organization,
                space,
            })),
            (None, None) => Ok(None),
            (Some(_), None) => alone("org", "space"),
            (None, Some(_)) => alone("space", "org"),
        }
    }

    /// How long the whole deployment may take.
    pub(crate) fn timeout(&self, flag: Option<Duration>) -> Result<Option<Duration>, Failure> {
        if flag.is_some() {
            return Ok(flag);
        }
        let text = self.checked(&TIMEOUT)?;
        Ok(text.and_then(|text| setting::duration(&text).ok()))
    }

    /// What is set for the store, as its opener asks for it.
    pub(crate) fn for_store(&self) -> Vec<Arc<dyn ISettings>> {
        let flag = self.store.as_deref().map(|url| [("store_url", url)]);
        let flag = flag.map_or_else(MapSettings::default, MapSettings::from);
        let file = self.file.as_ref().map(ConfigFile::for_store);
        let file = MapSettings::new(file.unwrap_or_default());
        vec![
            Arc::new(flag),
            Arc::new(EnvSettings::new("")),
            Arc::new(file),
        ]
    }
}

/// What is printed on standard output where the settings are not read, or are wrong: the flag and
/// the variable alone tell.
pub(crate) fn early_format(flag: Option<Format>) -> Format {
    let word = || variable(&OUTPUT.variable()).ok().flatten();
    flag.or_else(|| Format::from_str(&word()?, false).ok())
        .unwrap_or(Format::Text)
}

/// The variable's text; one that is empty is not set.
fn variable(name: &str) -> Result<Option<String>, Failure> {
    let value = std::env::var_os(name).map(OsString::into_string);
    match value {
        Some(Ok(text)) if !text.is_empty() => Ok(Some(text)),
        Some(Err(_)) => Err(Failure::new(INVALID, format!("{name} is not UTF-8"))),
        Some(Ok(_)) | None => Ok(None),
    }
}

/// A format as it is written on the command line.
fn word(format: Format) -> String {
    let word = match format {
        Format::Text => "text",
        Format::Json => "json",
    };
    word.to_owned()
}
