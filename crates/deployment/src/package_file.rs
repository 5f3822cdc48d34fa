//! An archive in a file of this machine.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fs::{Mode, OFlags, fcntl_setfl, open as open_path};

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
    // A pipe that nobody writes to would hang the open for ever, and may take the file's place after
    // a look at what it is.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(open_path(path, flags, Mode::empty())?);
    let opened = file.metadata()?;
    if !opened.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    fcntl_setfl(&file, OFlags::empty())?;
    Ok((file, opened.len()))
}

#[cfg(test)]
mod tests {
    use rustix::fs::{CWD, FileType, mknodat};

    use super::*;

    #[test]
    fn a_pipe_that_nobody_writes_to_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("pipe");
        mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        for path in [pipe.as_path(), directory.path()] {
            let error = open_regular(path).unwrap_err();
            assert_eq!(error.to_string(), "it is no regular file");
        }
        std::fs::write(directory.path().join("file"), "x").unwrap();
        assert_eq!(open_regular(&directory.path().join("file")).unwrap().1, 1);
    }
}
