//! An archive in a file of this machine.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::error::{Error, Result};

/// Opens the archive in `path` for reading; its size is in bytes.
pub(crate) async fn open(path: &Path) -> Result<(File, u64)> {
    let opened = tokio::task::spawn_blocking({
        let path = path.to_owned();
        move || open_regular(&path)
    });
    let opened = opened.await.map_err(Error::task)?;
    opened.map_err(Error::directory("read the package file", path))
}

fn open_regular(path: &Path) -> io::Result<(File, u64)> {
    // A pipe would hang the open for ever, so what it is is asked before.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    Ok((file, size))
}
