//! The identity of one deployment.

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::Error;

/// The id under which a deployment's record is kept.
///
/// Fresh ids are UUIDs of version 7: they sort by time, so the newest deployments are one listing of the
/// store read backwards.
/// Any UUID is read, since the original used version 1.
///
/// # Examples
///
/// ```
/// use deployment::DeploymentId;
///
/// let id: DeploymentId = "6eeca9c0-257e-11e5-9760-985aeb8b7458".parse()?;
/// assert_eq!(id.file_name().as_str(), "deployment_6eeca9c0-257e-11e5-9760-985aeb8b7458.json");
/// # Ok::<(), deployment::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeploymentId(Uuid);

impl DeploymentId {
    /// What every record's file name begins with.
    pub const FILE_PREFIX: &'static str = "deployment_";

    /// Wraps any UUID.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// Makes a fresh id from the wall clock and the system's randomness.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }

    /// The smallest id that is made at `time`, to the millisecond.
    pub(crate) fn earliest_at(time: SystemTime) -> Self {
        let since = time.duration_since(SystemTime::UNIX_EPOCH);
        let milliseconds = since.unwrap_or_default().as_millis() & ((1 << 48) - 1);
        // RFC 9562, section 5.7: 48 bits of time, then the version.
        Self(Uuid::from_u128(milliseconds << 80 | 7 << 76))
    }

    /// The UUID inside.
    #[must_use]
    pub const fn as_uuid(&self) -> &Uuid {
        &self.0
    }

    /// The store's file that holds this deployment's record.
    #[must_use]
    pub fn file_name(&self) -> store::FileName {
        engine_file(&format!("{}{self}.json", Self::FILE_PREFIX))
    }

    /// The store's file by which another process asks the owner to cancel this deployment.
    ///
    /// # Examples
    ///
    /// ```
    /// use deployment::DeploymentId;
    ///
    /// let id: DeploymentId = "6eeca9c0-257e-11e5-9760-985aeb8b7458".parse()?;
    /// assert_eq!(
    ///     id.cancel_file_name().as_str(),
    ///     "cancel_6eeca9c0-257e-11e5-9760-985aeb8b7458.json",
    /// );
    /// # Ok::<(), deployment::Error>(())
    /// ```
    #[must_use]
    pub fn cancel_file_name(&self) -> store::FileName {
        engine_file(&format!("{}{self}.json", crate::cancel::FILE_PREFIX))
    }

    /// Reads the id back from a record's file name; `None` for any other file.
    ///
    /// # Examples
    ///
    /// ```
    /// use deployment::DeploymentId;
    ///
    /// let id = DeploymentId::generate();
    /// assert_eq!(DeploymentId::from_file_name(id.file_name().as_str()), Some(id));
    /// assert_eq!(DeploymentId::from_file_name("hello-world.json"), None);
    /// ```
    #[must_use]
    pub fn from_file_name(name: &str) -> Option<Self> {
        id_between(name, Self::FILE_PREFIX)
    }

    pub(crate) fn from_cancel_file_name(name: &str) -> Option<Self> {
        id_between(name, crate::cancel::FILE_PREFIX)
    }
}

fn id_between(name: &str, prefix: &str) -> Option<DeploymentId> {
    name.strip_prefix(prefix)?
        .strip_suffix(".json")?
        .parse()
        .ok()
}

/// Names a file of the engine's own; the text holds only ASCII letters, digits, `-`, `_` and `.`.
#[expect(
    clippy::expect_used,
    reason = "prefix, hex or UUID, and suffix always make a legal name"
)]
pub(crate) fn engine_file(text: &str) -> store::FileName {
    store::FileName::new(text).expect("an engine file name is legal")
}

impl FromStr for DeploymentId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Uuid::try_parse(text)
            .map(Self)
            .map_err(|_| Error::invalid("deployment id", text, "is not a UUID"))
    }
}

impl fmt::Display for DeploymentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for DeploymentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_ids_sort_by_the_time_they_were_made() {
        let ids: Vec<_> = (0..100)
            .map(|_| DeploymentId::generate().to_string())
            .collect();
        assert!(ids.is_sorted());
    }

    #[test]
    fn fresh_ids_lie_between_the_earliest_of_their_time_and_of_the_next() {
        let clock = crate::clock::Clock::system();
        let before = clock.now();
        let id = DeploymentId::generate();
        assert!(DeploymentId::earliest_at(before) <= id);
        let later = clock.now() + std::time::Duration::from_millis(1);
        assert!(id < DeploymentId::earliest_at(later));
    }

    #[test]
    fn file_names_lead_back_to_the_id_and_foreign_names_do_not() {
        let id = DeploymentId::generate();
        assert_eq!(
            DeploymentId::from_file_name(id.file_name().as_str()),
            Some(id)
        );
        assert_eq!(
            DeploymentId::from_cancel_file_name(id.cancel_file_name().as_str()),
            Some(id)
        );
        for name in [
            "deployment_x.json",
            "foo.json",
            "deployment_",
            &format!("deployment_{id}"),
        ] {
            assert_eq!(DeploymentId::from_file_name(name), None, "{name}");
        }
    }

    #[test]
    fn a_bad_id_is_an_error_that_shows_it() {
        let error = "42".parse::<DeploymentId>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "invalid deployment id `42`: is not a UUID"
        );
    }
}
