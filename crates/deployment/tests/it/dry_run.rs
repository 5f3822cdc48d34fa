//! What is known of a deployment before it is made, and what subscribers hear of its steps.

use std::sync::Arc;

use batch::{LocalRunner, LocalRunnerOptions};
use deployment::{CliPlatform, DeploymentId, Error, EventKind, PackageCatalog};
use store::{FileName, ListOptions, StoreExt as _};

use crate::fixture::{Fixture, PASSWORD, SUCCESS, request, save};
use crate::played_client::Play;
use crate::wall_clock::{PAST_THE_LEASE, WallClock};

#[tokio::test]
async fn who_would_be_in_the_way_is_told_and_nothing_is_written() {
    let time = WallClock::new();
    let fixture = Fixture::at(Arc::new(store::MemoryStore::new()), &time).await;
    let other = Fixture::at(Arc::clone(&fixture.store), &time).await;
    let deployers = [&fixture.deployer, &other.deployer];
    for deployer in deployers {
        assert_eq!(deployer.busy_with(&request("foo")).await.unwrap(), None);
    }

    let id = fixture
        .deploy_up_to_push(Play::HangUntilStopped, request("foo"))
        .await;
    for deployer in deployers {
        assert_eq!(deployer.busy_with(&request("foo")).await.unwrap(), Some(id));
        assert_eq!(deployer.busy_with(&request("bar")).await.unwrap(), None);
    }

    // Its owner seems dead to another engine, which leaves the record as it is.
    let before = fixture.deployer.get_status(&id).await.unwrap();
    time.jump(PAST_THE_LEASE);
    let dead = other.deployer.busy_with(&request("foo")).await.unwrap();
    assert_eq!(dead, None);
    assert_eq!(fixture.deployer.get_status(&id).await.unwrap(), before);
}

#[tokio::test]
async fn the_commands_of_a_request_are_those_that_run() {
    let fixture = Fixture::new().await;
    let runner = Arc::new(LocalRunner::new(LocalRunnerOptions::default()));
    let platform = CliPlatform::helion(runner);
    let id = DeploymentId::generate();
    let asked = fixture.deployer.platform_request(&request("foo"), id);
    let batch = platform.batch(&asked).unwrap();
    let words: Vec<_> = batch
        .steps()
        .iter()
        .map(|step| step.status().as_str())
        .collect();
    assert_eq!(
        words.join(" "),
        "TARGET LOGIN REMOVED LIST DEPLOYED NEWLIST LOGS LOGOUT"
    );
    let lines: Vec<_> = batch
        .steps()
        .iter()
        .map(|step| step.command().to_string())
        .collect();
    assert!(!lines.join("\n").contains(PASSWORD), "{lines:?}");

    let record = fixture.deploy(request("foo")).await;
    let recorded = record.deploy_id.as_str();
    for step in record.engine.unwrap().steps {
        let line = step.command.replace(recorded, &id.to_string());
        let is_command = line.starts_with("helion ");
        assert!(!is_command || lines.contains(&line), "{line}: {lines:?}");
    }
}

#[tokio::test]
async fn a_stored_package_is_checked_as_a_whole() {
    let fixture = Fixture::new().await;
    let names = || async {
        let listed = fixture.store.get_files_list(&ListOptions::default()).await;
        listed.unwrap()
    };
    let before = names().await;
    let catalog = PackageCatalog::new(Arc::clone(&fixture.store));
    let found = catalog.inspect_package("foo").await.unwrap();
    assert!(found.entries > 0 && found.manifest.is_some(), "{found:?}");
    assert_eq!(names().await, before);

    let file = FileName::new("foo.tar.gz").unwrap();
    let (_, whole) = fixture
        .store
        .get_file_bytes(&file, 1_000_000)
        .await
        .unwrap();
    let cut = whole.slice(..whole.len() - 4);
    save(fixture.store.as_ref(), &file, cut).await;
    let refused = catalog.inspect_package("foo").await.unwrap_err();
    assert!(matches!(refused, Error::Package { .. }), "{refused:?}");
    let missing = catalog.inspect_package("bar").await.unwrap_err();
    assert!(
        matches!(missing, Error::PackageNotFound { .. }),
        "{missing:?}"
    );
}

#[tokio::test]
async fn subscribers_hear_how_each_step_ended() {
    let fixture = Fixture::new().await;
    fixture
        .client
        .on("delete", Play::Exit(1, "no such application"));
    let mut events = fixture.deployer.subscribe();
    fixture.deploy(request("foo")).await;
    let (mut accepted, mut commands) = (Vec::new(), Vec::new());
    while let Some(event) = events.next().await {
        match event.kind {
            EventKind::StepFinished {
                status,
                command,
                outcome,
                accepted: is_accepted,
                ..
            } => {
                assert!(is_accepted, "{status}: {outcome}");
                accepted.push(status);
                commands.push(format!("{command}: {outcome}"));
            }
            EventKind::Ended(_) => break,
            _ => {}
        }
    }
    let steps = SUCCESS.strip_prefix("INIT DOWNLOADING STARTED ").unwrap();
    let steps = steps.replace("NEWLIST DIR SUCCESS", "NEWLIST LOGOUT DIR");
    assert_eq!(accepted.join(" "), steps);
    let removed = "helion delete --target https://api.example.com -n foo: exit code 1";
    assert!(commands.contains(&removed.to_owned()), "{commands:?}");
}
