//! The address of a platform.

/// The address of a platform, as the clients write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    url: String,
}

/// The address that `helion` uses before any target was chosen; nothing answers there.
pub(crate) const DEFAULT_TARGET: &str = "https://api.stackato.local";

impl Endpoint {
    /// Reads an address: a bare host gets `https://`, and slashes at the end are dropped.
    pub(crate) fn new(text: &str) -> Self {
        let text = text.trim().trim_end_matches('/');
        let url = if text.contains("://") {
            text.to_owned()
        } else {
            format!("https://{text}")
        };
        Self { url }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Whether the address would send passwords in the clear.
    pub(crate) fn is_plain_http(&self) -> bool {
        self.url.starts_with("http://")
    }

    /// The host, with its port if there is one.
    pub(crate) fn host(&self) -> &str {
        let rest = self
            .url
            .split_once("://")
            .map_or(self.url.as_str(), |(_, rest)| rest);
        rest.split('/').next().unwrap_or(rest)
    }

    /// The domain that applications are served under: the host without `api.` and port.
    pub(crate) fn domain(&self) -> &str {
        let host = self.host();
        let host = host.rsplit_once(':').map_or(host, |(name, _)| name);
        host.strip_prefix("api.").unwrap_or(host)
    }

    /// Whether anything answers: no host of the reserved top-level domain `invalid` does, nor the default target.
    pub(crate) fn is_reachable(&self) -> bool {
        let host = self.host();
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        !name.is_empty()
            && name != "invalid"
            && !name.ends_with(".invalid")
            && self.url != DEFAULT_TARGET
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, url: &str, host: &str, domain: &str) {
        let endpoint = Endpoint::new(text);
        assert_eq!(
            (endpoint.url(), endpoint.host(), endpoint.domain()),
            (url, host, domain)
        );
    }

    #[test]
    fn an_address_is_completed_and_taken_apart() {
        check(
            "api.example.com",
            "https://api.example.com",
            "api.example.com",
            "example.com",
        );
        check(
            "https://api.example.com/",
            "https://api.example.com",
            "api.example.com",
            "example.com",
        );
        check(
            "http://api.example.com:8080/v2",
            "http://api.example.com:8080/v2",
            "api.example.com:8080",
            "example.com",
        );
        check(
            "http://127.0.0.1:90",
            "http://127.0.0.1:90",
            "127.0.0.1:90",
            "127.0.0.1",
        );
    }

    #[test]
    fn nothing_answers_at_a_reserved_or_default_host() {
        assert!(Endpoint::new("https://api.example.com").is_reachable());
        for unreachable in [
            "https://api.nowhere.invalid",
            "api.x.invalid:443",
            "",
            DEFAULT_TARGET,
        ] {
            assert!(!Endpoint::new(unreachable).is_reachable(), "{unreachable}");
        }
    }
}
