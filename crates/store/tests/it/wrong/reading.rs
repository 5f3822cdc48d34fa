//! Faults of reads.

use futures_util::StreamExt;
use futures_util::stream;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use store::{
    Error, ErrorKind, Etag, FileContents, FileInfo, FileName, IStore, ListOptions, ReadOptions,
    ReadRange, Result, StoredFile,
};

use super::fault::Fault;
use super::store::{Wrong, unsupported};

impl Wrong {
    pub(super) async fn info(&self, name: &FileName) -> Result<FileInfo> {
        if self.fault == Fault::CachesStale {
            return self.cached_info(name).await;
        }
        let found = self.inner.get_file_info(&self.inner_name(name)).await;
        let found = found.map(|info| self.outer_info(info));
        match self.fault {
            Fault::OtherInfo => found.map(|mut info| {
                info.modified += Duration::from_secs(1);
                info
            }),
            // A file below is enough for the folder to be found.
            Fault::FindsFolders if found.is_err() => {
                let below = ListOptions::default().with_prefix(format!("{name}/"));
                let below = self.inner.get_files_list(&below).await?;
                below.into_iter().next().map_or(found, Ok)
            }
            _ => found,
        }
    }

    /// The info that was asked for before, or that is then remembered; a save or a delete that ends
    /// between the two is not noticed.
    async fn cached_info(&self, name: &FileName) -> Result<FileInfo> {
        if let Some(info) = self.state(|state| state.cached.get(name).cloned()) {
            return Ok(info);
        }
        let changes = self.state(|state| state.changes);
        let info = self.inner.get_file_info(name).await?;
        // Until there is a change, if there is any.
        for _ in 0..1000 {
            tokio::task::yield_now().await;
            if self.state(|state| state.changes) > changes {
                break;
            }
        }
        self.state(|state| state.cached.insert(name.clone(), info.clone()));
        Ok(info)
    }

    pub(super) async fn read(&self, name: &FileName, options: &ReadOptions) -> Result<StoredFile> {
        let name = &self.inner_name(name);
        let has_none = matches!(self.fault, Fault::Modest | Fault::HasNoRanges);
        if has_none && options.range.is_some() {
            return Err(unsupported("read file"));
        }
        let mut options = options.clone();
        match (self.fault, &mut options.range) {
            (Fault::RangeOffByOne, Some(ReadRange::Bounded(range))) => {
                range.end = range.end.saturating_add(1);
            }
            // What does not fit in 32 bits is cut.
            (Fault::ShortNumbers, Some(ReadRange::Bounded(range))) => {
                *range = u64::from(range.start as u32)..u64::from(range.end as u32);
            }
            // All calls set where to read before they read.
            (Fault::OneCursor, Some(_)) => {
                self.state(|state| state.range = options.clone());
                tokio::task::yield_now().await;
                options = self.state(|state| state.range.clone());
            }
            _ => {}
        }
        let found = self.inner.get_file_contents(name, &options).await;
        let mut file = match found {
            Err(error)
                if self.fault == Fault::EmptyPastEnd && error.kind() == ErrorKind::OutOfRange =>
            {
                let info = self.inner.get_file_info(name).await?;
                StoredFile::new(info, 0..0, FileContents::from_bytes(""))
            }
            found => found?,
        };
        if matches!(self.fault, Fault::ClaimsBreaks | Fault::ReadsLive) {
            file.contents = self.live(name, None, file.range.clone());
        }
        if self.fault == Fault::Object {
            let etag = Some(file.info.etag.clone());
            file.contents = self.live(name, etag, file.range.clone());
        }
        file.info = self.outer_info(file.info);
        Ok(file)
    }

    /// Contents that are read as they are asked for, of whatever version is there then, or only of
    /// that with the etag.
    fn live(&self, name: &FileName, etag: Option<Etag>, range: Range<u64>) -> FileContents {
        const PIECE: u64 = 100_000;
        let (store, name) = (Arc::clone(&self.inner), name.clone());
        let size = Some(range.end - range.start);
        let pieces = stream::unfold(range.start, move |place| {
            let (store, name, etag) = (Arc::clone(&store), name.clone(), etag.clone());
            async move {
                if place >= range.end {
                    return None;
                }
                let piece = ReadRange::Bounded(place..range.end.min(place + PIECE));
                let options = ReadOptions::default().with_range(piece);
                let piece = match store.get_file_contents(&name, &options).await {
                    found
                        if etag.is_some() && found.as_ref().ok().map(etag_of) != etag.as_ref() =>
                    {
                        Err(Error::new(ErrorKind::Interrupted, "read file"))
                    }
                    Ok(file) => file.contents.collect(PIECE).await,
                    Err(error) => Err(Error::new(ErrorKind::Other, "read file").with_source(error)),
                };
                Some((piece, place + PIECE))
            }
        });
        FileContents::from_stream(pieces.boxed(), size)
    }
}

fn etag_of(file: &StoredFile) -> &Etag {
    &file.info.etag
}
