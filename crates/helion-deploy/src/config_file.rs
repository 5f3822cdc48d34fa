//! The configuration file: where it is, and what it may say.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use directories::ProjectDirs;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::failure::{Failure, INVALID};
use crate::hint::nearest;
use crate::setting::{self, Kind, PASSWORD, Setting};

/// The environment variable that names the file.
pub(crate) const VARIABLE: &str = "HELION_DEPLOY_CONFIG";

/// The largest file that is read, in bytes: all settings together take a few thousand.
const MAX_BYTES: u64 = 1 << 20;

/// The bits of a file's mode that are not its owner's.
const OTHERS: u32 = 0o077;

/// Where the file is, or would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    /// Whether somebody named it; if so, it has to be there.
    is_named: bool,
}

/// What a file says, each setting with its line.
///
/// It has no `Debug`, since a value may be a password.
pub(crate) struct ConfigFile {
    pub(crate) path: PathBuf,
    entries: BTreeMap<&'static str, Entry>,
}

/// One setting of a file.
pub(crate) struct Entry {
    /// The number of its line, the first being 1.
    pub(crate) line: usize,
    pub(crate) value: String,
}

impl Place {
    /// The file that the command line names, or the environment, or the user's own; `None` where
    /// none is named and there is no home directory.
    pub(crate) fn find(flag: Option<&Path>) -> Option<Self> {
        let variable = || std::env::var_os(VARIABLE).filter(|path| !path.is_empty());
        let named = flag.map(Path::to_owned);
        if let Some(path) = named.or_else(|| variable().map(PathBuf::from)) {
            return Some(Self {
                path,
                is_named: true,
            });
        }
        let directories = ProjectDirs::from("", "", "helion-deploy")?;
        Some(Self {
            path: directories.config_dir().join("config.toml"),
            is_named: false,
        })
    }

    /// Reads the file; `None` where it is not there and need not be.
    pub(crate) fn read(&self) -> Result<Option<ConfigFile>, Failure> {
        let path = &self.path;
        let failed = |error: std::io::Error| {
            let path = path.display();
            Failure::new(INVALID, format!("failed to read `{path}`: {error}"))
        };
        let file = match std::fs::File::open(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !self.is_named => {
                return Ok(None);
            }
            file => file.map_err(failed)?,
        };
        // Of the open file: what is at the path may be another one by now.
        let mode = file.metadata().map_err(failed)?.permissions().mode();
        let mut bytes = Vec::new();
        let mut limited = file.take(MAX_BYTES + 1);
        limited.read_to_end(&mut bytes).map_err(failed)?;
        let refused = |reason| Failure::new(INVALID, format!("`{}` {reason}", path.display()));
        if bytes.len() as u64 > MAX_BYTES {
            return Err(refused("is longer than 1 MiB"));
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| refused("is not UTF-8"))?;
        let file = ConfigFile::parse(path, text)?;
        file.check_mode(mode)?;
        Ok(Some(file))
    }
}

impl ConfigFile {
    /// Reads what a file says, strictly.
    ///
    /// No error tells a value, which may be a secret, nor a line of the file.
    fn parse(path: &Path, text: &str) -> Result<Self, Failure> {
        let at = |start: usize, reason: &str| {
            let before = text.get(..start).unwrap_or(text);
            let line = before.matches('\n').count() + 1;
            let message = format!("`{}`, line {line}: {reason}", path.display());
            (line, Failure::new(INVALID, message))
        };
        let table = DeTable::parse(text).map_err(|error| {
            let start = error.span().map_or(text.len(), |span| span.start);
            // Its message names what was expected; its `Display` would show the line.
            at(start, &format!("not TOML: {}", error.message())).1
        })?;
        let mut pairs: Vec<_> = table.get_ref().iter().collect();
        pairs.sort_by_key(|(key, _)| key.span().start);
        let known = setting::all();
        let mut entries = BTreeMap::new();
        for (key, value) in pairs {
            let refuse = |reason: String| at(key.span().start, &reason).1;
            let setting = known_setting(&known, key.get_ref()).map_err(refuse)?;
            let value = value_of(setting, value).ok_or_else(|| {
                let expected = setting.kind.expectation_in_file();
                refuse(format!("`{}` has to be {expected}", setting.key))
            })?;
            let line = at(key.span().start, "").0;
            entries.insert(setting.key, Entry { line, value });
        }
        let path = path.to_owned();
        Ok(Self { path, entries })
    }

    /// Refuses a file with a secret that others than its owner may read or change.
    fn check_mode(&self, mode: u32) -> Result<(), Failure> {
        let known = setting::all();
        let mut secrets = known.iter().filter(|setting| setting.kind.is_secret());
        let Some(secret) = secrets.find(|setting| self.get(setting).is_some()) else {
            return Ok(());
        };
        if mode & OTHERS == 0 {
            return Ok(());
        }
        let (path, key) = (self.path.display(), secret.key);
        let message = format!(
            "`{path}` holds the secret `{key}`, and not its owner alone may use the file: \
             chmod 600 \"{path}\""
        );
        Err(Failure::new(INVALID, message))
    }

    pub(crate) fn get(&self, setting: &Setting) -> Option<&Entry> {
        self.entries.get(setting.key)
    }

    /// What it says for the store, by key.
    pub(crate) fn for_store(&self) -> BTreeMap<String, String> {
        let settings = setting::all();
        let stores = settings.iter().filter(|setting| setting.is_of_the_store());
        stores
            .filter_map(|setting| Some((setting, self.get(setting)?)))
            .map(|(setting, entry)| (setting.key.to_owned(), entry.value.clone()))
            .collect()
    }
}

/// The setting that may stand in a file under this key, or why none does.
fn known_setting<'a>(known: &'a [Setting], key: &str) -> Result<&'a Setting, String> {
    let no_password = || {
        let variable = PASSWORD.variable();
        format!(
            "the platform's password is never read from a file: set {variable}, or give \
             --password-stdin"
        )
    };
    let word = key.escape_debug();
    match known.iter().find(|setting| setting.key == key) {
        Some(setting) if setting.kind == Kind::Password => Err(no_password()),
        Some(setting) => Ok(setting),
        None if key.eq_ignore_ascii_case(&PASSWORD.variable()) => Err(no_password()),
        // The variable's name is as good as the key.
        None => match nearest(without_prefix(key), known.iter().map(|setting| setting.key)) {
            Some(near) if near == PASSWORD.key => Err(no_password()),
            Some(near) => Err(format!("unknown key `{word}`; did you mean `{near}`?")),
            None => Err(format!(
                "unknown key `{word}`; `helion-deploy --config /dev/null config show` lists the known ones"
            )),
        },
    }
}

/// The key without what its variable has before it.
fn without_prefix(key: &str) -> &str {
    match key.split_at_checked("helion_".len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case("helion_") => rest,
        _ => key,
    }
}

/// The value as text, where it is what the setting expects.
fn value_of(setting: &Setting, value: &Spanned<DeValue<'_>>) -> Option<String> {
    let text = match (setting.kind, value.get_ref()) {
        (Kind::Switch, DeValue::Boolean(switch)) => switch.to_string(),
        (Kind::Switch, _) => return None,
        (_, DeValue::String(text)) => text.to_string(),
        _ => return None,
    };
    setting.kind.accepts(&text).then_some(text)
}

#[cfg(test)]
mod tests;
