//! Live progress on standard error: a bar and a running line on a terminal, plain lines elsewhere.

use std::io::{self, IsTerminal as _};
use std::time::{Duration, Instant};

use deployment::{DeploymentEvent, EventKind};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::message::say;
use crate::output::printable;

/// Shows the events of one deployment.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    since: Instant,
    /// What the bar's second half shows: the running command's last line.
    command: String,
}

/// How often the bar moves by itself.
const TICK: Duration = Duration::from_millis(120);

impl Progress {
    pub(crate) fn new() -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(TICK);
            bar
        });
        Self {
            bar,
            since: Instant::now(),
            command: String::new(),
        }
    }

    pub(crate) fn show(&mut self, event: &DeploymentEvent) {
        match &event.kind {
            EventKind::Status(phase) => self.line(&format!("{:>8.2}s  {phase}", self.seconds())),
            EventKind::Fetched { bytes, size, .. } => {
                self.message(format!("fetched {bytes} of {size} bytes"));
            }
            EventKind::StepStarted { command, .. } => {
                self.command.clone_from(command);
                self.message(command.clone());
            }
            EventKind::Output(bytes) => {
                let text = String::from_utf8_lossy(bytes);
                if let Some(last) = text.lines().rfind(|line| !line.trim().is_empty()) {
                    self.message(format!("{}: {}", self.command, printable(last.trim())));
                }
            }
            EventKind::StepFinished {
                status, outcome, ..
            } if outcome != "exit code 0" => {
                self.line(&format!("{:>8.2}s  {status}: {outcome}", self.seconds()));
            }
            _ => {}
        }
    }

    /// Takes the bar away; what was printed stays.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Prints a line that stays.
    pub(crate) fn line(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(printable(line)),
            None => say(line),
        }
    }

    fn message(&self, text: String) {
        if let Some(bar) = &self.bar {
            bar.set_message(text);
        }
    }

    fn seconds(&self) -> f64 {
        self.since.elapsed().as_secs_f64()
    }
}
