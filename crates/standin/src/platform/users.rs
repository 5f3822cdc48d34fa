//! The users of a platform, without their passwords.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::files::{folder_names, read_optional_json, write_json};
use crate::error::{Error, Result};
use crate::random::{hexadecimal, random_text};

#[derive(Debug, Serialize, Deserialize)]
struct User {
    name: String,
    salt: String,
    sha256: String,
}

/// Adds a user, or gives one a new password.
pub(super) fn add(folder: &Path, name: &str, password: &str) -> Result<()> {
    fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    let salt = random_text()?;
    let sha256 = digest(&[&salt, password]);
    write_json(
        &path_of(folder, name),
        &User {
            name: name.to_owned(),
            salt,
            sha256,
        },
    )
}

/// Whether the user may log in; when there are no users, everybody with any password may.
pub(super) fn accepts(folder: &Path, name: &str, password: &str) -> Result<bool> {
    let user: Option<User> = read_optional_json(&path_of(folder, name))?;
    match user {
        Some(user) => Ok(digest(&[&user.salt, password]) == user.sha256),
        None => Ok(folder_names(folder)?.is_empty() && !password.is_empty()),
    }
}

/// A user's file is named by a digest, because any text may be a user's name.
fn path_of(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{}.json", digest(&[name])))
}

fn digest(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.as_bytes());
    }
    hexadecimal(&hasher.finalize())
}
