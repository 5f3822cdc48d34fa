//! Tests of an application that has the engine in it, with fakes in place of everything else:
//! `cargo test -p deployment --features mock --example fakes`.

#![expect(clippy::print_stdout, reason = "it is a program")]

use std::sync::Arc;

use batch::{MockIProcess, ProcessOutcome, Secret};
use deployment::{
    Credentials, DeployRequest, Deployer, DeployerOptions, DeploymentId, MockIPlatform,
    PackageCatalog, Result,
};
use store::{FileContents, IStore, MemoryStore};

/// The application: it deploys a customer's shop.
#[derive(Debug)]
struct Shops {
    deployer: Deployer,
}

impl Shops {
    /// Starts the deployment; the same order twice is one deployment.
    async fn open(&self, order: &str, login: Credentials) -> Result<DeploymentId> {
        let request = DeployRequest::new("shop", "https://api.example.com", login)?
            .with_idempotency_key(order)?;
        self.deployer.deploy_package(request).await
    }

    /// What the customer reads.
    async fn progress(&self, id: &DeploymentId) -> Result<String> {
        let record = self.deployer.get_status(id).await?;
        Ok(match record {
            Some(record) if record.is_terminal() => format!("It is over: {}", record.deploy_status),
            Some(_) => "We are working on it.".to_owned(),
            None => "There is no such order.".to_owned(),
        })
    }
}

/// A platform whose process ends like that.
fn platform(outcome: ProcessOutcome) -> Arc<MockIPlatform> {
    let mut platform = MockIPlatform::new();
    platform.expect_process().returning(move |_| {
        let mut process = MockIProcess::new();
        let outcome = outcome.clone();
        process
            .expect_execute()
            .returning(move |_, _| Ok(outcome.clone()));
        Ok(Box::new(process))
    });
    Arc::new(platform)
}

/// The application with fakes around it, and a package in the store.
async fn shops(store: Arc<dyn IStore>, outcome: ProcessOutcome) -> Result<Shops> {
    let archive = testkit::package("shop", &[("index.html", b"<h1>shop</h1>")]);
    PackageCatalog::new(Arc::clone(&store))
        .save_package("shop", FileContents::from_bytes(archive))
        .await?;
    let deployer = Deployer::new(store, platform(outcome), DeployerOptions::default());
    Ok(Shops { deployer })
}

fn login() -> Result<Credentials> {
    Credentials::new("ann", Secret::new("open sesame"))
}

#[tokio::main]
async fn main() -> Result<()> {
    let shops = shops(Arc::new(MemoryStore::new()), ProcessOutcome::Success).await?;
    let id = shops.open("order-1", login()?).await?;
    shops.deployer.wait(&id).await?;
    println!("{}", shops.progress(&id).await?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use batch::Status;
    use store::{ErrorKind, FaultScript, Operation};

    use super::*;

    #[tokio::test]
    async fn a_customer_is_told_how_it_ended() {
        let refused = ProcessOutcome::failed(Status::from_static("DEPLOYED"), "no room");
        for (outcome, expected) in [
            (ProcessOutcome::Success, "It is over: SUCCESS"),
            (refused, "It is over: FAILED"),
        ] {
            let shops = shops(Arc::new(MemoryStore::new()), outcome).await.unwrap();
            let id = shops.open("order-1", login().unwrap()).await.unwrap();
            shops.deployer.wait(&id).await.unwrap();
            assert_eq!(shops.progress(&id).await.unwrap(), expected);
        }
    }

    #[tokio::test]
    async fn an_order_is_deployed_once() {
        let store = Arc::new(MemoryStore::new());
        let shops = shops(store, ProcessOutcome::Success).await.unwrap();
        let first = shops.open("order-1", login().unwrap()).await.unwrap();
        let again = shops.open("order-1", login().unwrap()).await.unwrap();
        assert_eq!(again, first);
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_is_away_is_told() {
        let script = FaultScript::new();
        let store = Arc::new(MemoryStore::new().with_faults(&script));
        let shops = shops(store, ProcessOutcome::Success).await.unwrap();
        script
            .on(Operation::GetFileContents)
            .always()
            .fail(ErrorKind::Unavailable);
        let asked = shops.progress(&DeploymentId::generate()).await;
        assert_eq!(asked.unwrap_err().kind(), deployment::ErrorKind::Store);
    }
}
