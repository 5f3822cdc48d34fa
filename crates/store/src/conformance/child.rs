//! The part of a check that runs in another process: the test's own program, started again.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::subject::{Fresh, Subject};
use super::{memory, races, saver, sharing};

/// The variable that tells a process its task; not `STORE_…`, which are settings of a store.
const VARIABLE: &str = "CONFORMANCE_TASK";

/// Begins a line of the process's own, among what the test harness prints.
const MARK: &str = "store-conformance: ";

/// What another process is started for.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Task {
    /// Save and read a large file, and watch this process's memory.
    Measure,
    /// Save whenever told, against others.
    Race(String),
    /// Increment a number so many times.
    Count(String, u32),
    /// Replace a file by so many versions.
    Overwrite(String, usize),
    /// Begin a save, and end it when told.
    Hold(String),
    /// Change files until killed.
    Save(String, u64),
}

/// What this process was started for, where it was.
pub(super) fn task() -> Option<Task> {
    let text = std::env::var(VARIABLE).ok()?;
    match serde_json::from_str(&text) {
        Ok(task) => Some(task),
        Err(error) => panic!("`{VARIABLE}` holds no task: {error}"),
    }
}

/// Does the task and ends the process.
pub(super) async fn act(task: Task, subject: &Subject) {
    match task {
        Task::Measure => answer(&memory::measure(&*subject.fresh().await).await),
        Task::Race(address) => sharing::race_when_told(&*open(subject, address).await).await,
        Task::Count(address, times) => {
            let store = open(subject, address).await;
            answer(&());
            hear::<()>();
            answer(&races::increment(&*store, times).await);
        }
        Task::Overwrite(address, versions) => {
            let store = open(subject, address).await;
            answer(&races::overwrite(&*store, versions).await);
        }
        Task::Hold(address) => sharing::hold(&open(subject, address).await.shared()).await,
        Task::Save(address, seed) => {
            saver::save(&open(subject, address).await.shared(), seed).await;
        }
    }
    // The harness would go on with the test.
    std::process::exit(0);
}

async fn open(subject: &Subject, address: String) -> Fresh {
    match subject.open(address).await {
        Some(store) => store,
        None => panic!("this test's stores have no address"),
    }
}

/// Tells the parent; ends this process where there is no parent any more.
pub(super) fn answer<T: Serialize>(value: &T) {
    let Ok(text) = serde_json::to_string(value) else {
        panic!("an answer has no JSON");
    };
    // One write, so that answers of several tasks do not mix. The harness may have begun a line.
    let line = format!("\n{MARK}{text}\n");
    let mut stdout = std::io::stdout().lock();
    if stdout
        .write_all(line.as_bytes())
        .and_then(|()| stdout.flush())
        .is_err()
    {
        std::process::exit(1);
    }
}

/// Waits for the parent's next word, if there is one.
pub(super) fn hear<T: DeserializeOwned>() -> Option<T> {
    let mut line = String::new();
    match std::io::stdin().lock().read_line(&mut line) {
        Ok(read) if read > 0 => serde_json::from_str(&line).ok(),
        Ok(_) | Err(_) => None,
    }
}

/// Another process with a task, which is killed when dropped.
pub(super) struct Child {
    process: std::process::Child,
    lines: mpsc::UnboundedReceiver<String>,
    /// What it printed that was no answer.
    noise: String,
}

impl Child {
    /// Starts the program of `test` again, for `task`.
    #[expect(
        clippy::disallowed_methods,
        reason = "a check against other processes needs one that nothing tidies up after"
    )]
    pub(super) fn start(test: &str, task: &Task) -> Self {
        let (Ok(program), Ok(task)) = (std::env::current_exe(), serde_json::to_string(task)) else {
            panic!("this program does not know its own file");
        };
        let started = Command::new(program)
            .args([test, "--exact", "--nocapture", "--test-threads=1"])
            .env(VARIABLE, task)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut process = match started {
            Ok(process) => process,
            Err(error) => panic!("this program cannot be started again: {error}"),
        };
        let (sender, lines) = mpsc::unbounded_channel();
        let stdout = process.stdout.take();
        std::thread::spawn(move || {
            for line in stdout
                .into_iter()
                .flat_map(|out| BufReader::new(out).lines())
            {
                // A parent that is gone wants to hear no more.
                let Ok(true) = line.map(|line| sender.send(line).is_ok()) else {
                    return;
                };
            }
        });
        Self {
            process,
            lines,
            noise: String::new(),
        }
    }

    /// The next answer, or nothing once the process has ended.
    pub(super) async fn next<T: DeserializeOwned>(&mut self) -> Option<T> {
        while let Some(line) = self.lines.recv().await {
            match line.strip_prefix(MARK).map(serde_json::from_str) {
                Some(Ok(answer)) => return Some(answer),
                // The last line of a killed process may be cut.
                Some(Err(_)) => {}
                None => self.noise.extend([line.as_str(), "\n"]),
            }
        }
        None
    }

    /// The next answer of a process that has one to give.
    pub(super) async fn answer<T: DeserializeOwned>(&mut self) -> T {
        match self.next().await {
            Some(answer) => answer,
            None => panic!(
                "the other process ended without an answer; it said:\n{}",
                self.noise
            ),
        }
    }

    /// Says something to the process.
    pub(super) fn tell<T: Serialize>(&mut self, word: &T) {
        let text = serde_json::to_string(word).unwrap_or_default();
        let told = self
            .process
            .stdin
            .as_mut()
            .map(|stdin| writeln!(stdin, "{text}"));
        // One that has ended is found out by whoever waits for its answer.
        drop(told);
    }

    /// Kills it, as `kill -9` does.
    pub(super) fn kill(&mut self) {
        // It may have ended by itself, which its answers tell.
        drop(self.process.kill());
    }

    /// Waits for its end, after its last answer.
    pub(super) fn end(mut self) {
        drop(self.process.stdin.take());
        drop(self.process.wait());
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
        drop(self.process.wait());
    }
}
