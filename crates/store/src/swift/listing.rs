//! Pages of names.

use reqwest::{Method, StatusCode};
use serde::Deserialize;

use crate::{Error, ErrorKind, Etag, FileInfo, FileName, ListOptions, Operation, Order, Result};

use super::client::Client;
use super::container::Container;
use super::date;
use super::pages::Pages;
use super::request::Request;

/// The most bytes of a page that are read: 10,000 rows of the longest names, and more.
const LIMIT: usize = 128 * 1024 * 1024;

/// Which rows of a container are asked for.
#[derive(Clone, Debug)]
pub(super) struct Query<'a> {
    pub(super) container: &'a str,
    pub(super) prefix: Option<&'a str>,
    pub(super) after: Option<String>,
    pub(super) limit: usize,
    pub(super) order: Order,
}

/// What a container tells of an object.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Row {
    pub(super) name: String,
    bytes: u64,
    hash: String,
    content_type: String,
    pub(super) last_modified: String,
    /// The etag of a large object, of which `hash` is that of its manifest.
    pub(super) slo_etag: Option<String>,
}

/// The files of a page, filled up from as many of Swift's pages as it takes.
pub(super) async fn files(container: &Container, options: &ListOptions) -> Result<Vec<FileInfo>> {
    options.check()?;
    let mut found = Vec::new();
    // Nothing lies before the empty text, which to Swift is no place at all.
    if options.order == Order::Descending && options.after.as_deref() == Some("") {
        return Ok(found);
    }
    let query = Query {
        container: &container.name,
        prefix: options
            .prefix
            .as_deref()
            .filter(|prefix| !prefix.is_empty()),
        after: options.after.clone(),
        limit: 0,
        order: options.order,
    };
    let mut pages = Pages::new(container, query);
    while found.len() < options.limit
        && let Some(rows) = pages.next(options.limit - found.len()).await?
    {
        // Others may have saved what is no name here: those are left out, and the page filled up.
        for row in rows {
            found.extend(row.into_info()?);
        }
    }
    Ok(found)
}

/// One of Swift's own pages; a container that is not there has no rows.
pub(super) async fn rows(client: &Client, query: &Query<'_>) -> Result<Vec<Row>> {
    let mut request = Request::container(Method::GET, query.container)
        .query("format", "json")
        .query("limit", &query.limit.to_string());
    if let Some(prefix) = query.prefix {
        request = request.query("prefix", prefix);
    }
    if let Some(after) = &query.after {
        request = request.query("marker", after);
    }
    if query.order == Order::Descending {
        request = request.query("reverse", "on");
    }
    let answer = client.send(Operation::GetFilesList, None, request).await?;
    match answer.status() {
        StatusCode::NO_CONTENT | StatusCode::NOT_FOUND => Ok(Vec::new()),
        StatusCode::OK => {
            let body = answer.bytes(LIMIT).await?;
            serde_json::from_slice(&body).map_err(|error| strange().with_source(error))
        }
        _ => Err(answer.into_error().await),
    }
}

impl Row {
    /// The file, if the row's name is one.
    fn into_info(self) -> Result<Option<FileInfo>> {
        let Ok(name) = FileName::new(self.name) else {
            return Ok(None);
        };
        let modified = date::of_row(&self.last_modified).ok_or_else(strange)?;
        let etag = self.slo_etag.as_deref().unwrap_or(&self.hash);
        let etag = Etag::new(etag.trim_matches('"'));
        let content_type = spaced(&self.content_type);
        let info = FileInfo::new(name, self.bytes, etag, modified);
        Ok(Some(info.with_content_type(content_type)))
    }
}

/// The content type with a space before each parameter: a container loses them.
fn spaced(content_type: &str) -> String {
    let parts: Vec<_> = content_type.split(';').map(str::trim_start).collect();
    parts.join("; ")
}

fn strange() -> Error {
    Error::new(ErrorKind::Other, Operation::GetFilesList.as_str())
        .with_message("the server's answer is no listing")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_tells_what_the_object_itself_tells() {
        let row = r#"{"bytes": 5, "hash": "065e60c48b9b3c078ca98d33043d6674", "name": "b.json",
            "content_type": "text/x-notes;charset=utf-8",
            "last_modified": "2026-11-26T15:33:43.958600",
            "slo_etag": "\"1f32aa4c9a1d2ea010adcf2348166a04\""}"#;
        let row: Row = serde_json::from_str(row).unwrap();
        let info = row.into_info().unwrap().unwrap();
        assert_eq!((info.name.as_str(), info.size), ("b.json", 5));
        assert_eq!(info.etag.as_str(), "1f32aa4c9a1d2ea010adcf2348166a04");
        assert_eq!(info.content_type, "text/x-notes; charset=utf-8");
        assert_eq!(
            Some(info.modified),
            date::of_header("Thu, 26 Nov 2026 15:33:44 GMT")
        );
    }

    #[test]
    fn a_row_of_another_kind_of_name_is_left_out() {
        let row = r#"{"bytes": 0, "hash": "x", "name": "folder/", "content_type": "a/b",
            "last_modified": "2026-11-26T15:33:43.958600"}"#;
        let row: Row = serde_json::from_str(row).unwrap();
        assert!(row.into_info().unwrap().is_none());
    }
}
