//! Pages of records.

use futures_util::stream::{self, StreamExt as _};
use store::{FileName, ListOptions, Order};

use super::DeploymentStatus;
use crate::error::{Error, Result};
use crate::id::DeploymentId;
use crate::phase::Phase;
use crate::record::DeploymentRecord;
use crate::status::{ListQuery, RecordPage, UnreadableRecord};

/// How many records of a page are read at once: enough to hide a network's latency, few enough
/// not to crowd out the statuses of running deployments.
const PARALLEL_READS: usize = 16;

impl DeploymentStatus {
    pub(super) async fn list_page(&self, query: &ListQuery) -> Result<RecordPage> {
        let mut page = RecordPage::default();
        let mut after = query.after.map(|id| id.file_name().to_string());
        // With a filter, records are read ahead of knowing whether they count.
        let chunk = if query.phase.is_some() {
            256
        } else {
            query.limit.clamp(1, 1_000)
        };
        while page.records.len() < query.limit {
            let mut options = ListOptions::default()
                .with_prefix(DeploymentId::FILE_PREFIX)
                .with_order(Order::Descending)
                .with_limit(chunk);
            if let Some(after) = after.take() {
                options = options.with_after(after);
            }
            let files = self
                .store
                .get_files_list(&options)
                .await
                .map_err(Error::store("list deployments"))?;
            let is_last = files.len() < chunk;
            after = files.last().map(|file| file.name.to_string());
            let mut listed = stream::iter(files)
                .map(|file| self.read_listed(file.name))
                .buffered(PARALLEL_READS);
            while let Some(entry) = listed.next().await {
                match entry {
                    Some(Listed::Record(id, record)) => {
                        if !wanted(&record, query.phase.as_ref()) {
                            continue;
                        }
                        page.records.push(*record);
                        page.next = Some(id);
                        if page.records.len() == query.limit {
                            return Ok(page);
                        }
                    }
                    Some(Listed::Unreadable(record)) => page.unreadable.push(record),
                    Some(Listed::Failed(error)) => return Err(error),
                    None => {}
                }
            }
            if is_last {
                page.next = None;
                break;
            }
        }
        Ok(page)
    }

    async fn read_listed(&self, file: FileName) -> Option<Listed> {
        let id = DeploymentId::from_file_name(file.as_str())?;
        match self.read(&file).await {
            Ok(Some((record, _))) => Some(Listed::Record(id, Box::new(record))),
            Ok(None) => None,
            Err(error) => Some(match error {
                Error::BadRecord { reason, .. } => {
                    Listed::Unreadable(UnreadableRecord { id, reason })
                }
                other if other.is_retryable() => Listed::Failed(other),
                other => Listed::Unreadable(UnreadableRecord {
                    id,
                    reason: other.chain(),
                }),
            }),
        }
    }
}

enum Listed {
    Record(DeploymentId, Box<DeploymentRecord>),
    Unreadable(UnreadableRecord),
    Failed(Error),
}

fn wanted(record: &DeploymentRecord, phase: Option<&Phase>) -> bool {
    phase.is_none_or(|phase| record.deploy_status == phase.as_str())
}
