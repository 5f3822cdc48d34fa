//! The names of a store's files, page by page.

use store::{FileName, IStore, ListOptions};

use crate::error::{Error, Result};

/// A listing on its way through all of its pages.
pub(crate) struct FileNames<'a> {
    store: &'a dyn IStore,
    /// The page that comes next; `None` behind the last one.
    next: Option<ListOptions>,
    doing: &'static str,
}

impl<'a> FileNames<'a> {
    /// All names of which `options` want the first page, for the sake of `doing`.
    pub(crate) fn new(store: &'a dyn IStore, options: ListOptions, doing: &'static str) -> Self {
        Self {
            store,
            next: Some(options),
            doing,
        }
    }

    /// The next page; `None` when all have come.
    pub(crate) async fn page(&mut self) -> Result<Option<Vec<FileName>>> {
        let Some(options) = self.next.take() else {
            return Ok(None);
        };
        let files = self.store.get_files_list(&options).await;
        let files = files.map_err(Error::store(self.doing))?;
        let last = files.last().filter(|_| files.len() >= options.limit);
        self.next = last.map(|last| options.with_after(last.name.as_str()));
        Ok(Some(files.into_iter().map(|file| file.name).collect()))
    }

    /// Goes on behind the names that begin with `prefix`.
    pub(crate) fn skip(&mut self, prefix: &str) {
        let behind = format!("{prefix}{}", char::MAX);
        self.next = self.next.take().map(|next| next.with_after(behind));
    }
}
