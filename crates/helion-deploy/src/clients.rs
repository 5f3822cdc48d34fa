//! The platforms' clients as child programs.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use batch::{LocalRunner, LocalRunnerOptions, Sweep};
use deployment::CliPlatform;

use crate::cli::Client;
use crate::failure::Failure;

/// What the cf client reads from its environment and no secret stands in: time limits.
const CF_LIMITS: [&str; 3] = [
    "CF_STAGING_TIMEOUT",
    "CF_STARTUP_TIMEOUT",
    "CF_DIAL_TIMEOUT",
];

/// The options of a runner that hands clients what they need of our environment.
pub(crate) fn runner_options() -> LocalRunnerOptions {
    // A client's helpers that left its process group are found and ended as well.
    let options = LocalRunnerOptions::default()
        .with_sweep(Sweep::On)
        .with_passed_env(standin::PLATFORM_VARIABLE);
    CF_LIMITS
        .into_iter()
        .fold(options, LocalRunnerOptions::with_passed_env)
}

/// The platform behind `client`.
pub(crate) fn platform(client: Client, options: LocalRunnerOptions) -> Arc<CliPlatform> {
    let runner = Arc::new(LocalRunner::new(options));
    Arc::new(match client {
        Client::Helion => CliPlatform::helion(runner),
        Client::Cf => CliPlatform::cf(runner),
    })
}

/// The program's name.
pub(crate) const fn program(client: Client) -> &'static str {
    match client {
        Client::Helion => "helion",
        Client::Cf => "cf",
    }
}

/// Where the client is found on `PATH`.
pub(crate) fn find(client: Client) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program(client)))
        .find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    let metadata = file.metadata();
    metadata.is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// How to get a client that is not there.
pub(crate) const fn how_to_get(client: Client) -> &'static str {
    match client {
        Client::Helion => {
            "install the `helion` client, which the platform's web console offers, into a folder on PATH; or choose another one with --client"
        }
        Client::Cf => {
            "install the `cf` client into a folder on PATH: https://docs.cloudfoundry.org/cf-cli/install-go-cli.html"
        }
    }
}

/// The failure of a deployment, which says how to get the client where that is what was missing.
pub(crate) fn explain(failure: Failure, client: Client) -> Failure {
    match find(client) {
        Some(_) => failure,
        None => failure.with_hint(how_to_get(client)),
    }
}
