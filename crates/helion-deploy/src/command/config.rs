//! `config`: the settings, and where each came from.

use serde::Serialize;
use serde_json::json;

use crate::failure::{Failure, INVALID};
use crate::output::Output;
use crate::panel::terminal_columns;
use crate::report::table;
use crate::setting::{self, CLIENT, OUTPUT, STORE_URL, Setting};
use crate::settings::{Found, Settings, Source};
use crate::store_choice;

/// A setting as it may be shown.
#[derive(Debug, Serialize)]
struct Row {
    key: &'static str,
    /// `***` for a secret; nothing where it is not set.
    value: Option<String>,
    source: Option<Source>,
}

/// Shows every setting that a flag of all commands, a variable, the file or a default sets.
pub(crate) fn show(settings: &Settings, output: Output<'_>) -> Result<(), Failure> {
    let known = setting::all();
    let rows: Result<Vec<_>, _> = known.iter().map(|setting| row(setting, settings)).collect();
    let rows = rows?;
    let path = settings.place().map(|place| place.path.to_string_lossy());
    let document = json!({ "config_file": path, "settings": rows });
    output.print(&document, |_| text(&rows))
}

fn row(setting: &Setting, settings: &Settings) -> Result<Row, Failure> {
    let found = settings.find(setting)?;
    let found = found.or_else(|| default(setting, settings));
    Ok(match found {
        Some(Found { value, source }) => Row {
            key: setting.key,
            value: Some(setting.shown(&value)),
            source: Some(source),
        },
        None => Row {
            key: setting.key,
            value: None,
            source: None,
        },
    })
}

/// What counts where nobody has set anything.
fn default(setting: &Setting, settings: &Settings) -> Option<Found> {
    let value = match setting.key {
        key if key == CLIENT.key => "helion".to_owned(),
        key if key == OUTPUT.key => "text".to_owned(),
        key if key == STORE_URL.key => store_choice::default_url(settings)?,
        "store_durability" => "full".to_owned(),
        _ => return None,
    };
    let source = Source::Default;
    Some(Found { value, source })
}

fn text(rows: &[Row]) -> String {
    let set: Vec<_> = rows
        .iter()
        .filter_map(|row| {
            let (value, source) = (row.value.clone()?, row.source.as_ref()?.to_string());
            Some([row.key.to_owned(), value, source])
        })
        .collect();
    let unset = rows.iter().filter(|row| row.value.is_none());
    let unset: Vec<_> = unset.map(|row| row.key).collect();
    let table = table(["SETTING", "VALUE", "SOURCE"], &set);
    format!("{table}\n\nNot set:\n{}", folded(&unset))
}

/// The words in lines that fit a terminal.
fn folded(words: &[&str]) -> String {
    const WIDEST: usize = 78;
    // A line as wide as the terminal would be broken by some.
    let width = WIDEST.min(terminal_columns().saturating_sub(1));
    let mut lines = vec![String::new()];
    for word in words {
        match lines.last_mut() {
            Some(line) if line.len() + word.len() < width => {
                line.push_str("  ");
                line.push_str(word);
            }
            _ => lines.push(format!("  {word}")),
        }
    }
    lines.join("\n")
}

/// Prints where the configuration file is, or would be.
pub(crate) fn path(settings: &Settings, output: Output<'_>) -> Result<(), Failure> {
    let Some(place) = settings.place() else {
        let message = "no home directory: give --config FILE or set HELION_DEPLOY_CONFIG";
        return Err(Failure::new(INVALID, message));
    };
    let path = place.path.to_string_lossy();
    let document = json!({ "path": path, "exists": place.path.exists() });
    output.print(&document, |_| path.clone().into_owned())
}
