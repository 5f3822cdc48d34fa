//! Follows a deployment that another process runs, by what is recorded in the store at `STORE_URL`:
//! `STORE_URL=sqlite:store.sqlite watch ID`.

#![expect(clippy::print_stdout, reason = "it is a program")]

use std::error::Error;
use std::time::Duration;

use deployment::{DeploymentId, DeploymentStatus, IStatus as _};
use store::EnvSettings;

/// How often the record is read.
const EVERY: Duration = Duration::from_millis(250);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let id = std::env::args().nth(1).ok_or("usage: watch ID")?;
    let id: DeploymentId = id.parse()?;
    let status = DeploymentStatus::new(store::open_store(&EnvSettings::new("")).await?);
    let mut shown = 0;
    loop {
        let record = status.get_status(&id).await?.ok_or("no such deployment")?;
        for line in record.history.iter().skip(shown) {
            println!("{line}");
        }
        shown = record.history.len();
        if record.is_terminal() {
            return Ok(());
        }
        tokio::time::sleep(EVERY).await;
    }
}
