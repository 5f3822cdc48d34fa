//! What the archives are called in the directory.

use std::path::Path;

use store::FileName;

/// The entry of the directory for a file: digits, which mean nothing to any file system.
pub(crate) fn entry_of(name: &FileName) -> String {
    let halves = name
        .as_str()
        .bytes()
        .flat_map(|byte| [byte >> 4, byte & 0xf]);
    let digits = halves.filter_map(|half| char::from_digit(half.into(), 16));
    digits.chain(".zip".chars()).collect()
}

/// The name whose archive lies at `path`, if it is one.
pub(crate) fn name_of(path: &Path) -> Option<FileName> {
    let entry = path.file_name()?.to_str()?;
    let digits = entry.strip_suffix(".zip")?.as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
    let name = String::from_utf8(digits.map(byte).collect::<Option<_>>()?).ok()?;
    // Nothing but the one spelling that a read looks for.
    FileName::new(name)
        .ok()
        .filter(|name| entry_of(name) == entry)
}
