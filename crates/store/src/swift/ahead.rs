//! A large file read from its segments, of which the next comes in while one is handed out.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use reqwest::Method;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::{FileInfo, Result};

use super::container::Container;
use super::fetch::{Fetch, Source};
use super::manifest::{Manifest, Part};
use super::request::Request;

/// The most bytes of one request.
///
/// A server takes some milliseconds for a request, whatever it is for; but a long one leaves the
/// other connection with nothing to do once its pieces wait.
const RANGE: u64 = 16 * 1024 * 1024;

/// How many requests are under way, one of which is being handed out.
const AT_ONCE: usize = 2;

/// How many pieces of a request wait to be handed out: of up to 400 KiB each, as they come from the
/// connection.
const PIECES: usize = 16;

/// Whether a file of that many bytes may be read so.
pub(super) fn is_long_enough(size: u64) -> bool {
    size > 2 * RANGE
}

/// Whether there is enough of the file to read it so, in parts that are worth a request each, and all
/// that it takes is known of them.
pub(super) fn is_worth_it(manifest: &Manifest) -> bool {
    let parts = manifest.parts.len() as u64;
    is_long_enough(manifest.size())
        && manifest.size() / RANGE >= parts
        && !manifest.has_data
        && manifest.parts.iter().all(is_readable)
}

/// Whether the part can be read by itself, and its bytes have the hash that the manifest tells: as
/// an object's etag, it says which version of the segment is meant.
fn is_readable(part: &Part) -> bool {
    let request = |(container, object)| Request::object(Method::GET, container, object);
    part.is_hashed()
        && part
            .object()
            .map(request)
            .is_some_and(|part| part.is_reachable())
}

/// The bytes of the file.
///
/// Swift reads a large file one segment after the other, and its proxy takes the hash of each on
/// the way, which halves the speed of a busy one. So the segments are read themselves, at most
/// [`RANGE`] bytes at a time.
pub(super) fn read(
    container: &Arc<Container>,
    info: &FileInfo,
    manifest: Manifest,
) -> BoxStream<'static, Result<Bytes>> {
    let (container, info) = (Arc::clone(container), info.clone());
    let ranges = manifest.parts.into_iter().flat_map(|part| {
        let part = Arc::new(part);
        ranges(part.size).map(move |range| (Arc::clone(&part), range))
    });
    let fetches = ranges.filter_map(move |(part, range)| {
        let source = source(&part, &info)?;
        Some(Fetch::new(&container, &info.name, source, range))
    });
    let ahead = Ahead {
        fetches: Box::new(fetches),
        begun: VecDeque::new(),
        tasks: JoinSet::new(),
    };
    stream::try_unfold(ahead, |mut ahead| async {
        let piece = ahead.next().await?;
        Ok(piece.map(|piece| (piece, ahead)))
    })
    .boxed()
}

fn ranges(size: u64) -> impl Iterator<Item = Range<u64>> {
    let starts = (0..size.div_ceil(RANGE)).map(|number| number * RANGE);
    starts.map(move |start| start..size.min(start + RANGE))
}

fn source(part: &Part, info: &FileInfo) -> Option<Source> {
    let (container, object) = part.object()?;
    Some(Source {
        request: Request::object(Method::GET, container, object),
        etag: part.hash.clone(),
        file: Some(info.etag.clone()),
    })
}

/// The requests that are under way, and those that follow.
struct Ahead {
    fetches: Box<dyn Iterator<Item = Fetch> + Send>,
    begun: VecDeque<mpsc::Receiver<Result<Bytes>>>,
    /// They end when this is dropped.
    tasks: JoinSet<()>,
}

impl Ahead {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        loop {
            while self.begun.len() < AT_ONCE
                && let Some(fetch) = self.fetches.next()
            {
                let (sender, receiver) = mpsc::channel(PIECES);
                self.tasks.spawn(hand_on(fetch, sender));
                self.begun.push_back(receiver);
            }
            let Some(first) = self.begun.front_mut() else {
                return Ok(None);
            };
            if let Some(piece) = first.recv().await {
                return piece.map(Some);
            }
            self.begun.pop_front();
            // Those that have ended are let go of.
            while self.tasks.try_join_next().is_some() {}
        }
    }
}

/// Hands the pieces on, until there are no more, or nobody takes them.
async fn hand_on(mut fetch: Fetch, pieces: mpsc::Sender<Result<Bytes>>) {
    while let Some(piece) = fetch.next().await.transpose() {
        let is_last = piece.is_err();
        if pieces.send(piece).await.is_err() || is_last {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(sizes: impl IntoIterator<Item = u64>, object: &str) -> Manifest {
        let parts = sizes.into_iter();
        let part = |size| Part::new("c_segments", object, "x".to_owned(), size);
        Manifest::new(parts.map(part).collect())
    }

    #[test]
    fn parts_are_read_by_themselves_that_are_long_and_can_be_reached() {
        let long = [RANGE / 2, RANGE / 2, RANGE / 2, 3 * RANGE];
        assert!(is_worth_it(&manifest(long, "a")));
        assert!(is_worth_it(&manifest([2 * RANGE + 1], "a")));
        assert!(!is_worth_it(&manifest([2 * RANGE], "a")));
        // Through the manifest a thousand short ones take one request.
        assert!(!is_worth_it(&manifest([RANGE - 1; 1000], "a")));
        assert!(!is_worth_it(&manifest([RANGE, RANGE, RANGE - 1], "a")));
        for object in [".", "a/../b", "./a", ".."] {
            assert!(!is_worth_it(&manifest(long, object)), "{object}");
        }
        let mut other = manifest(long, "a");
        other.parts[3].sub_slo = true;
        assert!(!is_worth_it(&other));
    }

    #[test]
    fn ranges_cover_a_segment_once() {
        for (size, expected) in [(0, 0), (1, 1), (RANGE, 1), (RANGE + 1, 2), (3 * RANGE, 3)] {
            let all: Vec<_> = ranges(size).collect();
            assert_eq!(all.len(), expected);
            let mut place = 0;
            for range in all {
                assert_eq!(range.start, place);
                assert!(range.end > range.start && range.end - range.start <= RANGE);
                place = range.end;
            }
            assert_eq!(place, size);
        }
    }
}
