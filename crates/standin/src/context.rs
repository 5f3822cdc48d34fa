//! What every command of a client is given.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::platform::{Behaviour, Platform};
use crate::stop::Stop;
use crate::terminal::Terminal;

/// What every command of a client is given.
pub(crate) struct Context<'a> {
    pub(crate) platform: Platform,
    pub(crate) environment: &'a dyn Fn(&str) -> Option<String>,
    pub(crate) current_dir: &'a Path,
    pub(crate) terminal: Terminal<'a>,
}

impl fmt::Debug for Context<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            platform,
            environment: _,
            current_dir,
            terminal,
        } = self;
        formatter
            .debug_struct("Context")
            .field("platform", platform)
            .field("current_dir", current_dir)
            .field("terminal", terminal)
            .finish_non_exhaustive()
    }
}

impl Context<'_> {
    /// A variable of the environment that is set and not empty.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        (self.environment)(name).filter(|value| !value.is_empty())
    }

    /// `path` as seen from where the client was started.
    pub(crate) fn resolve(&self, path: &str) -> PathBuf {
        self.current_dir.join(path)
    }

    /// Prints the whole command line, if that is what a test wants of this command.
    pub(crate) fn echo(&mut self, arguments: &[String]) -> Result<(), Stop> {
        let Some(command) = arguments.first() else {
            return Ok(());
        };
        if self.platform.behaviour(command)? == Some(Behaviour::EchoArguments) {
            self.terminal.say(arguments.join(" "))?;
        }
        Ok(())
    }

    /// Ends a line that a refusal interrupts.
    ///
    /// Should the stream be closed, the refusal that follows finds out.
    pub(crate) fn end_line(&mut self) {
        let _ = self.terminal.say("");
    }

    /// Does what a test wants of `command`; called once the command is about to take effect.
    pub(crate) fn behave(&mut self, command: &str) -> Result<(), Stop> {
        match self.platform.behaviour(command)? {
            None | Some(Behaviour::EchoArguments) => Ok(()),
            Some(Behaviour::Hang) => hang(),
            Some(Behaviour::Delay { milliseconds }) => {
                std::thread::sleep(Duration::from_millis(milliseconds));
                Ok(())
            }
            Some(Behaviour::Refuse { message, code }) => Err(Stop::Refused {
                text: message,
                code,
            }),
            Some(Behaviour::Output { bytes }) => Ok(self.terminal.fill(bytes)?),
        }
    }
}

/// Blocks this thread for good; every signal keeps its usual effect.
fn hang() -> ! {
    loop {
        std::thread::park();
    }
}
