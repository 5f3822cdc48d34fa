//! Faults of listings.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use store::{Error, ErrorKind, FileInfo, IStore, ListOptions, Order, Result};

use super::fault::Fault;
use super::store::Wrong;

impl Wrong {
    pub(super) async fn list(&self, options: &ListOptions) -> Result<Vec<FileInfo>> {
        let mut options = options.clone();
        match self.fault {
            Fault::TakesNoLimit if options.limit == 0 => return Ok(Vec::new()),
            Fault::CapsPages => options.limit = options.limit.min(1000),
            Fault::CleansPrefix => {
                options.prefix = options
                    .prefix
                    .map(|prefix| prefix.trim_start_matches('/').into());
            }
            Fault::PrefixOfSegments => {
                if let Some(prefix) = options.prefix.as_mut().filter(|prefix| !prefix.is_empty()) {
                    *prefix = format!("{}/", prefix.trim_end_matches('/'));
                }
            }
            Fault::AfterStoredOnly => {
                let all = self.inner.get_files_list(&ListOptions::default()).await?;
                let is_stored = |after: &String| all.iter().any(|info| info.name.as_str() == after);
                options.after = options.after.filter(is_stored);
            }
            Fault::PrefixIsPattern => return self.page_by_pattern(&options).await,
            Fault::PagesByCount => return self.page_by_count(&options).await,
            Fault::Unsorted | Fault::SortedBySegment => return self.page_otherwise(&options).await,
            // A lag of one change, which the next listing has caught up with.
            Fault::ListsLate | Fault::Modest => {
                let late = self.state(|state| std::mem::take(&mut state.listed));
                if !late.is_empty() && *late != *self.inner.get_files_list(&options).await? {
                    return pick(late, &options);
                }
            }
            _ => {}
        }
        let page = self.inner.get_files_list(&options).await?;
        let mut page: Vec<_> = page.into_iter().map(|info| self.outer_info(info)).collect();
        match self.fault {
            Fault::EmptyListFails if page.is_empty() => {
                return Err(Error::new(ErrorKind::NotFound, "list files"));
            }
            Fault::HidesReplaced => {
                let saving = self.state(|state| {
                    state.listings += 1;
                    state.saving.clone()
                });
                page.retain(|info| !saving.contains(&info.name));
            }
            Fault::HidesTemporary => page.retain(|info| !info.name.as_str().contains(".tmp")),
            Fault::ListsNoMetadata | Fault::Object => {
                for info in &mut page {
                    info.metadata = BTreeMap::new();
                }
            }
            Fault::ListsHalf => page.extend(self.state(|state| state.half.clone())),
            _ => {}
        }
        Ok(page)
    }

    pub(super) async fn all(&self) -> Result<Vec<FileInfo>> {
        self.inner
            .get_files_list(&ListOptions::default().with_limit(usize::MAX))
            .await
    }

    /// The page that begins so many files further on, wherever the names went since.
    async fn page_by_count(&self, options: &ListOptions) -> Result<Vec<FileInfo>> {
        options.check()?;
        let cursor = self.state(|state| state.cursor.take());
        let skipped = match (cursor, &options.after) {
            (Some((last, count)), Some(after)) if last == *after => count,
            (_, None) => 0,
            (_, Some(_)) => return self.inner.get_files_list(options).await,
        };
        let mut all = self.all().await?;
        if options.order == Order::Descending {
            all.reverse();
        }
        let page: Vec<_> = all.into_iter().skip(skipped).take(options.limit).collect();
        if let Some(last) = page.last() {
            let cursor = (last.name.as_str().to_owned(), skipped + page.len());
            self.state(|state| state.cursor = Some(cursor));
        }
        Ok(page)
    }

    /// The page of the names that are like the prefix, as SQL means it.
    async fn page_by_pattern(&self, options: &ListOptions) -> Result<Vec<FileInfo>> {
        let mut others = options.clone();
        let pattern = others.prefix.take().unwrap_or_default();
        let mut files = self.all().await?;
        files.retain(|info| is_like(info.name.as_str(), &pattern));
        pick(files, &others)
    }

    /// A page in another order.
    async fn page_otherwise(&self, options: &ListOptions) -> Result<Vec<FileInfo>> {
        options.check()?;
        let mut all = self.all().await?;
        if self.fault == Fault::Unsorted {
            all.sort_by_key(|info| Reverse(info.etag.as_str().to_owned()));
        } else {
            all.sort_by_key(|info| {
                info.name
                    .as_str()
                    .split('/')
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            });
        }
        if options.order == Order::Descending {
            all.reverse();
        }
        all.retain(|info| options.includes(info.name.as_str()));
        all.truncate(options.limit);
        Ok(all)
    }
}

/// The page of the files that were there before.
fn pick(mut files: Vec<FileInfo>, options: &ListOptions) -> Result<Vec<FileInfo>> {
    options.check()?;
    if options.order == Order::Descending {
        files.reverse();
    }
    files.retain(|info| options.includes(info.name.as_str()));
    files.truncate(options.limit);
    Ok(files)
}

/// Whether a text begins with a pattern: `_` stands for any letter in it, and `%` for any number.
fn is_like(text: &str, pattern: &str) -> bool {
    let Some(sign) = pattern.chars().next() else {
        return true;
    };
    let rest = &pattern[sign.len_utf8()..];
    let after_first = text
        .chars()
        .next()
        .map(|first| (first, &text[first.len_utf8()..]));
    if sign == '%' {
        return is_like(text, rest) || after_first.is_some_and(|(_, text)| is_like(text, pattern));
    }
    after_first.is_some_and(|(first, text)| (sign == '_' || sign == first) && is_like(text, rest))
}
