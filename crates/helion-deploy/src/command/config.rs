//! `config`: the settings, and where each came from.

use serde::Serialize;
use serde_json::json;

use crate::failure::{Failure, INVALID};
use crate::output::Output;
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
    output.print(&document, |_| text(&rows, Output::columns()))
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

fn text(rows: &[Row], columns: usize) -> String {
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
    format!("{table}\n\nNot set:\n{}", folded(&unset, columns))
}

/// The words in lines that fit a terminal of so many columns.
fn folded(words: &[&str], columns: usize) -> String {
    const WIDEST: usize = 78;
    const GAP: &str = "  ";
    // A line as wide as the terminal would be broken by some.
    let width = WIDEST.min(columns.saturating_sub(1));
    let mut lines = Vec::<String>::new();
    for word in words {
        match lines.last_mut() {
            Some(line) if line.len() + GAP.len() + word.len() <= width => {
                line.push_str(GAP);
                line.push_str(word);
            }
            _ => lines.push(format!("{GAP}{word}")),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_folded_before_the_last_column_and_never_wider_than_is_read_well() {
        let words = ["one", "two", "three"];
        assert_eq!(folded(&words, 80), "  one  two  three");
        assert_eq!(folded(&words, 18), "  one  two  three");
        assert_eq!(folded(&words, 17), "  one  two\n  three");
        // A word that does not fit has its own line.
        assert_eq!(folded(&words, 0), "  one\n  two\n  three");
        let many = ["word"; 40];
        let widest = |columns| {
            let text = folded(&many, columns);
            text.lines().map(str::len).max().unwrap()
        };
        assert_eq!((widest(80), widest(500)), (78, 78));
    }
}
