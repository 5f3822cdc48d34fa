//! Finding programs, and finding out why one could not be started.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, Mode, OFlags, access, open};

use crate::outcome::{SpawnFailure, SpawnFailureKind};

/// Where programs are looked for when the child has no `PATH`, as the C library does it.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// Finds `program` as a shell in `directory` with this `PATH` would; the result is absolute.
///
/// The standard library would look up a bare name only after a costly `fork` of this process.
pub(super) fn find(
    program: &str,
    path: Option<&OsStr>,
    directory: &Path,
) -> Result<PathBuf, SpawnFailure> {
    if program.contains('/') {
        return Ok(directory.join(program));
    }
    let mut forbidden = None;
    for entry in std::env::split_paths(path.unwrap_or(OsStr::new(DEFAULT_PATH))) {
        // An empty entry is the child's directory, as POSIX has it.
        let candidate = directory.join(entry).join(program);
        if candidate.is_file() {
            if may_execute(&candidate) {
                return Ok(candidate);
            }
            forbidden.get_or_insert(candidate);
        }
    }
    Err(match forbidden {
        _ if !directory.is_dir() => directory_missing(directory),
        Some(candidate) => not_executable(&candidate),
        None => SpawnFailure::new(
            SpawnFailureKind::ProgramNotFound,
            format!("program `{}` not found in PATH", program.escape_debug()),
        ),
    })
}

/// Says what kept `program` from being started in `directory`.
pub(super) fn diagnose(error: &io::Error, program: &Path, directory: &Path) -> SpawnFailure {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => missing(program, directory),
        ErrorKind::PermissionDenied => denied(program, directory),
        ErrorKind::InvalidInput | ErrorKind::ArgumentListTooLong => {
            SpawnFailure::new(SpawnFailureKind::InvalidInput, error.to_string())
        }
        _ => SpawnFailure::new(
            SpawnFailureKind::Other,
            format!("program `{}` could not be started: {error}", shown(program)),
        ),
    }
}

fn missing(program: &Path, directory: &Path) -> SpawnFailure {
    if !directory.is_dir() {
        return directory_missing(directory);
    }
    if !program.exists() {
        let detail = format!("program `{}` not found", shown(program));
        return SpawnFailure::new(SpawnFailureKind::ProgramNotFound, detail);
    }
    let needed = match interpreter(program) {
        Some(interpreter) => format!("its interpreter `{}`", shown(&interpreter)),
        None => "the loader that it names".to_owned(),
    };
    SpawnFailure::new(
        SpawnFailureKind::InterpreterNotFound,
        format!("program `{}` is there, {needed} is not", shown(program)),
    )
}

fn denied(program: &Path, directory: &Path) -> SpawnFailure {
    if !may_execute(directory) {
        let detail = format!("directory `{}` may not be entered", shown(directory));
        return SpawnFailure::new(SpawnFailureKind::PermissionDenied, detail);
    }
    match interpreter(program) {
        Some(interpreter) if may_execute(program) => not_executable(&interpreter),
        _ => not_executable(program),
    }
}

fn directory_missing(directory: &Path) -> SpawnFailure {
    let detail = format!("directory `{}` not found", shown(directory));
    SpawnFailure::new(SpawnFailureKind::DirectoryNotFound, detail)
}

fn not_executable(path: &Path) -> SpawnFailure {
    let detail = format!("`{}` may not be executed", shown(path));
    SpawnFailure::new(SpawnFailureKind::PermissionDenied, detail)
}

fn may_execute(path: &Path) -> bool {
    access(path, Access::EXEC_OK).is_ok()
}

/// What the first line of a script names.
fn interpreter(program: &Path) -> Option<PathBuf> {
    // To open a pipe would wait for somebody who writes to it.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(open(program, flags, Mode::empty()).ok()?);
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    // The kernel looks at no more either.
    let mut start = Vec::new();
    file.take(256).read_to_end(&mut start).ok()?;
    let line = start
        .strip_prefix(b"#!")?
        .split(|byte| *byte == b'\n')
        .next()?;
    let word = line
        .split(u8::is_ascii_whitespace)
        .find(|word| !word.is_empty())?;
    Some(PathBuf::from(OsStr::from_bytes(word)))
}

fn shown(path: &Path) -> String {
    path.display().to_string().escape_debug().to_string()
}
