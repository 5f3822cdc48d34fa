//! An archive in a file of this machine.

use std::fs::{self, File, Metadata};
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
    // A pipe that is opened lets whoever waits to write to it go on, to nobody who reads, and a
    // device may do something.
    check_regular(&fs::metadata(path)?)?;
    open_what_came(path)
}

/// Opens what has the path, though it be a pipe by now that nobody writes to.
fn open_what_came(path: &Path) -> io::Result<(File, u64)> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(open_path(path, flags, Mode::empty())?);
    let opened = file.metadata()?;
    check_regular(&opened)?;
    fcntl_setfl(&file, OFlags::empty())?;
    Ok((file, opened.len()))
}

fn check_regular(found: &Metadata) -> io::Result<()> {
    if found.is_file() {
        return Ok(());
    }
    Err(io::Error::other("it is no regular file"))
}

// Apple's systems have no `mknodat` in rustix.
#[cfg(all(test, not(target_vendor = "apple")))]
mod tests {
    use rustix::fs::{CWD, FileType, mknodat};

    use super::*;

    #[test]
    fn a_pipe_that_nobody_writes_to_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("pipe");
        mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        for path in [pipe.as_path(), directory.path()] {
            for open in [open_regular, open_what_came] {
                let error = open(path).unwrap_err();
                assert_eq!(error.to_string(), "it is no regular file");
            }
        }
        fs::write(directory.path().join("file"), "x").unwrap();
        assert_eq!(open_regular(&directory.path().join("file")).unwrap().1, 1);
    }
    #[cfg(target_os = "linux")]
    #[test]
    fn a_pipe_is_refused_without_being_opened() {
        use rustix::fs::inotify;
        use rustix::io::{Errno, read};

        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("pipe");
        mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let opened = inotify::init(inotify::CreateFlags::NONBLOCK).unwrap();
        inotify::add_watch(&opened, &pipe, inotify::WatchFlags::OPEN).unwrap();
        // Whoever waits to write to it would go on, and lose what is written.
        open_regular(&pipe).unwrap_err();
        assert_eq!(read(&opened, &mut [0; 64]), Err(Errno::AGAIN));
        drop(File::options().read(true).write(true).open(&pipe).unwrap());
        assert!(read(&opened, &mut [0; 64]).unwrap() > 0);
    }
}
