//! What `plan` checks of the package: that it is there, and could be unpacked.

use std::path::Path;

use deployment::PackageCatalog;
use package::{Inspection, UnpackLimits};

use crate::checks::Checks;
use crate::command::deploy::Wanted;
use crate::failure::{FAILED, Failure, INVALID, NOT_FOUND, chain};
use crate::quantity;

/// Whether the package is there, and could be unpacked.
pub(super) async fn check(checks: &mut Checks, wanted: Option<&Wanted>, catalog: &PackageCatalog) {
    let found = match wanted {
        None => None,
        Some(wanted) => checks
            .note("package", find(wanted, catalog).await)
            .map(|()| wanted),
    };
    let Some(wanted) = found else {
        if wanted.is_none() {
            checks.skip("package", "the name is not valid");
        }
        checks.skip("archive", "there is no package");
        checks.skip("manifest", "there is no package");
        return;
    };
    let inspected = inspect(wanted, catalog).await.map(|inspection| {
        let bytes = quantity::bytes(inspection.bytes);
        let detail = format!("{} entries, {bytes} unpacked", inspection.entries);
        (inspection, detail)
    });
    match checks.note("archive", inspected) {
        Some(inspection) => {
            checks.note("manifest", Ok(((), manifest(&inspection))));
        }
        None => checks.skip("manifest", "the archive is not sound"),
    }
}

/// Looks for the package, in the store or on this machine.
async fn find(wanted: &Wanted, catalog: &PackageCatalog) -> Result<((), String), Failure> {
    let Some(file) = &wanted.file else {
        return match catalog.get_package(&wanted.name).await {
            Ok(found) => Ok(((), format!("{} in the store", quantity::bytes(found.size)))),
            Err(error) => Err(wanted.suggest(error.into(), catalog).await),
        };
    };
    let shown = file.display();
    match std::fs::metadata(file) {
        Ok(metadata) if metadata.is_file() => {
            let bytes = quantity::bytes(metadata.len());
            Ok(((), format!("{bytes} in `{shown}`")))
        }
        Ok(_) => Err(Failure::new(INVALID, format!("`{shown}` is no file"))),
        Err(error) => Err(Failure::new(NOT_FOUND, format!("`{shown}`: {error}"))),
    }
}

/// Reads the whole archive, and keeps nothing of it.
async fn inspect(wanted: &Wanted, catalog: &PackageCatalog) -> Result<Inspection, Failure> {
    let Some(file) = wanted.file.clone() else {
        return Ok(catalog.inspect_package(&wanted.name).await?);
    };
    let name = wanted.name.clone();
    let inspected = tokio::task::spawn_blocking(move || inspect_file(&file, &name)).await;
    inspected.unwrap_or_else(|error| {
        Err(Failure::new(
            FAILED,
            format!("the check ended unexpectedly: {error}"),
        ))
    })
}

fn inspect_file(file: &Path, name: &str) -> Result<Inspection, Failure> {
    let opened = std::fs::File::open(file)
        .map_err(|error| Failure::new(INVALID, format!("`{}`: {error}", file.display())))?;
    package::inspect_package(opened, name, &UnpackLimits::default())
        .map_err(|error| Failure::new(INVALID, chain(&error)))
}

fn manifest(inspection: &Inspection) -> String {
    let Some(manifest) = &inspection.manifest else {
        return "none; the package is known by its name".to_owned();
    };
    let said = [&manifest.name, &manifest.version];
    let said: Vec<_> = said.into_iter().flatten().map(String::as_str).collect();
    said.join(" ")
}
