//! What a run of CI came to.

use std::time::Duration;

/// How a step ended.
pub(super) struct Ending {
    pub(super) name: &'static str,
    pub(super) verdict: &'static str,
    took: Option<Duration>,
}

impl Ending {
    pub(super) fn timed(name: &'static str, verdict: &'static str, took: Duration) -> Self {
        Self {
            name,
            verdict,
            took: Some(took),
        }
    }

    pub(super) fn untimed(name: &'static str, verdict: &'static str) -> Self {
        Self {
            name,
            verdict,
            took: None,
        }
    }
}

pub(super) fn summary(endings: &[Ending]) -> String {
    let line = |ending: &Ending| {
        let took = ending
            .took
            .map(|took| format!("{:>8.1} s", took.as_secs_f64()))
            .unwrap_or_default();
        format!("\n  {:<10} {:<8}{took}", ending.name, ending.verdict)
    };
    let total: Duration = endings.iter().filter_map(|ending| ending.took).sum();
    let lines: String = endings.iter().map(line).collect();
    format!(
        "\n== summary =={lines}\n  {:<19}{:>8.1} s\n",
        "in all",
        total.as_secs_f64()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_shows_where_it_stopped() {
        let endings = [
            Ending::timed("fmt", "passed", Duration::from_millis(1_500)),
            Ending::timed("clippy", "FAILED", Duration::from_mins(1)),
            Ending::untimed("tests", "not run"),
        ];
        assert_eq!(
            summary(&endings),
            "\n== summary ==\n  fmt        passed       1.5 s\n  clippy     FAILED      60.0 s\n  tests      not run \
             \n  in all                 61.5 s\n"
        );
    }
}
