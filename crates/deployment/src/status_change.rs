//! Building a status change, and applying it to a record.

use std::time::SystemTime;

use crate::error::{Error, Result};
use crate::id::DeploymentId;
use crate::phase::Phase;
use crate::record::{DeploymentRecord, ENGINE_SCHEMA, EngineRecord, ErrorRecord, StepRecord};
use crate::record_limits::RecordLimits;
use crate::status::{StatusChange, Subject};
use crate::timestamp;

impl Subject {
    /// Describes a deployment of `package`, owned by nobody yet.
    #[must_use]
    pub fn new(package: impl Into<String>, destination: impl Into<String>) -> Self {
        let package = package.into();
        Self {
            application: package.clone(),
            package,
            destination: destination.into(),
            endpoint: String::new(),
            owner: String::new(),
            idempotency_key: None,
            space: None,
            redeploy_of: None,
        }
    }
}

impl StatusChange {
    /// A change that reaches `phase` at `time`.
    #[must_use]
    pub fn reach(phase: Phase, time: SystemTime) -> Self {
        Self {
            reached: vec![(phase, time)],
            ..Self::default()
        }
    }

    /// The change that begins a record.
    #[must_use]
    pub fn begin(subject: Subject, time: SystemTime) -> Self {
        Self {
            subject: Some(Box::new(subject)),
            ..Self::reach(Phase::Init, time)
        }
    }

    /// The change that ends `record`, whose owner did not renew its lease, as `INTERRUPTED`.
    ///
    /// It is refused when the owner renews the lease before it is applied.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use deployment::{DeploymentId, Error, StatusChange, Subject};
    ///
    /// let (id, now) = (DeploymentId::generate(), SystemTime::now());
    /// let begin = StatusChange::begin(Subject::new("hello-world", ""), now).with_lease(now);
    /// let record = begin.apply(&id, None)?;
    ///
    /// let later = now + Duration::from_secs(120);
    /// let interrupt = StatusChange::interrupt(&record, later);
    /// assert_eq!(interrupt.apply(&id, Some(&record))?.deploy_status, "INTERRUPTED");
    ///
    /// // An owner that was only slow keeps its record.
    /// let renewed = StatusChange::default().with_lease(later).apply(&id, Some(&record))?;
    /// let error = interrupt.apply(&id, Some(&renewed)).unwrap_err();
    /// assert!(matches!(error, Error::LostOwnership { .. }));
    /// # Ok::<(), deployment::Error>(())
    /// ```
    #[must_use]
    pub fn interrupt(record: &DeploymentRecord, time: SystemTime) -> Self {
        let engine = record.engine.as_ref();
        let owner = engine.map_or("", |engine| engine.owner.as_str());
        let lease = engine.and_then(|engine| engine.lease_until.as_deref());
        let message = format!(
            "its owner `{owner}` did not renew the lease, which ended at {}",
            lease.unwrap_or("an unknown time")
        );
        Self {
            seen_lease: record.lease_until(),
            error: Some(ErrorRecord::new(None, message)),
            ..Self::reach(Phase::Interrupted, time)
        }
    }

    /// Adds a finished step.
    ///
    /// # Examples
    ///
    /// A step and the status that it reached, in one write:
    ///
    /// ```
    /// use std::time::SystemTime;
    /// use batch::{Status, StepOutcome, StepReport};
    /// use deployment::{DeploymentId, Phase, StatusChange, StepRecord, Subject};
    ///
    /// let (id, now) = (DeploymentId::generate(), SystemTime::now());
    /// let begun = StatusChange::begin(Subject::new("hello-world", ""), now).apply(&id, None)?;
    ///
    /// let listed = Status::new("LISTED")?;
    /// let report = StepReport::new(listed.clone(), "cf apps", StepOutcome::Exited { code: 0 });
    /// let change = StatusChange::reach(Phase::Step(listed), now).with_step(StepRecord::from(&report));
    /// let record = change.apply(&id, Some(&begun))?;
    /// assert_eq!(record.deploy_status, "LISTED");
    /// assert_eq!(record.engine.map(|engine| engine.steps.len()), Some(1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_step(mut self, step: StepRecord) -> Self {
        self.steps.push(step);
        self
    }

    /// Says why the deployment did not succeed.
    #[must_use]
    pub fn with_error(mut self, error: ErrorRecord) -> Self {
        self.error = Some(error);
        self
    }

    /// Says until when the owner is taken to be alive.
    #[must_use]
    pub fn with_lease(mut self, until: SystemTime) -> Self {
        self.lease_until = Some(until);
        self
    }

    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Puts a later change behind this one, so that both are one write.
    pub(crate) fn append(&mut self, later: Self) {
        self.reached.extend(later.reached);
        self.steps.extend(later.steps);
        self.error = later.error.or(self.error.take());
        self.lease_until = later.lease_until.or(self.lease_until);
        self.subject = self.subject.take().or(later.subject);
        self.seen_lease = later.seen_lease.or(self.seen_lease);
    }

    /// What is left of this change when `earlier`, which it begins with, was already written;
    /// `None` when it does not begin with it.
    ///
    /// A status that is handed in again has a later time, and is the same one all the same.
    pub(crate) fn without(&self, earlier: &Self) -> Option<Self> {
        let phases = |change: &Self| {
            change
                .reached
                .iter()
                .map(|(phase, _)| phase.clone())
                .collect()
        };
        let (own, before): (Vec<Phase>, Vec<Phase>) = (phases(self), phases(earlier));
        let is_empty = before.is_empty() && earlier.steps.is_empty();
        if is_empty || !own.starts_with(&before) || !self.steps.starts_with(&earlier.steps) {
            return None;
        }
        Some(Self {
            reached: self.reached[before.len()..].to_vec(),
            steps: self.steps[earlier.steps.len()..].to_vec(),
            ..self.clone()
        })
    }

    /// The record of `id` with this change applied to `current` (`None`: there is none yet), which
    /// keeps the usual [limits](RecordLimits).
    ///
    /// # Errors
    ///
    /// Those of [`apply_within`](Self::apply_within).
    pub fn apply(
        &self,
        id: &DeploymentId,
        current: Option<&DeploymentRecord>,
    ) -> Result<DeploymentRecord> {
        self.apply_within(&RecordLimits::default(), id, current)
    }

    /// The record of `id` with this change applied to `current` (`None`: there is none yet), which
    /// keeps `limits`.
    ///
    /// # Errors
    ///
    /// - [`Error::IllegalMove`]: a phase may not follow the one before it.
    /// - [`Error::HistoryFull`]: the history has as many statuses as it may; it takes an ending
    ///   still.
    /// - [`Error::NewerRecord`]: `current` was written by a newer engine.
    /// - [`Error::LostOwnership`]: `current` has another lease than the change was decided on.
    pub fn apply_within(
        &self,
        limits: &RecordLimits,
        id: &DeploymentId,
        current: Option<&DeploymentRecord>,
    ) -> Result<DeploymentRecord> {
        let mut record = current
            .cloned()
            .unwrap_or_else(|| DeploymentRecord::empty(id));
        if let Some(schema) = record.newer_schema() {
            let file = id.file_name().to_string();
            return Err(Error::NewerRecord {
                file,
                schema,
                known: ENGINE_SCHEMA,
            });
        }
        if self.seen_lease.is_some() && self.seen_lease != record.lease_until() {
            return Err(Error::LostOwnership { id: *id });
        }
        if let Some(subject) = &self.subject {
            Subject::clone(subject).write_into(&mut record);
        }
        let mut previous = current.and_then(DeploymentRecord::phase);
        for (phase, time) in &self.reached {
            phase.after(previous.as_ref())?;
            if record.history.len() >= limits.history() && !phase.is_terminal() {
                return Err(Error::HistoryFull {
                    id: *id,
                    limit: limits.history(),
                });
            }
            record.datetime = timestamp::to_text(*time);
            record.deploy_status = phase.to_string();
            record
                .history
                .push(format!("{} ~ {phase}", record.datetime));
            previous = Some(phase.clone());
        }
        self.write_engine(limits, &mut record);
        Ok(record)
    }

    fn write_engine(&self, limits: &RecordLimits, record: &mut DeploymentRecord) {
        if self.steps.is_empty() && self.error.is_none() && self.lease_until.is_none() {
            return;
        }
        let engine = record.engine.get_or_insert_with(EngineRecord::fresh);
        engine.steps.extend(self.steps.iter().cloned());
        engine.forget_old_steps(limits);
        if let Some(error) = &self.error {
            engine.error = Some(error.clone());
        }
        if let Some(until) = self.lease_until {
            engine.lease_until = Some(timestamp::to_text(until));
        }
    }
}

impl EngineRecord {
    fn fresh() -> Self {
        Self {
            schema: ENGINE_SCHEMA,
            attempt: 1,
            ..Self::default()
        }
    }

    /// Keeps the newest steps and their output within `limits`: what the older ones printed goes
    /// first, then those steps themselves.
    fn forget_old_steps(&mut self, limits: &RecordLimits) {
        let lines = |step: &StepRecord| step.command.len() + step.outcome.len();
        let mut told = 0;
        let kept = self.steps.iter().rev().take(limits.steps());
        let kept = kept.take_while(|step| {
            told += lines(step);
            told <= limits.output()
        });
        let dropped = self.steps.len() - kept.count();
        self.steps.drain(..dropped);
        self.steps_dropped += dropped as u64;
        let mut used: usize = self.steps.iter().map(lines).sum();
        for step in self.steps.iter_mut().rev() {
            used += step.output_head.len() + step.output_tail.len();
            if used > limits.output() {
                step.output_head.clear();
                step.output_tail.clear();
            }
        }
    }
}

impl Subject {
    fn write_into(self, record: &mut DeploymentRecord) {
        record.package = self.package;
        record.destination = self.destination;
        let engine = record.engine.get_or_insert_with(EngineRecord::fresh);
        engine.owner = self.owner;
        engine.endpoint = self.endpoint;
        engine.application = self.application;
        engine.idempotency_key = self.idempotency_key;
        engine.space = self.space;
        engine.redeploy_of = self.redeploy_of.map(|id| id.to_string());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(second: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(second)
    }

    fn begun(id: &DeploymentId) -> DeploymentRecord {
        let subject = Subject::new("foo", "https://foo.x.io");
        StatusChange::begin(subject, at(1)).apply(id, None).unwrap()
    }

    #[test]
    fn the_record_has_the_originals_keys_and_formats() {
        let id = DeploymentId::generate();
        let record = begun(&id);
        assert_eq!(record.history, ["1970-01-01 00:00:01.000000 ~ INIT"]);
        assert_eq!(record.datetime, "1970-01-01 00:00:01.000000");
        assert_eq!(
            (record.package.as_str(), record.deploy_status.as_str()),
            ("foo", "INIT")
        );
        assert_eq!(record.deploy_id, id.to_string());
        assert_eq!(record.destination, "https://foo.x.io");
    }

    #[test]
    fn several_phases_in_one_change_are_several_history_lines() {
        let id = DeploymentId::generate();
        let mut change = StatusChange::reach(Phase::Downloading, at(2));
        change.append(StatusChange::reach(Phase::Started, at(3)));
        let record = change.apply(&id, Some(&begun(&id))).unwrap();
        assert_eq!(
            record.statuses().collect::<Vec<_>>(),
            ["INIT", "DOWNLOADING", "STARTED"]
        );
        assert_eq!(record.datetime, "1970-01-01 00:00:03.000000");
    }

    #[test]
    fn an_illegal_phase_anywhere_in_the_change_refuses_all_of_it() {
        let id = DeploymentId::generate();
        let mut change = StatusChange::reach(Phase::Success, at(2));
        change.append(StatusChange::reach(Phase::Failed, at(3)));
        assert!(matches!(
            change.apply(&id, Some(&begun(&id))),
            Err(Error::IllegalMove { .. })
        ));
    }

    #[test]
    fn a_record_stays_readable_however_much_its_steps_print() {
        let id = DeploymentId::generate();
        let mut record = begun(&id);
        for _ in 0..300 {
            let report = batch::StepReport::new(
                batch::Status::new("LIST").unwrap(),
                "helion list",
                batch::StepOutcome::Done,
            );
            let output = batch::CapturedOutput::from_text("\u{1}".repeat(20_000));
            let step = StepRecord::from(&report.with_output(output));
            let change = StatusChange::reach(Phase::parse("LIST").unwrap(), at(2)).with_step(step);
            record = change.apply(&id, Some(&record)).unwrap();
        }
        assert!((record.to_json().unwrap().len() as u64) < DeploymentRecord::MAX_BYTES);
        let steps = record.engine.unwrap().steps;
        assert_eq!(steps[0].output_tail, "");
        assert_eq!(steps[299].output_tail.len(), 20_000);
    }

    #[test]
    fn a_record_stays_readable_however_many_steps_it_has_and_whatever_they_say() {
        let id = DeploymentId::generate();
        let limits = RecordLimits::default().with_history(usize::MAX);
        let mut record = begun(&id);
        let (mut change, line) = (StatusChange::default(), "\u{1}".repeat(100_000));
        let status = batch::Status::new("A".repeat(64)).unwrap();
        let report = batch::StepReport::new(
            status.clone(),
            line.clone(),
            batch::StepOutcome::Failed {
                reason: line.clone(),
            },
        );
        for _ in 0..19_999 {
            change.append(StatusChange::reach(Phase::Step(status.clone()), at(2)));
        }
        for _ in 0..1_500 {
            change = change.with_step(StepRecord::from(&report));
        }
        record = change.apply_within(&limits, &id, Some(&record)).unwrap();
        let change = StatusChange::reach(Phase::Failed, at(2));
        let error = ErrorRecord::new(None, "\u{1}".repeat(1_000_000));
        let change = change.with_error(error);
        record = change.apply_within(&limits, &id, Some(&record)).unwrap();

        let bytes = record.to_json().unwrap();
        assert!(
            (bytes.len() as u64) < DeploymentRecord::MAX_BYTES,
            "{}",
            bytes.len()
        );
        let engine = record.engine.unwrap();
        assert_eq!(engine.steps_dropped + engine.steps.len() as u64, 1_500);
        assert!(engine.steps.len() > 100, "{}", engine.steps.len());
    }

    #[test]
    fn the_oldest_steps_go_first() {
        let id = DeploymentId::generate();
        let limits = RecordLimits::default().with_steps(20);
        let mut record = begun(&id);
        for number in 0..25 {
            let status = batch::Status::new("LIST").unwrap();
            let what = format!("step {number}");
            let report = batch::StepReport::new(status, what, batch::StepOutcome::Done);
            let change = StatusChange::default().with_step(StepRecord::from(&report));
            record = change.apply_within(&limits, &id, Some(&record)).unwrap();
        }
        let engine = record.engine.unwrap();
        assert_eq!((engine.steps.len(), engine.steps_dropped), (20, 5));
        assert_eq!(engine.steps[0].command, "step 5");
    }

    #[test]
    fn a_newer_record_is_never_changed() {
        let id = DeploymentId::generate();
        let newer = r#"{"deploy_id": "x", "deploy_status": "INIT", "engine": {"schema": 99}}"#;
        let newer = DeploymentRecord::parse("f", newer.as_bytes()).unwrap();
        let error = StatusChange::reach(Phase::Started, at(2))
            .apply(&id, Some(&newer))
            .unwrap_err();
        assert!(matches!(error, Error::NewerRecord { schema: 99, .. }));
    }

    #[test]
    fn a_full_history_still_takes_its_ending() {
        let id = DeploymentId::generate();
        let mut record = begun(&id);
        let limit = RecordLimits::default().history();
        record.history = vec!["x ~ LIST".to_owned(); limit];
        record.deploy_status = "LIST".to_owned();
        let step = Phase::parse("LIST").unwrap();
        let error = StatusChange::reach(step, at(2)).apply(&id, Some(&record));
        assert!(
            matches!(error, Err(Error::HistoryFull { limit: found, .. }) if found == limit),
            "{error:?}"
        );
        assert!(
            StatusChange::reach(Phase::Failed, at(2))
                .apply(&id, Some(&record))
                .is_ok()
        );
    }
}
