//! Running programs in the workspace, and printing.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// Prints a line; a closed stream ends the printing, not the work.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// One call of a program, printed before it runs.
#[derive(Debug)]
pub(crate) struct Call {
    program: OsString,
    /// What the program is called where it is printed.
    shown: String,
    folder: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(&'static str, String)>,
}

impl Call {
    /// Of cargo, in `folder`.
    pub(crate) fn cargo(folder: &Path, arguments: &[&str]) -> Self {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        let call = Self::new(cargo, folder, arguments);
        Self {
            shown: "cargo".to_owned(),
            ..call
        }
    }

    /// Of `program`, which is a path or is looked up as a shell does, in `folder`.
    pub(crate) fn new(program: impl Into<OsString>, folder: &Path, arguments: &[&str]) -> Self {
        let program = program.into();
        Self {
            shown: program.to_string_lossy().into_owned(),
            program,
            folder: folder.to_owned(),
            arguments: arguments.iter().map(ToString::to_string).collect(),
            environment: Vec::new(),
        }
    }

    /// Adds an environment variable.
    pub(crate) fn env(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    /// Runs it with this process's own streams.
    pub(crate) fn run(&self) -> Result<()> {
        say(&format!("$ {}", self.line()));
        let status = self
            .command()
            .status()
            .with_context(|| format!("failed to start `{}`", self.line()))?;
        if !status.success() {
            bail!("`{}` failed with {status}", self.line());
        }
        Ok(())
    }

    /// Runs it and returns what it printed; what it says on standard error is shown when it fails.
    pub(crate) fn read(&self) -> Result<String> {
        say(&format!("$ {}", self.line()));
        let mut command = self.command();
        command.stdin(Stdio::null());
        let output = command
            .output()
            .with_context(|| format!("failed to start `{}`", self.line()))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!(
                "`{}` failed with {}:\n{}",
                self.line(),
                output.status,
                said.trim_end()
            );
        }
        String::from_utf8(output.stdout)
            .with_context(|| format!("`{}` printed no text", self.line()))
    }

    /// Starts it, with its standard input and output in the caller's hands.
    pub(crate) fn start(&self) -> Result<Child> {
        say(&format!("$ {}", self.line()));
        let mut command = self.command();
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command
            .spawn()
            .with_context(|| format!("failed to start `{}`", self.line()))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "xtask runs programs, outside of any deployment"
    )]
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.folder);
        command
    }

    fn line(&self) -> String {
        let environment = self
            .environment
            .iter()
            .map(|(name, value)| format!("{name}='{value}' "));
        format!(
            "{}{} {}",
            environment.collect::<String>(),
            self.shown,
            self.arguments.join(" ")
        )
    }
}
