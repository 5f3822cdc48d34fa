//! What is stored of a deployment.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::id::DeploymentId;
use crate::phase::Phase;
use crate::platform::Space;
use crate::record_limits::ERROR_BYTES;
use crate::step_record::shorten;
use crate::timestamp;

/// The newest schema of the `engine` object that this engine writes.
pub const ENGINE_SCHEMA: u64 = 1;

/// A deployment's record, as it stands in `deployment_<id>.json`.
///
/// The first six fields are the original's, with its keys, types and formats; everything new is
/// in [`engine`](Self::engine).
/// Keys that this engine does not know are kept and written back.
///
/// # Source
///
/// `deploy_status.py` of dockerian/pyapi: `json.dumps(result, sort_keys=True)` of these keys.
///
/// # Examples
///
/// ```
/// let original = br#"{"datetime": "2015-07-08 14:35:52.951490",
///     "deploy_id": "6eeca9c0-257e-11e5-9760-985aeb8b7458", "deploy_status": "SUCCESS",
///     "destination": "http://node-env.15.125.107.133.xip.io", "history": [],
///     "package": "node-env"}"#;
/// let record = deployment::DeploymentRecord::parse("deployment_x.json", original)?;
/// assert_eq!(record.phase(), Some(deployment::Phase::Success));
/// assert!(record.engine.is_none());
/// # Ok::<(), deployment::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DeploymentRecord {
    /// When the last status was reached: `%Y-%m-%d %H:%M:%S.%f`, UTC.
    #[serde(default)]
    pub datetime: String,
    /// The deployment's id.
    pub deploy_id: String,
    /// The last status.
    pub deploy_status: String,
    /// The address that the application answers at, or empty.
    #[serde(default)]
    pub destination: String,
    /// What only this engine writes; absent from the original's records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<EngineRecord>,
    /// Every status so far, as `<datetime> ~ <STATUS>`.
    #[serde(default)]
    pub history: Vec<String>,
    /// The package's name.
    #[serde(default)]
    pub package: String,
    /// Keys that others wrote; for a record of a newer schema, its whole `engine` object too.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The facts that the original did not keep.
///
/// # Examples
///
/// ```
/// use deployment::DeploymentRecord;
///
/// let json = br#"{
///     "deploy_id": "019571ff-3c1b-7d2e-8a5f-0123456789ab", "deploy_status": "TARGET",
///     "engine": {"schema": 1, "endpoint": "https://api.example.com", "application": "shop"}
/// }"#;
/// let record = DeploymentRecord::parse("deployment_x.json", json)?;
/// let engine = record.engine.unwrap_or_default(); // empty where the original wrote the record
/// assert_eq!(engine.application, "shop");
/// assert!(engine.steps.is_empty());
/// # Ok::<(), deployment::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EngineRecord {
    /// The schema of this object; see [`ENGINE_SCHEMA`].
    pub schema: u64,
    /// The running engine that alone may write this record.
    #[serde(default)]
    pub owner: String,
    /// Until when the owner is taken to be alive, unless it writes again; `datetime`'s format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_until: Option<String>,
    /// How many times the work was begun.
    #[serde(default)]
    pub attempt: u32,
    /// The key by which a repeated request finds this deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// The platform's address.
    #[serde(default)]
    pub endpoint: String,
    /// The application's name on the platform.
    #[serde(default)]
    pub application: String,
    /// Where on the platform it was deployed to; its default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub space: Option<Space>,
    /// The id of the deployment that this one repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redeploy_of: Option<String>,
    /// Why the deployment ended otherwise than in `SUCCESS`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorRecord>,
    /// What was done, in order, with its output; the newest of it where that is more than the
    /// [limits](crate::RecordLimits) allow.
    #[serde(default)]
    pub steps: Vec<StepRecord>,
    /// How many steps before those were left out.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub steps_dropped: u64,
    /// Keys of this object that this engine does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Why a deployment did not succeed.
///
/// # Examples
///
/// ```
/// use deployment::DeploymentRecord;
///
/// let json = br#"{
///     "deploy_id": "019571ff-3c1b-7d2e-8a5f-0123456789ab", "deploy_status": "FAILED",
///     "engine": {"schema": 1, "error": {"step": "LOGIN", "message": "exit code 1"}}
/// }"#;
/// let record = DeploymentRecord::parse("deployment_x.json", json)?;
/// let error = record.engine.and_then(|engine| engine.error);
/// let text = error.map(|error| format!("{}: {}", error.step.unwrap_or_default(), error.message));
/// assert_eq!(text.as_deref(), Some("LOGIN: exit code 1"));
/// # Ok::<(), deployment::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ErrorRecord {
    /// The status that was not reached, where a step is at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The reason in words, with its causes.
    pub message: String,
}

impl ErrorRecord {
    pub(crate) fn new(step: Option<String>, message: impl Into<String>) -> Self {
        Self {
            step,
            message: shorten(message.into(), ERROR_BYTES),
        }
    }
}

/// One step: a command, or work of the engine's own.
///
/// # Examples
///
/// What an [`IStatus`](crate::IStatus) of one's own keeps of a step:
///
/// ```
/// use batch::{CapturedOutput, Status, StepOutcome, StepReport};
/// use deployment::StepRecord;
///
/// let outcome = StepOutcome::Exited { code: 1 };
/// let report = StepReport::new(Status::new("LISTED")?, "helion list", outcome)
///     .with_output(CapturedOutput::from_text("not logged in\n"));
/// let step = StepRecord::from(&report);
/// assert_eq!((step.outcome.as_str(), step.exit_code), ("exit code 1", Some(1)));
/// assert_eq!(step.output_tail, "not logged in\n");
/// # Ok::<(), batch::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StepRecord {
    /// The status that the step was to reach.
    pub status: String,
    /// The command line, secrets as `***`, or what the engine did.
    pub command: String,
    /// How it ended, in words: `exit code 1`, `timed out after 30s`.
    pub outcome: String,
    /// The exit code of a command that exited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// Whether the deployment went on after it.
    pub accepted: bool,
    /// When it began; the record's `datetime` format.
    pub started: String,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// The beginning of an output that is not kept whole, up to 4 KiB, bytes that are not UTF-8
    /// replaced.
    #[serde(default)]
    pub output_head: String,
    /// The end of its output, up to 16 KiB; all of one of up to 20 KiB.
    #[serde(default)]
    pub output_tail: String,
    /// How many bytes it printed in all.
    #[serde(default)]
    pub output_bytes: u64,
}

impl DeploymentRecord {
    /// The largest record that is read or written, in bytes: more than the
    /// [limits](crate::RecordLimits) on history and output let the engine write.
    pub const MAX_BYTES: u64 = 16 * 1024 * 1024;

    /// Reads the record in `bytes`, found under `file`.
    ///
    /// A record of a newer schema is read as far as the original's keys go; its `engine` object
    /// stays in [`other`](Self::other).
    ///
    /// # Errors
    ///
    /// [`Error::BadRecord`]: it is not JSON, or a key has the wrong type.
    ///
    /// # Examples
    ///
    /// ```
    /// use deployment::{DeploymentRecord, Error};
    ///
    /// let error = DeploymentRecord::parse("deployment_x.json", b"{}").unwrap_err();
    /// assert!(matches!(error, Error::BadRecord { .. }));
    /// ```
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Self> {
        let bad = |error: serde_json::Error| Error::BadRecord {
            file: file.to_owned(),
            reason: error.to_string(),
        };
        let mut value: Map<String, Value> = serde_json::from_slice(bytes).map_err(bad)?;
        let newer = match value.get("engine").and_then(|engine| engine.get("schema")) {
            Some(schema) if schema.as_u64().is_none_or(|known| known > ENGINE_SCHEMA) => {
                value.remove("engine")
            }
            _ => None,
        };
        let mut record: Self = serde_json::from_value(Value::Object(value)).map_err(bad)?;
        if let Some(engine) = newer {
            record.other.insert("engine".to_owned(), engine);
        }
        Ok(record)
    }

    /// The record as it is stored: one JSON object.
    ///
    /// # Errors
    ///
    /// [`Error::BadRecord`] where the record cannot be written as JSON.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        let mut json = serde_json::to_vec(self).map_err(|error| Error::BadRecord {
            file: format!("{}{}.json", DeploymentId::FILE_PREFIX, self.deploy_id),
            reason: error.to_string(),
        })?;
        // A store in memory keeps the bytes as they are, with twice the room where it was grown.
        json.shrink_to_fit();
        Ok(json)
    }

    /// The last status as a phase; `None` when the text is no status word.
    #[must_use]
    pub fn phase(&self) -> Option<Phase> {
        Phase::parse(&self.deploy_status)
    }

    /// Whether the deployment has ended.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        self.phase().is_some_and(|phase| phase.is_terminal())
    }

    /// The status words of the history, in order.
    ///
    /// # Examples
    ///
    /// ```
    /// use deployment::DeploymentRecord;
    ///
    /// let json = br#"{
    ///     "deploy_id": "6eeca9c0-257e-11e5-9760-985aeb8b7458", "deploy_status": "STARTED",
    ///     "history": ["2015-07-08 14:35:00.000000 ~ INIT", "2015-07-08 14:35:02.951490 ~ STARTED"]
    /// }"#;
    /// let record = DeploymentRecord::parse("deployment_x.json", json)?;
    /// assert_eq!(record.statuses().collect::<Vec<_>>(), ["INIT", "STARTED"]);
    /// # Ok::<(), deployment::Error>(())
    /// ```
    pub fn statuses(&self) -> impl Iterator<Item = &str> {
        self.history
            .iter()
            .map(|line| line.rsplit_once(" ~ ").map_or(line.as_str(), |(_, s)| s))
    }

    /// The schema of a record that a newer engine wrote, which may not be written back.
    ///
    /// # Examples
    ///
    /// ```
    /// use deployment::{DeploymentRecord, ENGINE_SCHEMA};
    ///
    /// let json = br#"{"deploy_id": "x", "deploy_status": "SUCCESS", "engine": {"schema": 99}}"#;
    /// let record = DeploymentRecord::parse("deployment_x.json", json)?;
    /// assert!(record.is_terminal());
    /// assert_eq!(record.newer_schema(), Some(99));
    /// assert!(ENGINE_SCHEMA < 99);
    /// # Ok::<(), deployment::Error>(())
    /// ```
    #[must_use]
    pub fn newer_schema(&self) -> Option<u64> {
        let engine = self.other.get("engine")?;
        Some(
            engine
                .get("schema")
                .and_then(Value::as_u64)
                .unwrap_or(u64::MAX),
        )
    }

    /// Until when the owner is taken to be alive.
    #[must_use]
    pub fn lease_until(&self) -> Option<SystemTime> {
        timestamp::from_text(self.engine.as_ref()?.lease_until.as_deref()?)
    }

    pub(crate) fn empty(id: &DeploymentId) -> Self {
        Self {
            datetime: String::new(),
            deploy_id: id.to_string(),
            deploy_status: String::new(),
            destination: String::new(),
            engine: None,
            history: Vec::new(),
            package: "N/A".to_owned(),
            other: Map::new(),
        }
    }
}

#[cfg(test)]
#[path = "record/tests.rs"]
mod tests;
