//! Faults of saves.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::Ordering;

use bytes::{Bytes, BytesMut};
use futures_util::future::ready;
use futures_util::{StreamExt, TryStreamExt, stream};
use store::{
    Error, ErrorKind, Etag, FileContents, FileInfo, FileName, IStore, Result, SaveMode,
    SaveOptions, StoreExt,
};

use super::fault::Fault;
use super::store::{CONTENTS, MODEST, Wrong, unsupported};

impl Wrong {
    pub(super) async fn save(
        &self,
        name: &FileName,
        contents: FileContents,
        options: &SaveOptions,
    ) -> Result<FileInfo> {
        let name = &self.inner_name(name);
        let mut options = options.clone();
        let plain = SaveMode::Overwrite;
        match (self.fault, &options.mode) {
            (Fault::CreateOverwrites, SaveMode::Create)
            | (Fault::UpdateIgnoresEtag, SaveMode::Update(_)) => options.mode = plain,
            (Fault::HasNoCreate, SaveMode::Create) | (Fault::HasNoUpdate, SaveMode::Update(_)) => {
                return Err(unsupported("save file"));
            }
            (Fault::LosesMetadata | Fault::ClaimsNoMetadata, _) => options.metadata.clear(),
            (Fault::IgnoresSha256, _) => options.expected_sha256 = None,
            // The mode is checked by what the outside was told.
            (Fault::ClaimsContentEtags | Fault::EtagOfContents, SaveMode::Update(_)) => {
                let current = self.info(name).await.ok().map(|info| info.etag);
                options.check_mode(name, current.as_ref())?;
                options.mode = plain;
            }
            _ => {}
        }
        match self.fault {
            Fault::BusyAtOnce => return self.save_unless_busy(name, contents, &options).await,
            Fault::Object => return self.save_object(name, contents, options).await,
            Fault::BestEffort | Fault::ChecksThenSaves => {
                return self.check_then_save(name, contents, options).await;
            }
            Fault::DeletesLate => self.do_late_delete().await,
            Fault::DeletesTheNext => {
                self.do_late_delete().await;
                self.state(|state| {
                    let is_next = std::mem::take(&mut state.deletes_next);
                    state.deleted = is_next.then(|| name.clone());
                });
            }
            Fault::SavesDroppedLate => return self.save_dropped(name, contents, &options).await,
            Fault::LastToWaitComesFirst => {
                return self.save_first(name, contents, options).await;
            }
            Fault::LastStepsInTasks => return self.save_in_task(name, contents, options).await,
            Fault::HidesReplaced => return self.save_hidden(name, contents, &options).await,
            Fault::FoldersStay => self.keep_folders(name)?,
            Fault::LastToBeginStays => return self.save_if_later(name, contents, &options).await,
            Fault::ReadsBeforeChecks => {
                let bytes = contents.collect(u64::MAX).await?;
                return self.inner.save_bytes(name, bytes, &options).await;
            }
            Fault::KeepsBroken | Fault::KeepsDropped | Fault::ListsHalf | Fault::SavesInPieces => {
                return self.save_watched(name, contents, &options).await;
            }
            _ => {}
        }
        let contents = self.change(contents);
        let info = self.inner.save_file(name, contents, &options).await;
        let info = info.map_err(too_large_itself)?;
        if self.fault == Fault::NoEmptyFiles && info.size == 0 {
            self.inner.delete_file(name).await?;
        }
        Ok(self.outer_info(info))
    }

    /// The contents as a fault makes them.
    fn change(&self, contents: FileContents) -> FileContents {
        let size = contents.size();
        match self.fault {
            Fault::IgnoresSize => FileContents::from_stream(contents.into_stream(), None),
            Fault::StopsAtEmptyPiece => {
                let full =
                    |piece: &Result<Bytes>| ready(!matches!(piece, Ok(piece) if piece.is_empty()));
                let pieces = contents.into_stream().take_while(full);
                FileContents::from_stream(pieces.boxed(), None)
            }
            // Of a file that fills its blocks.
            Fault::LosesLastByte => {
                let whole = async move {
                    let mut bytes = contents.collect(u64::MAX).await?;
                    if bytes.len().is_multiple_of(4096) {
                        bytes.truncate(bytes.len().saturating_sub(1));
                    }
                    Ok(bytes)
                };
                FileContents::from_stream(stream::once(whole).boxed(), None)
            }
            Fault::Modest => {
                let too_large = || Error::new(ErrorKind::TooLarge, "save file");
                let whole = contents.into_stream().scan(0, move |seen, piece| {
                    *seen += piece.as_ref().map_or(0, |piece| piece.len() as u64);
                    ready(Some(if *seen > MODEST {
                        Err(too_large())
                    } else {
                        piece
                    }))
                });
                FileContents::from_stream(whole.boxed(), size)
            }
            _ => contents,
        }
    }

    pub(super) async fn do_late_delete(&self) {
        if let Some(name) = self.state(|state| state.deleted.take()) {
            // Whatever has come of it.
            drop(self.inner.delete_file(&name).await);
        }
    }

    fn keep_folders(&self, name: &FileName) -> Result<()> {
        self.state(|state| {
            state.folders.extend(name.folders().map(str::to_owned));
            match state.folders.get(name.as_str()) {
                Some(folder) => Err(Error::overlap(name, &format!("{folder}/"))),
                None => Ok(()),
            }
        })
    }

    /// Looks whether it may save, and saves when another has looked too, if one comes.
    async fn check_then_save(
        &self,
        name: &FileName,
        contents: FileContents,
        mut options: SaveOptions,
    ) -> Result<FileInfo> {
        let current: Option<Etag> = self
            .inner
            .get_file_info(name)
            .await
            .ok()
            .map(|info| info.etag);
        options.check_mode(name, current.as_ref())?;
        options.mode = SaveMode::Overwrite;
        self.state(|state| state.looked += 1);
        for _ in 0..20_000 {
            if self.state(|state| state.looked > 1) {
                break;
            }
            tokio::task::yield_now().await;
        }
        let saved = self.inner.save_file(name, contents, &options).await;
        self.state(|state| state.looked -= 1);
        saved
    }

    /// Saves with a mark of the contents, which are its etag.
    async fn save_object(
        &self,
        name: &FileName,
        contents: FileContents,
        mut options: SaveOptions,
    ) -> Result<FileInfo> {
        if let SaveMode::Update(_) = options.mode {
            return Err(unsupported("save file"));
        }
        let bytes = checked(name, contents, &options).await?;
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        options.content_type = Some(options.content_type_of(name).to_owned());
        let contents = format!("{:x}", hasher.finish());
        options.metadata.insert(CONTENTS.to_owned(), contents);
        let info = self.inner.save_bytes(name, bytes, &options).await;
        info.map(|info| self.outer_info(info))
    }

    /// Saves unless a save that began later has ended already.
    async fn save_if_later(
        &self,
        name: &FileName,
        contents: FileContents,
        options: &SaveOptions,
    ) -> Result<FileInfo> {
        let begun = self.begun.fetch_add(1, Ordering::SeqCst);
        let bytes = contents.collect(u64::MAX).await?;
        if let Some(later) = self.state(|state| state.ended.get(name).copied())
            && later > begun
        {
            return self.inner.get_file_info(name).await;
        }
        self.state(|state| state.ended.insert(name.clone(), begun));
        self.inner.save_bytes(name, bytes, options).await
    }

    async fn save_unless_busy(
        &self,
        name: &FileName,
        contents: FileContents,
        options: &SaveOptions,
    ) -> Result<FileInfo> {
        let busy = |error| Error::new(ErrorKind::Unavailable, "save file").with_source(error);
        let _permit = self.at_once.try_acquire().map_err(busy)?;
        tokio::task::yield_now().await;
        self.inner.save_file(name, contents, options).await
    }

    /// Saves when somebody has listed meanwhile, if anybody does.
    async fn save_hidden(
        &self,
        name: &FileName,
        contents: FileContents,
        options: &SaveOptions,
    ) -> Result<FileInfo> {
        let listings = self.state(|state| {
            state.saving.push(name.clone());
            state.listings
        });
        for _ in 0..1000 {
            tokio::task::yield_now().await;
            if self.state(|state| state.listings) > listings {
                break;
            }
        }
        let saved = self.inner.save_file(name, contents, options).await;
        self.state(|state| {
            let place = state.saving.iter().position(|saving| saving == name);
            state.saving.remove(place.unwrap());
        });
        saved
    }
}

/// All bytes of the contents, unless a save has to refuse them.
pub(super) async fn checked(
    name: &FileName,
    contents: FileContents,
    options: &SaveOptions,
) -> Result<Bytes> {
    options.check(name)?;
    let mut blocks = contents.into_checked(name, options);
    let mut bytes = BytesMut::new();
    while let Some(block) = blocks.try_next().await? {
        bytes.extend_from_slice(&block);
    }
    Ok(bytes.freeze())
}

/// The error of contents that were found too large while they were read.
fn too_large_itself(error: Error) -> Error {
    let cause = std::error::Error::source(&error).and_then(|cause| cause.downcast_ref::<Error>());
    match cause.map(Error::kind) {
        Some(ErrorKind::TooLarge) => Error::new(ErrorKind::TooLarge, "save file"),
        _ => error,
    }
}
