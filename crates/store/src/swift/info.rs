//! What Swift tells of a file, and how it is told.

use std::collections::BTreeMap;

use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};

use crate::{Error, ErrorKind, Etag, FileInfo, FileName, Operation, Result, SaveOptions};

use super::checksum::{self, Checksum};
use super::date;
use super::request::Request;
use super::response::Response;

/// What the header of an entry of the metadata begins with.
const METADATA: &str = "x-object-meta-";

/// What is known of the file that the answer is about, `size` bytes long.
pub(super) fn of_answer(
    operation: Operation,
    name: &FileName,
    answer: &Response,
    size: u64,
) -> Result<FileInfo> {
    let (etag, modified) = marks(operation, name, answer)?;
    let info = FileInfo::new(name.clone(), size, etag, modified).with_metadata(metadata(answer));
    Ok(match answer.text("content-type") {
        Some(content_type) => info.with_content_type(content_type),
        None => info,
    })
}

/// What is known of a file that was just saved.
pub(super) fn of_saved(
    name: &FileName,
    answer: &Response,
    size: u64,
    options: &SaveOptions,
) -> Result<FileInfo> {
    let (etag, modified) = marks(Operation::SaveFile, name, answer)?;
    Ok(FileInfo::new(name.clone(), size, etag, modified)
        .with_content_type(options.content_type_of(name))
        .with_metadata(options.metadata.clone()))
}

/// The etag that the answer tells, without the quotes that some have.
pub(super) fn etag(answer: &Response) -> Option<&str> {
    Some(answer.text("etag")?.trim_matches('"'))
}

fn marks(
    operation: Operation,
    name: &FileName,
    answer: &Response,
) -> Result<(Etag, std::time::SystemTime)> {
    let missing = |header: &str| {
        Error::new(ErrorKind::Other, operation.as_str())
            .with_name(name.as_str())
            .with_message(format!("the server's answer tells no `{header}`"))
    };
    let etag = etag(answer).ok_or_else(|| missing("etag"))?;
    let modified = answer.text("last-modified").and_then(date::of_header);
    let modified = modified.ok_or_else(|| missing("last-modified"))?;
    Ok((Etag::new(etag), modified))
}

/// The checksum of the version that the answer is about, where one is kept that still holds.
pub(super) fn checksum(answer: &Response, etag: &Etag) -> Option<Checksum> {
    let value = answer.text(&format!("{METADATA}{}", checksum::KEY))?;
    Checksum::parse(value, etag.as_str())
}

/// The metadata, without what this store keeps there for itself.
fn metadata(answer: &Response) -> BTreeMap<String, String> {
    let entries = answer.headers().iter().filter_map(|(header, value)| {
        let key = header.as_str().strip_prefix(METADATA)?;
        if key == checksum::KEY {
            return None;
        }
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        Some((key.to_owned(), value))
    });
    entries.collect()
}

/// The request with the content type and the metadata of a save.
pub(super) fn told(
    mut request: Request,
    name: &FileName,
    options: &SaveOptions,
) -> Result<Request> {
    let refused = |what: String| {
        Error::new(ErrorKind::Unsupported, Operation::SaveFile.as_str())
            .with_name(name.as_str())
            .with_message(format!("this store cannot keep {what}"))
    };
    let content_type = options.content_type_of(name);
    // Swift would take that parameter for its own, and it would be gone.
    let is_swifts_own = content_type.to_ascii_lowercase().contains("swift_bytes");
    let value = HeaderValue::from_str(content_type).ok();
    let value = value.filter(|_| !is_swifts_own);
    let value = value.ok_or_else(|| refused(format!("the content type `{content_type}`")))?;
    request = request.header(CONTENT_TYPE, value);
    for (key, value) in &options.metadata {
        let header = HeaderName::from_bytes(format!("{METADATA}{key}").as_bytes()).ok();
        let value = HeaderValue::from_bytes(value.as_bytes()).ok();
        let value = value.filter(|_| key != checksum::KEY);
        let (Some(header), Some(value)) = (header, value) else {
            return Err(refused(format!("the metadata of `{key}`")));
        };
        request = request.header(header, value);
    }
    Ok(request)
}

/// The request with the checksum of the version that it makes.
pub(super) fn summed(request: Request, checksum: Checksum, etag: &str) -> Request {
    let header = HeaderName::from_bytes(format!("{METADATA}{}", checksum::KEY).as_bytes());
    let value = HeaderValue::from_str(&checksum.value(etag));
    match (header, value) {
        (Ok(header), Ok(value)) => request.header(header, value),
        // It can be done without.
        _ => request,
    }
}
