//! Live progress on standard error: on a terminal what runs now, below a line for each step that
//! has ended; elsewhere those lines alone.

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use deployment::{DeploymentEvent, EventKind, Phase};

use crate::activity::{Activity, Fetching, Running};
use crate::message::say_painted;
use crate::output::printable;
use crate::paint::Paint;
use crate::panel::Panel;
use crate::step_line::{Mark, StepLine, note, output_line};

/// A step that has ended, and its lines.
#[derive(Debug)]
struct Ended {
    /// The status whose recording it awaits; a command that failed reaches none.
    awaits: Option<String>,
    lines: Vec<String>,
}

/// How often what runs is drawn anew.
pub(crate) const REDRAW_EVERY: Duration = Duration::from_millis(100);

/// Shows the events of one deployment.
#[derive(Debug)]
pub(crate) struct Progress {
    panel: Option<Panel>,
    paint: Paint,
    began: Instant,
    /// When the last line was printed.
    last: Instant,
    activity: Activity,
    /// Whether the archive was read to its end, or to where it failed.
    is_fetched: bool,
    /// The steps that have ended and are not told yet: a line says that it is recorded.
    ended: VecDeque<Ended>,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        Self {
            panel: Panel::new(),
            paint: Paint::on(&io::stderr()),
            began: now,
            last: now,
            activity: Activity::None,
            is_fetched: false,
            ended: VecDeque::new(),
        }
    }

    pub(crate) fn show(&mut self, event: &DeploymentEvent) {
        match &event.kind {
            EventKind::Status(phase) => self.reached(phase),
            EventKind::Fetched { bytes, size, .. } => {
                self.begin_fetching();
                if let Activity::Fetching(fetching) = &mut self.activity {
                    fetching.fetched(*bytes, *size);
                }
            }
            EventKind::StepStarted {
                status, command, ..
            } => self.activity = Activity::Running(Running::new(status, command)),
            EventKind::Output(bytes) => {
                if let Activity::Running(running) = &mut self.activity {
                    running.tail.add(bytes);
                }
            }
            EventKind::StepFinished {
                status,
                command,
                outcome,
                accepted,
                took,
                ..
            } => {
                let mark = if *accepted {
                    Mark::Ok
                } else {
                    Mark::of_last(outcome)
                };
                let line = StepLine {
                    mark,
                    took: *took,
                    status,
                    text: command,
                    note: note(mark, outcome),
                };
                self.finished(line);
            }
            EventKind::OwnershipLost { reason, .. } => {
                self.line(&format!("the record is lost: {reason}"));
            }
            _ => {}
        }
    }

    /// Draws what runs now, where it is drawn at all.
    pub(crate) fn redraw(&mut self) {
        if let Some(panel) = &mut self.panel {
            panel.draw(&self.activity.lines(self.paint));
        }
    }

    /// Whether [`redraw`](Self::redraw) shows anything.
    pub(crate) const fn is_live(&self) -> bool {
        self.panel.is_some()
    }

    /// Takes away what is drawn; the lines stay.
    pub(crate) fn finish(&mut self) {
        self.tell_all();
        self.activity = Activity::None;
        self.redraw();
    }

    /// Prints a line that stays.
    pub(crate) fn line(&mut self, line: &str) {
        self.print(&[printable(line)]);
    }

    /// A status is recorded.
    fn reached(&mut self, phase: &Phase) {
        let (mark, text) = match phase {
            Phase::Init => (Mark::Ok, "the deployment is recorded"),
            Phase::Queued => (Mark::Ok, "wait for the deployments before it"),
            Phase::Downloading => (Mark::Ok, "find the package in the store"),
            Phase::Copy => (Mark::Ok, "find the package's file"),
            Phase::Started => (Mark::Ok, "begin the work"),
            Phase::Success => (Mark::Ok, "in all"),
            Phase::Failed | Phase::TimedOut => (Mark::Failed, "in all"),
            Phase::Cancelled | Phase::Interrupted => (Mark::Stopped, "in all"),
            Phase::Step(status) => return self.tell_up_to(status.as_str()),
            _ => return,
        };
        if matches!(phase, Phase::Downloading | Phase::Copy) {
            self.begin_fetching();
        }
        if phase.is_terminal() {
            self.tell_all();
        }
        let since = if phase.is_terminal() {
            self.began
        } else {
            self.last
        };
        let line = StepLine {
            mark,
            took: since.elapsed(),
            status: phase.as_str(),
            text,
            note: None,
        };
        self.print(&[line.painted(self.paint)]);
    }

    fn begin_fetching(&mut self) {
        if matches!(self.activity, Activity::None) && !self.is_fetched {
            self.activity = Activity::Fetching(Fetching::new());
        }
    }

    /// A step has ended; of one that failed, the last lines of its output are told too.
    fn finished(&mut self, mut line: StepLine<'_>) {
        let mut output = Vec::new();
        let mut has_failed_command = false;
        match &self.activity {
            Activity::Running(running) => {
                has_failed_command = line.mark == Mark::Failed;
                if has_failed_command {
                    output = running.tail.lines();
                }
                self.activity = Activity::None;
            }
            // The archive has come to its end with this step, not with the ones before.
            Activity::Fetching(fetching) if line.status == UNPACK || line.mark != Mark::Ok => {
                line.note = line.note.or(fetching.summary());
                self.activity = Activity::None;
                self.is_fetched = true;
            }
            Activity::Fetching(_) | Activity::None => {}
        }
        let output = output.iter().map(|text| output_line(self.paint, text));
        let lines = std::iter::once(line.painted(self.paint)).chain(output);
        self.ended.push_back(Ended {
            awaits: (!has_failed_command).then(|| line.status.to_owned()),
            lines: lines.collect(),
        });
        self.tell(0);
    }

    /// Tells the steps up to the one that reached `status`.
    fn tell_up_to(&mut self, status: &str) {
        let is_it = |ended: &Ended| ended.awaits.as_deref() == Some(status);
        let place = self.ended.iter().position(is_it);
        self.tell(place.map_or(0, |place| place + 1));
    }

    fn tell_all(&mut self) {
        self.tell(self.ended.len());
    }

    /// Tells the first `count` steps, and those behind them that await nothing.
    fn tell(&mut self, count: usize) {
        let rest = self.ended.iter().skip(count);
        let ready = rest.take_while(|ended| ended.awaits.is_none()).count();
        let told = self.ended.drain(..count + ready);
        let lines: Vec<_> = told.flat_map(|ended| ended.lines).collect();
        if !lines.is_empty() {
            self.print(&lines);
        }
    }

    fn print(&mut self, lines: &[String]) {
        self.last = Instant::now();
        if let Some(panel) = &mut self.panel {
            panel.print(lines, &self.activity.lines(self.paint));
        } else {
            for line in lines {
                say_painted(line);
            }
        }
    }
}

/// The status that is reached when the whole archive has been read.
const UNPACK: &str = "UNPACK";
