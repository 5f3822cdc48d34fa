//! How a deployment that was stopped is repeated.

use std::time::Duration;

use deployment::DeploymentRecord;

use crate::cli::{Client, Deploy, Redeploy};
use crate::clients;
use crate::command::deploy::Wanted;
use crate::invocation::quoted;

/// What has to be typed.
#[derive(Debug)]
pub(crate) enum Again {
    /// `redeploy`, with these flags.
    Redeploy(String),
    /// `deploy` itself, with the same arguments, since its package came from a file.
    Deploy,
    /// The same, but for its key, which stands for the deployment that was stopped.
    DeployWithAnotherKey,
    /// Nothing: what was deployed has an end.
    Never,
}

impl Again {
    /// After a `deploy`.
    pub(crate) fn after(arguments: &Deploy, wanted: &Wanted) -> Self {
        match (wanted.file.is_some(), &arguments.idempotency_key) {
            (true, None) => Self::Deploy,
            (true, Some(_)) => Self::DeployWithAnotherKey,
            (false, _) => Self::Redeploy(flags(
                arguments.target.username.as_deref(),
                arguments.target.client,
                arguments.target.timeout,
            )),
        }
    }

    /// After a `redeploy`.
    pub(crate) fn after_again(arguments: &Redeploy) -> Self {
        Self::Redeploy(flags(
            arguments.username.as_deref(),
            arguments.client,
            arguments.timeout,
        ))
    }

    /// What to do after that deployment; `None` where nothing can be done.
    pub(crate) fn hint(&self, record: &DeploymentRecord) -> Option<String> {
        let id = &record.deploy_id;
        Some(match self {
            Self::Redeploy(flags) => {
                format!("`helion-deploy redeploy {id}{flags}` deploys it once more")
            }
            Self::Deploy => {
                "its package came from a file: the same `helion-deploy deploy …` deploys it once more"
                    .to_owned()
            }
            Self::DeployWithAnotherKey => {
                "its package came from a file: the same `helion-deploy deploy …` with another \
                 --idempotency-key deploys it once more"
                    .to_owned()
            }
            Self::Never => return None,
        })
    }
}

/// What was given as flags; what came from elsewhere comes from there again.
fn flags(username: Option<&str>, client: Option<Client>, timeout: Option<Duration>) -> String {
    let username = username.map(|name| format!(" --username {}", quoted(name)));
    let client = client.map(|client| format!(" --client {}", clients::program(client)));
    let timeout = timeout.map(humantime::format_duration);
    let timeout = timeout.map(|limit| format!(" --timeout {}", quoted(&limit.to_string())));
    [username, client, timeout].into_iter().flatten().collect()
}
