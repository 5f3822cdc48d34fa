//! The program: deploys packages from a terminal, and answers for every deployment.

mod activity;
mod again;
mod checks;
mod cli;
mod clients;
mod command;
mod config_file;
mod examples;
mod failure;
mod follow;
mod hint;
mod ignored_signals;
mod invocation;
mod log;
mod message;
mod output;
mod paint;
mod panel;
mod password;
mod picture;
mod progress;
mod quantity;
mod report;
mod sample_package;
mod setting;
mod settings;
mod stderr;
mod step_line;
mod stop;
mod store_choice;
mod tail;
mod unreadable;
mod usage;
mod watch;
mod width;

use std::process::ExitCode;
use std::time::Duration;

use crate::cli::{Cli, Command, Config};
use crate::failure::{FAILED, Failure};
use crate::invocation::Invocation;
use crate::output::Output;
use crate::settings::Settings;
use crate::stop::{Stop, flush_stderr, unless_stopped};

/// How long work that was dropped may take to remove what it has not finished: it is a file or a
/// transaction.
const LAST_WORK: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let code = run_program();
    flush_stderr();
    code
}

fn run_program() -> ExitCode {
    // The demo runs this very program as its client, by a link named `helion`.
    let name = std::env::args_os().next().unwrap_or_default();
    if let Some(client) = standin::Client::from_program_name(&name) {
        return standin::run_this_process(client);
    }
    let cli = match usage::parse() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    log::start();

    let invocation = Invocation::of(&cli);
    let (output, result) = act(cli, &invocation);
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let code = failure.code();
            output.fail(failure);
            ExitCode::from(code)
        }
    }
}

/// Does what was asked for; also tells how a failure is to be printed.
fn act(cli: Cli, invocation: &Invocation) -> (Output<'_>, Result<(), Failure>) {
    let output = Output::new(settings::early_format(cli.output), invocation);
    match Settings::load(&cli).and_then(|settings| Ok((settings.format()?, settings))) {
        Ok((format, settings)) => {
            let output = Output::new(format, invocation);
            (output, start(cli.command, &settings, output))
        }
        Err(failure) => (output, Err(failure)),
    }
}

fn start(command: Command, settings: &Settings, output: Output<'_>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(FAILED, format!("failed to start: {error}")))?;
    let result = runtime.block_on(run(command, settings, output));
    // What was dropped in the middle takes its leftovers away; a read that hangs in the system
    // must not keep a program that has said its last word.
    runtime.shutdown_timeout(LAST_WORK);
    result
}

async fn run(command: Command, settings: &Settings, output: Output<'_>) -> Result<(), Failure> {
    let open = || store_choice::open(settings);
    match command {
        // These pass a signal on to what they deploy.
        Command::Demo => command::demo::run(output).await,
        Command::Deploy(arguments) => {
            let mut stop = Stop::new()?;
            let store = stop.unless(open()).await?;
            command::deploy::run(arguments, settings, store, stop, output).await
        }
        Command::Redeploy(arguments) => {
            let mut stop = Stop::new()?;
            let store = stop.unless(open()).await?;
            command::redeploy::run(arguments, settings, store, stop, output).await
        }
        // These are read from, and a signal ends them as it ends any program.
        Command::List(arguments) => command::records::list(arguments, open().await?, output).await,
        Command::Logs(arguments) => command::records::logs(arguments, open().await?, output).await,
        // These take away what they have not finished.
        Command::Packages(command) => {
            let mut stop = Stop::new()?;
            let store = stop.unless(open()).await?;
            command::packages::run(command, store, stop, output).await
        }
        Command::Recover => {
            let work = async { command::recover::run(open().await?, output).await };
            unless_stopped(work).await
        }
        Command::Prune(arguments) => {
            let work = async { command::prune::run(arguments, open().await?, output).await };
            unless_stopped(work).await
        }
        Command::Plan(arguments) => {
            let work =
                async { command::plan::run(arguments, settings, open().await?, output).await };
            unless_stopped(work).await
        }
        Command::Cancel(arguments) => {
            let work = async { command::cancel::run(arguments, open().await?, output).await };
            unless_stopped(work).await
        }
        Command::Status(arguments) => {
            let work = async { command::records::status(arguments, open().await?, output).await };
            unless_stopped(work).await
        }
        Command::Config(Config::Show) => command::config::show(settings, output),
        Command::Config(Config::Path) => command::config::path(settings, output),
        Command::Completions { shell } => command::completions::run(shell),
        Command::Man { dir } => command::man::run(dir.as_deref(), output),
    }
}
