//! Paths as a user writes them, made absolute.

use std::path::{Component, Path, PathBuf};

/// Makes a path absolute: `~` is the home directory, `.` and `..` are resolved in the text.
///
/// A relative path starts in the working directory. Only `~` alone or before a `/` is the home
/// directory; `~name` is an ordinary file name. No link is followed and nothing need exist.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, &'static str> {
    let expanded = match path.strip_prefix("~") {
        Ok(rest) => std::env::home_dir()
            .filter(|home| home.is_absolute())
            .ok_or("there is no home directory")?
            .join(rest),
        Err(_) => path.to_owned(),
    };
    let whole = std::path::absolute(expanded).map_err(|_| "it cannot be made absolute")?;
    let mut resolved = PathBuf::new();
    for component in whole.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                resolved.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => {
                resolved.push(component);
            }
        }
    }
    Ok(resolved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expected: &str) {
        assert_eq!(absolute(Path::new(path)).unwrap(), Path::new(expected));
    }

    #[test]
    fn the_text_is_resolved() {
        check("/a/../b//c/.", "/b/c");
        check("/..", "/");
        check("/~/x", "/~/x");
    }

    #[test]
    fn a_relative_path_starts_in_the_working_directory() {
        let here = std::env::current_dir().unwrap();
        assert_eq!(absolute(Path::new("x/../y")).unwrap(), here.join("y"));
        assert_eq!(absolute(Path::new("~name")).unwrap(), here.join("~name"));
    }

    #[test]
    fn a_tilde_is_the_home_directory() {
        let home = std::env::home_dir().unwrap();
        assert_eq!(absolute(Path::new("~/x")).unwrap(), home.join("x"));
        assert_eq!(absolute(Path::new("~")).unwrap(), home);
    }
}
