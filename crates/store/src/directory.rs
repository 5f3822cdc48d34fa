//! Makes the directory that a store lies in.

use std::fs::File;
use std::io;
use std::path::Path;

/// Makes the directory and those above it that are missing, and flushes what they were made in, so that a
/// crash cannot take a whole store away with its directory.
pub(crate) fn make_directory(path: &Path) -> io::Result<()> {
    let path = std::path::absolute(path)?;
    let missing: Vec<&Path> = path.ancestors().take_while(|path| !path.exists()).collect();
    std::fs::create_dir_all(&path)?;
    if cfg!(unix) {
        for parent in missing.into_iter().filter_map(Path::parent) {
            flush(parent)?;
        }
    }
    Ok(())
}

fn flush(directory: &Path) -> io::Result<()> {
    match File::open(directory).and_then(|directory| directory.sync_all()) {
        // Some file systems have no flush for directories, and some directories cannot be opened.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::PermissionDenied
            ) =>
        {
            Ok(())
        }
        result => result,
    }
}
