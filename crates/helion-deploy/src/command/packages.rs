//! `packages`: what can be deployed.

use std::path::PathBuf;
use std::sync::Arc;

use deployment::{PackageCatalog, PackageDetails};
use package::Manifest;
use serde_json::{Value, json};
use store::IStore;

use crate::cli::Packages;
use crate::failure::Failure;
use crate::output::{Output, printable};
use crate::report::table;

pub(crate) async fn run(
    command: Packages,
    store: Arc<dyn IStore>,
    output: Output,
) -> Result<(), Failure> {
    let catalog = PackageCatalog::new(store);
    match command {
        Packages::Add { file } => add(&catalog, file, output).await,
        Packages::List { keyword } => list(&catalog, keyword.as_deref(), output).await,
        Packages::Show { name } => {
            let package = catalog.get_package(&name).await?;
            output.print(&details(&package), |_| shown(&package))
        }
        Packages::Remove { name } => {
            catalog.delete_package(&name).await?;
            output.print(&json!({ "removed": name }), |_| format!("removed {name}"))
        }
    }
}

async fn add(catalog: &PackageCatalog, file: PathBuf, output: Output) -> Result<(), Failure> {
    let package = catalog.save_package_file(&file).await?;
    output.print(&details(&package), |_| {
        format!("added {} ({} bytes)", package.name, package.size)
    })
}

async fn list(
    catalog: &PackageCatalog,
    keyword: Option<&str>,
    output: Output,
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
                let text = |value: &Option<String>| value.clone().unwrap_or_default();
                [
                    entry.name.to_string(),
                    text(version),
                    text(name),
                    tags.join(", "),
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
        "{} ({} bytes)\n{manifest}",
        package.name, package.size
    ))
}
