//! Extended headers of POSIX.1-2001 ("pax"): what they may say about an entry.
//!
//! # Source
//!
//! POSIX.1-2017, `pax`, "pax Extended Header": records `length key=value\n`, where the length
//! counts the whole record.

use crate::error::Refusal;

use super::fault::Fault;

/// What extended headers say about the next entry.
#[derive(Debug, Default)]
pub(super) struct Extensions {
    pub(super) path: Option<Vec<u8>>,
    pub(super) target: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
}

impl Extensions {
    /// Takes over an entry's own header.
    pub(super) fn read(&mut self, records: &[u8]) -> Result<(), Fault> {
        each(records, |key, value| {
            match key {
                b"path" => self.path = Some(value.to_vec()),
                b"linkpath" => self.target = Some(value.to_vec()),
                b"size" => {
                    let size = std::str::from_utf8(value).ok().and_then(|s| s.parse().ok());
                    self.size =
                        Some(size.ok_or(Fault::BadHeader("its extended size is no number"))?);
                }
                _ if key.starts_with(b"GNU.sparse.") => return Err(Refusal::Sparse.into()),
                // Times, owners, comments and attributes: nothing that is unpacked.
                _ => {}
            }
            Ok(())
        })
    }
}

/// Checks a header for all entries, which may hold nothing that changes them.
pub(super) fn check_global(records: &[u8]) -> Result<(), Fault> {
    each(records, |key, _| match key {
        b"path" | b"linkpath" | b"size" => {
            Err(Fault::BadHeader("a global header sets a path or a size"))
        }
        _ if key.starts_with(b"GNU.sparse.") => Err(Refusal::Sparse.into()),
        _ => Ok(()),
    })
}

fn each<'a>(
    mut records: &'a [u8],
    mut take: impl FnMut(&'a [u8], &'a [u8]) -> Result<(), Fault>,
) -> Result<(), Fault> {
    while !records.is_empty() {
        let (record, rest) = split(records).ok_or(Fault::BadHeader("a pax record is malformed"))?;
        let equals = record.iter().position(|byte| *byte == b'=');
        let equals = equals.ok_or(Fault::BadHeader("a pax record has no value"))?;
        take(&record[..equals], &record[equals + 1..])?;
        records = rest;
    }
    Ok(())
}

/// Splits off the first record, without its length and line end.
fn split(records: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = records.iter().take(8).position(|byte| *byte == b' ')?;
    let digits = &records[..space];
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let length: usize = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let record = records.get(space + 1..length)?.strip_suffix(b"\n")?;
    Some((record, &records[length..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_may_hold_line_breaks_and_equals_signs() {
        let mut extensions = Extensions::default();
        extensions
            .read(b"24 SCHILY.xattr.a=b\n\n=c\n18 path=foo/a=b.c\n12 size=345\n")
            .unwrap();
        assert_eq!(extensions.path.unwrap(), b"foo/a=b.c");
        assert_eq!(extensions.size, Some(345));
    }

    #[test]
    fn malformed_records_are_refused() {
        for records in [
            &b"x"[..],
            b"5",
            b"99 path=x\n",
            b"0 a=b\n",
            b"3 a=b\n",
            b"+9 path=x\n",
            b"6 a=b ",
            b"4 a\n",
            b"12 size=abc\n",
            b"12 size=-12\n",
            b"99999999999999999999 a=b\n",
            b" a=b\n",
        ] {
            let error = Extensions::default().read(records).unwrap_err();
            assert!(matches!(error, Fault::BadHeader(_)), "{records:?}");
        }
    }

    #[test]
    fn a_global_header_changes_no_entry() {
        check_global(b"16 comment=0123\n").unwrap();
        for records in [&b"9 path=x\n"[..], b"14 linkpath=x\n", b"9 size=1\n"] {
            assert!(matches!(check_global(records), Err(Fault::BadHeader(_))));
        }
        let sparse = check_global(b"22 GNU.sparse.major=1\n").unwrap_err();
        assert!(matches!(sparse, Fault::Refused(Refusal::Sparse)));
    }
}
