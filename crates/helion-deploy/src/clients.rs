//! The platforms' clients as child programs.

use std::sync::Arc;

use batch::{LocalRunner, LocalRunnerOptions, Sweep};
use deployment::{CliPlatform, IPlatform};

use crate::cli::Client;

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
pub(crate) fn platform(client: Client, options: LocalRunnerOptions) -> Arc<dyn IPlatform> {
    let runner = Arc::new(LocalRunner::new(options));
    Arc::new(match client {
        Client::Helion => CliPlatform::helion(runner),
        Client::Cf => CliPlatform::cf(runner),
    })
}
