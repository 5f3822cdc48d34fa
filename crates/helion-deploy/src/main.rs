//! The program: deploys packages from a terminal, and answers for every deployment.

mod cli;
mod clients;
mod command;
mod failure;
mod follow;
mod message;
mod output;
mod password;
mod progress;
mod report;
mod sample_package;
mod store_choice;

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use crate::cli::{Cli, Command, Format};
use crate::failure::{FAILED, Failure, INVALID};
use crate::output::Output;

fn main() -> ExitCode {
    // The demo runs this very program as its client, by a link named `helion`.
    let name = std::env::args_os().next().unwrap_or_default();
    if let Some(client) = standin::Client::from_program_name(&name) {
        return standin::run_this_process(client);
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let output = Output::new(cli.output);
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();

    match start(cli, output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.fail(&failure);
            ExitCode::from(failure.code())
        }
    }
}

/// Prints what clap has to say: help on standard output, a usage error on standard error, and
/// where JSON was asked for, that error's document too.
fn usage(error: &clap::Error) -> ExitCode {
    // There is nowhere left to report that a stream is closed.
    drop(error.print());
    if !error.use_stderr() {
        return ExitCode::SUCCESS;
    }
    let words: Vec<_> = std::env::args().collect();
    let wants_json = words.iter().any(|word| word == "--output=json")
        || words.windows(2).any(|pair| pair == ["--output", "json"]);
    if wants_json {
        let message = error.to_string();
        Output::new(Format::Json).print_failure(&Failure::new(INVALID, message.trim()));
    }
    ExitCode::from(INVALID)
}

fn start(cli: Cli, output: Output) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(FAILED, format!("failed to start: {error}")))?;
    let result = runtime.block_on(run(cli, output));
    // A read that hangs in the system must not keep a program that has said its last word.
    runtime.shutdown_background();
    result
}

async fn run(cli: Cli, output: Output) -> Result<(), Failure> {
    let url = cli.store.as_deref().filter(|url| !url.is_empty());
    match cli.command {
        Command::Demo => command::demo::run(output).await,
        Command::Packages(command) => {
            command::packages::run(command, store_choice::open(url).await?, output).await
        }
        Command::Deploy(arguments) => {
            command::deploy::run(arguments, store_choice::open(url).await?, output).await
        }
        Command::Redeploy(arguments) => {
            command::redeploy::run(arguments, store_choice::open(url).await?, output).await
        }
        Command::Recover => command::recover::run(store_choice::open(url).await?, output).await,
        Command::Prune(arguments) => {
            command::prune::run(arguments, store_choice::open(url).await?, output).await
        }
        Command::Status(arguments) => {
            command::records::status(arguments, store_choice::open(url).await?, output).await
        }
        Command::List(arguments) => {
            command::records::list(arguments, store_choice::open(url).await?, output).await
        }
        Command::Logs(arguments) => {
            command::records::logs(arguments, store_choice::open(url).await?, output).await
        }
    }
}
