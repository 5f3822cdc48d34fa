//! A read that goes on after a break.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};

use crate::{Error, ErrorKind, Etag, FileName, IStore, Operation, ReadOptions, ReadRange, Result};

use super::attempts::Attempts;

/// The rest of one version of a file, from whichever stream has it.
pub(super) struct Resume {
    inner: Arc<dyn IStore>,
    attempts: Attempts,
    name: FileName,
    etag: Etag,
    /// The bytes that are still to come.
    left: Range<u64>,
    stream: BoxStream<'static, Result<Bytes>>,
}

impl Resume {
    pub(super) fn new(
        inner: Arc<dyn IStore>,
        mut attempts: Attempts,
        name: &FileName,
        etag: Etag,
        range: Range<u64>,
        stream: BoxStream<'static, Result<Bytes>>,
    ) -> Self {
        attempts.start_anew();
        Self {
            inner,
            attempts,
            name: name.clone(),
            etag,
            left: range,
            stream,
        }
    }

    pub(super) fn into_stream(self) -> BoxStream<'static, Result<Bytes>> {
        stream::try_unfold(self, |mut resume| async {
            let piece = resume.next().await?;
            Ok(piece.map(|piece| (piece, resume)))
        })
        .boxed()
    }

    async fn next(&mut self) -> Result<Option<Bytes>> {
        loop {
            let error = match self.stream.next().await {
                Some(Ok(piece)) => {
                    self.left.start = self.left.start.saturating_add(piece.len() as u64);
                    if !piece.is_empty() {
                        self.attempts.start_anew();
                    }
                    return Ok(Some(piece));
                }
                None if self.left.is_empty() => return Ok(None),
                None => self.ended_early(),
                // A break behind the last byte takes nothing away.
                Some(Err(error)) if error.is_retryable() && self.left.is_empty() => {
                    return Ok(None);
                }
                Some(Err(error)) => error,
            };
            self.reopen(error).await?;
        }
    }

    /// Opens the rest of the same version, or fails with the break or with what hinders.
    async fn reopen(&mut self, broke: Error) -> Result<()> {
        let options = ReadOptions::default().with_range(ReadRange::Bounded(self.left.clone()));
        let mut hindrance: Option<Error> = None;
        loop {
            let last = hindrance.as_ref().unwrap_or(&broke);
            if !self.attempts.allow_another(last).await {
                return Err(hindrance.unwrap_or(broke));
            }
            match self.inner.get_file_contents(&self.name, &options).await {
                Ok(file) if file.info.etag == self.etag && file.range == self.left => {
                    self.stream = file.contents.into_stream();
                    return Ok(());
                }
                Ok(_) => return Err(self.replaced(broke)),
                Err(error) => match error.kind() {
                    ErrorKind::NotFound | ErrorKind::OutOfRange => return Err(self.replaced(broke)),
                    _ => hindrance = Some(error),
                },
            }
        }
    }

    fn ended_early(&self) -> Error {
        Error::new(ErrorKind::Interrupted, Operation::GetFileContents.as_str())
            .with_name(self.name.as_str())
            .with_message(format!(
                "the contents end at byte {} instead of {}",
                self.left.start, self.left.end
            ))
    }

    fn replaced(&self, broke: Error) -> Error {
        Error::new(broke.kind(), Operation::GetFileContents.as_str())
            .with_name(self.name.as_str())
            .with_message(format!(
                "the stream broke at byte {}, and the file is no longer the same",
                self.left.start
            ))
            .with_source(broke)
    }
}
