//! Records as a person reads them.

use std::io::{self, IsTerminal as _};
use std::time::{Duration, SystemTime};

use deployment::{DeploymentRecord, StepRecord};

use crate::follow::Followed;
use crate::output::{on_one_line, printable};
use crate::paint::Paint;
use crate::quantity;
use crate::width::{columns, padded};

/// A record with its history, and why it did not succeed.
pub(crate) fn record(record: &DeploymentRecord, paint: Paint) -> String {
    let mut lines = facts(record, paint);
    lines.push("history".to_owned());
    let history = record.history.iter();
    lines.extend(history.map(|line| format!("  {}", printable(line))));
    lines.extend(failed_step_lines(record, paint));
    lines.join("\n")
}

/// A record that was followed to its end: a terminal that has just shown each step is not told them
/// again.
pub(crate) fn followed(followed: &Followed, paint: Paint) -> String {
    match followed {
        Followed::Here(record) if io::stdout().is_terminal() && io::stderr().is_terminal() => {
            end(record, paint)
        }
        Followed::Here(record) | Followed::Elsewhere(record) => self::record(record, paint),
    }
}

/// A record without its history.
fn end(record: &DeploymentRecord, paint: Paint) -> String {
    let mut lines = facts(record, paint);
    lines.extend(failed_step_lines(record, paint));
    lines.join("\n")
}

fn facts(record: &DeploymentRecord, paint: Paint) -> Vec<String> {
    let mut lines = vec![
        format!("deployment   {}", on_one_line(&record.deploy_id)),
        format!("package      {}", on_one_line(&record.package)),
        format!(
            "status       {}",
            paint.status(&on_one_line(&record.deploy_status))
        ),
        format!("since        {} UTC", on_one_line(&record.datetime)),
    ];
    if !record.destination.is_empty() {
        lines.push(format!("destination  {}", on_one_line(&record.destination)));
    }
    if let Some(engine) = &record.engine {
        lines.push(format!("endpoint     {}", on_one_line(&engine.endpoint)));
        if let Some(error) = &engine.error {
            let step = error
                .step
                .as_deref()
                .map_or(String::new(), |step| format!("{step}: "));
            let message = printable(&format!("{step}{}", error.message));
            lines.push(format!("error        {}", paint.bad(&message)));
        }
    }
    lines
}

/// What the step that the deployment ended at printed, under its command line.
fn failed_step_lines(record: &DeploymentRecord, paint: Paint) -> Vec<String> {
    let Some(step) = failed_step(record) else {
        return Vec::new();
    };
    let heading = format!("{}: {}", step.command, step.outcome);
    let mut lines = vec![paint.strong(&on_one_line(&heading))];
    let output = step.output_tail.lines();
    lines.extend(output.map(|line| format!("  {}", printable(line))));
    lines
}

/// The step that the deployment ended at.
fn failed_step(record: &DeploymentRecord) -> Option<&StepRecord> {
    let engine = record.engine.as_ref()?;
    let status = engine.error.as_ref()?.step.as_ref()?;
    engine
        .steps
        .iter()
        .rev()
        .find(|step| step.status == *status && !step.accepted)
}

/// What one step printed, under its command line.
pub(crate) fn step(step: &StepRecord, paint: Paint) -> String {
    let heading = format!(
        "== {} [{}] {} ({}.{:03} s)",
        step.status,
        step.outcome,
        step.command,
        step.took_ms / 1_000,
        step.took_ms % 1_000
    );
    let mut parts = vec![paint.strong(&on_one_line(&heading))];
    if !step.output_head.is_empty() {
        parts.push(printable(&step.output_head));
        let cut = format!("… {} bytes in all, the end is:", step.output_bytes);
        parts.push(paint.dim(&cut));
    }
    parts.push(printable(&step.output_tail));
    parts.join("\n").trim_end().to_owned()
}

/// When something was recorded; `None` for what is no time.
pub(crate) fn time(datetime: &str) -> Option<SystemTime> {
    humantime::parse_rfc3339_weak(datetime).ok()
}

/// How long a deployment has taken up to its end, or up to `now` while it has none.
pub(crate) fn took(record: &DeploymentRecord, now: SystemTime) -> Option<Duration> {
    let (began, _) = record.history.first()?.split_once(" ~ ")?;
    let ended = if record.is_terminal() {
        time(&record.datetime)?
    } else {
        now
    };
    ended.duration_since(time(began)?).ok()
}

/// Records below each other, with the time that each took up to `now` or to its end.
pub(crate) fn record_table(records: &[DeploymentRecord], now: SystemTime, paint: Paint) -> String {
    let rows = records.iter().map(|record| {
        let since = record.datetime.split('.').next().unwrap_or_default();
        let took = took(record, now).map_or(String::new(), quantity::time);
        [
            on_one_line(&record.deploy_id),
            paint.status(&on_one_line(&record.deploy_status)),
            on_one_line(since),
            took,
            on_one_line(&record.package),
            // A narrow terminal breaks the line, and then it is the least needed that is on the next one.
            on_one_line(&record.destination),
        ]
    });
    let heading = [
        "DEPLOYMENT",
        "STATUS",
        "SINCE (UTC)",
        "TOOK",
        "PACKAGE",
        "DESTINATION",
    ];
    table(heading, &rows.collect::<Vec<_>>())
}

/// Rows of printable cells under a heading, each column as wide as its widest cell.
pub(crate) fn table<const N: usize>(heading: [&str; N], rows: &[[String; N]]) -> String {
    let mut widths = heading.map(str::len);
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(columns(cell));
        }
    }
    let line = |cells: &[String; N]| {
        let cells = cells.iter().zip(widths);
        let padded = cells.map(|(cell, width)| padded(cell, width));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(&heading.map(str::to_owned))];
    lines.extend(rows.iter().map(line));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_is_seen_in_them() {
        let rows = [
            ["日本".to_owned(), "x".to_owned()],
            [Paint::Colours.status("FAILED"), "y".to_owned()],
        ];
        assert_eq!(
            table(["A", "B"], &rows),
            "A       B\n日本    x\n\u{1b}[31mFAILED\u{1b}[0m  y"
        );
    }

    #[test]
    fn the_end_of_a_record_leaves_out_what_led_to_it() {
        let text = br#"{"datetime": "2026-07-08 14:37:00.500000", "deploy_id": "x",
            "deploy_status": "FAILED", "history": ["2026-07-08 14:35:00.000000 ~ INIT"],
            "package": "foo"}"#;
        let record = DeploymentRecord::parse("x", text).unwrap();
        let whole = self::record(&record, Paint::Plain);
        let end = end(&record, Paint::Plain);
        let led = "\nhistory\n  2026-07-08 14:35:00.000000 ~ INIT";
        assert_eq!(whole, format!("{end}{led}"));
        assert!(end.contains("FAILED") && !end.contains("INIT"), "{end}");
    }

    #[test]
    fn a_deployment_took_the_time_from_its_first_status_to_its_last() {
        let text = br#"{"datetime": "2026-07-08 14:37:00.500000", "deploy_id": "x",
            "deploy_status": "SUCCESS", "history": ["2026-07-08 14:35:00.000000 ~ INIT"]}"#;
        let mut record = DeploymentRecord::parse("x", text).unwrap();
        let later = time("2026-07-08 15:35:00").unwrap();
        assert_eq!(took(&record, later), Some(Duration::from_millis(120_500)));
        record.deploy_status = "LOGIN".to_owned();
        assert_eq!(took(&record, later), Some(Duration::from_hours(1)));
        record.history = vec!["yesterday ~ INIT".to_owned()];
        assert_eq!(took(&record, later), None);
    }
}
