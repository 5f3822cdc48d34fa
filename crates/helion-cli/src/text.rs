//! Values that a client reads as what they are meant to be.

use batch::Secret;

use crate::error::{Error, Result};

/// Takes a value that stands alone on a command line.
///
/// Refused: empty, a start with `-` (an option), and characters that break lines or control
/// terminals, NUL among them.
pub(crate) fn checked<'a>(argument: &'static str, value: &'a str) -> Result<&'a str> {
    if value.is_empty() {
        Err(Error::invalid(argument, "is empty"))
    } else if value.starts_with('-') {
        Err(Error::invalid(
            argument,
            "starts with `-` and would be read as an option",
        ))
    } else if value.chars().any(is_control) {
        Err(Error::invalid(argument, "holds a control character"))
    } else {
        Ok(value)
    }
}

/// Takes an endpoint's URL, or its host alone.
pub(crate) fn checked_endpoint(value: &str) -> Result<&str> {
    const ENDPOINT: &str = "endpoint";
    let value = checked(ENDPOINT, value)?;
    let after_scheme = value.split_once("://").map_or(value, |(_, rest)| rest);
    let authority = after_scheme
        .split(['/', '?', '#'])
        .next()
        .unwrap_or_default();
    if value.chars().any(char::is_whitespace) {
        Err(Error::invalid(ENDPOINT, "holds white space"))
    } else if authority.is_empty() {
        Err(Error::invalid(ENDPOINT, "has no host"))
    } else if authority.contains('@') {
        // It would be printed with every command.
        Err(Error::invalid(ENDPOINT, "holds a user name or password"))
    } else {
        Ok(value)
    }
}

/// Takes a password; only what cannot be typed or passed on is refused.
pub(crate) fn checked_password(password: Secret) -> Result<Secret> {
    const PASSWORD: &str = "password";
    if password.expose().is_empty() {
        Err(Error::invalid(PASSWORD, "is empty"))
    } else if password.expose().contains(['\0', '\n', '\r']) {
        Err(Error::invalid(PASSWORD, "holds NUL or a line break"))
    } else {
        Ok(password)
    }
}

fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(value: &str, part: &str) {
        let error = checked("name", value).unwrap_err().to_string();
        assert!(
            error.starts_with("the name ") && error.contains(part),
            "{error}"
        );
    }

    #[test]
    fn values_that_would_be_misread_are_refused() {
        refused("", "is empty");
        refused("-", "option");
        refused("--all", "option");
        for value in [
            "a\0",
            "a\nb",
            "a\r",
            "\ta",
            "a\x1b[2J",
            "a\u{85}b",
            "a\u{2028}b",
        ] {
            refused(value, "control character");
        }
    }

    #[test]
    fn other_values_are_taken_as_they_are() {
        for value in ["a", "a b", "a-b", "ä", "$(id)", "'", "a=b", "~"] {
            assert_eq!(checked("name", value), Ok(value));
        }
    }

    #[test]
    fn an_endpoint_has_a_host_and_no_secret() {
        for value in ["https://api.x.io", "api.x.io", "http://[::1]:8080/x?a=u@h"] {
            assert_eq!(checked_endpoint(value), Ok(value));
        }
        for (value, reason) in [
            ("https://me:pw@api.x.io", "holds a user name or password"),
            ("https://", "has no host"),
            ("https:///x", "has no host"),
            ("https://api.x.io /x", "holds white space"),
        ] {
            assert_eq!(
                checked_endpoint(value),
                Err(Error::invalid("endpoint", reason))
            );
        }
    }

    #[test]
    fn a_password_may_be_nearly_anything_and_is_never_shown() {
        for value in ["-x", " ", "ä\t", "'\"$"] {
            assert_eq!(
                checked_password(Secret::new(value)).unwrap().expose(),
                value
            );
        }
        for value in ["", "sesame\0", "sesame\n", "sesame\r"] {
            let error = checked_password(Secret::new(value)).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("sesame"));
        }
    }
}
