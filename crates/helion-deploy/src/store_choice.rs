//! Which store the program works on.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use directories::ProjectDirs;
use store::{
    Error, ErrorKind, ISettings as _, IStore, MapSettings, SettingsChain, StoreBuilder, open_store,
    open_store_url,
};

use crate::failure::{Failure, INVALID};
use crate::setting;
use crate::settings::Settings;

/// Opens the store that the settings name, or the user's own.
pub(crate) async fn open(settings: &Settings) -> Result<Arc<dyn IStore>, Failure> {
    let mut places = settings.for_store();
    let chain = SettingsChain::new(places.clone());
    if is_unnamed(&chain) {
        let file = default_file().ok_or_else(|| {
            let message = "no home directory: give --store URL or set STORE_URL";
            Failure::new(INVALID, message)
        })?;
        make_folder(&file)?;
        let url = sqlite_url(&file)?;
        places.push(Arc::new(MapSettings::from([("store_url", url.as_str())])));
    }
    match open_store(&SettingsChain::new(places)).await {
        Ok(opened) => Ok(traced(opened)),
        Err(error) => Err(with_source(error, settings)),
    }
}

/// Opens the store that a URL alone names.
pub(crate) async fn open_url(url: &str) -> Result<Arc<dyn IStore>, Failure> {
    Ok(traced(open_store_url(url).await?))
}

/// The store with a span for each of its calls.
fn traced(store: Arc<dyn IStore>) -> Arc<dyn IStore> {
    StoreBuilder::new(store).with_traced().build()
}

/// Whether no setting names a store: neither its URL nor, in its place, a container on Swift.
fn is_unnamed(settings: &SettingsChain) -> bool {
    ["store_url", "swift_container"]
        .into_iter()
        .all(|key| settings.get(key).is_none())
}

/// The failure, which also tells where a setting that is wrong came from.
fn with_source(error: Error, settings: &Settings) -> Failure {
    let known = setting::all();
    let wrong = known.iter().find(|setting| {
        error.kind() == ErrorKind::Configuration && error.name() == Some(setting.key)
    });
    let source = wrong.and_then(|setting| Some(settings.find(setting).ok()??.source));
    let failure = Failure::from(error);
    match source {
        Some(source) => failure.with_source(source),
        None => failure,
    }
}

/// A database in the user's data directory.
fn default_file() -> Option<PathBuf> {
    let directories = ProjectDirs::from("", "", "helion-deploy")?;
    Some(directories.data_dir().join("store.sqlite"))
}

/// The URL of that database, where it is the store that would be opened.
pub(crate) fn default_url(settings: &Settings) -> Option<String> {
    let chain = SettingsChain::new(settings.for_store());
    is_unnamed(&chain).then(|| sqlite_url(&default_file()?).ok())?
}

/// The URL of the database file at `path`.
pub(crate) fn sqlite_url(path: &Path) -> Result<String, Failure> {
    match path.to_str() {
        Some(path) => Ok(format!("sqlite:{path}")),
        None => Err(Failure::new(
            INVALID,
            format!("`{}` is not UTF-8", PathBuf::from(path).display()),
        )),
    }
}

/// Makes the folder of the user's own store, for its owner alone.
fn make_folder(file: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::DirBuilderExt as _;

    let Some(folder) = file.parent() else {
        return Ok(());
    };
    let made = std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder);
    made.map_err(|error| {
        let folder = folder.display();
        Failure::new(INVALID, format!("failed to make `{folder}`: {error}"))
    })
}
