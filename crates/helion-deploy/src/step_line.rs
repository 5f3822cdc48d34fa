//! One step on one line: how it goes, how long it took, its status, and what it was.

use std::time::Duration;

use deployment::StepRecord;

use crate::output::on_one_line;
use crate::paint::Paint;
use crate::quantity;
use crate::width::padded;

/// What a step's line begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Ok,
    Failed,
    Stopped,
    Running,
}

impl Mark {
    /// The mark of a step after which the deployment does not go on.
    pub(crate) fn of_last(outcome: &str) -> Self {
        if outcome == "cancelled" {
            Self::Stopped
        } else {
            Self::Failed
        }
    }

    /// The word in its colour.
    pub(crate) fn painted(self, paint: Paint) -> String {
        match self {
            Self::Ok => paint.good("ok"),
            Self::Failed => paint.bad("failed"),
            Self::Stopped => paint.stopped("stopped"),
            Self::Running => paint.strong("running"),
        }
    }
}

/// A step as a line.
#[derive(Clone, Debug)]
pub(crate) struct StepLine<'a> {
    pub(crate) mark: Mark,
    pub(crate) took: Duration,
    pub(crate) status: &'a str,
    pub(crate) text: &'a str,
    /// What else is to be said of it.
    pub(crate) note: Option<String>,
}

impl<'a> StepLine<'a> {
    /// The line of a step that is recorded.
    pub(crate) fn of(step: &'a StepRecord) -> Self {
        let mark = if step.accepted {
            Mark::Ok
        } else {
            Mark::of_last(&step.outcome)
        };
        Self {
            mark,
            took: Duration::from_millis(step.took_ms),
            status: &step.status,
            text: &step.command,
            note: note(mark, &step.outcome),
        }
    }

    /// The line, below those of other steps.
    pub(crate) fn painted(&self, paint: Paint) -> String {
        let mark = padded(&self.mark.painted(paint), 7);
        let took = quantity::time(self.took);
        let (status, text) = (on_one_line(self.status), on_one_line(self.text));
        let note = self.note.as_deref().map(on_one_line);
        let text = match (note, self.mark) {
            (None, _) => text,
            // A line may be cut at its end, and why it failed is not to be lost.
            (Some(note), Mark::Failed | Mark::Stopped) => format!("{note}: {text}"),
            (Some(note), Mark::Ok | Mark::Running) => {
                format!("{text}{}", paint.dim(&format!("  ({note})")))
            }
        };
        format!("{mark} {took:>8}  {}  {text}", padded(&status, 11))
    }
}

/// What is worth saying of an outcome.
pub(crate) fn note(mark: Mark, outcome: &str) -> Option<String> {
    match (mark, outcome) {
        (Mark::Ok, "done" | "exit code 0") => None,
        (Mark::Ok, other) => Some(format!("{other}, accepted")),
        (Mark::Failed | Mark::Stopped | Mark::Running, other) => Some(other.to_owned()),
    }
}

/// A line of what a step printed, below its own line.
pub(crate) fn output_line(paint: Paint, line: &str) -> String {
    paint.dim(&format!("           {line}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(mark: Mark, outcome: &str, expected: &str) {
        let line = StepLine {
            mark,
            took: Duration::from_millis(420),
            status: "REMOVED",
            text: "helion delete -n foo",
            note: note(mark, outcome),
        };
        assert_eq!(line.painted(Paint::Plain), expected);
    }

    #[test]
    fn lines_stand_below_each_other() {
        let (head, what) = ("    0.42s  REMOVED    ", "helion delete -n foo");
        check(Mark::Ok, "exit code 0", &format!("ok     {head}  {what}"));
        let accepted = format!("ok     {head}  {what}  (exit code 1, accepted)");
        check(Mark::Ok, "exit code 1", &accepted);
        let failed = format!("failed {head}  exit code 1: {what}");
        check(Mark::Failed, "exit code 1", &failed);
        let stopped = format!("stopped{head}  cancelled: {what}");
        check(Mark::of_last("cancelled"), "cancelled", &stopped);
    }

    #[test]
    fn colours_come_without_moving_anything() {
        let line = StepLine {
            mark: Mark::Ok,
            took: Duration::ZERO,
            status: "LIST",
            text: "a\nb\u{1b}[2J",
            note: None,
        };
        let (plain, coloured) = (line.painted(Paint::Plain), line.painted(Paint::Colours));
        assert_eq!(
            crate::width::columns(&plain),
            crate::width::columns(&coloured)
        );
        assert!(plain.ends_with("a b[2J"), "{plain}");
        assert!(coloured.starts_with("\u{1b}[32mok"), "{coloured}");
    }
}
