//! What is said of a command line that is not understood.

use std::process::ExitCode;

use clap::ValueEnum as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::cli::Format;
use crate::failure::{Failure, INVALID};
use crate::invocation::Invocation;
use crate::output::Output;
use crate::settings;

/// What the flags begin with behind which somebody may have typed a password.
const PASSWORD: &str = "--password";

/// What to do instead.
const NO_PASSWORD: &str = "no password is taken from the command line, where others can read it: \
                           --password-stdin has no value and reads standard input";

/// Prints what clap has to say: help on standard output, a usage error on standard error, and
/// where JSON was asked for, that error's document too.
pub(crate) fn end(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // There is nowhere left to report that a stream is closed.
        drop(error.print());
        return ExitCode::SUCCESS;
    }
    // An argument need not be UTF-8, and what is none asks for nothing.
    let words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let words: Vec<_> = words.collect();
    let invocation = Invocation::plain();
    let output = Output::new(settings::early_format(asked_format(&words)), &invocation);
    if may_show_a_password(error, &words) {
        output.fail(without_values(error));
    } else {
        drop(error.print());
        output.print_failure(&failure(error));
    }
    ExitCode::from(INVALID)
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
    // Here clap shows the help, and does not say what is wrong.
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let usage = text.lines().find(|line| line.starts_with("Usage:"));
        return Failure::new(INVALID, "a command is missing").with_hint(usage.unwrap_or_default());
    }
    let text = text.trim().trim_start_matches("error: ");
    match text.split_once("\n\n") {
        Some((message, rest)) => Failure::new(INVALID, message).with_hint(rest.trim()),
        None => Failure::new(INVALID, text),
    }
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
