//! Unpacks an application's archive: `unpack ARCHIVE NAME DIRECTORY`.

use std::error::Error;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use package::{UnpackLimits, unpack_application};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [archive, name, directory] = arguments.as_slice() else {
        return Err("usage: unpack ARCHIVE NAME DIRECTORY".into());
    };
    let limits = UnpackLimits::default();
    let tree = unpack_application(File::open(archive)?, name, Path::new(directory), &limits)?;
    write!(io::stdout(), "{}", tree.listing)?;
    writeln!(
        io::stdout(),
        "{} entries, {} bytes",
        tree.entries,
        tree.bytes
    )?;
    Ok(())
}
