//! The address of a platform's API.

use std::fmt;
use std::str::FromStr;

use url::Url;

use crate::error::Error;

/// A platform's API address, such as `https://api.example.com`.
///
/// It keeps the text as it was given, because clients remember a target by its text, and has
/// been checked: `http` or `https`, a host, no user or password, no query, no fragment, no white
/// space, control characters or backslashes, at most [`MAX_BYTES`](Self::MAX_BYTES) long.
///
/// # Examples
///
/// ```
/// use deployment::Endpoint;
///
/// let endpoint: Endpoint = "https://API.example.com:443/".parse()?;
/// assert_eq!(endpoint.as_str(), "https://API.example.com:443/");
/// assert_eq!(endpoint.identity(), "https://api.example.com");
/// assert!("https://user:secret@api.example.com".parse::<Endpoint>().is_err());
/// # Ok::<(), deployment::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    text: String,
    identity: String,
}

impl Endpoint {
    /// The longest address taken, in bytes; RFC 9110 section 4.1 asks for at least 8,000, and no
    /// real API address comes near this.
    pub const MAX_BYTES: usize = 2_048;

    /// The address as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// One text for all spellings of the same address: lower-case host, no default port, no
    /// trailing slash.
    #[must_use]
    pub fn identity(&self) -> &str {
        &self.identity
    }
}

impl FromStr for Endpoint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refuse = |reason: &str| Err(Error::invalid("endpoint", shown(text), reason));
        if text.len() > Self::MAX_BYTES {
            return refuse("is longer than 2,048 bytes");
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return refuse("holds white space or control characters");
        }
        if !(text.starts_with("http://") || text.starts_with("https://")) {
            return refuse("does not begin with http:// or https://");
        }
        // A URL parser reads it as a slash, and clients may not.
        if text.contains('\\') {
            return refuse("holds a backslash");
        }
        // Whatever else is wrong with it: this one is to be told, and nothing of it shown.
        if text.contains('@') {
            return refuse("holds a user name or password; these are given apart");
        }
        let Ok(url) = Url::parse(text) else {
            return refuse("is not a URL");
        };
        if url.query().is_some() || url.fragment().is_some() {
            return refuse("holds a query or fragment");
        }
        if url.host_str().is_none_or(str::is_empty) {
            return refuse("has no host");
        }
        let identity = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self {
            text: text.to_owned(),
            identity,
        })
    }
}

/// The address for a message, without a secret that someone put into it: a password, or a token
/// in a query or a fragment.
fn shown(text: &str) -> String {
    // Only what can be a scheme is one: a secret may stand before another `://`.
    let end = text.find("://");
    let end = end.filter(|at| !text[..*at].contains(['@', '?', '#', ':', '/']));
    let behind_scheme = end.map_or(0, |at| at + 3);
    let (scheme, rest) = text.split_at(behind_scheme);
    let (user, place) = match rest.rsplit_once('@') {
        // It may stand in a query, of which nothing is shown.
        Some((before, _)) if before.contains(['?', '#']) => return format!("{scheme}***"),
        Some((_, place)) => ("***@", place),
        None => ("", rest),
    };
    match place.find(['?', '#']) {
        Some(at) => format!("{scheme}{user}{}***", &place[..=at]),
        None => format!("{scheme}{user}{place}"),
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(text: &str, reason: &str) {
        let error = text.parse::<Endpoint>().unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn addresses_that_clients_know_are_taken_as_they_are() {
        for text in [
            "https://api.1.2.3.4.xip.io",
            "http://api.x.io/",
            "https://x.io",
            "https://api.cf.example.com:8443/",
            "https://[::1]:8443",
            "https://api.b\u{fc}cher.example",
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn anything_else_is_refused_with_its_reason() {
        refused("", "does not begin");
        refused("api.x.io", "does not begin");
        refused("ftp://api.x.io", "does not begin");
        refused("--help", "does not begin");
        refused("https://", "not a URL");
        refused("https://:80", "not a URL");
        refused("https://api.x.io:99999", "not a URL");
        refused("https://api x.io", "white space");
        refused("https://api.x.io\n--option", "white space");
        refused("https://api.x.io\0", "white space");
        refused("https://u:hunter2@api.x.io", "user name or password");
        refused("https://@api.x.io", "user name or password");
        refused("u:hunter2@api.x.io", "does not begin");
        refused("https://u:hunter2@ api.x.io", "white space");
        let long = "hunter2".repeat(100);
        refused(
            &format!("https://u:{long}@api.x.io"),
            "user name or password",
        );
        refused("https://api.x.io\\@evil.example", "backslash");
        refused("https:\\\\api.x.io", "does not begin");
        refused("-https://api.x.io", "does not begin");
        refused("HTTPS://api.x.io", "does not begin");
        refused("https://api.x.io --skip-ssl-validation", "white space");
        refused("https://api.x.io\u{a0}", "white space");
        refused("https://api.x.io\t", "white space");
        refused("https://api%2ex%0a.io", "not a URL");
        refused("https://api.x.io\u{202e}", "not a URL");
        refused("https://[::1", "not a URL");
        refused("https://[fe80::1%25eth0]", "not a URL");
        refused("https://1.2.3.4.5", "not a URL");
        refused("https://api.x.io:port", "not a URL");
        refused("https://api.x.io:-1", "not a URL");
        refused("https://hunter2@", "user name or password");
        refused("https://api.x.io?", "query");
        refused("https://api.x.io/#", "query");
        refused("https://api.x.io?x=1", "query");
        refused("https://api.x.io#x", "query");
        refused("https://api.x.io?token=hunter2", "query");
        refused("https://api.x.io#hunter2", "query");
        refused("https://api.x.io:99999?token=hunter2", "not a URL");
        refused("api.x.io?token=hunter2", "does not begin");
        refused("https://u@api.x.io?token=hunter2", "user name or password");
        refused(
            "https://api.x.io?mail=hunter2@x.io",
            "user name or password",
        );
        refused(&format!("https://{}", "x".repeat(3_000)), "2,048");
    }

    #[test]
    fn spellings_of_one_address_have_one_identity() {
        let identity = |text: &str| text.parse::<Endpoint>().unwrap().identity().to_owned();
        assert_eq!(
            identity("https://API.x.io:443/"),
            identity("https://api.x.io")
        );
        assert_eq!(
            identity("https://api.x.io///"),
            identity("https://api.x.io")
        );
        assert_eq!(
            identity("https://api.B\u{dc}CHER.example"),
            identity("https://api.xn--bcher-kva.example/")
        );
        assert_eq!(
            identity("https://[0:0:0:0:0:0:0:1]:443"),
            identity("https://[::1]/")
        );
        assert_eq!(identity("http://api.x.io:80"), identity("http://api.x.io/"));
        assert_ne!(
            identity("https://api.x.io/a"),
            identity("https://api.x.io/b")
        );
        assert_ne!(identity("http://api.x.io"), identity("https://api.x.io"));
        assert_ne!(
            identity("https://api.x.io:8443"),
            identity("https://api.x.io")
        );
    }
}
