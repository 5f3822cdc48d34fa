//! The rows of a container, page by page.

use std::sync::atomic::Ordering;

use crate::{ErrorKind, Result};

use super::container::Container;
use super::listing::{self, Query, Row};

/// Asks for one page after the other.
pub(super) struct Pages<'a> {
    container: &'a Container,
    query: Query<'a>,
    /// The most rows of a page, as far as known.
    page: usize,
    is_at_end: bool,
}

impl<'a> Pages<'a> {
    /// The pages that the query begins, however long it says that they are.
    pub(super) fn new(container: &'a Container, query: Query<'a>) -> Self {
        Self {
            container,
            query,
            page: container.page.load(Ordering::Relaxed),
            is_at_end: false,
        }
    }

    /// The next page, of at most `most` rows; nothing after the last one.
    pub(super) async fn next(&mut self, most: usize) -> Result<Option<Vec<Row>>> {
        if self.is_at_end {
            return Ok(None);
        }
        let rows = loop {
            self.query.limit = self.page.min(most);
            match listing::rows(&self.container.client, &self.query).await {
                // So Swift refuses pages that are longer than it gives.
                Err(error) if error.kind() == ErrorKind::Conflict && self.query.limit > 1 => {
                    self.page = self.query.limit / 2;
                }
                rows => break rows?,
            }
        };
        self.container.page.fetch_min(self.page, Ordering::Relaxed);
        // Others than Swift itself give shorter pages without a word.
        self.is_at_end = if self.container.limits.is_page_told {
            rows.len() < self.query.limit
        } else {
            rows.is_empty()
        };
        self.query.after = rows.last().map(|row| row.name.clone());
        Ok(Some(rows))
    }
}
