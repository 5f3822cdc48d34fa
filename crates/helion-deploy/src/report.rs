//! Records as a person reads them.

use deployment::{DeploymentRecord, StepRecord};

use crate::output::printable;

/// A record with its history, and why it did not succeed.
pub(crate) fn record(record: &DeploymentRecord) -> String {
    let mut lines = vec![
        format!("deployment   {}", record.deploy_id),
        format!("package      {}", record.package),
        format!("status       {}", record.deploy_status),
        format!("since        {} UTC", record.datetime),
    ];
    if !record.destination.is_empty() {
        lines.push(format!("destination  {}", record.destination));
    }
    if let Some(engine) = &record.engine {
        lines.push(format!("endpoint     {}", engine.endpoint));
        if let Some(error) = &engine.error {
            let step = error
                .step
                .as_deref()
                .map_or(String::new(), |step| format!("{step}: "));
            lines.push(format!("error        {step}{}", error.message));
        }
    }
    lines.push("history".to_owned());
    lines.extend(record.history.iter().map(|line| format!("  {line}")));
    if let Some(step) = failed_step(record) {
        lines.push(format!("{}: {}", step.command, step.outcome));
        lines.extend(step.output_tail.lines().map(|line| format!("  {line}")));
    }
    printable(&lines.join("\n"))
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
pub(crate) fn step(step: &StepRecord) -> String {
    let heading = format!(
        "== {} [{}] {} ({}.{:03} s)",
        step.status,
        step.outcome,
        step.command,
        step.took_ms / 1_000,
        step.took_ms % 1_000
    );
    let cut = format!("… {} bytes in all, the end is:", step.output_bytes);
    let parts = if step.output_head.is_empty() {
        vec![heading, step.output_tail.clone()]
    } else {
        vec![
            heading,
            step.output_head.clone(),
            cut,
            step.output_tail.clone(),
        ]
    };
    printable(parts.join("\n").trim_end())
}

/// Rows under a heading, as wide as their widest cell.
pub(crate) fn table<const N: usize>(heading: [&str; N], rows: &[[String; N]]) -> String {
    let mut widths = heading.map(str::len);
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &[String; N]| {
        let padded = cells
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:<width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(&heading.map(str::to_owned))];
    lines.extend(rows.iter().map(line));
    printable(&lines.join("\n"))
}
