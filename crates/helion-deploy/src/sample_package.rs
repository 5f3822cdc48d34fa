//! The demo's package, made on the fly.

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::failure::{FAILED, Failure};

/// The package's name.
pub(crate) const NAME: &str = "hello-demo";

const MANIFEST: &str = r#"{
  "name": "Hello Demo",
  "version": "1.0",
  "package": "hello-demo.tar.gz",
  "author": "helion-deploy",
  "tags": ["demo", "static"]
}
"#;

const PAGE: &str = "<!doctype html>\n<title>Hello</title>\n<h1>Hello from helion-deploy</h1>\n";

const APPLICATION: &str = "---\nname: hello-demo\nbuildpack: staticfile\nmem: 32M\n";

/// Builds the archive: `hello-demo/` with its manifest and the application's own archive.
pub(crate) fn build() -> Result<Vec<u8>, Failure> {
    let application = archive(&[
        ("hello-demo/index.html", PAGE.as_bytes()),
        ("hello-demo/manifest.yml", APPLICATION.as_bytes()),
    ])?;
    archive(&[
        ("hello-demo/manifest.json", MANIFEST.as_bytes()),
        ("hello-demo/hello-demo.tar.gz", &application),
    ])
}

fn archive(files: &[(&str, &[u8])]) -> Result<Vec<u8>, Failure> {
    write(files)
        .map_err(|error| Failure::new(FAILED, format!("failed to build the package: {error}")))
}

fn write(files: &[(&str, &[u8])]) -> std::io::Result<Vec<u8>> {
    let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    for (path, contents) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(contents.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append_data(&mut header, path, *contents)?;
    }
    builder.into_inner()?.finish()
}
