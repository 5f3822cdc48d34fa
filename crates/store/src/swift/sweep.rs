//! Segments that no file needs.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use reqwest::{Method, StatusCode};

use crate::{ErrorKind, FileName, Operation, Order, Result};

use super::container::Container;
use super::date;
use super::error::Call;
use super::listing::Query;
use super::manifest::Manifest;
use super::pages::Pages;
use super::request::Request;
use super::segment_name;

/// On whose behalf the requests of a sweep are made.
const OPERATION: Operation = Operation::GetFilesList;

/// Deletes the segments of this store that are older than `age` by the cluster's clock, and that no
/// manifest names, and returns how many those were.
///
/// A listing may lag, so it is never what a deletion rests on: the manifest of the file that a
/// segment was made for is read itself. Those of all listed files are read as well before anything is
/// deleted, since a manifest can be copied to another name.
pub(super) async fn sweep(container: &Container, age: Duration) -> Result<usize> {
    let Some(now) = cluster_time(container).await? else {
        return Ok(0);
    };
    let mut unneeded = BTreeSet::new();
    let mut pages = all(container, &container.segments, Some(segment_name::FOLDER));
    let mut upload = OldUpload::default();
    while let Some(rows) = pages.next(usize::MAX).await? {
        for row in rows {
            let Some((id, name)) = segment_name::parse(&row.name) else {
                continue;
            };
            if upload.id != id {
                let next = OldUpload::new(id, name);
                let last = std::mem::replace(&mut upload, next);
                last.add_unneeded(container, &mut unneeded).await?;
            }
            let is_old = date::of_row(&row.last_modified)
                .and_then(|saved| saved.checked_add(age))
                .is_some_and(|time| time <= now);
            upload.is_young |= !is_old;
            upload.objects.push(row.name);
        }
    }
    upload.add_unneeded(container, &mut unneeded).await?;
    if unneeded.is_empty() {
        return Ok(0);
    }
    // An older version may need them, whose manifest nobody lists here.
    if container.keeps_versions(OPERATION).await? {
        return Ok(0);
    }
    spare_named(container, &mut unneeded).await?;
    let removed = container.remove_segments(unneeded).await;
    tracing::info!(target: "store", container = container.name, removed, "swept segments");
    Ok(removed)
}

/// The time of the cluster, where there are any segments.
async fn cluster_time(container: &Container) -> Result<Option<SystemTime>> {
    let request = Request::container(Method::HEAD, &container.segments);
    let answer = container.client.send(OPERATION, None, request).await?;
    if answer.status() == StatusCode::NOT_FOUND {
        return Ok(None);
    }
    if !answer.status().is_success() {
        return Err(answer.into_error().await);
    }
    match answer.text("date").and_then(date::of_header) {
        Some(now) => Ok(Some(now)),
        None => Err(Call::new(OPERATION, None)
            .error(ErrorKind::Other)
            .with_message("the server does not tell the time")),
    }
}

/// Takes out what the manifest of any file names.
async fn spare_named(container: &Container, unneeded: &mut BTreeSet<String>) -> Result<()> {
    let mut pages = all(container, &container.name, None);
    while let Some(rows) = pages.next(usize::MAX).await? {
        let large = rows.into_iter().filter(|row| row.slo_etag.is_some());
        for name in large.filter_map(|row| FileName::new(row.name).ok()) {
            if !spare(container, &name, unneeded).await? {
                // Either the listing lags, or those servers do not answer that have the file.
                let message = "a file in segments is listed, and is not found";
                return Err(Call::new(OPERATION, Some(name.as_str()))
                    .error(ErrorKind::Unavailable)
                    .with_message(message));
            }
        }
    }
    Ok(())
}

/// Takes out what the manifest of the file names, and returns whether the file was found.
async fn spare(
    container: &Container,
    name: &FileName,
    unneeded: &mut BTreeSet<String>,
) -> Result<bool> {
    let Some(manifest) = Manifest::of_file(container, OPERATION, name).await? else {
        return Ok(false);
    };
    for object in manifest.objects(&container.segments) {
        unneeded.remove(object);
    }
    Ok(true)
}

/// The segments of an upload.
#[derive(Default)]
struct OldUpload {
    id: String,
    name: Option<FileName>,
    objects: Vec<String>,
    /// Whether it may be under way.
    is_young: bool,
}

impl OldUpload {
    fn new(id: &str, name: FileName) -> Self {
        Self {
            id: id.to_owned(),
            name: Some(name),
            ..Self::default()
        }
    }

    /// Adds what the manifest of the upload's file does not name.
    async fn add_unneeded(self, container: &Container, all: &mut BTreeSet<String>) -> Result<()> {
        let Some(name) = self.name.filter(|_| !self.is_young) else {
            return Ok(());
        };
        let mut unneeded = self.objects.into_iter().collect();
        spare(container, &name, &mut unneeded).await?;
        all.append(&mut unneeded);
        Ok(())
    }
}

/// The rows of a container, in the order of their names.
fn all<'a>(container: &'a Container, of: &'a str, prefix: Option<&'a str>) -> Pages<'a> {
    let query = Query {
        container: of,
        prefix,
        after: None,
        limit: 0,
        order: Order::Ascending,
    };
    Pages::new(container, query)
}
