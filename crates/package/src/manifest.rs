//! What a package says about itself.

use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Error, ManifestProblem, Result, shown};

/// What `manifest.json` says about a package.
///
/// Every key may be missing. Keys that are not known are kept, in their order, and written back
/// after the known ones. A known key that is `null` counts as missing.
///
/// # Examples
///
/// ```
/// use package::Manifest;
///
/// let manifest = Manifest::parse(br#"{"name": "Hello", "tags": ["php"], "license": "MIT"}"#)?;
/// assert_eq!(manifest.name.as_deref(), Some("Hello"));
/// assert_eq!(manifest.other["license"], "MIT");
/// # Ok::<(), package::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Manifest {
    /// The name to show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The version, in any notation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The file name of the package.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// The file name of the icon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Words to find it by.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// All other keys, in the order of the file.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The most bytes that [`Manifest::parse`] takes.
const LARGEST: u64 = 1 << 20;

impl Manifest {
    /// Reads a manifest of at most 1 MiB.
    ///
    /// Values may be nested 127 deep. A key that comes twice inside an unknown value counts once,
    /// with its last value.
    ///
    /// # Errors
    ///
    /// [`Manifest`](Error::Manifest): too large, a byte order mark, not JSON (UTF-8), no object, a
    /// key that comes twice, or a known key of the wrong type.
    ///
    /// # Examples
    ///
    /// ```
    /// use package::{Error, Manifest};
    ///
    /// assert_eq!(Manifest::parse(b"{}")?, Manifest::default());
    /// assert!(matches!(Manifest::parse(b"[]"), Err(Error::Manifest { .. })));
    /// # Ok::<(), package::Error>(())
    /// ```
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let size = bytes.len() as u64;
        if size > LARGEST {
            return Err(Error::Manifest {
                entry: UNPLACED.to_owned(),
                problem: ManifestProblem::TooLarge {
                    size,
                    maximum: LARGEST,
                },
            });
        }
        Self::parse_entry(bytes, UNPLACED)
    }

    /// Reads a manifest, with its path for the error; the caller has limited its size.
    pub(crate) fn parse_entry(bytes: &[u8], entry: &str) -> Result<Self> {
        parse(bytes).map_err(|problem| Error::Manifest {
            entry: entry.to_owned(),
            problem,
        })
    }
}

/// The path in the errors of a manifest that came without one.
const UNPLACED: &str = "manifest.json";

fn parse(bytes: &[u8]) -> std::result::Result<Manifest, ManifestProblem> {
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(ManifestProblem::ByteOrderMark);
    }
    let top: Top = serde_json::from_slice(bytes).map_err(|error| ManifestProblem::NotJson {
        detail: error.to_string(),
    })?;
    match top {
        Top::Object(pairs) => from_pairs(pairs),
        Top::Other(found) => Err(ManifestProblem::NotAnObject { found }),
    }
}

fn from_pairs(pairs: Vec<(String, Value)>) -> std::result::Result<Manifest, ManifestProblem> {
    let mut fields = Map::new();
    for (key, value) in pairs {
        if fields.contains_key(&key) {
            return Err(ManifestProblem::DuplicateKey {
                key: shown(key.as_bytes()),
            });
        }
        fields.insert(key, value);
    }
    Ok(Manifest {
        name: take_text(&mut fields, "name")?,
        version: take_text(&mut fields, "version")?,
        package: take_text(&mut fields, "package")?,
        icon: take_text(&mut fields, "icon")?,
        author: take_text(&mut fields, "author")?,
        tags: take_tags(&mut fields)?,
        other: fields,
    })
}

fn take_text(
    fields: &mut Map<String, Value>,
    key: &'static str,
) -> std::result::Result<Option<String>, ManifestProblem> {
    match fields.shift_remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(value) => Err(ManifestProblem::WrongType {
            key,
            expected: "a string",
            found: kind_of(&value),
        }),
    }
}

fn take_tags(fields: &mut Map<String, Value>) -> std::result::Result<Vec<String>, ManifestProblem> {
    let wrong = |found| ManifestProblem::WrongType {
        key: "tags",
        expected: "an array of strings",
        found,
    };
    match fields.shift_remove("tags") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(tags)) => tags
            .into_iter()
            .map(|tag| match tag {
                Value::String(text) => Ok(text),
                other => Err(wrong(match kind_of(&other) {
                    "null" => "an array that holds null",
                    "a number" => "an array that holds a number",
                    _ => "an array of other values",
                })),
            })
            .collect(),
        Some(value) => Err(wrong(kind_of(&value))),
    }
}

const fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

impl<'de> Deserialize<'de> for Manifest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let parsed = match Top::deserialize(deserializer)? {
            Top::Object(pairs) => from_pairs(pairs),
            Top::Other(found) => Err(ManifestProblem::NotAnObject { found }),
        };
        parsed.map_err(serde::de::Error::custom)
    }
}

/// Any JSON value, with the pairs of an object as they came: a map would hide a repeated key.
enum Top {
    Object(Vec<(String, Value)>),
    Other(&'static str),
}

impl<'de> Deserialize<'de> for Top {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(TopVisitor)
    }
}

struct TopVisitor;

impl<'de> Visitor<'de> for TopVisitor {
    type Value = Top;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a manifest")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Top, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Top::Object(pairs))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Top, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Top::Other("an array"))
    }

    fn visit_str<E>(self, _: &str) -> std::result::Result<Top, E> {
        Ok(Top::Other("a string"))
    }

    fn visit_bool<E>(self, _: bool) -> std::result::Result<Top, E> {
        Ok(Top::Other("a boolean"))
    }

    fn visit_i64<E>(self, _: i64) -> std::result::Result<Top, E> {
        Ok(Top::Other("a number"))
    }

    fn visit_u64<E>(self, _: u64) -> std::result::Result<Top, E> {
        Ok(Top::Other("a number"))
    }

    fn visit_f64<E>(self, _: f64) -> std::result::Result<Top, E> {
        Ok(Top::Other("a number"))
    }

    fn visit_unit<E>(self) -> std::result::Result<Top, E> {
        Ok(Top::Other("null"))
    }
}

#[cfg(test)]
mod tests;
