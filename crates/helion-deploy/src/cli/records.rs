//! The command lines of what reads and removes records.

use std::time::Duration;

use clap::Args;
use deployment::DeploymentId;

/// What `status` takes.
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// The deployment.
    #[arg(value_parser = deployment_id)]
    pub(crate) id: DeploymentId,

    /// Follow it to its end.
    #[arg(long)]
    pub(crate) watch: bool,
}

/// What `list` takes.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// At most this many.
    #[arg(long, value_name = "N", default_value = "20", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) limit: u16,

    /// Only deployments older than this one.
    #[arg(long, value_name = "ID", value_parser = deployment_id)]
    pub(crate) after: Option<DeploymentId>,

    /// Only deployments in this status, for example FAILED
    #[arg(long, value_name = "STATUS")]
    pub(crate) status: Option<String>,
}

/// What `logs` takes.
#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// The deployment.
    #[arg(value_parser = deployment_id)]
    pub(crate) id: DeploymentId,

    /// Only the steps of this status, for example DEPLOYED
    #[arg(long, value_name = "STATUS")]
    pub(crate) step: Option<String>,
}

/// What `prune` takes.
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

/// Reads a deployment's id, which has to be whole.
pub(crate) fn deployment_id(text: &str) -> Result<DeploymentId, String> {
    text.parse().map_err(|_| {
        "a whole id is needed, and `helion-deploy list` shows those of the newest deployments"
            .to_owned()
    })
}
