//! `deploy`: a package to a platform, with live progress.

use std::path::PathBuf;
use std::sync::Arc;

use deployment::{
    Credentials, DeployRequest, Deployer, DeployerOptions, DeploymentRecord, DeploymentStatus,
    PackageCatalog, Phase,
};
use store::IStore;

use crate::again::Again;
use crate::cli::{Client, Deploy};
use crate::clients;
use crate::command::{packages, recover};
use crate::failure::{FAILED, Failure, INVALID};
use crate::follow::{Followed, follow};
use crate::output::Output;
use crate::password::{self, Source};
use crate::report;
use crate::settings::Settings;
use crate::stop::Stop;

/// Deploys, prints the record, and fails when it ended otherwise than in `SUCCESS`.
pub(crate) async fn run(
    arguments: Deploy,
    settings: &Settings,
    store: Arc<dyn IStore>,
    mut stop: Stop,
    output: Output<'_>,
) -> Result<(), Failure> {
    let client = settings.client(arguments.target.client)?;
    let platform = clients::platform(client, clients::runner_options());
    let wanted = Wanted::parse(&arguments.target.package)?;
    let again = Again::after(&arguments, &wanted);
    let request = request(arguments, &wanted, settings, &mut stop).await?;
    let deployer = Deployer::new(Arc::clone(&store), platform, DeployerOptions::default());
    recover::quietly(&deployer, &mut stop).await?;
    let followed = to_the_end(&deployer, store, request, &wanted, &mut stop).await?;
    tell(&followed, &again, client, output)
}

/// Deploys, and shows it to its end.
pub(crate) async fn to_the_end(
    deployer: &Deployer,
    store: Arc<dyn IStore>,
    request: DeployRequest,
    wanted: &Wanted,
    stop: &mut Stop,
) -> Result<Followed, Failure> {
    let status = DeploymentStatus::new(Arc::clone(&store));
    match follow(deployer, &status, request, stop).await {
        Ok(followed) => Ok(followed),
        Err(failure) => {
            let catalog = PackageCatalog::new(store);
            Err(wanted.suggest_unless_stopped(failure, &catalog, stop).await)
        }
    }
}

/// Prints the record, and fails where it ended otherwise than in `SUCCESS`.
pub(crate) fn tell(
    followed: &Followed,
    again: &Again,
    client: Client,
    output: Output<'_>,
) -> Result<(), Failure> {
    let record = followed.record();
    output.print(record, |_| report::followed(followed, output.paint()))?;
    succeeded(record, again).map_err(|failure| clients::explain(failure, client))
}

/// The package that is to be deployed.
pub(crate) struct Wanted {
    pub(crate) name: String,
    /// Its archive, where that is a file of this machine.
    pub(crate) file: Option<PathBuf>,
}

impl Wanted {
    /// Reads what was typed: with a `/` in it, it is a file.
    pub(crate) fn parse(package: &str) -> Result<Self, Failure> {
        if !package.contains('/') {
            return Ok(Self {
                name: package.to_owned(),
                file: None,
            });
        }
        let path = PathBuf::from(package);
        let named = package::Package::new("", &path, None)
            .map_err(|error| Failure::new(INVALID, error.to_string()))?;
        Ok(Self {
            name: named.name().to_owned(),
            file: Some(path),
        })
    }

    /// The failure, with the package that may have been meant where this one is not there.
    pub(crate) async fn suggest(&self, failure: Failure, catalog: &PackageCatalog) -> Failure {
        if self.is_missing(&failure) {
            packages::suggest(failure, catalog, &self.name).await
        } else {
            failure
        }
    }

    /// The same; after a signal, the failure is told as it is.
    async fn suggest_unless_stopped(
        &self,
        failure: Failure,
        catalog: &PackageCatalog,
        stop: &mut Stop,
    ) -> Failure {
        if !self.is_missing(&failure) {
            return failure;
        }
        match stop.before(packages::suggestion(catalog, &self.name)).await {
            Ok(Some(hint)) => failure.with_hint(hint),
            Ok(None) | Err(_) => failure,
        }
    }

    /// Whether the failure is that the store has no such package.
    fn is_missing(&self, failure: &Failure) -> bool {
        failure.missing_package() == Some(self.name.as_str())
    }
}

/// Takes the password from where it may come from.
pub(crate) async fn credentials(
    source: Source,
    username: String,
    stop: &mut Stop,
) -> Result<Credentials, Failure> {
    let password = password::read(source, &username, stop).await?;
    Ok(Credentials::new(username, password)?)
}

async fn request(
    arguments: Deploy,
    wanted: &Wanted,
    settings: &Settings,
    stop: &mut Stop,
) -> Result<DeployRequest, Failure> {
    let source = if arguments.password_stdin {
        Source::StandardInput
    } else {
        Source::EnvironmentOrPrompt
    };
    let endpoint = settings.endpoint(arguments.target.endpoint)?;
    let space = settings.space(arguments.target.org, arguments.target.space)?;
    let timeout = settings.timeout(arguments.target.timeout)?;
    let username = settings.username(arguments.target.username)?;
    let credentials = credentials(source, username, stop).await?;
    let mut request = DeployRequest::new(&wanted.name, &endpoint, credentials)?;
    if let Some(path) = &wanted.file {
        request = request.with_file(path);
    }
    if let Some(name) = arguments.target.name {
        request = request.with_application(name)?;
    }
    if let Some(space) = space {
        request = request.with_space(space);
    }
    if let Some(timeout) = timeout {
        request = request.with_timeout(timeout);
    }
    if let Some(key) = arguments.idempotency_key {
        request = request.with_idempotency_key(key)?;
    }
    Ok(request)
}

/// The exit code of a record that has been printed.
pub(crate) fn succeeded(record: &DeploymentRecord, again: &Again) -> Result<(), Failure> {
    if record.phase() == Some(Phase::Success) {
        return Ok(());
    }
    let reason = record
        .engine
        .as_ref()
        .and_then(|engine| engine.error.as_ref());
    let reason = reason.map_or(String::new(), |error| {
        let step = error.step.as_ref();
        let step = step.map_or(String::new(), |step| format!(" at {step}"));
        format!("{step}: {}", error.message)
    });
    // That it was cancelled is no further reason.
    let reason = match record.phase() {
        Some(Phase::Cancelled) => String::new(),
        _ => reason,
    };
    let message = format!("the deployment ended {}{reason}", record.deploy_status);
    let failure = Failure::after_document(FAILED, message);
    let hint = match record.phase() {
        Some(Phase::Cancelled | Phase::Interrupted) => again.hint(record),
        _ => None,
    };
    Err(match hint.or_else(|| output_hint(record)) {
        Some(hint) => failure.with_hint(hint),
        None => failure,
    })
}

/// How to see what the commands printed, where one has ended.
fn output_hint(record: &DeploymentRecord) -> Option<String> {
    let engine = record.engine.as_ref()?;
    let id = &record.deploy_id;
    let hint = || format!("`helion-deploy logs {id}` shows what its commands printed");
    (!engine.steps.is_empty()).then(hint)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use batch::Secret;
    use store::{FaultScript, FaultStore, MemoryStore, Operation};

    use super::*;
    use crate::failure::NOT_FOUND;
    use crate::stop::StopSignal;

    #[tokio::test]
    async fn a_signal_does_not_wait_for_a_suggestion() {
        let wanted = Wanted::parse("fooo").unwrap();
        let script = FaultScript::new();
        let store = FaultStore::new(Arc::new(MemoryStore::new()), &script);
        let catalog = PackageCatalog::new(Arc::new(store));
        let missing = async || {
            let empty = PackageCatalog::new(Arc::new(MemoryStore::new()));
            Failure::from(empty.get_package("fooo").await.unwrap_err()).with_hint("look")
        };
        let message = "package `fooo` was not found in the store";
        let mut stop = Stop::new().unwrap();
        let suggested = wanted.suggest_unless_stopped(missing().await, &catalog, &mut stop);
        let failure = suggested.await;
        assert_eq!((failure.code(), failure.message()), (NOT_FOUND, message));
        assert_eq!(failure.hint(), Some("look"));
        script.on(Operation::GetFilesList).always().hang();
        stop.put_back(StopSignal::Interrupt);
        let suggested = wanted.suggest_unless_stopped(missing().await, &catalog, &mut stop);
        let failure = suggested.await;
        assert_eq!((failure.code(), failure.message()), (NOT_FOUND, message));
        assert_eq!(failure.hint(), Some("look"));
    }

    #[tokio::test(start_paused = true)]
    async fn one_signal_ends_a_beginning_that_fails_after_it() {
        let script = FaultScript::new();
        let asked = script.on(Operation::GetFileInfo).named("fooo.tar.gz");
        asked.delay(Duration::from_secs(1));
        script.on(Operation::GetFilesList).always().hang();
        let store = FaultStore::new(Arc::new(MemoryStore::new()), &script);
        let store: Arc<dyn IStore> = Arc::new(store);
        let platform = clients::platform(Client::Helion, clients::runner_options());
        let deployer = Deployer::new(Arc::clone(&store), platform, DeployerOptions::default());
        let status = DeploymentStatus::new(Arc::clone(&store));
        let credentials = Credentials::new("ann", Secret::new("correct")).unwrap();
        let request = DeployRequest::new("fooo", "https://api.example.com", credentials).unwrap();
        let mut stop = Stop::new().unwrap();
        stop.put_back(StopSignal::Terminate);
        let followed = follow(&deployer, &status, request, &mut stop).await;
        let failure = followed.err().unwrap();
        let (wanted, catalog) = (Wanted::parse("fooo").unwrap(), PackageCatalog::new(store));
        let suggested = wanted.suggest_unless_stopped(failure, &catalog, &mut stop);
        let hang = Duration::from_hours(1);
        let failure = tokio::time::timeout(hang, suggested).await.unwrap();
        assert_eq!(failure.code(), NOT_FOUND, "{failure:?}");
    }
}
