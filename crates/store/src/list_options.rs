//! Which page of the names a listing returns.

use crate::{Error, ErrorKind, Result};

/// Which page of the files a listing returns.
///
/// By default the first 1,000 files, from the least name up.
///
/// # Examples
///
/// ```
/// use store::{ListOptions, Order};
///
/// let newest = ListOptions::default()
///     .with_prefix("deployment_")
///     .with_order(Order::Descending)
///     .with_limit(20);
/// assert!(newest.includes("deployment_1.json"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListOptions {
    /// Only names that start with this text, which need not end at a `/`.
    pub prefix: Option<String>,
    /// Only names past this text in the [`order`](Self::order), which need not be a name.
    pub after: Option<String>,
    /// The most files on the page, at least 1; a shorter page is the last one.
    pub limit: usize,
    /// The direction.
    pub order: Order,
}

/// The direction of a listing, by the bytes of the names.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> store::Result<()> {
/// # #[cfg(feature = "memory")] {
/// use store::{FileName, IStore, ListOptions, MemoryStore, Order, SaveOptions, StoreExt};
///
/// let store = MemoryStore::new();
/// for name in ["2024.log", "2025.log", "2026.log"] {
///     store.save_bytes(&FileName::new(name)?, "", &SaveOptions::default()).await?;
/// }
/// let newest = ListOptions::default().with_order(Order::Descending).with_limit(1);
/// assert_eq!(store.get_files_list(&newest).await?[0].name.as_str(), "2026.log");
/// # }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// From the least name up.
    #[default]
    Ascending,
    /// From the greatest name down.
    Descending,
}

impl Default for ListOptions {
    fn default() -> Self {
        Self {
            prefix: None,
            after: None,
            limit: 1000,
            order: Order::Ascending,
        }
    }
}

impl ListOptions {
    /// Lists only names that start with `prefix`.
    #[must_use]
    pub fn with_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = Some(prefix.into());
        self
    }

    /// Lists only names past `after`: the last name of the page before.
    #[must_use]
    pub fn with_after(mut self, after: impl Into<String>) -> Self {
        self.after = Some(after.into());
        self
    }

    /// Sets the most files on the page.
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Sets the direction.
    #[must_use]
    pub fn with_order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// Whether `name` belongs to the listing, on this page or a later one.
    #[must_use]
    pub fn includes(&self, name: &str) -> bool {
        let past = self.after.as_deref().is_none_or(|after| match self.order {
            Order::Ascending => name > after,
            Order::Descending => name < after,
        });
        past && self
            .prefix
            .as_deref()
            .is_none_or(|prefix| name.starts_with(prefix))
    }

    /// The names that belong to the listing, as bounds: from the first on, and before the second
    /// where there is one.
    #[cfg(any(feature = "fs", feature = "memory", feature = "sqlite"))]
    pub(crate) fn bounds(&self) -> (String, Option<String>) {
        let prefix = self.prefix.as_deref().unwrap_or_default();
        let (mut least, mut end) = (prefix.to_owned(), prefix_end(prefix));
        match (self.order, &self.after) {
            // No text lies between `after` and `after` with a NUL behind it.
            (Order::Ascending, Some(after)) => least = least.max(format!("{after}\0")),
            (Order::Descending, Some(after)) => {
                end = Some(end.map_or_else(|| after.clone(), |end| end.min(after.clone())));
            }
            (Order::Ascending | Order::Descending, None) => {}
        }
        (least, end)
    }

    /// Checks what every store refuses alike; a store calls it first.
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](ErrorKind::InvalidInput): the limit is 0, with which no page would be the
    ///   last.
    ///
    /// # Examples
    ///
    /// ```
    /// use store::{ErrorKind, ListOptions};
    ///
    /// let error = ListOptions::default().with_limit(0).check().unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::InvalidInput);
    /// ```
    pub fn check(&self) -> Result<()> {
        if self.limit == 0 {
            return Err(Error::new(ErrorKind::InvalidInput, "list files")
                .with_message("the limit of a page is 0"));
        }
        Ok(())
    }
}

/// The least text that is greater than every text with this prefix, where there is one.
#[cfg(any(feature = "fs", feature = "memory", feature = "sqlite"))]
fn prefix_end(prefix: &str) -> Option<String> {
    let mut chars = prefix.chars();
    while let Some(last) = chars.next_back() {
        // Skips the gap of the surrogates; `char::MAX` has no successor, so the one before it is
        // raised.
        let next = if last == '\u{D7FF}' {
            Some('\u{E000}')
        } else {
            char::from_u32(last as u32 + 1)
        };
        if let Some(next) = next {
            let mut end = chars.as_str().to_owned();
            end.push(next);
            return Some(end);
        }
    }
    None
}

#[cfg(all(test, any(feature = "fs", feature = "memory", feature = "sqlite")))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_bounds_say_the_same_as_the_options(
            name in "[a-c\u{D7FF}\u{E000}\u{10FFFF}]{0,3}",
            prefix in prop::option::of("[a-c\u{D7FF}\u{E000}\u{10FFFF}]{0,2}"),
            after in prop::option::of("[a-c\u{D7FF}\u{10FFFF}]{0,3}"),
            descending: bool,
        ) {
            let order = if descending { Order::Descending } else { Order::Ascending };
            let options = ListOptions { prefix, after, limit: 1, order };
            let (least, end) = options.bounds();
            let within = name >= least && end.is_none_or(|end| name < end);
            prop_assert_eq!(within, options.includes(&name));
        }
    }

    #[test]
    fn a_page_of_no_files_is_refused() {
        let error = ListOptions::default().with_limit(0).check().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
}
