//! The package model.

use std::path::{Path, PathBuf};

use crate::absolute::absolute;
use crate::error::{Error, Result, shown};

/// What is deployed: its id, its file, its name, and where it will answer.
///
/// The name is the file name without its last two extensions; `foo.tar.gz` and `foo.tgz` are both
/// `foo`. It is any text that a file name may be: check it with
/// [`PackageName`](crate::PackageName) before it becomes more than text.
///
/// # Examples
///
/// ```
/// use package::Package;
///
/// let package = Package::new("7", "/d/foo.bar.tar.gz", None)?;
/// assert_eq!(package.name(), "foo.bar");
/// assert_eq!(package.file_name(), "foo.bar.tar.gz");
/// assert_eq!(package.cwd(), std::path::Path::new("/d"));
/// assert_eq!(package.destination(), "");
/// # Ok::<(), package::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Package {
    id: String,
    file_name: String,
    name: String,
    path: PathBuf,
    destination: String,
    cwd: PathBuf,
    manifest_file_name: String,
}

impl Package {
    /// Describes the package in the file `path`, to be deployed to `endpoint`.
    ///
    /// The path is made absolute (`~` is the home directory); nothing is read.
    /// The destination is `https://<name>.X` for the endpoint `https://api.X`, with any port kept
    /// and slashes at the end dropped, and empty for every other endpoint.
    ///
    /// # Errors
    ///
    /// [`InvalidPath`](Error::InvalidPath) when the path has no file name, or none that is UTF-8.
    ///
    /// # Examples
    ///
    /// ```
    /// use package::Package;
    ///
    /// let package = Package::new("7", "/d/foo.tar.gz", Some("https://api.example.com/"))?;
    /// assert_eq!(package.destination(), "https://foo.example.com");
    ///
    /// let elsewhere = Package::new("7", "/d/foo.tar.gz", Some("https://cloud.example.com"))?;
    /// assert_eq!(elsewhere.destination(), "");
    /// # Ok::<(), package::Error>(())
    /// ```
    pub fn new(
        id: impl Into<String>,
        path: impl AsRef<Path>,
        endpoint: Option<&str>,
    ) -> Result<Self> {
        let given = path.as_ref();
        let invalid = |reason| Error::InvalidPath {
            path: shown(given.as_os_str().as_encoded_bytes()),
            reason,
        };
        if given.as_os_str().is_empty() {
            return Err(invalid("it is empty"));
        }
        let path = absolute(given).map_err(invalid)?;
        let (Some(cwd), Some(file_name)) = (path.parent(), path.file_name()) else {
            return Err(invalid("it has no file name"));
        };
        let file_name = file_name
            .to_str()
            .ok_or_else(|| invalid("its file name is not UTF-8"))?;
        let name = without_extension(without_extension(file_name));
        Ok(Self {
            id: id.into(),
            destination: endpoint.map_or_else(String::new, |url| destination(url, name)),
            manifest_file_name: format!("{name}.json"),
            name: name.to_owned(),
            file_name: file_name.to_owned(),
            cwd: cwd.to_owned(),
            path,
        })
    }

    /// The deployment's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The file's name with extensions, `foo.tar.gz`.
    #[must_use]
    pub fn file_name(&self) -> &str {
        &self.file_name
    }

    /// The name, `foo`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file's absolute path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The URL where the application will answer; empty when the endpoint does not tell.
    #[must_use]
    pub fn destination(&self) -> &str {
        &self.destination
    }

    /// The directory that the file is in.
    #[must_use]
    pub fn cwd(&self) -> &Path {
        &self.cwd
    }

    /// The name of the manifest beside the package, `foo.json`.
    #[must_use]
    pub fn manifest_file_name(&self) -> &str {
        &self.manifest_file_name
    }
}

/// Drops the last extension; dots that a name starts with begin no extension.
fn without_extension(name: &str) -> &str {
    let first = name.len() - name.trim_start_matches('.').len();
    match name[first..].rfind('.') {
        Some(dot) => &name[..first + dot],
        None => name,
    }
}

fn destination(endpoint: &str, name: &str) -> String {
    let endpoint = endpoint.trim_matches('/');
    ["https://", "http://"]
        .iter()
        .find_map(|scheme| {
            let host = endpoint.strip_prefix(scheme)?.strip_prefix("api.")?;
            (!host.is_empty() && !host.contains('\n')).then(|| format!("{scheme}{name}.{host}"))
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_name(file_name: &str, expected: &str) {
        let package = Package::new("1", Path::new("/d").join(file_name), None).unwrap();
        assert_eq!(package.name(), expected);
        assert_eq!(package.file_name(), file_name);
        assert_eq!(package.cwd(), Path::new("/d"));
        assert_eq!(package.path(), Path::new("/d").join(file_name));
        assert_eq!(package.manifest_file_name(), format!("{expected}.json"));
    }

    #[test]
    fn the_name_is_the_file_name_without_two_extensions() {
        check_name("foo.tar.gz", "foo");
        check_name("foo.bar.tar.gz", "foo.bar");
        check_name("foo.tgz", "foo");
        check_name("foo.bar.tgz", "foo");
        check_name("foo", "foo");
        check_name("foo.", "foo");
        check_name("a..gz", "a");
    }

    #[test]
    fn leading_dots_begin_no_extension() {
        check_name(".hidden.gz", ".hidden");
        check_name(".hidden", ".hidden");
        check_name(".a.b.c", ".a");
        check_name("..a.gz", "..a");
        check_name("...", "...");
    }

    #[track_caller]
    fn check_destination(endpoint: &str, expected: &str) {
        let package = Package::new("1", "/d/foo.tar.gz", Some(endpoint)).unwrap();
        assert_eq!(package.destination(), expected);
    }

    #[test]
    fn the_destination_takes_the_place_of_api() {
        check_destination("https://api.1.2.3.4.xip.io", "https://foo.1.2.3.4.xip.io");
        check_destination("http://api.x.io/", "http://foo.x.io");
        check_destination("//https://api.x.io//", "https://foo.x.io");
        check_destination(
            "https://api.cf.example.com:8443/",
            "https://foo.cf.example.com:8443",
        );
    }

    #[test]
    fn another_endpoint_gives_no_destination() {
        for endpoint in [
            "https://x.io",
            "",
            "/",
            "api.x.io",
            "ftp://api.x.io",
            "https://api.",
            "https://api/",
            "https://API.x.io",
            "https://api.x\n.io",
            "x https://api.x.io",
        ] {
            check_destination(endpoint, "");
        }
        let package = Package::new("1", "/d/foo.tar.gz", None).unwrap();
        assert_eq!(package.destination(), "");
    }

    #[test]
    fn a_path_without_a_file_name_is_refused() {
        for path in ["", "/", "/..", "/d/.."] {
            let error = Package::new("1", path, None).unwrap_err();
            assert!(matches!(error, Error::InvalidPath { .. }), "{error:?}");
        }
    }

    #[test]
    fn a_relative_path_becomes_absolute() {
        let package = Package::new("1", "foo.tar.gz", None).unwrap();
        assert_eq!(package.cwd(), std::env::current_dir().unwrap());
        assert_eq!(package.id(), "1");
    }
}
