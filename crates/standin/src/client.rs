//! The clients that can be stood in for.

use std::ffi::OsStr;
use std::path::Path;

/// A platform client that this crate can stand in for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Client {
    /// `helion`, the client of Helion Development Platform 1.x.
    Helion,
    /// `cf`, the Cloud Foundry client, as of version 8.
    Cf,
}

impl Client {
    /// Tells which client a program is run as, from the first word of its command line.
    ///
    /// Only the file name counts, so that a symlink anywhere will do.
    ///
    /// ```
    /// use std::ffi::OsStr;
    /// use standin::Client;
    ///
    /// assert_eq!(Client::from_program_name(OsStr::new("/opt/bin/cf")), Some(Client::Cf));
    /// assert_eq!(Client::from_program_name(OsStr::new("standin")), None);
    /// ```
    #[must_use]
    pub fn from_program_name(program: &OsStr) -> Option<Self> {
        let name = Path::new(program).file_name()?;
        [Self::Helion, Self::Cf]
            .into_iter()
            .find(|client| name == client.name())
    }

    /// The name that the client is run by.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Helion => "helion",
            Self::Cf => "cf",
        }
    }
}
