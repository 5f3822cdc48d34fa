//! The table and its file.

use std::path::Path;

use anyhow::Result;
use serde_json::json;

/// One line of the table.
pub(crate) struct Row {
    what: &'static str,
    unit: &'static str,
    value: f64,
    limit: f64,
    rounds: usize,
    /// What was measured on both sides, for whoever reads the file.
    sides: Option<(f64, f64)>,
}

impl Row {
    /// The median of the rounds' ratios of what is measured to its floor.
    pub(crate) fn ratio(what: &'static str, limit: f64, pairs: &[(f64, f64)]) -> Self {
        Self {
            what,
            unit: "x",
            value: median(pairs.iter().map(|(ours, floor)| ours / floor)),
            limit,
            rounds: pairs.len(),
            sides: Some((
                median(pairs.iter().map(|(ours, _)| *ours)),
                median(pairs.iter().map(|(_, floor)| *floor)),
            )),
        }
    }

    /// The median of what the rounds measured.
    pub(crate) fn absolute(
        what: &'static str,
        unit: &'static str,
        limit: f64,
        values: &[f64],
    ) -> Self {
        Self {
            what,
            unit,
            value: median(values.iter().copied()),
            limit,
            rounds: values.len(),
            sides: None,
        }
    }

    fn verdict(&self) -> &'static str {
        if self.value <= self.limit {
            "reached"
        } else {
            "NOT reached"
        }
    }
}

/// Prints the table.
pub(crate) fn print(rows: &[Row]) {
    println!("{:<52} {:>11} {:>11}", "", "measured", "at most");
    for row in rows {
        let (value, limit) = (row.value, row.limit);
        println!(
            "{:<52} {value:>7.2} {:<3} {limit:>7.2} {:<3} {}",
            row.what,
            row.unit,
            row.unit,
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
                "measured": row.value,
                "limit": row.limit,
                "verdict": row.verdict(),
                "rounds": row.rounds,
                "ours": row.sides.map(|(ours, _)| ours),
                "floor": row.sides.map(|(_, floor)| floor),
            })
        })
        .collect();
    std::fs::write(path, serde_json::to_vec_pretty(&json!({ "rows": rows }))?)?;
    println!("written to {}", path.display());
    Ok(())
}

/// The middle of the values; the greater of the two middle ones.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    quantile(values, 0.5)
}

/// The value that a share of the values is below.
pub(crate) fn quantile(values: impl Iterator<Item = f64>, share: f64) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index into thousands of values"
    )]
    let index = (values.len() as f64 * share) as usize;
    values[index.min(values.len() - 1)]
}
