//! Records that cannot be read, or not as a whole.

use deployment::UnreadableRecord;
use serde_json::{Value, json};

use crate::message;

/// What to do about them.
pub(crate) const WHAT_TO_DO: &str = "they stay until their files go from the store: a record's is \
                                     deployment_<id>.json; a backup may have it whole, and what is \
                                     newer is read by the helion-deploy that wrote it";

/// Names each.
pub(crate) fn say(records: &[UnreadableRecord]) {
    for UnreadableRecord { id, reason, .. } in records {
        message::say(&format!("deployment {id} is unreadable: {reason}"));
    }
}

/// Names each in a document.
pub(crate) fn to_json(records: &[UnreadableRecord]) -> Vec<Value> {
    let named =
        |record: &UnreadableRecord| json!({ "deploy_id": record.id, "reason": record.reason });
    records.iter().map(named).collect()
}
