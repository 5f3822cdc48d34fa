//! `packages`: what can be deployed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use deployment::{Error, PackageCatalog, PackageDetails};
use futures_util::StreamExt as _;
use package::Manifest;
use serde_json::{Value, json};
use store::{FileContents, IStore};

use crate::cli::Packages;
use crate::failure::Failure;
use crate::hint::nearest;
use crate::output::{Output, on_one_line, printable};
use crate::quantity;
use crate::report::table;
use crate::stop::{Halt, Stop};

/// Does what was asked for; `stop` has listened since before the store was opened.
pub(crate) async fn run(
    command: Packages,
    store: Arc<dyn IStore>,
    mut stop: Stop,
    output: Output<'_>,
) -> Result<(), Failure> {
    let catalog = PackageCatalog::new(store);
    let stop = &mut stop;
    match command {
        Packages::Add { file } => add(&catalog, file, stop, output).await,
        Packages::List { keyword } => {
            stop.unless(list(&catalog, keyword.as_deref(), output))
                .await
        }
        Packages::Show { name } => stop.unless(show(&catalog, &name, output)).await,
        Packages::Remove { name } => stop.unless(remove(&catalog, &name, output)).await,
    }
}

async fn show(catalog: &PackageCatalog, name: &str, output: Output<'_>) -> Result<(), Failure> {
    let found = catalog.get_package(name).await;
    let package = known(found, catalog, name).await?;
    output.print(&details(&package), |_| shown(&package))
}

async fn remove(catalog: &PackageCatalog, name: &str, output: Output<'_>) -> Result<(), Failure> {
    let removed = catalog.delete_package(name).await;
    known(removed, catalog, name).await?;
    output.print(&json!({ "removed": name }), |_| format!("removed {name}"))
}

async fn add(
    catalog: &PackageCatalog,
    file: PathBuf,
    stop: &mut Stop,
    output: Output<'_>,
) -> Result<(), Failure> {
    let open = async { Ok(PackageCatalog::open_package_file(&file).await?) };
    let (name, contents) = stop.unless(open).await?;
    let halt = Arc::new(Halt::default());
    let contents = until_stopped(contents, Arc::clone(&halt));
    let save = async { Ok(catalog.save_package(&name, contents).await?) };
    let package = stop.ending(save, &halt).await?;
    output.print(&details(&package), |_| {
        format!("added {} ({})", package.name, quantity::bytes(package.size))
    })
}

/// The contents, which break off when they are to be stopped: so the store saves nothing of them.
///
/// A save that was dropped instead might be done and lack its manifest.
fn until_stopped(contents: FileContents, halt: Arc<Halt>) -> FileContents {
    contents.map_stream(move |chunks| {
        let checked = chunks.map(move |chunk| {
            if halt.heed() {
                let error = store::Error::new(store::ErrorKind::Interrupted, "read file");
                return Err(error.with_message("the program is stopped"));
            }
            chunk
        });
        checked.boxed()
    })
}

/// What was found; where there is no such package, the failure names the one that may be meant.
async fn known<T>(
    found: deployment::Result<T>,
    catalog: &PackageCatalog,
    name: &str,
) -> Result<T, Failure> {
    match found {
        Ok(found) => Ok(found),
        Err(error @ Error::PackageNotFound { .. }) => {
            Err(hinted(error.into(), nearest_package(catalog, name).await))
        }
        Err(error) => Err(error.into()),
    }
}

fn hinted(failure: Failure, hint: Option<String>) -> Failure {
    match hint {
        Some(hint) => failure.with_hint(hint),
        None => failure,
    }
}

/// The failure to find package `name`, which is to be deployed, with what may be meant.
pub(crate) async fn suggest(failure: Failure, catalog: &PackageCatalog, name: &str) -> Failure {
    hinted(failure, suggestion(catalog, name).await)
}

/// What may be meant by `name`, where no such package can be deployed.
pub(crate) async fn suggestion(catalog: &PackageCatalog, name: &str) -> Option<String> {
    match file_here(name) {
        Some(hint) => Some(hint),
        None => nearest_package(catalog, name).await,
    }
}

/// How the archive of that name in the working directory is deployed, if there is one.
fn file_here(name: &str) -> Option<String> {
    let is_archive = name.ends_with(ARCHIVE) && Path::new(name).is_file();
    is_archive.then(|| format!("with a `/` it is a file: `./{name}`"))
}

/// What the names of archives end with.
const ARCHIVE: &str = ".tar.gz";

/// Which package may be meant by `name`, where it is none.
async fn nearest_package(catalog: &PackageCatalog, name: &str) -> Option<String> {
    // A store that cannot list them has nothing to suggest; what is at fault was told already.
    let entries = catalog.get_package_list(None).await.unwrap_or_default();
    let near = nearest(name, entries.iter().map(|entry| entry.name.as_str()))?;
    let hint = format!("did you mean `{near}`? `helion-deploy packages list` shows all");
    Some(hint)
}

async fn list(
    catalog: &PackageCatalog,
    keyword: Option<&str>,
    output: Output<'_>,
) -> Result<(), Failure> {
    let entries = catalog.get_package_list(keyword).await?;
    let packages: Vec<Value> = entries
        .iter()
        .map(|entry| json!({ "package": entry.name.as_str(), "manifest": entry.manifest }))
        .collect();
    output.print(&json!({ "packages": packages }), |_| {
        if entries.is_empty() {
            return "no packages".to_owned();
        }
        let rows: Vec<_> = entries
            .iter()
            .map(|entry| {
                let Manifest {
                    name,
                    version,
                    tags,
                    ..
                } = &entry.manifest;
                let text =
                    |value: &Option<String>| on_one_line(value.as_deref().unwrap_or_default());
                [
                    entry.name.to_string(),
                    text(version),
                    text(name),
                    on_one_line(&tags.join(", ")),
                ]
            })
            .collect();
        table(["PACKAGE", "VERSION", "NAME", "TAGS"], &rows)
    })
}

fn details(package: &PackageDetails) -> Value {
    json!({
        "package": package.name.as_str(),
        "size": package.size,
        "manifest": package.manifest,
    })
}

fn shown(package: &PackageDetails) -> String {
    let manifest = serde_json::to_string_pretty(&package.manifest).unwrap_or_default();
    printable(&format!(
        "{} ({})\n{manifest}",
        package.name,
        quantity::bytes(package.size)
    ))
}
