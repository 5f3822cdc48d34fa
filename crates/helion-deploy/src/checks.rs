//! What has to hold before something is done, and whether it does.

use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output::{Output, on_one_line, printable};
use crate::width::padded;

/// Checks in the order in which they were made.
#[derive(Debug, Default)]
pub(crate) struct Checks(Vec<Check>);

#[derive(Debug)]
struct Check {
    name: &'static str,
    result: Checked,
}

#[derive(Debug)]
enum Checked {
    /// It holds; what was found.
    Ok(String),
    Failed(Failure),
    /// It cannot be told.
    Skipped(String),
}

impl Checks {
    /// Notes how a check came out; what it found is handed on.
    pub(crate) fn note<T>(
        &mut self,
        name: &'static str,
        result: Result<(T, String), Failure>,
    ) -> Option<T> {
        let (found, result) = match result {
            Ok((found, detail)) => (Some(found), Checked::Ok(detail)),
            Err(failure) => (None, Checked::Failed(failure)),
        };
        self.0.push(Check { name, result });
        found
    }

    /// Notes that a check cannot be made.
    pub(crate) fn skip(&mut self, name: &'static str, reason: &str) {
        let result = Checked::Skipped(reason.to_owned());
        self.0.push(Check { name, result });
    }

    /// The failure that stands for all: with the code and the hint of the first.
    pub(crate) fn failure(&self) -> Option<Failure> {
        let failed: Vec<_> = self.0.iter().filter_map(Check::failure).collect();
        let (_, first) = failed.first()?;
        let names: Vec<_> = failed.iter().map(|(name, _)| *name).collect();
        let message = format!(
            "{} of {} checks failed: {}",
            failed.len(),
            self.0.len(),
            names.join(", ")
        );
        let failure = Failure::after_document(first.code(), message);
        Some(match first.hint() {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        })
    }

    pub(crate) fn to_json(&self, output: Output<'_>) -> Vec<Value> {
        let checks = self.0.iter();
        checks.map(|check| check.to_json(output)).collect()
    }

    /// The checks as lines.
    pub(crate) fn text(&self, output: Output<'_>) -> String {
        let lines: Vec<_> = self.0.iter().map(|check| check.line(output)).collect();
        lines.join("\n")
    }
}

impl Check {
    fn failure(&self) -> Option<(&'static str, &Failure)> {
        match &self.result {
            Checked::Failed(failure) => Some((self.name, failure)),
            Checked::Ok(_) | Checked::Skipped(_) => None,
        }
    }

    fn to_json(&self, output: Output<'_>) -> Value {
        let name = self.name;
        match &self.result {
            Checked::Ok(detail) => json!({ "name": name, "outcome": "ok", "detail": detail }),
            Checked::Skipped(reason) => {
                json!({ "name": name, "outcome": "skipped", "detail": reason })
            }
            Checked::Failed(failure) => {
                let mut check = json!({
                    "name": name,
                    "outcome": "failed",
                    "detail": failure.message(),
                    "exit_code": failure.code(),
                });
                if let Some(hint) = failure.hint() {
                    check["hint"] = json!(output.hint(hint));
                }
                check
            }
        }
    }

    fn line(&self, output: Output<'_>) -> String {
        let paint = output.paint();
        let (mark, detail) = match &self.result {
            Checked::Ok(detail) => (paint.good("ok"), detail.as_str()),
            Checked::Skipped(reason) => (paint.stopped("skipped"), reason.as_str()),
            Checked::Failed(failure) => (paint.bad("failed"), failure.message()),
        };
        let line = format!(
            "  {}  {}  {}",
            padded(&mark, 7),
            padded(self.name, 11),
            on_one_line(detail)
        );
        match self.failure().and_then(|(_, failure)| failure.hint()) {
            Some(hint) => {
                let hint = printable(&format!("{:24}{}", "", output.hint(hint)));
                format!("{line}\n{}", paint.dim(&hint))
            }
            None => line,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Format;
    use crate::invocation::Invocation;

    #[test]
    fn the_first_failure_stands_for_all() {
        let mut checks = Checks::default();
        assert_eq!(checks.note("one", Ok((7, "fine".to_owned()))), Some(7));
        assert!(checks.failure().is_none());
        let failed = Failure::new(3, "not there").with_hint("look elsewhere");
        assert_eq!(checks.note::<()>("two", Err(failed)), None);
        checks.skip("three", "two is missing");
        checks.note::<()>("four", Err(Failure::new(2, "wrong")));
        let failure = checks.failure().unwrap();
        assert_eq!(
            (failure.code(), failure.message(), failure.hint()),
            (3, "2 of 4 checks failed: two, four", Some("look elsewhere"))
        );
        assert_eq!(
            checks.text(Output::new(Format::Json, &Invocation::plain())),
            "  ok       one          fine\n  \
             failed   two          not there\n                        look elsewhere\n  \
             skipped  three        two is missing\n  \
             failed   four         wrong"
        );
    }
}
