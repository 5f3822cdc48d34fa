//! What Keystone tells about a token.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Deserialize;

use crate::swift::date;

use super::SwiftInterface;

/// The part of the answer that is needed.
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    token: Token,
}

#[derive(Debug, Deserialize)]
struct Token {
    issued_at: Option<String>,
    expires_at: Option<String>,
    /// Absent where the token is for no project.
    #[serde(default)]
    catalog: Vec<Service>,
}

#[derive(Debug, Deserialize)]
struct Service {
    r#type: String,
    #[serde(default)]
    endpoints: Vec<Endpoint>,
}

#[derive(Debug, Deserialize)]
struct Endpoint {
    interface: String,
    region: Option<String>,
    region_id: Option<String>,
    url: String,
}

pub(super) fn parse(body: &[u8]) -> serde_json::Result<Answer> {
    serde_json::from_slice(body)
}

impl Answer {
    /// How long the token lasts, by the clock of the server, which alone told both times.
    pub(super) fn lasts(&self) -> Option<Duration> {
        let [issued, expires] = [&self.token.issued_at, &self.token.expires_at]
            .map(|text| date::of_row(text.as_deref()?.trim_end_matches('Z')));
        expires?.duration_since(issued?).ok()
    }

    /// The URL of the account, or why there is none.
    pub(super) fn storage_url(
        &self,
        region: Option<&str>,
        interface: SwiftInterface,
    ) -> Result<String, String> {
        if self.token.catalog.is_empty() {
            return Err("the token is for no project: name one".to_owned());
        }
        let endpoints: Vec<_> = (self.token.catalog.iter())
            .filter(|service| service.r#type == "object-store")
            .flat_map(|service| &service.endpoints)
            .filter(|endpoint| endpoint.interface == interface.as_str())
            .collect();
        let regions: BTreeSet<_> = endpoints.iter().map(|endpoint| endpoint.region()).collect();
        let regions: Vec<_> = regions.into_iter().collect();
        let found = match (region, regions.as_slice()) {
            (_, []) => {
                return Err(format!(
                    "the catalog names no {} address of Swift",
                    interface.as_str()
                ));
            }
            (Some(region), _) => endpoints.iter().find(|endpoint| endpoint.is_in(region)),
            (None, [_]) => endpoints.first(),
            // Which of several comes first is an accident of the catalog.
            (None, several) => {
                let several = several.join(", ");
                return Err(format!("name a region, for there are several: {several}"));
            }
        };
        let url = found.map(|endpoint| endpoint.url.clone());
        url.ok_or_else(|| {
            let (region, regions) = (region.unwrap_or_default(), regions.join(", "));
            format!("there is no Swift in the region `{region}`, but in {regions}")
        })
    }
}

impl Endpoint {
    fn is_in(&self, region: &str) -> bool {
        [&self.region, &self.region_id]
            .into_iter()
            .any(|known| known.as_deref() == Some(region))
    }

    fn region(&self) -> &str {
        let known = self.region_id.as_deref().or(self.region.as_deref());
        known.unwrap_or("no region")
    }
}
