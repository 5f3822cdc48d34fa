//! Deploys the package `hello-world` from the store at `STORE_URL`, with the client `helion`:
//! `STORE_URL=sqlite:store.sqlite HELION_PASSWORD=… embed https://api.example.com admin`.

#![expect(clippy::print_stdout, reason = "it is a program")]

use std::error::Error;
use std::sync::Arc;

use batch::{LocalRunner, LocalRunnerOptions, Secret};
use deployment::{CliPlatform, Credentials, DeployRequest, Deployer, DeployerOptions};
use store::EnvSettings;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [endpoint, user] = arguments.as_slice() else {
        return Err("usage: embed ENDPOINT USER".into());
    };
    let store = store::open_store(&EnvSettings::new("")).await?;
    // The stand-in, where it takes the place of a platform, is told so by this variable.
    let runner = LocalRunnerOptions::default().with_passed_env("STANDIN_PLATFORM");
    let platform = CliPlatform::helion(Arc::new(LocalRunner::new(runner)));
    let deployer = Deployer::new(store, Arc::new(platform), DeployerOptions::default());
    let password = Secret::new(std::env::var("HELION_PASSWORD")?);
    let request = DeployRequest::new("hello-world", endpoint, Credentials::new(user, password)?)?;
    let id = deployer.deploy_package(request).await?;
    println!("{id} {}", deployer.wait(&id).await?.deploy_status);
    Ok(())
}
