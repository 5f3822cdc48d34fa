//! The sink for a package whose application is read as it streams by.

use std::io::{self, Read};

use crate::error::{Error, Result};
use crate::limits::UnpackLimits;

use super::path::EntryPath;
use super::walk::{Contents, Role, Sink, Walk, Walked};

/// Keeps nothing of a package itself, and hands the entries of the application inside to `sink`.
pub(super) struct Nested<S> {
    pub(super) name: String,
    /// Where the package holds the application's archive.
    pub(super) application: String,
    pub(super) limits: UnpackLimits,
    pub(super) sink: S,
    /// What the application held, once it has come by.
    pub(super) walked: Option<Walked>,
}

impl<S: Sink> Sink for Nested<S> {
    fn folder(&mut self, _: &EntryPath, _: u32) -> Result<()> {
        Ok(())
    }

    fn folder_mode(&mut self, _: &EntryPath, _: u32) -> Result<()> {
        Ok(())
    }

    fn file<R: Read>(
        &mut self,
        path: &EntryPath,
        _: u32,
        contents: &mut Contents<'_, R>,
    ) -> Result<()> {
        if path.as_str() != self.application {
            return Ok(());
        }
        let archive = self.application.clone();
        let reader: &mut dyn Read = &mut ContentsReader { contents };
        let walk = Walk::open(reader, archive, &self.name, &self.limits, Role::Application);
        let walked = walk
            .and_then(|walk| walk.run(&mut self.sink))
            .map_err(outermost)?;
        self.walked = Some(walked);
        Ok(())
    }

    fn hard_link(&mut self, _: &EntryPath, _: &EntryPath) -> Result<()> {
        Ok(())
    }

    fn link(&mut self, _: &EntryPath, _: &str) -> Result<()> {
        Ok(())
    }
}

/// Takes everything and keeps nothing.
pub(super) struct Nowhere;

impl Sink for Nowhere {
    fn folder(&mut self, _: &EntryPath, _: u32) -> Result<()> {
        Ok(())
    }

    fn folder_mode(&mut self, _: &EntryPath, _: u32) -> Result<()> {
        Ok(())
    }

    fn file<R: Read>(&mut self, _: &EntryPath, _: u32, _: &mut Contents<'_, R>) -> Result<()> {
        Ok(())
    }

    fn hard_link(&mut self, _: &EntryPath, _: &EntryPath) -> Result<()> {
        Ok(())
    }

    fn link(&mut self, _: &EntryPath, _: &str) -> Result<()> {
        Ok(())
    }
}

/// Reads a file inside an archive; the archive's own error travels as the reader's.
struct ContentsReader<'a, 'b, R> {
    contents: &'a mut Contents<'b, R>,
}

impl<R: Read> Read for ContentsReader<'_, '_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        let next = self.contents.next_of(into.len());
        let bytes = next.map_err(io::Error::other)?.unwrap_or_default();
        into[..bytes.len()].copy_from_slice(bytes);
        Ok(bytes.len())
    }
}

/// When the outer archive failed under the inner one, its error is the one that counts.
fn outermost(error: Error) -> Error {
    match error {
        Error::Read { archive, source } => match source.downcast::<Error>() {
            Ok(outer) => outer,
            Err(source) => Error::Read { archive, source },
        },
        other => other,
    }
}
