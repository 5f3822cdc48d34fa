//! Opens the store that the settings name.

use std::sync::Arc;

use crate::{Durability, Error, ErrorKind, ISettings, IStore, Result};

/// The keys that [`open_store`] knows.
const KEYS: [&str; 2] = ["store_url", "store_durability"];

/// The keys of the OpenStack Swift store: known, so that one set of settings can serve several
/// programs.
const SWIFT_KEYS: [&str; 6] = [
    "cloud_auth_url",
    "cloud_password",
    "cloud_project_name",
    "cloud_username",
    "swift_container",
    "swift_url",
];

const SCHEMES: [&str; 4] = ["fs", "sqlite", "memory", "swift"];

/// Words that people use for a scheme of ours and that no likeness of letters would find.
const OTHER_NAMES: [(&str, &str); 5] = [
    ("file", "fs"),
    ("directory", "fs"),
    ("db", "sqlite"),
    ("mem", "memory"),
    ("openstack", "swift"),
];

/// Opens the store that the settings name.
///
/// | key | value |
/// |---|---|
/// | `store_url` | `fs:/path` (a directory), `sqlite:/path` (a file), `memory:`; a relative path is one to the working directory |
/// | `store_durability` | `full` (default) or `process`; see [`Durability`] |
///
/// # Errors
///
/// - [`Configuration`](ErrorKind::Configuration): `store_url` is missing, a key, a scheme or a
///   value is unknown (the message names the nearest known one), or the store is not built into
///   this program.
/// - Whatever the store's own `open` fails with.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let settings = store::MapSettings::from([("store_ulr", "memory:")]);
/// let error = store::open_store(&settings).await.unwrap_err();
/// assert!(error.to_string().contains("did you mean `store_url`?"));
/// # }
/// ```
pub async fn open_store(settings: &dyn ISettings) -> Result<Arc<dyn IStore>> {
    for key in settings.keys() {
        if !KEYS.contains(&key.as_str()) && !SWIFT_KEYS.contains(&key.as_str()) {
            let known = KEYS.iter().chain(&SWIFT_KEYS).copied();
            return Err(refused(
                &key,
                format!("unknown setting{}", hint(&key, known)),
            ));
        }
    }
    let Some(url) = settings.get("store_url") else {
        return Err(
            match SWIFT_KEYS
                .into_iter()
                .find(|key| settings.get(key).is_some())
            {
                Some(key) => refused(key, NO_SWIFT.to_owned()),
                None => refused("store_url", "the setting is missing".to_owned()),
            },
        );
    };
    let durability = match settings.get("store_durability").as_deref() {
        None | Some("full") => Durability::Full,
        Some("process") => Durability::Process,
        Some(other) => {
            let hint = hint(other, ["full", "process"].into_iter());
            return Err(refused(
                "store_durability",
                format!("unknown value `{other}`{hint}"),
            ));
        }
    };
    open(&url, durability).await
}

/// Opens the store that the URL names, with [`Durability::Full`]; see [`open_store`] for the forms.
///
/// # Errors
///
/// As [`open_store`].
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let error = store::open_store_url("flie:/tmp").await.unwrap_err();
/// assert_eq!(error.kind(), store::ErrorKind::Configuration);
/// # }
/// ```
pub async fn open_store_url(url: &str) -> Result<Arc<dyn IStore>> {
    open(url, Durability::Full).await
}

const NO_SWIFT: &str = "the store `swift` is not built into this program";

async fn open(url: &str, durability: Durability) -> Result<Arc<dyn IStore>> {
    // A URL may hold a password: no message shows more than its scheme.
    let Some((scheme, rest)) = url.split_once(':') else {
        return Err(refused(
            "store_url",
            "the value has no scheme, such as `fs:` or `sqlite:`".to_owned(),
        ));
    };
    match scheme {
        "fs" => open_fs(path(rest)?, durability).await,
        "sqlite" => open_sqlite(path(rest)?, durability).await,
        "memory" if rest.is_empty() => open_memory(),
        "memory" => Err(refused(
            "store_url",
            "nothing may follow `memory:`".to_owned(),
        )),
        "swift" => Err(refused("store_url", NO_SWIFT.to_owned())),
        other => {
            let hint = OTHER_NAMES
                .into_iter()
                .find(|(name, _)| *name == other)
                .map_or_else(
                    || hint(other, SCHEMES.into_iter()),
                    |(_, scheme)| format!("; did you mean `{scheme}`?"),
                );
            Err(refused(
                "store_url",
                format!("unknown scheme `{}`{hint}", other.escape_debug()),
            ))
        }
    }
}

/// The path of `fs:/path` and, as in URLs with an empty host, of `fs:///path`.
fn path(rest: &str) -> Result<&str> {
    let path = match rest.strip_prefix("//") {
        Some(path) if path.starts_with('/') => path,
        Some(_) => {
            let message = "a path follows the scheme, and no host: `fs:/path`";
            return Err(refused("store_url", message.to_owned()));
        }
        None => rest,
    };
    if path.is_empty() || path.contains('\0') {
        return Err(refused(
            "store_url",
            "the scheme is not followed by a path".to_owned(),
        ));
    }
    Ok(path)
}

#[cfg(all(feature = "fs", unix))]
async fn open_fs(path: &str, durability: Durability) -> Result<Arc<dyn IStore>> {
    let options = crate::FsOptions::default().with_durability(durability);
    Ok(Arc::new(crate::FsStore::open(path, options).await?))
}

#[cfg(not(all(feature = "fs", unix)))]
#[expect(clippy::unused_async, reason = "it waits where the feature is on")]
async fn open_fs(_: &str, _: Durability) -> Result<Arc<dyn IStore>> {
    Err(not_built("fs"))
}

#[cfg(feature = "sqlite")]
async fn open_sqlite(path: &str, durability: Durability) -> Result<Arc<dyn IStore>> {
    let options = crate::SqliteOptions::default().with_durability(durability);
    Ok(Arc::new(crate::SqliteStore::open(path, options).await?))
}

#[cfg(not(feature = "sqlite"))]
#[expect(clippy::unused_async, reason = "it waits where the feature is on")]
async fn open_sqlite(_: &str, _: Durability) -> Result<Arc<dyn IStore>> {
    Err(not_built("sqlite"))
}

#[cfg(feature = "memory")]
#[expect(
    clippy::unnecessary_wraps,
    reason = "it fails where the feature is off"
)]
fn open_memory() -> Result<Arc<dyn IStore>> {
    Ok(Arc::new(crate::MemoryStore::new()))
}

#[cfg(not(feature = "memory"))]
fn open_memory() -> Result<Arc<dyn IStore>> {
    Err(not_built("memory"))
}

#[cfg(not(all(feature = "fs", unix, feature = "sqlite", feature = "memory")))]
fn not_built(store: &str) -> Error {
    refused(
        "store_url",
        format!("the store `{store}` is not built into this program"),
    )
}

fn refused(setting: &str, message: String) -> Error {
    Error::new(ErrorKind::Configuration, "open store")
        .with_name(setting)
        .with_message(message)
}

/// Names the known word that is most like `word`, or all of them where none is.
fn hint(word: &str, known: impl Iterator<Item = &'static str> + Clone) -> String {
    let nearest = known
        .clone()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .min()
        .filter(|(distance, candidate)| *distance <= candidate.len().div_ceil(3).max(2));
    match nearest {
        Some((_, candidate)) => format!("; did you mean `{candidate}`?"),
        None => format!("; known are {}", known.collect::<Vec<_>>().join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MapSettings;

    #[track_caller]
    fn refusal<const N: usize>(settings: [(&str, &str); N]) -> String {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let error = runtime
            .block_on(open_store(&MapSettings::from(settings)))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        error.to_string()
    }

    #[track_caller]
    fn check<const N: usize>(settings: [(&str, &str); N], expected: &str) {
        let text = refusal(settings);
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn settings_that_name_no_store_are_refused_with_the_nearest_known() {
        check([], "`store_url`: the setting is missing");
        check([("stor_url", "memory:")], "did you mean `store_url`?");
        check([("colour", "red")], "known are store_url");
        check([("store_url", "sqlit:/x")], "did you mean `sqlite`?");
        check([("store_url", "file:/x")], "did you mean `fs`?");
        check([("store_url", "ftp-over-mail:/x")], "known are fs, sqlite");
        check([("store_url", "/x")], "no scheme");
        check([("store_url", "fs:")], "not followed by a path");
        check([("store_url", "fs://host/x")], "no host");
        check([("store_url", "memory:x")], "nothing may follow");
        check([("store_url", "swift:")], "`swift` is not built into");
        check([("swift_container", "x")], "`swift` is not built into");
        check(
            [("store_url", "memory:"), ("store_durability", "ful")],
            "did you mean `full`?",
        );
    }

    #[test]
    fn a_refusal_shows_no_more_of_the_url_than_its_scheme() {
        let text = refusal([("store_url", "swfit://user:swordfish@host/")]);
        assert!(!text.contains("swordfish"), "{text}");
    }
}
