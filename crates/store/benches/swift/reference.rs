//! python-swiftclient at work, in a process of its own.

use std::cell::RefCell;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result};

/// The process: it waits for works, and ends when this is dropped.
#[derive(Debug)]
pub(super) struct Reference {
    child: Child,
    streams: RefCell<(ChildStdin, BufReader<ChildStdout>)>,
}

impl Reference {
    pub(super) fn start(mut command: Command) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let orders = child.stdin.take().context("no standard input")?;
        let answers = child.stdout.take().context("no standard output")?;
        Ok(Self {
            child,
            streams: RefCell::new((orders, BufReader::new(answers))),
        })
    }

    /// The seconds that the work takes: its name, and the numbers that belong to it.
    pub(super) fn seconds(&self, work: &str) -> Result<f64> {
        let (orders, answers) = &mut *self.streams.borrow_mut();
        writeln!(orders, "{work}")?;
        let mut answer = String::new();
        answers.read_line(&mut answer)?;
        let answer = answer.trim();
        answer
            .parse()
            .with_context(|| format!("python-swiftclient failed at `{work}`"))
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        // It is not worth a word if it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
