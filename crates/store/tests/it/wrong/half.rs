//! Faults of a save that is half done.

use std::sync::Arc;

use bytes::BytesMut;
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use store::{
    Etag, FileContents, FileInfo, FileName, IStore, MemoryStore, Result, SaveOptions, StoreExt,
};

use super::fault::Fault;
use super::store::Wrong;

impl Wrong {
    /// Shows, or keeps, what has come so far.
    pub(super) async fn save_watched(
        &self,
        name: &FileName,
        contents: FileContents,
        options: &SaveOptions,
    ) -> Result<FileInfo> {
        let size = contents.size();
        let mut kept = Kept {
            inner: (self.fault == Fault::KeepsDropped).then(|| Arc::clone(&self.inner)),
            name: name.clone(),
            bytes: BytesMut::new(),
        };
        let mut stream = contents.into_stream();
        let mut ended = Ok(());
        while let Some(piece) = stream.try_next().await.unwrap_or_else(|error| {
            ended = Err(error);
            None
        }) {
            kept.bytes.extend_from_slice(&piece);
            let bytes = kept.bytes.clone().freeze();
            match self.fault {
                Fault::SavesInPieces => {
                    self.inner
                        .save_bytes(name, bytes, &SaveOptions::default())
                        .await?;
                }
                Fault::ListsHalf => self.state(|state| {
                    let (etag, modified) = (Etag::new("half"), std::time::UNIX_EPOCH);
                    let info = FileInfo::new(name.clone(), bytes.len() as u64, etag, modified);
                    state.half = Some(info);
                }),
                _ => {}
            }
        }
        self.state(|state| state.half = None);
        kept.inner = None;
        let bytes = kept.bytes.split().freeze();
        if ended.is_err() && self.fault == Fault::KeepsBroken {
            self.inner
                .save_bytes(name, bytes.clone(), &SaveOptions::default())
                .await?;
        }
        let pieces = [Ok(bytes)].into_iter().chain(ended.err().map(Err));
        let contents =
            FileContents::from_stream(stream::iter(pieces.collect::<Vec<_>>()).boxed(), size);
        self.inner.save_file(name, contents, options).await
    }
}

/// Saves what it has when it is dropped.
struct Kept {
    inner: Option<Arc<MemoryStore>>,
    name: FileName,
    bytes: BytesMut,
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.take() {
            let (bytes, options) = (self.bytes.split().freeze(), SaveOptions::default());
            // A save in memory never waits.
            drop(inner.save_bytes(&self.name, bytes, &options).now_or_never());
        }
    }
}
