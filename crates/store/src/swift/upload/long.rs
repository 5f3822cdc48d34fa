//! The long segments of a file, each sent while it comes in.

use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use futures_util::{FutureExt, StreamExt, stream};
use reqwest::Method;
use tokio::sync::oneshot;

use crate::swift::flow::Flow;
use crate::swift::info;
use crate::swift::manifest::Part;
use crate::swift::pieces::Pieces;
use crate::swift::request::Body;
use crate::swift::save::failed;
use crate::{Error, ErrorKind, Result};

use super::Upload;

/// How many long segments are under way: one is sent, and one may be on its way to a disk.
const FLOWS: usize = 2;

impl Upload {
    /// How long a segment may be that is sent while it comes in, if one may be.
    pub(super) fn flow_length(&self, pieces: &Pieces) -> Option<u64> {
        let container = &self.object.container;
        let is_smooth = self.is_smooth.load(Ordering::Relaxed) && pieces.is_quick();
        let length = pieces.left()?.min(container.streamed_segment_size);
        (is_smooth && length > container.segment_size).then_some(length)
    }

    /// Saves long segments as long as that goes well, and returns what is left of the contents.
    ///
    /// While a server writes one to its disk, the next is on its way.
    pub(super) async fn save_flows(&self, pieces: Pieces, parts: &mut Vec<Part>) -> Result<Pieces> {
        let slot = Mutex::new(None);
        let left = &slot;
        let (give, rest) = oneshot::channel();
        // It is received below.
        let _ = give.send(pieces);
        let flows = stream::unfold((rest, parts.len()), |(rest, number)| async move {
            // There is none where the last segment failed before its end.
            let mut pieces = rest.await.ok()?;
            let length = match pieces.look_ahead().await {
                Ok(is_at_end) => self.flow_length(&pieces).filter(|_| !is_at_end),
                Err(error) => {
                    self.note_broken(error);
                    return None;
                }
            };
            let Some(length) = length else {
                *left.lock().unwrap_or_else(PoisonError::into_inner) = Some(pieces);
                return None;
            };
            let (flow, rest) = Flow::new(pieces, length);
            Some(((number, flow), (rest, number + 1)))
        });
        let segments = flows
            .take_until(self.failed().boxed())
            .boxed()
            .map(|(number, flow)| self.save_flow(number, flow).boxed())
            .buffered(FLOWS);
        parts.extend(self.finish(segments).await?.into_iter().flatten());
        let left = slot.into_inner().unwrap_or_else(PoisonError::into_inner);
        left.ok_or_else(|| self.changed())
    }

    /// Saves a segment while it comes in; nothing if what came of it is to be sent in short ones.
    async fn save_flow(&self, number: usize, flow: Flow) -> Result<Option<Part>> {
        let container = &self.object.container;
        self.check_number(number)?;
        let segment = self.begin(number);
        self.note_flow(&flow);
        let request = || (container.segment(Method::PUT, &segment)).body(Body::Flow(flow.clone()));
        let step = || async {
            match self.put_segment(request).await {
                // Nothing can be sent again of what was not kept.
                Err(error) if !flow.is_kept() => Ok(Err(error)),
                put => put.map(Ok),
            }
        };
        let answer = match self.object.repeat(step).await.and_then(|put| put) {
            // A server between here and Swift may take less at once than Swift does.
            Err(error) if error.kind() == ErrorKind::TooLarge && flow.give_back() => {
                return Ok(None);
            }
            Err(error) if error.kind() == ErrorKind::TooLarge => {
                return Err(self.too_long(&flow, error));
            }
            answer => answer?,
        };
        let hash = flow.hash().filter(|hash| info::etag(&answer) == Some(hash));
        let hash = hash.ok_or_else(|| self.changed())?;
        let length = flow.length();
        let part = Part::new(&container.segments, &segment, hash, length);
        Ok(Some(part))
    }

    fn note_flow(&self, flow: &Flow) {
        let mut last = self
            .last_flow
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *last = Some(flow.clone());
    }

    fn too_long(&self, flow: &Flow, refusal: Error) -> Error {
        let message = format!(
            "a server takes no {} bytes at once; \
             `SwiftOptions::with_streamed_segment_size(0)` keeps to short segments",
            flow.length()
        );
        failed(&self.object.name, ErrorKind::TooLarge)
            .with_message(message)
            .with_source(refusal)
    }
}
