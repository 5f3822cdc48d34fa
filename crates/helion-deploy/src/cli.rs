//! The command line.
#![expect(
    clippy::doc_markdown,
    reason = "the comments here are the program's help, no Markdown"
)]

mod packages;
mod records;
mod target;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use deployment::DeploymentId;

pub(crate) use self::packages::Packages;
pub(crate) use self::records::{List, Logs, Prune, Status, deployment_id};
pub(crate) use self::target::Target;
use crate::command::cancel::CancelArguments;
use crate::examples;
use crate::setting;

/// What the help calls the flags that every command has.
const GLOBAL: &str = "Options of every command";

/// Deploys packages to a Cloud Foundry style platform, and answers for every deployment.
///
/// Exit codes: 0 success, 1 the deployment ended otherwise or not all was recovered, 2 invalid
/// input or usage, 3 not found, 4 conflict, 5 the store cannot be used.
///
/// Settings come from flags, then from environment variables, then from the configuration file;
/// `config show` tells each value and where it came from.
#[derive(Debug, Parser)]
#[command(name = "helion-deploy", version, arg_required_else_help = true)]
#[command(after_long_help = examples::PROGRAM)]
pub(crate) struct Cli {
    /// Where packages and records are kept: fs:/folder, sqlite:/file, swift:CONTAINER, memory:
    ///
    /// Also STORE_URL, or `store_url` in the configuration file. Without any, a SQLite database in
    /// your data directory. What else a store has to be told, such as a password, is never a flag.
    #[arg(long, global = true, value_name = "URL", help_heading = GLOBAL)]
    pub(crate) store: Option<String>,

    /// What is printed on standard output: text unless set
    ///
    /// Also HELION_OUTPUT, or `output` in the configuration file.
    #[arg(long, global = true, value_name = "FORMAT", help_heading = GLOBAL)]
    pub(crate) output: Option<Format>,

    /// The configuration file; your own unless given
    ///
    /// Also HELION_DEPLOY_CONFIG; `config path` tells where your own is.
    #[arg(long, global = true, value_name = "FILE", help_heading = GLOBAL)]
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What is printed on standard output; progress and messages go to standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For a person.
    Text,
    /// One JSON document and nothing else.
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Deploy a sample package to a stand-in platform in a temporary folder
    #[command(after_long_help = examples::DEMO)]
    Demo,
    /// Add, list, show and remove packages
    #[command(subcommand, after_long_help = examples::PACKAGES)]
    Packages(Packages),
    /// Check what a deployment would do, and do nothing
    ///
    /// Nothing is run and nothing is written, neither here nor in the store, but for a store that is
    /// not there yet, which is made. No password is needed; whether the platform would take it is not
    /// known.
    #[command(after_long_help = examples::PLAN)]
    Plan(Target),
    /// Deploy a package and follow it to its end
    ///
    /// The password comes from HELION_PASSWORD, from standard input, or from a prompt; never from the
    /// command line or the configuration file.
    #[command(after_long_help = examples::DEPLOY)]
    Deploy(Deploy),
    /// Deploy once more what a deployment that has ended deployed
    ///
    /// Package, endpoint, application and space are those of its record; the package is the one that
    /// the store has now. The password comes from where `deploy` takes it from.
    #[command(after_long_help = examples::REDEPLOY)]
    Redeploy(Redeploy),
    /// End deployments whose process died, and remove what they left on this machine
    #[command(after_long_help = examples::RECOVER)]
    Recover,
    /// Remove records of deployments that ended long ago
    ///
    /// Those that either limit names; records of deployments that have not ended, or that cannot be
    /// read, always stay.
    #[command(after_long_help = examples::PRUNE)]
    Prune(Prune),
    /// Stop a deployment, whichever process runs it, and wait until it has ended
    ///
    /// Its running command is ended, it logs out, and CANCELLED is recorded. One that only cleans up
    /// by then ends in SUCCESS all the same.
    #[command(after_long_help = examples::CANCEL)]
    Cancel(CancelArguments),
    /// Show a deployment's record
    #[command(after_long_help = examples::STATUS)]
    Status(Status),
    /// List deployments, newest first
    #[command(after_long_help = examples::LIST)]
    List(List),
    /// Show what a deployment's commands printed; that of a command comes when it has ended
    #[command(after_long_help = examples::LOGS)]
    Logs(Logs),
    /// Show the settings, and where each came from
    #[command(subcommand, after_long_help = examples::CONFIG)]
    Config(Config),
    /// Print a shell's completions for this program
    ///
    /// The folders of the examples have to be there; zsh looks into ~/.zfunc where `fpath` has it before
    /// `compinit`.
    #[command(after_long_help = examples::COMPLETIONS)]
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Print the manual page, or write those of all commands
    #[command(after_long_help = examples::MAN)]
    Man {
        /// Write one page for each command into this folder, which is made if it is not there.
        #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
        dir: Option<PathBuf>,
    },
}

impl Command {
    /// Whether the configuration file counts: what tells of the program itself does so also where
    /// the file is wrong.
    pub(crate) const fn goes_by_the_file(&self) -> bool {
        !matches!(
            self,
            Self::Config(Config::Path) | Self::Completions { .. } | Self::Man { .. }
        )
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Show every setting with its value, secrets as ***, and where it came from
    #[command(after_long_help = examples::CONFIG_SHOW)]
    Show,
    /// Print where the configuration file is, or would be
    #[command(after_long_help = examples::CONFIG_PATH)]
    Path,
}

/// What `deploy` takes.
#[derive(Debug, Args)]
pub(crate) struct Deploy {
    #[command(flatten)]
    pub(crate) target: Target,

    /// Read the password from the first line of standard input.
    #[arg(long)]
    pub(crate) password_stdin: bool,

    /// The same request with the same key is deployed once.
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
}

/// What `redeploy` takes.
#[derive(Debug, Args)]
pub(crate) struct Redeploy {
    /// The deployment that is to be repeated.
    #[arg(value_parser = deployment_id)]
    pub(crate) id: DeploymentId,

    /// Who logs in
    ///
    /// Also HELION_USERNAME, or `username` in the configuration file; one of them is needed.
    #[arg(long, value_name = "USER")]
    pub(crate) username: Option<String>,

    /// Read the password from the first line of standard input.
    #[arg(long)]
    pub(crate) password_stdin: bool,

    /// The platform's client, found on PATH: helion unless set
    ///
    /// Also HELION_CLIENT, or `client` in the configuration file.
    #[arg(long, value_name = "CLIENT")]
    pub(crate) client: Option<Client>,

    /// How long the whole deployment may take, for example 90s or 15m
    ///
    /// Also HELION_TIMEOUT, or `timeout` in the configuration file.
    #[arg(long, value_name = "DURATION", value_parser = setting::duration)]
    pub(crate) timeout: Option<Duration>,
}

/// The clients that can be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Client {
    /// Helion Development Platform, Stackato.
    Helion,
    /// Cloud Foundry, version 7 or 8.
    Cf,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_password_is_never_an_argument() {
        let parsed = Cli::try_parse_from([
            "helion-deploy",
            "deploy",
            "foo",
            "--endpoint",
            "https://x.io",
            "--username",
            "u",
            "--password",
            "p",
        ]);
        assert_eq!(
            parsed.unwrap_err().kind(),
            clap::error::ErrorKind::UnknownArgument
        );
    }
}
