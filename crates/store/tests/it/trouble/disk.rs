//! A small disk of a test's own.

use std::ffi::CString;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_remount, unmount};
use tempfile::TempDir;

/// A file system of a few MiB in memory, gone when dropped.
#[derive(Debug)]
pub(crate) struct Disk(TempDir);

impl Disk {
    /// Nothing where this process may not mount, which is told even though the test passes.
    pub(crate) fn mount(mib: usize) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let size = CString::new(format!("size={mib}m")).unwrap();
        match mount(
            "store-test",
            directory.path(),
            "tmpfs",
            MountFlags::empty(),
            size.as_c_str(),
        ) {
            Ok(()) => Some(Self(directory)),
            Err(Errno::PERM | Errno::ACCESS | Errno::NODEV) => {
                // Past the harness, which keeps what a passing test prints to itself.
                let test = std::thread::current();
                let test = test.name().unwrap_or_default();
                let told = format!("NOT TESTED: `{test}` has to mount a disk, so run it as root\n");
                std::io::stderr().write_all(told.as_bytes()).unwrap();
                None
            }
            Err(errno) => panic!("cannot mount a disk: {errno}"),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Fills it but for about a MiB; the file to remove.
    pub(crate) fn fill(&self) -> PathBuf {
        let path = self.path().join("filler");
        let mut file = File::create(&path).unwrap();
        let mut length = 0;
        while file.write_all(&[7; 8192]).is_ok() {
            length += 8192;
        }
        file.set_len(length - (1 << 20)).unwrap();
        path
    }

    /// Whether it was done, which it is not while something is open for writing.
    pub(crate) fn turn_read_only(&self) -> bool {
        match mount_remount(self.path(), MountFlags::RDONLY, "") {
            Ok(()) => true,
            Err(Errno::BUSY) => false,
            Err(errno) => panic!("cannot remount a disk: {errno}"),
        }
    }

    pub(crate) fn turn_writable(&self) {
        mount_remount(self.path(), MountFlags::empty(), "").unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Whatever is still open on it goes with its last file.
        unmount(self.path(), UnmountFlags::DETACH).unwrap();
    }
}
