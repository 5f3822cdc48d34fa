//! Paths of entries, checked and in one notation.

use crate::error::{Limit, Refusal, is_control};
use crate::limits::UnpackLimits;

use super::fault::Fault;

/// A path inside an archive: parts between single slashes, none of them `.` or `..`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct EntryPath(String);

/// What file systems allow for one part.
const LONGEST_PART: u64 = 255;

impl EntryPath {
    /// Reads a path as tar writes it; `None` is the archive's root itself, `./`.
    pub(super) fn new(raw: &[u8], limits: &UnpackLimits) -> Result<Option<Self>, Fault> {
        let text = checked_text(raw, limits)?;
        if text.is_empty() {
            return Err(Refusal::EmptyPath.into());
        }
        if text.starts_with('/') {
            return Err(Refusal::AbsolutePath.into());
        }
        let mut path = String::with_capacity(text.len());
        let mut depth = 0;
        for part in text.split('/') {
            match part {
                "" | "." => continue,
                ".." => return Err(Refusal::ParentFolder.into()),
                _ => {}
            }
            Fault::check(Limit::NameLength, part.len() as u64, LONGEST_PART)?;
            if depth > 0 {
                path.push('/');
            }
            path.push_str(part);
            depth += 1;
        }
        Fault::check(Limit::Depth, depth, limits.depth as u64)?;
        Ok((depth > 0).then_some(Self(path)))
    }

    /// A folder of a path that was checked.
    pub(super) fn from_checked(text: &str) -> Self {
        Self(text.to_owned())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The folder that it is in, and its name there.
    pub(super) fn split(&self) -> (Option<&str>, &str) {
        match self.0.rsplit_once('/') {
            Some((folder, name)) => (Some(folder), name),
            None => (None, &self.0),
        }
    }

    pub(super) fn top(&self) -> &str {
        self.0.split('/').next().unwrap_or_default()
    }

    pub(super) fn depth(&self) -> usize {
        self.0.split('/').count()
    }
}

/// Text of a path or a link's target that can be shown on one line.
pub(super) fn checked_text<'a>(raw: &'a [u8], limits: &UnpackLimits) -> Result<&'a str, Fault> {
    Fault::check(
        Limit::PathLength,
        raw.len() as u64,
        limits.path_length as u64,
    )?;
    let text = std::str::from_utf8(raw).map_err(|_| Refusal::NotUtf8)?;
    if text.chars().any(is_control) {
        return Err(Refusal::ControlCharacter.into());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raw: &str) -> Result<Option<EntryPath>, Fault> {
        EntryPath::new(raw.as_bytes(), &UnpackLimits::default())
    }

    #[track_caller]
    fn check(raw: &str, expected: &str) {
        assert_eq!(read(raw).unwrap().unwrap().as_str(), expected);
    }

    #[track_caller]
    fn refused(raw: &str, expected: &Refusal) {
        match read(raw).unwrap_err() {
            Fault::Refused(refusal) => assert_eq!(&refusal, expected),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn all_notations_of_a_path_are_one() {
        check("foo", "foo");
        check("./foo/bar/", "foo/bar");
        check("foo//./bar", "foo/bar");
        check("foo/...", "foo/...");
        check("foo/a\\..\\b", "foo/a\\..\\b");
        assert_eq!(read("./").unwrap(), None);
        assert_eq!(read(".").unwrap(), None);
    }

    #[test]
    fn paths_that_lead_elsewhere_are_refused() {
        refused("", &Refusal::EmptyPath);
        refused("/etc/passwd", &Refusal::AbsolutePath);
        refused("//foo", &Refusal::AbsolutePath);
        refused("..", &Refusal::ParentFolder);
        refused("foo/../foo/bar", &Refusal::ParentFolder);
        for raw in [
            "foo/a\0b",
            "foo/a\nb",
            "foo/\x1b[2J",
            "foo/\u{85}",
            "\u{2028}",
        ] {
            refused(raw, &Refusal::ControlCharacter);
        }
    }

    #[track_caller]
    fn limited(raw: &str, expected: Limit) {
        match read(raw).unwrap_err() {
            Fault::Limit { limit, .. } => assert_eq!(limit, expected),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn paths_over_the_limits_are_refused() {
        check(&"a/".repeat(64), "a/".repeat(64).trim_end_matches('/'));
        limited(&"a/".repeat(65), Limit::Depth);
        check(&"x".repeat(255), &"x".repeat(255));
        limited(&"x".repeat(256), Limit::NameLength);
        limited(&"xx/".repeat(400), Limit::PathLength);
    }
}
