//! Asking another process's deployment to stop.

use std::sync::Arc;
use std::time::Duration;

use store::{FileName, IStore, ListOptions, Order, SaveOptions, StoreExt};

use crate::error::{Error, Result};
use crate::file_names::FileNames;
use crate::id::DeploymentId;

/// What the files begin with by which a cancel is asked for.
pub(crate) const FILE_PREFIX: &str = "cancel_";

/// How often an engine with running deployments looks for such files.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Leaves the file that asks the owner of `id` to cancel it.
pub(crate) async fn ask(store: &Arc<dyn IStore>, id: &DeploymentId) -> Result<()> {
    let options = SaveOptions::default().with_content_type("application/json");
    store
        .save_bytes(&id.cancel_file_name(), "{}", &options)
        .await
        .map(drop)
        .map_err(Error::store("ask for the cancel"))
}

/// The deployments that somebody has asked to cancel, at most a page of them.
pub(crate) async fn asked(store: &Arc<dyn IStore>) -> Result<Vec<DeploymentId>> {
    // The newest first: what nobody removed, because its owner was dead, is not in the way.
    let options = ListOptions::default()
        .with_prefix(FILE_PREFIX)
        .with_order(Order::Descending);
    let files = store
        .get_files_list(&options)
        .await
        .map_err(Error::store("look for cancel files"))?;
    let ids = files
        .iter()
        .filter_map(|file| DeploymentId::from_cancel_file_name(file.name.as_str()));
    Ok(ids.collect())
}

/// Every deployment that somebody has asked to cancel.
pub(crate) async fn all(store: &Arc<dyn IStore>) -> Result<Vec<DeploymentId>> {
    let mut ids = Vec::new();
    let options = ListOptions::default().with_prefix(FILE_PREFIX);
    let mut files = FileNames::new(store.as_ref(), options, "look for cancel files");
    while let Some(page) = files.page().await? {
        let names = page.iter().map(FileName::as_str);
        ids.extend(names.filter_map(DeploymentId::from_cancel_file_name));
    }
    Ok(ids)
}

/// Removes the request to cancel `id`, which has ended or is ending.
pub(crate) async fn forget(store: &Arc<dyn IStore>, id: &DeploymentId) -> Result<()> {
    match store.delete_file(&id.cancel_file_name()).await {
        Err(error) if error.kind() != store::ErrorKind::NotFound => {
            Err(Error::store("remove the cancel file")(error))
        }
        _ => Ok(()),
    }
}
