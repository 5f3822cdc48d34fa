//! The table, and the same as JSON.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::case::{Case, Limit};

/// What was measured of one work.
#[derive(Debug)]
pub(super) struct Row {
    backend: &'static str,
    work: String,
    unit: &'static str,
    measured: f64,
    floor: Option<f64>,
    /// The floor's time by the store's, where there is a floor.
    ratio: Option<f64>,
    limit: Option<Limit>,
    rounds: usize,
}

impl Row {
    /// From pairs of seconds, the store's and its floor's.
    pub(super) fn of_times(case: &Case<'_>, pairs: &[(f64, f64)]) -> Self {
        let (unit, scale) = case.unit;
        Self {
            backend: case.backend,
            work: case.work.to_owned(),
            unit,
            measured: median(pairs.iter().map(|(store, _)| store * scale)),
            floor: Some(median(pairs.iter().map(|(_, floor)| floor * scale))),
            ratio: Some(median(pairs.iter().map(|(store, floor)| floor / store))),
            limit: case.limit,
            rounds: pairs.len(),
        }
    }

    /// Of the memory over base, in MiB.
    pub(super) fn of_memory(backend: &'static str, bytes: usize, mib: f64, most: f64) -> Self {
        Self {
            backend,
            work: format!("memory at {} MiB", bytes >> 20),
            unit: "MiB",
            measured: mib,
            floor: None,
            ratio: None,
            limit: Some(Limit::MeasuredAtMost(most)),
            rounds: 1,
        }
    }

    /// Whether the limit holds, for what was measured and not for the digits that are printed.
    fn is_reached(&self) -> Option<bool> {
        self.limit.map(|limit| match limit {
            Limit::RatioAtLeast(least) => self.ratio.is_some_and(|ratio| ratio >= least),
            Limit::MeasuredAtMost(most) => self.measured <= most,
        })
    }

    fn verdict(&self) -> &'static str {
        match self.is_reached() {
            Some(true) => "reached",
            Some(false) => "NOT reached",
            None => "",
        }
    }

    fn limit_text(&self) -> String {
        match self.limit {
            Some(Limit::RatioAtLeast(least)) => format!(">= {least:.2}"),
            Some(Limit::MeasuredAtMost(most)) => format!("<= {most} {}", self.unit),
            None => String::new(),
        }
    }

    fn json(&self) -> Value {
        json!({
            "backend": self.backend,
            "work": self.work,
            "unit": self.unit,
            "measured": self.measured,
            "floor": self.floor,
            "ratio": self.ratio,
            "limit": self.limit_text(),
            "verdict": self.verdict(),
            "rounds": self.rounds,
        })
    }
}

/// Prints the table; `floor` is what the other column is called.
pub(super) fn print(rows: &[Row], floor: &str) {
    println!(
        "{:<7} {:<18} {:>10} {:>11} {:<4} {:>6} {:>10}",
        "", "", "store", floor, "", "ratio", "limit"
    );
    for row in rows {
        let number =
            |value: Option<f64>| value.map_or(String::new(), |value| format!("{value:.2}"));
        println!(
            "{:<7} {:<18} {:>10.2} {:>11} {:<4} {:>6} {:>10} {}",
            row.backend,
            row.work,
            row.measured,
            number(row.floor),
            row.unit,
            number(row.ratio),
            row.limit_text(),
            row.verdict()
        );
    }
}

pub(super) fn write(rows: &[Row], path: &Path) -> Result<()> {
    let rows: Vec<_> = rows.iter().map(Row::json).collect();
    std::fs::write(path, serde_json::to_vec_pretty(&json!({ "rows": rows }))?)?;
    println!("written to {}", path.display());
    Ok(())
}

/// The folder that cargo builds in.
pub(super) fn target_folder() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    // target/release/deps/store-…
    let target = program.ancestors().nth(3).map(Path::to_owned);
    target.context("the bench does not run from a target folder")
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
