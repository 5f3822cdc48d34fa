//! Which store the program works on.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use directories::ProjectDirs;
use store::{EnvSettings, ISettings, IStore, MapSettings, SettingsChain, open_store};

use crate::failure::{Failure, INVALID};

/// Opens the store at `url`, or the user's own; what else a store has to be told, such as a password,
/// is told by the environment, and never by the command line, which others can read.
pub(crate) async fn open(url: Option<&str>) -> Result<Arc<dyn IStore>, Failure> {
    let url = match url {
        Some(url) => url.to_owned(),
        None => default_url()?,
    };
    let named: Arc<dyn ISettings> = Arc::new(MapSettings::from([("store_url", url.as_str())]));
    let environment: Arc<dyn ISettings> = Arc::new(EnvSettings::new(""));
    Ok(open_store(&SettingsChain::new([named, environment])).await?)
}

/// A database in the user's data directory, which is made when it is not there.
fn default_url() -> Result<String, Failure> {
    let directories = ProjectDirs::from("", "", "helion-deploy").ok_or_else(|| {
        Failure::new(
            INVALID,
            "no home directory: give --store URL or set STORE_URL",
        )
    })?;
    let folder = directories.data_dir();
    make_private(folder).map_err(|error| {
        Failure::new(
            INVALID,
            format!("failed to make `{}`: {error}", folder.display()),
        )
    })?;
    sqlite_url(&folder.join("store.sqlite"))
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

fn make_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;

    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}
