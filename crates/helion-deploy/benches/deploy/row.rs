//! The table, and the same as JSON.

use std::path::Path;

use anyhow::Result;
use serde_json::json;

/// One line of the table.
pub(crate) struct Row {
    what: &'static str,
    unit: &'static str,
    measured: f64,
    /// The same by the floor, where there is one.
    floor: Option<f64>,
    /// What was measured by the floor's.
    ratio: Option<f64>,
    limit: Limit,
    rounds: usize,
}

/// What has to hold.
#[derive(Clone, Copy)]
pub(crate) enum Limit {
    /// The time by the floor's.
    RatioAtMost(f64),
    /// The floor's time by ours.
    TimesAsFast(f64),
    /// What was measured, in the row's unit.
    AtMost(f64),
}

impl Row {
    /// From pairs of seconds, ours and the floor's: the median of the rounds' ratios.
    pub(crate) fn ratio(what: &'static str, limit: Limit, pairs: &[(f64, f64)]) -> Self {
        Self {
            what,
            unit: "ms",
            measured: median(pairs.iter().map(|(ours, _)| ours * 1e3)),
            floor: Some(median(pairs.iter().map(|(_, floor)| floor * 1e3))),
            ratio: Some(median(pairs.iter().map(|(ours, floor)| ours / floor))),
            limit,
            rounds: pairs.len(),
        }
    }

    /// The median of what the rounds measured, at most `limit`.
    pub(crate) fn absolute(
        what: &'static str,
        unit: &'static str,
        limit: f64,
        values: &[f64],
    ) -> Self {
        Self {
            what,
            unit,
            measured: median(values.iter().copied()),
            floor: None,
            ratio: None,
            limit: Limit::AtMost(limit),
            rounds: values.len(),
        }
    }

    fn is_reached(&self) -> bool {
        let ratio = self.ratio.unwrap_or(f64::INFINITY);
        match self.limit {
            Limit::RatioAtMost(most) => ratio <= most,
            Limit::TimesAsFast(least) => 1.0 / ratio >= least,
            Limit::AtMost(most) => self.measured <= most,
        }
    }

    fn verdict(&self) -> &'static str {
        if self.is_reached() {
            "reached"
        } else {
            "NOT reached"
        }
    }

    fn limit_text(&self) -> String {
        match self.limit {
            Limit::RatioAtMost(most) => format!("ratio <= {most:.2}"),
            Limit::TimesAsFast(least) => format!("{least:.2} x as fast"),
            Limit::AtMost(most) => format!("<= {most:.0} {}", self.unit),
        }
    }
}

/// Prints the table.
pub(crate) fn print(rows: &[Row]) {
    println!(
        "{:<34} {:>10} {:>10} {:<3} {:>6} {:>15}",
        "", "engine", "floor", "", "ratio", "limit"
    );
    for row in rows {
        let number =
            |value: Option<f64>| value.map_or(String::new(), |value| format!("{value:.2}"));
        println!(
            "{:<34} {:>10.2} {:>10} {:<3} {:>6} {:>15} {}",
            row.what,
            row.measured,
            number(row.floor),
            row.unit,
            number(row.ratio),
            row.limit_text(),
            row.verdict()
        );
    }
}

/// Writes the table to a file.
pub(crate) fn write(rows: &[Row], path: &Path) -> Result<()> {
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            json!({
                "what": row.what,
                "unit": row.unit,
                "measured": row.measured,
                "floor": row.floor,
                "ratio": row.ratio,
                "limit": row.limit_text(),
                "verdict": row.verdict(),
                "rounds": row.rounds,
            })
        })
        .collect();
    std::fs::write(path, serde_json::to_vec_pretty(&json!({ "rows": rows }))?)?;
    println!("written to {}", path.display());
    Ok(())
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
