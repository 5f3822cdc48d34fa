//! Records that cannot be read, or not as a whole.

use deployment::{Deployer, DeploymentRecord, ListQuery};

use crate::failure::Failure;
use crate::message;
use crate::report;

/// How many records are read at once.
const PAGE: usize = 500;

/// What to do about them.
pub(crate) const WHAT_TO_DO: &str = "they stay until their files go from the store: a record's is \
                                     deployment_<id>.json; a backup may have it whole, and what is \
                                     newer is read by the helion-deploy that wrote it";

/// The ids of all such records, with the reasons.
pub(crate) async fn all(deployer: &Deployer) -> Result<Vec<(String, String)>, Failure> {
    let mut found = Vec::new();
    let mut query = ListQuery::default().with_limit(PAGE);
    loop {
        let page = deployer.list(&query).await?;
        let unread = page.unreadable.into_iter();
        found.extend(unread.map(|record| (record.id.to_string(), record.reason)));
        for record in page.records {
            if let Some(reason) = flaw(&record) {
                found.push((record.deploy_id, reason));
            }
        }
        match page.next {
            Some(next) => query = query.with_after(next),
            None => return Ok(found),
        }
    }
}

/// What of a record that was read is not understood.
fn flaw(record: &DeploymentRecord) -> Option<String> {
    if record.newer_schema().is_some() {
        return Some("a newer version wrote it".to_owned());
    }
    let is_undated = record.is_terminal() && report::time(&record.datetime).is_none();
    is_undated.then(|| format!("`{}` is no time", record.datetime))
}

/// Names one.
pub(crate) fn say(id: &str, reason: &str) {
    message::say(&format!("deployment {id} is unreadable: {reason}"));
}
