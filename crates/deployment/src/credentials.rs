//! Who logs into the platform.

use batch::Secret;

use crate::error::Error;

/// A user name and its password, kept in memory only.
///
/// The password prints as `***` and is wiped when the last copy is dropped.
///
/// # Examples
///
/// ```
/// use batch::Secret;
/// use deployment::{Credentials, Error};
///
/// let credentials = Credentials::new("admin", Secret::new("open sesame"))?;
/// assert!(!format!("{credentials:?}").contains("sesame"));
///
/// let error = Credentials::new("-admin", Secret::new("open sesame")).unwrap_err();
/// assert!(matches!(error, Error::InvalidRequest { .. }));
/// # Ok::<(), deployment::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Credentials {
    username: String,
    password: Secret,
}

impl Credentials {
    /// Pairs a user name with its password.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidRequest`]: one of them is empty or holds control characters, or the user
    /// name begins with `-` and would be read as an option.
    pub fn new(username: impl Into<String>, password: Secret) -> Result<Self, Error> {
        let username = username.into();
        let refuse = |reason| Err(Error::invalid("user name", &username, reason));
        if username.is_empty() {
            return refuse("is empty");
        }
        if username.starts_with('-') {
            return refuse("begins with `-` and would be read as an option");
        }
        if username.chars().any(char::is_control) {
            return refuse("holds control characters");
        }
        if password.expose().is_empty() {
            return Err(Error::invalid("password", "***", "is empty"));
        }
        if password.expose().chars().any(char::is_control) {
            return Err(Error::invalid(
                "password",
                "***",
                "holds control characters",
            ));
        }
        Ok(Self { username, password })
    }

    /// The user name.
    #[must_use]
    pub fn username(&self) -> &str {
        &self.username
    }

    /// The password.
    #[must_use]
    pub const fn password(&self) -> &Secret {
        &self.password
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_never_prints() {
        let credentials = Credentials::new("admin", Secret::new("hunter2")).unwrap();
        assert!(!format!("{credentials:?}").contains("hunter2"));
        let error = Credentials::new("admin", Secret::new("hun\nter2")).unwrap_err();
        assert!(!format!("{error:?} {error}").contains("hun"));
    }

    #[test]
    fn names_that_a_client_would_misread_are_refused() {
        for name in ["", "--help", "a\nb", "a\0b"] {
            assert!(matches!(
                Credentials::new(name, Secret::new("x")),
                Err(Error::InvalidRequest { .. })
            ));
        }
    }
}
