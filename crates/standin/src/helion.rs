//! The commands of `helion`.

mod application;
mod folder;
mod login;
mod session;

use crate::context::Context;
use crate::stop::Stop;
use crate::words::{Rule, Unreadable, Words, flag, valued};

use folder::ClientFolder;

/// What a client without a terminal says instead of asking.
const NO_TERMINAL: &str = "Error: stdin isn't a terminal\n\
    Try with --noprompt to suppress all user interaction requiring a proper terminal";

/// The options that every command takes.
const COMMON: &[Rule] = &[
    flag(&["--no-prompt", "-n", "--noprompt", "--non-interactive"]),
    flag(&["--trace", "-t"]),
    valued(&["--color"]),
    valued(&["--skip-ssl-validation"]),
];

/// The options of every command that talks to a target.
const TARGETED: &[Rule] = &[
    valued(&["--target"]),
    valued(&["--token"]),
    valued(&["--token-file"]),
    valued(&["--organization", "-o"]),
    valued(&["--space"]),
];

/// Runs one command.
pub(crate) fn run(context: &mut Context<'_>, arguments: &[String]) -> Result<(), Stop> {
    let folder = ClientFolder::open(context)?;
    folder.remember(arguments)?;
    let mut helion = Helion { context, folder };
    match arguments.split_first() {
        Some((command, rest)) => helion.dispatch(command, rest),
        None => Err(Stop::RefusedOnStdout {
            text: "Usage: helion COMMAND [OPTIONS] [ARGS]".to_owned(),
            code: 1,
        }),
    }
}

/// The client, for one command.
struct Helion<'a, 'b> {
    context: &'a mut Context<'b>,
    folder: ClientFolder,
}

impl Helion<'_, '_> {
    fn dispatch(&mut self, command: &str, rest: &[String]) -> Result<(), Stop> {
        match command {
            "target" => self.target(rest),
            "login" => self.login(rest),
            "logout" => self.logout(rest),
            "list" | "apps" => self.list(command, rest),
            "delete" => self.delete(rest),
            "push" => self.push(rest),
            "logs" => self.logs(rest),
            "version" | "--version" => Ok(self.context.terminal.say("helion 3.2.4 (stand-in)")?),
            unknown => Err(Stop::RefusedOnStdout {
                text: format!("Expected action name, got \"{unknown}\""),
                code: 1,
            }),
        }
    }
}

/// Takes a command's words apart; `most` names are allowed.
fn words(rules: &[&[Rule]], arguments: &[String], most: usize) -> Result<Words, Stop> {
    let words = Words::parse(rules, arguments).map_err(|unreadable| match unreadable {
        Unreadable::UnknownOption(option) => Stop::refused(format!("Unknown option \"{option}\"")),
        Unreadable::MissingValue(option) => Stop::refused(format!(
            "wrong#args, not enough, no value for option \"{option}\""
        )),
    })?;
    if words.names().len() > most {
        Err(Stop::refused("wrong#args, too many"))
    } else {
        Ok(words)
    }
}
