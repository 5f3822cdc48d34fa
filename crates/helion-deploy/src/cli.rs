//! The command line.
#![expect(
    clippy::doc_markdown,
    reason = "the comments here are the program's help, no Markdown"
)]

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use deployment::DeploymentId;

use crate::command::cancel::CancelArguments;
use crate::command::plan::PlanArguments;

/// Deploys packages to a Cloud Foundry style platform, and answers for every deployment.
///
/// Exit codes: 0 success, 1 the deployment ended otherwise or not all was recovered, 2 invalid
/// input or usage, 3 not found, 4 conflict, 5 the store cannot be used.
#[derive(Debug, Parser)]
#[command(name = "helion-deploy", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// Where packages and records are kept: fs:/folder, sqlite:/file, memory:
    ///
    /// Without it, a SQLite database in your data directory.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "STORE_URL",
        hide_env_values = true
    )]
    pub(crate) store: Option<String>,

    /// What is printed on standard output.
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: Format,

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
    Demo,
    /// Add, list, show and remove packages
    #[command(subcommand)]
    Packages(Packages),
    /// Check what a deployment would do, and do nothing
    Plan(PlanArguments),
    /// Deploy a package and follow it to its end
    Deploy(Deploy),
    /// Deploy once more what a deployment that has ended deployed
    Redeploy(Redeploy),
    /// End deployments whose process died, and remove what they left on this machine
    Recover,
    /// Remove records of deployments that ended long ago
    Prune(Prune),
    /// Stop a deployment, whichever process runs it
    Cancel(CancelArguments),
    /// Show a deployment's record
    Status(Status),
    /// List deployments, newest first
    List(List),
    /// Show what a deployment's commands printed; that of a command comes when it has ended
    Logs(Logs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Packages {
    /// Check a package archive and add it, replacing one of the same name
    Add {
        /// The archive; `foo.tar.gz` becomes package `foo`.
        file: PathBuf,
    },
    /// List the packages
    List {
        /// Only packages in whose name, tags or other texts this occurs.
        keyword: Option<String>,
    },
    /// Show a package's manifest
    Show {
        /// The package.
        name: String,
    },
    /// Remove a package
    Remove {
        /// The package.
        name: String,
    },
}

/// Deploys a package and follows it to its end.
///
/// The password comes from `HELION_PASSWORD`, from standard input, or from a prompt.
#[derive(Debug, Args)]
pub(crate) struct Deploy {
    /// The package in the store, or, with a `/` in it, an archive on this machine.
    pub(crate) package: String,

    /// The address of the platform's API, with https in front (or http).
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint: String,

    /// Who logs in.
    #[arg(long, value_name = "USER")]
    pub(crate) username: String,

    /// Read the password from the first line of standard input.
    #[arg(long)]
    pub(crate) password_stdin: bool,

    /// The platform's client, found on PATH.
    #[arg(long, value_name = "CLIENT", default_value = "helion")]
    pub(crate) client: Client,

    /// The application's name on the platform; the package's unless given.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,

    /// The organization to deploy to.
    #[arg(long, value_name = "ORG", requires = "space")]
    pub(crate) org: Option<String>,

    /// The space to deploy to.
    #[arg(long, value_name = "SPACE", requires = "org")]
    pub(crate) space: Option<String>,

    /// How long the whole deployment may take, for example 90s or 15m
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) timeout: Option<Duration>,

    /// The same request with the same key is deployed once.
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
}

/// Deploys once more what a deployment that has ended deployed, and follows it to its end.
///
/// Package, endpoint, application and space are those of its record; the package is the one that
/// the store has now. The password comes from where `deploy` takes it from.
#[derive(Debug, Args)]
pub(crate) struct Redeploy {
    /// The deployment that is to be repeated.
    pub(crate) id: DeploymentId,

    /// Who logs in.
    #[arg(long, value_name = "USER")]
    pub(crate) username: String,

    /// Read the password from the first line of standard input.
    #[arg(long)]
    pub(crate) password_stdin: bool,

    /// The platform's client, found on PATH.
    #[arg(long, value_name = "CLIENT", default_value = "helion")]
    pub(crate) client: Client,

    /// How long the whole deployment may take, for example 90s or 15m
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) timeout: Option<Duration>,
}

/// Removes the records that either limit names; those of deployments that have not ended, or that
/// cannot be read, always stay.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct Prune {
    /// Remove records of deployments that ended longer ago than this, for example 90d
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub(crate) older_than: Option<Duration>,

    /// Keep only the newest so many records of deployments that have ended.
    #[arg(long, value_name = "N")]
    pub(crate) keep: Option<usize>,
}

/// The clients that can be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Client {
    /// Helion Development Platform, Stackato.
    Helion,
    /// Cloud Foundry, version 7 or 8.
    Cf,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// The deployment.
    pub(crate) id: DeploymentId,

    /// Follow it to its end.
    #[arg(long)]
    pub(crate) watch: bool,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// At most this many.
    #[arg(long, value_name = "N", default_value = "20", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) limit: u16,

    /// Only deployments older than this one.
    #[arg(long, value_name = "ID")]
    pub(crate) after: Option<DeploymentId>,

    /// Only deployments in this status, for example FAILED
    #[arg(long, value_name = "STATUS")]
    pub(crate) status: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// The deployment.
    pub(crate) id: DeploymentId,

    /// Only the steps of this status, for example DEPLOYED
    #[arg(long, value_name = "STATUS")]
    pub(crate) step: Option<String>,
}

pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if duration.is_zero() {
        return Err("a deployment needs more time than none".to_owned());
    }
    Ok(duration)
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

    #[test]
    fn an_organization_needs_a_space() {
        let parsed = Cli::try_parse_from([
            "helion-deploy",
            "deploy",
            "foo",
            "--endpoint",
            "https://x.io",
            "--username",
            "u",
            "--org",
            "o",
        ]);
        assert_eq!(
            parsed.unwrap_err().kind(),
            clap::error::ErrorKind::MissingRequiredArgument
        );
    }
}
