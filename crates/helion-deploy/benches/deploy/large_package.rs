//! A large package on disk, such as vendors make.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use anyhow::Result;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::noise::Noise;

/// The package's name.
pub(crate) const NAME: &str = "large";

/// The sizes of files, again and again: mostly small ones, and most bytes in large ones.
const SIZES: [usize; 12] = [
    900, 3_000, 7_000, 1_500, 20_000, 4_000, 60_000, 2_000, 11_000, 300_000, 5_000, 1_200_000,
];

/// Writes the package to `path` and its application's archive to `application`, in which the
/// files fill about `size` compressed bytes: half of them text, the rest images and archives.
pub(crate) fn write(path: &Path, application: &Path, size: usize) -> Result<()> {
    write_application(application, size)?;
    let inner = File::open(application)?;
    let mut builder = archive(path)?;
    let manifest = format!(r#"{{"name": "{NAME}", "package": "{NAME}.tar.gz"}}"#);
    append(
        &mut builder,
        &format!("{NAME}/manifest.json"),
        manifest.len() as u64,
        manifest.as_bytes(),
    )?;
    let bytes = inner.metadata()?.len();
    let name = format!("{NAME}/{NAME}.tar.gz");
    append(&mut builder, &name, bytes, &inner)?;
    finish(builder)
}

fn write_application(path: &Path, size: usize) -> Result<()> {
    let mut noise = Noise::new();
    let mut builder = archive(path)?;
    let mut number = 0;
    while usize::try_from(path.metadata()?.len())? < size {
        let length = SIZES[number % SIZES.len()];
        // What is large has mostly been compressed before.
        let contents = if length > 1_000_000 {
            noise.bytes(length / 2)
        } else {
            noise.text(2 * length)
        };
        let name = format!("{NAME}/folder-{}/file-{number}", number / 40);
        append(&mut builder, &name, contents.len() as u64, &contents[..])?;
        number += 1;
    }
    finish(builder)
}

type Builder = tar::Builder<GzEncoder<BufWriter<File>>>;

fn archive(path: &Path) -> Result<Builder> {
    let file = BufWriter::new(File::create(path)?);
    Ok(tar::Builder::new(GzEncoder::new(
        file,
        Compression::default(),
    )))
}

fn append(builder: &mut Builder, path: &str, size: u64, contents: impl io::Read) -> Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(size);
    header.set_mode(0o644);
    Ok(builder.append_data(&mut header, path, contents)?)
}

fn finish(builder: Builder) -> Result<()> {
    builder.into_inner()?.finish()?.flush()?;
    Ok(())
}
