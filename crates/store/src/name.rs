//! The validated name of a stored file.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::{Error, ErrorKind, Result};

/// The name of a stored file: segments joined by `/`, the same verdict on every store.
///
/// A name is text, ordered and compared by its bytes, and never changed on the way: what is saved
/// as `Ä b%2F.txt` is listed as exactly that. Refused are
///
/// - the empty name, and one of more than [`MAX_LEN`](Self::MAX_LEN) bytes;
/// - an empty segment (so a leading, trailing or doubled `/`), and one of more than
///   [`MAX_SEGMENT_LEN`](Self::MAX_SEGMENT_LEN) bytes;
/// - the segments `.` and `..`;
/// - NUL and every other control character, line breaks included;
/// - a first segment that is [`RESERVED`](Self::RESERVED), in any case: stores keep their own files
///   there.
///
/// A clone costs one reference count.
///
/// # Examples
///
/// ```
/// use store::FileName;
///
/// let name = FileName::new("packages/foo.tar.gz")?;
/// assert_eq!(name.as_str(), "packages/foo.tar.gz");
/// assert!(FileName::new("../etc/passwd").is_err());
/// # Ok::<(), store::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileName(Arc<str>);

impl FileName {
    /// The most bytes in a name: what object stores take.
    pub const MAX_LEN: usize = 1024;

    /// The most bytes in a segment: what file systems take for one entry of a directory.
    pub const MAX_SEGMENT_LEN: usize = 255;

    /// The folder that belongs to the store itself.
    pub const RESERVED: &'static str = ".store";

    /// Checks `text` and takes it as a name.
    ///
    /// # Errors
    ///
    /// - [`InvalidName`](ErrorKind::InvalidName): the text breaks a rule of the type; the message
    ///   says which.
    ///
    /// # Examples
    ///
    /// ```
    /// use store::{ErrorKind, FileName};
    ///
    /// let error = FileName::new("notes//today.txt").unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::InvalidName);
    /// assert_eq!(
    ///     error.to_string(),
    ///     "failed to use file name `notes//today.txt`: the name starts or ends with `/`, or holds `//`",
    /// );
    /// ```
    pub fn new(text: impl AsRef<str>) -> Result<Self> {
        let text = text.as_ref();
        match refusal(text) {
            None => Ok(Self(text.into())),
            Some(reason) => Err(Error::new(ErrorKind::InvalidName, "use file name")
                .with_name(text)
                .with_message(reason)),
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The folders that the name lies in, outermost first: `a` and `a/b` of `a/b/c`.
    ///
    /// # Examples
    ///
    /// ```
    /// use store::FileName;
    ///
    /// let name = FileName::new("a/b/c")?;
    /// assert_eq!(name.folders().collect::<Vec<_>>(), ["a", "a/b"]);
    /// # Ok::<(), store::Error>(())
    /// ```
    pub fn folders(&self) -> impl Iterator<Item = &str> {
        self.0.match_indices('/').map(|(end, _)| &self.0[..end])
    }

    /// The content type that a file of this name has when its saver names none.
    ///
    /// Guessed from the ending; `application/octet-stream` where it tells nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use store::FileName;
    ///
    /// assert_eq!(FileName::new("logo.png")?.guess_content_type(), "image/png");
    /// assert_eq!(FileName::new("LICENSE")?.guess_content_type(), "application/octet-stream");
    /// # Ok::<(), store::Error>(())
    /// ```
    #[must_use]
    pub fn guess_content_type(&self) -> &'static str {
        let segment = self.0.rsplit('/').next().unwrap_or_default();
        segment
            .rsplit_once('.')
            // `.profile` is all name.
            .filter(|(stem, _)| !stem.is_empty())
            .and_then(|(_, ending)| mime_guess::from_ext(ending).first_raw())
            .unwrap_or("application/octet-stream")
    }
}

fn refusal(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        return Some("the name is empty");
    }
    if text.len() > FileName::MAX_LEN {
        return Some("the name is longer than 1024 bytes");
    }
    let is_plain = |byte| matches!(byte, b' '..=b'~');
    if !text.bytes().all(is_plain) && text.chars().any(char::is_control) {
        return Some("the name holds a control character");
    }
    for segment in text.split('/') {
        match segment {
            "" => return Some("the name starts or ends with `/`, or holds `//`"),
            "." | ".." => return Some("a segment of the name is `.` or `..`"),
            _ if segment.len() > FileName::MAX_SEGMENT_LEN => {
                return Some("a segment of the name is longer than 255 bytes");
            }
            _ => {}
        }
    }
    let first = text.split('/').next().unwrap_or_default();
    if first.eq_ignore_ascii_case(FileName::RESERVED) {
        return Some("the folder `.store` belongs to the store itself");
    }
    None
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl AsRef<str> for FileName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for FileName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl FromStr for FileName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::new(text)
    }
}

impl TryFrom<&str> for FileName {
    type Error = Error;

    fn try_from(text: &str) -> Result<Self> {
        Self::new(text)
    }
}

impl TryFrom<String> for FileName {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::new(text)
    }
}

impl From<FileName> for String {
    fn from(name: FileName) -> Self {
        name.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        match (FileName::new(text), expected) {
            (Ok(name), None) => assert_eq!(name.as_str(), text),
            (Err(error), Some(reason)) => {
                assert_eq!(error.kind(), ErrorKind::InvalidName);
                assert!(error.to_string().contains(reason), "{error}");
            }
            (Ok(_), Some(reason)) => panic!("{text:?} was taken in spite of: {reason}"),
            (Err(error), None) => panic!("{error}"),
        }
    }

    #[test]
    fn names_are_taken_or_refused_with_the_reason() {
        check("foo.tar.gz", None);
        check("a/b/c", None);
        check("Ä b%2F#1~.txt", None);
        check("...", None);
        check(".storehouse/x", None);
        check("a/.store", None);
        check(&"x".repeat(255), None);
        check("", Some("empty"));
        check("/a", Some("`//`"));
        check("a/", Some("`//`"));
        check("a//b", Some("`//`"));
        check("./a", Some("`..`"));
        check("a/../b", Some("`..`"));
        check("a\0b", Some("control"));
        check("a\nb", Some("control"));
        check("a\u{85}b", Some("control"));
        check(".store", Some("belongs"));
        check(".Store/x", Some("belongs"));
        check(&"x".repeat(256), Some("255"));
        check(&["x".repeat(205).as_str(); 5].join("/"), Some("1024"));
    }

    #[test]
    fn folders_are_the_proper_prefixes_by_segment() {
        let name = FileName::new("a/b/c").unwrap();
        assert_eq!(name.folders().collect::<Vec<_>>(), ["a", "a/b"]);
        assert_eq!(FileName::new("a").unwrap().folders().count(), 0);
    }

    #[test]
    fn a_missing_content_type_is_guessed_from_the_ending() {
        let guess = |text| FileName::new(text).unwrap().guess_content_type();
        for text in ["a.json", "a.JSON", "a.tar.json", "b.png/a.json"] {
            assert_eq!(guess(text), "application/json", "{text}");
        }
        for text in [
            "a",
            "a.",
            ".json",
            "b/.json",
            "b.json/a",
            "a.no-such-ending",
        ] {
            assert_eq!(guess(text), "application/octet-stream", "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_taken_name_is_kept_as_it_is(text in "\\PC{0,40}") {
            if let Ok(name) = FileName::new(text.as_str()) {
                prop_assert_eq!(name.as_str(), text.as_str());
                prop_assert_eq!(&text.parse::<FileName>().unwrap(), &name);
                prop_assert!(!text.starts_with('/') && !text.ends_with('/'));
                prop_assert!(text.split('/').all(|s| !s.is_empty() && s != "." && s != ".."));
            }
        }

        #[test]
        fn names_are_ordered_by_their_bytes(a in "[a-c/.0é]{1,6}", b in "[a-c/.0é]{1,6}") {
            if let (Ok(x), Ok(y)) = (FileName::new(a.as_str()), FileName::new(b.as_str())) {
                prop_assert_eq!(x.cmp(&y), a.as_bytes().cmp(b.as_bytes()));
            }
        }
    }
}
