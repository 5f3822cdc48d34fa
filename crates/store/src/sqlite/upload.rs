//! A save whose blocks are written out of sight, until the last one shows them.

use std::sync::Arc;

use bytes::Bytes;

use super::transaction;
use super::writer::Writer;
use crate::{FileInfo, FileName, Result, SaveOptions};

/// A save of more than one block; given up when it is dropped.
#[derive(Debug)]
pub(super) struct Upload<'a> {
    writer: &'a Writer,
    owner: Arc<str>,
    number: i64,
    name: FileName,
    /// How many blocks were handed over.
    blocks: i64,
    published: bool,
}

impl<'a> Upload<'a> {
    pub(super) fn new(writer: &'a Writer, owner: Arc<str>, number: i64, name: FileName) -> Self {
        Self {
            writer,
            owner,
            number,
            name,
            blocks: 0,
            published: false,
        }
    }

    pub(super) async fn append(&mut self, block: Bytes) -> Result<()> {
        let (owner, number, position) = (Arc::clone(&self.owner), self.number, self.blocks);
        self.blocks += 1;
        let appended = self
            .writer
            .run_unseen("save file", block.len(), move |connection| {
                transaction::append(connection, &owner, number, position, &block)
            });
        let name = &self.name;
        appended
            .await
            .map_err(|error| error.with_name(name.as_str()))
    }

    pub(super) async fn publish(
        mut self,
        last: Bytes,
        info: FileInfo,
        options: SaveOptions,
    ) -> Result<FileInfo> {
        let (owner, number, position) = (Arc::clone(&self.owner), self.number, self.blocks);
        let published = self.writer.run("save file", last.len(), move |connection| {
            transaction::publish(
                connection,
                &owner,
                number,
                (position, &last),
                &info,
                &options,
            )
        });
        let info = published.await?;
        self.published = true;
        Ok(info)
    }
}

impl Drop for Upload<'_> {
    fn drop(&mut self) {
        if self.published || self.blocks == 0 {
            return;
        }
        // The writer works in order, so this comes after every block, and after a publication,
        // which it leaves alone.
        let (owner, number) = (Arc::clone(&self.owner), self.number);
        self.writer
            .send_detached("abandon upload", move |connection| {
                transaction::abandon(connection, &owner, number)
            });
    }
}
