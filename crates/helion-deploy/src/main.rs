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

use std::io;
use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use crate::cli::{Cli, Command};
use crate::failure::{FAILED, Failure};
use crate::output::Output;

fn main() -> ExitCode {
    // The demo runs this very program as its client, by a link named `helion`.
    let name = std::env::args_os().next().unwrap_or_default();
    if let Some(client) = standin::Client::from_program_name(&name) {
        return standin::run_this_process(client);
    }
    let cli = Cli::parse();
    let output = Output::new(cli.output);
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .init();

    match start(cli, output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.fail(&failure);
            ExitCode::from(failure.code())
        }
    }
}

fn start(cli: Cli, output: Output) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(FAILED, format!("failed to start: {error}")))?;
    runtime.block_on(run(cli, output))
}

async fn run(cli: Cli, output: Output) -> Result<(), Failure> {
    let url = cli.store.as_deref();
    match cli.command {
        Command::Demo => command::demo::run(output).await,
        Command::Packages(command) => {
            command::packages::run(command, store_choice::open(url).await?, output).await
        }
        Command::Deploy(arguments) => {
            command::deploy::run(arguments, store_choice::open(url).await?, output).await
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
