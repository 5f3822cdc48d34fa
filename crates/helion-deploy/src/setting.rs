//! The settings that the program knows: their names, and what their values have to be.

use std::time::Duration;

use store::StoreRegistry;

/// One setting: its name in the configuration file and in the environment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    /// Its key in the file, and the end of its variable's name, in lower case.
    pub(crate) key: &'static str,
    owner: Owner,
    pub(crate) kind: Kind,
}

/// Whose setting it is, which tells its variable's prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    Program,
    Store,
}

/// What a value has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    /// An address, whose user and password are not shown.
    Url,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A time that is not zero, such as `15m`.
    Duration,
    /// `true` or `false`.
    Switch,
    /// What is never shown.
    Secret,
    /// The platform's password: never shown, and never in a file either.
    Password,
}

pub(crate) const CLIENT: Setting = own("client", Kind::Choice(&["helion", "cf"]));
pub(crate) const ENDPOINT: Setting = own("endpoint", Kind::Url);
pub(crate) const ORG: Setting = own("org", Kind::Text);
pub(crate) const OUTPUT: Setting = own("output", Kind::Choice(&["text", "json"]));
pub(crate) const PASSWORD: Setting = own("password", Kind::Password);
pub(crate) const SPACE: Setting = own("space", Kind::Text);
pub(crate) const TIMEOUT: Setting = own("timeout", Kind::Duration);
pub(crate) const USERNAME: Setting = own("username", Kind::Text);
pub(crate) const STORE_URL: Setting = of_store("store_url");

/// In the order in which they are shown; the store's follow.
const PROGRAM: [Setting; 8] = [
    ENDPOINT, USERNAME, PASSWORD, CLIENT, ORG, SPACE, TIMEOUT, OUTPUT,
];

const fn own(key: &'static str, kind: Kind) -> Setting {
    Setting {
        key,
        owner: Owner::Program,
        kind,
    }
}

const fn of_store(key: &'static str) -> Setting {
    Setting {
        key,
        owner: Owner::Store,
        kind: Kind::Url,
    }
}

/// Every setting, the program's own first.
pub(crate) fn all() -> Vec<Setting> {
    let keys = StoreRegistry::built_in().keys();
    let stores = keys.into_iter().map(|key| Setting {
        kind: store_kind(key),
        ..of_store(key)
    });
    PROGRAM.into_iter().chain(stores).collect()
}

fn store_kind(key: &str) -> Kind {
    match key {
        "store_durability" => Kind::Choice(&["full", "process"]),
        "swift_insecure" => Kind::Switch,
        "cloud_password"
        | "os_application_credential_secret"
        | "os_auth_token"
        | "os_password"
        | "st_key"
        | "swift_token" => Kind::Secret,
        "cloud_auth_url" | "os_auth_url" | "os_storage_url" | "st_auth" | "store_url"
        | "swift_url" => Kind::Url,
        _ => Kind::Text,
    }
}

impl Setting {
    /// The environment variable that sets it.
    pub(crate) fn variable(&self) -> String {
        let name = self.key.to_ascii_uppercase();
        match self.owner {
            Owner::Program => format!("HELION_{name}"),
            Owner::Store => name,
        }
    }

    pub(crate) fn is_of_the_store(&self) -> bool {
        self.owner == Owner::Store
    }

    /// The value as it may be shown: `***` for what is secret, and for the user in an address.
    pub(crate) fn shown(&self, value: &str) -> String {
        match self.kind {
            Kind::Secret | Kind::Password => "***".to_owned(),
            Kind::Url if self.is_of_the_store() && is_local(value) => value.to_owned(),
            Kind::Url => without_user(value),
            Kind::Text | Kind::Choice(_) | Kind::Duration | Kind::Switch => value.to_owned(),
        }
    }
}

impl Kind {
    /// Whether a value shows nobody what it must not.
    pub(crate) const fn is_secret(self) -> bool {
        matches!(self, Self::Secret | Self::Password)
    }

    /// What a value has to be, in words, as it is written in a flag or a variable.
    pub(crate) fn expectation(self) -> String {
        match self {
            Self::Text | Self::Url | Self::Secret | Self::Password => {
                "text that is not empty".to_owned()
            }
            Self::Choice(words) => words.join(" or "),
            Self::Duration => "a time, such as 15m or 1h 30m".to_owned(),
            Self::Switch => "true or false".to_owned(),
        }
    }

    /// The same as it is written in the configuration file, which is TOML.
    pub(crate) fn expectation_in_file(self) -> String {
        match self {
            Self::Text | Self::Url | Self::Secret | Self::Password => {
                "text in quotes that is not empty".to_owned()
            }
            Self::Choice(words) => format!("\"{}\"", words.join("\" or \"")),
            Self::Duration => "a time in quotes, such as \"15m\" or \"1h 30m\"".to_owned(),
            Self::Switch => "true or false, without quotes".to_owned(),
        }
    }

    /// Whether `text` is such a value.
    pub(crate) fn accepts(self, text: &str) -> bool {
        match self {
            Self::Text | Self::Url | Self::Secret | Self::Password => !text.is_empty(),
            Self::Choice(words) => words.contains(&text),
            Self::Duration => duration(text).is_ok(),
            Self::Switch => ["true", "false"].contains(&text),
        }
    }
}

/// A time that a deployment may take.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if duration.is_zero() {
        return Err("a deployment needs more time than none".to_owned());
    }
    Ok(duration)
}

/// Whether the store's URL is a path, in which an `@` is a letter as any other.
fn is_local(url: &str) -> bool {
    url.starts_with("fs:") || url.starts_with("sqlite:")
}

/// The address without what may be secret: all between its slashes and its last `@`, where a
/// password that should have been encoded hides too, and its query.
fn without_user(url: &str) -> String {
    let (scheme, rest) = match url.split_once("://") {
        // Only what can be a scheme is one: a secret may stand before another `://`.
        Some((scheme, rest)) if !scheme.contains(['@', '?', '#', ':', '/']) => {
            (format!("{scheme}://"), rest)
        }
        Some(_) | None => (String::new(), url),
    };
    let (user, place) = match rest.rsplit_once('@') {
        // It may stand in a query, of which nothing is shown.
        Some((before, _)) if before.contains(['?', '#']) => return format!("{scheme}***"),
        Some((_, place)) => ("***@", place),
        None => ("", rest),
    };
    let (place, query) = match place.split_once(['?', '#']) {
        Some((place, _)) => (place, "?***"),
        None => (place, ""),
    };
    format!("{scheme}{user}{place}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sounds_like_a_secret_is_one() {
        let settings = all();
        let sounding = settings.iter().filter(|setting| {
            let endings = ["password", "secret", "token", "key"];
            endings.iter().any(|ending| setting.key.ends_with(ending))
        });
        let mut count = 0;
        for setting in sounding {
            assert!(setting.kind.is_secret(), "{}", setting.key);
            count += 1;
        }
        let secret = settings.iter().filter(|setting| setting.kind.is_secret());
        assert_eq!((count, secret.count()), (7, 7));
    }

    #[test]
    fn what_sounds_like_an_address_is_one() {
        for setting in all() {
            let sounds = setting.key.ends_with("url") || setting.key == "endpoint";
            let is = setting.kind == Kind::Url;
            assert!(is || !sounds, "{}", setting.key);
        }
    }

    #[test]
    fn a_variable_is_the_key_in_upper_case() {
        assert_eq!(ENDPOINT.variable(), "HELION_ENDPOINT");
        assert_eq!(PASSWORD.variable(), "HELION_PASSWORD");
        assert_eq!(STORE_URL.variable(), "STORE_URL");
    }

    #[track_caller]
    fn check(url: &str, expected: &str) {
        assert_eq!(STORE_URL.shown(url), expected);
    }

    #[test]
    fn an_address_is_shown_without_its_user() {
        check("https://x.example.com/v3", "https://x.example.com/v3");
        check("https://ann:pw@x.io/v3", "https://***@x.io/v3");
        check("https://ann:p/w@x.io/v3", "https://***@x.io/v3");
        check("https://ann:p@w@x.io/v3", "https://***@x.io/v3");
        check("https://ann:p?w@x.io/v3", "https://***");
        check("https://x.io/v3?user=ann@y.io&token=pw", "https://***");
        check("https://x.io/v3#p@w", "https://***");
        check("https://x.io/v3?token=pw", "https://x.io/v3?***");
        check("https://ann:pw@x.io/v3?a=b", "https://***@x.io/v3?***");
        check("ann:pw@x.io", "***@x.io");
        check("ann:pw@https://x.io", "***@https://x.io");
        check("ann:pw@x.io?a=https://y.io", "***@x.io?***");
        check("x.io?token=pw&a=https://y.io", "x.io?***");
        check("x.io#pw://y", "x.io?***");
        check("swift:deployments", "swift:deployments");
        check("fs:/home/ann@x/store", "fs:/home/ann@x/store");
        check("sqlite:/what?/file", "sqlite:/what?/file");
        // Only a store is at a path.
        assert_eq!(ENDPOINT.shown("fs:ann:pw@x.io?a=b"), "***@x.io?***");
    }
}
