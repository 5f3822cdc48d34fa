//! The files that `helion` keeps: `.stackato/client` in the user's home.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::error::{Error, Result};
use crate::platform::read_optional_json;
use crate::stop::Stop;

/// How many command lines `history` keeps.
const HISTORY_LINES: usize = 20;

/// The client's files, read and rewritten without a lock, as the real client does.
#[derive(Debug)]
pub(super) struct ClientFolder {
    path: PathBuf,
}

/// What was chosen on one target.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Choice {
    pub(super) organization: Option<String>,
    pub(super) refresh: String,
    pub(super) space: Option<String>,
}

impl ClientFolder {
    /// Makes the folder in `STACKATO_APP_ROOT`, or else in `HOME`.
    pub(super) fn open(context: &Context<'_>) -> std::result::Result<Self, Stop> {
        let home = context
            .variable("STACKATO_APP_ROOT")
            .or_else(|| context.variable("HOME"));
        let home = home.ok_or_else(|| Stop::refused("Could not determine HOME environment"))?;
        let path = Path::new(&home).join(".stackato").join("client");
        fs::create_dir_all(&path).map_err(Error::io("create", &path))?;
        Ok(Self { path })
    }

    /// Adds a command line to the history: whole, with any password in it, and readable by everybody.
    ///
    /// This is what the real client does, and why every deployment has a home of its own.
    pub(super) fn remember(&self, arguments: &[String]) -> Result<()> {
        let path = self.path.join("history");
        let line = arguments
            .iter()
            .map(|word| as_list_element(word))
            .collect::<Vec<_>>()
            .join(" ");
        let old = fs::read_to_string(&path).unwrap_or_default();
        let mut lines: Vec<_> = old.lines().collect();
        lines.push(&line);
        let kept = lines.split_off(lines.len().saturating_sub(HISTORY_LINES));
        write(&path, &(kept.join("\n") + "\n"), 0o644)
    }

    pub(super) fn target(&self) -> Option<String> {
        fs::read_to_string(self.path.join("target"))
            .ok()
            .map(|url| url.trim().to_owned())
            .filter(|url| !url.is_empty())
    }

    pub(super) fn set_target(&self, url: &str) -> Result<()> {
        write(&self.path.join("target"), &format!("{url}\n"), 0o600)
    }

    pub(super) fn token(&self, url: &str) -> Result<Option<String>> {
        let tokens: Option<BTreeMap<String, String>> =
            read_optional_json(&self.path.join("token"))?;
        Ok(tokens.unwrap_or_default().remove(url))
    }

    pub(super) fn choice(&self, url: &str) -> Result<Option<Choice>> {
        let choices: Option<BTreeMap<String, Choice>> =
            read_optional_json(&self.path.join("token2"))?;
        Ok(choices.unwrap_or_default().remove(url))
    }

    /// Keeps a login, and what was chosen with it.
    pub(super) fn log_in(&self, url: &str, token: String, choice: Choice) -> Result<()> {
        self.change("token", |tokens| tokens.insert(url.to_owned(), token))?;
        self.choose(url, choice)
    }

    pub(super) fn choose(&self, url: &str, choice: Choice) -> Result<()> {
        self.change("token2", |choices| choices.insert(url.to_owned(), choice))
    }

    /// Forgets the login on one target.
    pub(super) fn log_out(&self, url: &str) -> Result<()> {
        self.change("token", |tokens: &mut BTreeMap<String, String>| {
            tokens.remove(url)
        })?;
        self.change("token2", |choices: &mut BTreeMap<String, Choice>| {
            choices.remove(url)
        })
    }

    /// Forgets every login.
    pub(super) fn log_out_everywhere(&self) -> Result<()> {
        self.change("token", |tokens: &mut BTreeMap<String, String>| {
            tokens.clear();
        })?;
        self.change("token2", |choices: &mut BTreeMap<String, Choice>| {
            choices.clear();
        })
    }

    fn change<T, R>(
        &self,
        file: &str,
        change: impl FnOnce(&mut BTreeMap<String, T>) -> R,
    ) -> Result<()>
    where
        T: Serialize + serde::de::DeserializeOwned,
    {
        let path = self.path.join(file);
        let mut entries = read_optional_json(&path)?.unwrap_or_default();
        change(&mut entries);
        let text = serde_json::to_string(&entries).map_err(Error::corrupt(&path))?;
        write(&path, &text, 0o600)
    }
}

/// Writes in place, as the real client does; its mode does not depend on the umask.
fn write(path: &Path, text: &str, mode: u32) -> Result<()> {
    fs::write(path, text).map_err(Error::io("write", path))?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(Error::io("change", path))
}

/// A word as an element of a Tcl list, which is what the history is written as.
fn as_list_element(word: &str) -> String {
    if word.is_empty() || word.contains(char::is_whitespace) {
        format!("{{{word}}}")
    } else {
        word.to_owned()
    }
}
