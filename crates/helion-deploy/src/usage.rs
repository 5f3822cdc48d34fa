//! Reading the command line, and what is said of one that is not understood.

use std::io;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Parser as _, ValueEnum as _};

use crate::cli::{Cli, Command, Format};
use crate::failure::{Failure, INVALID};
use crate::invocation::Invocation;
use crate::output::Output;
use crate::paint::Paint;
use crate::settings;

/// What the flags begin with behind which somebody may have typed a password.
const PASSWORD: &str = "--password";

/// What to do instead.
const NO_PASSWORD: &str = "no password is taken from the command line, where others can read it: \
                           --password-stdin has no value and reads standard input";

/// The flag behind which `deploy` takes no package.
const PASSWORD_STDIN: &str = "--password-stdin";

/// Reads the command line; where it is not understood, or asks for help, that is printed, and the
/// program ends with the code.
pub(crate) fn parse() -> Result<Cli, ExitCode> {
    // An argument need not be UTF-8, and what is none asks for nothing.
    let words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let words: Vec<_> = words.collect();
    let invocation = Invocation::plain();
    let output = Output::new(settings::early_format(asked_format(&words)), &invocation);
    match Cli::try_parse() {
        Ok(cli) if is_package_behind_the_flag(&cli.command, &words) => {
            output.fail(Failure::new(INVALID, NO_PACKAGE_HERE).with_hint(PACKAGE_FIRST));
            Err(ExitCode::from(INVALID))
        }
        Ok(cli) => Ok(cli),
        Err(error) => Err(end(&error, &words, output)),
    }
}

/// Prints what clap has to say: help on standard output, a usage error on standard error, and
/// where JSON was asked for, that error's document too.
fn end(error: &clap::Error, words: &[String], output: Output<'_>) -> ExitCode {
    if !error.use_stderr() {
        return match print_help(error) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                let code = failure.code();
                output.fail(failure);
                ExitCode::from(code)
            }
        };
    }
    if may_show_a_password(error, words) {
        output.fail(without_values(error));
    } else {
        // There is nowhere left to report that standard error is closed.
        drop(error.print());
        output.print_failure(&failure(error));
    }
    ExitCode::from(INVALID)
}

/// Prints what was asked for, which clap makes an error of: the help, or the version.
fn print_help(error: &clap::Error) -> Result<(), Failure> {
    let text = error.render();
    Output::print_script(&match Paint::on(&io::stdout()) {
        Paint::Colours => text.ansi().to_string(),
        Paint::Plain => text.to_string(),
    })
}

const NO_PACKAGE_HERE: &str = "the word behind --password-stdin may be a password, and is not taken for the package nor shown";

const PACKAGE_FIRST: &str = "--password-stdin has no value and reads standard input; the package stands \
                             before it: `helion-deploy deploy PACKAGE --password-stdin`";

/// Whether the package of `deploy` is what stands directly behind the flag: by its place it may as
/// well be the password of somebody who takes that for the flag's value, and it would be told to
/// the store and in messages.
fn is_package_behind_the_flag(command: &Command, words: &[String]) -> bool {
    let Command::Deploy(arguments) = command else {
        return false;
    };
    // That only arguments follow makes the next word no other.
    let words: Vec<_> = words.iter().filter(|word| *word != "--").collect();
    arguments.password_stdin
        && words
            .windows(2)
            .any(|pair| *pair[0] == PASSWORD_STDIN && *pair[1] == arguments.target.package)
}

/// The format that a command line which is not understood seems to ask for.
fn asked_format(words: &[String]) -> Option<Format> {
    let flag = words.iter().position(|word| word == "--output");
    let after = flag.and_then(|at| words.get(at + 1)).map(String::as_str);
    let joined = || words.iter().find_map(|word| word.strip_prefix("--output="));
    Format::from_str(after.or_else(joined)?, false).ok()
}

/// The failure in parts: what is wrong, and how it is written.
fn failure(error: &clap::Error) -> Failure {
    let text = error.to_string();
    // Here clap shows the help, or lists the commands, and does not say what is wrong.
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand
    ) {
        let usage = text.lines().find(|line| line.starts_with("Usage:"));
        return Failure::new(INVALID, "a command is missing").with_hint(usage.unwrap_or_default());
    }
    let text = text.trim().trim_start_matches("error: ");
    match text.split_once("\n\n") {
        Some((message, rest)) => Failure::new(INVALID, joined(message)).with_hint(rest.trim()),
        None => Failure::new(INVALID, joined(text)),
    }
}

/// A message on one line; below its first line, clap lists what that line tells of.
fn joined(message: &str) -> String {
    let mut lines = message.lines().map(str::trim);
    let first = lines.next().unwrap_or_default();
    let listed: Vec<_> = lines.collect();
    format!("{first} {}", listed.join(", "))
        .trim_end()
        .to_owned()
}

/// Whether the error names a word that may be a password: one that stands beside a flag for
/// passwords, none of which has a value.
fn may_show_a_password(error: &clap::Error, words: &[String]) -> bool {
    let is_password = |word: &String| word.starts_with(PASSWORD);
    words.iter().any(is_password) && offending(error).any(|word| !word.starts_with("--"))
}

/// The words of the command line that the error names.
fn offending(error: &clap::Error) -> impl Iterator<Item = &str> {
    let kinds = match error.kind() {
        // What was expected is named in the place of what came.
        ErrorKind::UnknownArgument => &[ContextKind::InvalidArg][..],
        _ => &[ContextKind::InvalidValue, ContextKind::InvalidSubcommand],
    };
    let values = kinds.iter().filter_map(|kind| error.get(*kind));
    values.filter_map(|value| match value {
        ContextValue::String(word) => Some(word.as_str()),
        _ => None,
    })
}

/// The failure without any word of the command line but its flags.
fn without_values(error: &clap::Error) -> Failure {
    let flag = match (error.kind(), error.get(ContextKind::InvalidArg)) {
        (ErrorKind::UnknownArgument, _) | (_, None) => String::new(),
        (_, Some(flag)) => format!(" of {flag}"),
    };
    let message = format!("unexpected value{flag}, which may be a password and is not shown");
    Failure::new(INVALID, message).with_hint(NO_PASSWORD)
}
