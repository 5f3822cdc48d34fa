//! What segments are called.

use uuid::Uuid;

use crate::FileName;

/// How many bytes a segment's name is longer than the file's.
pub(super) const EXTRA: usize = FOLDER.len() + 36 + 1 + 6 + 1;

/// Where the segments lie.
pub(super) const FOLDER: &str = ".store/";

/// The upload and the file of a segment's name.
pub(super) fn parse(segment: &str) -> Option<(&str, FileName)> {
    let mut parts = segment.strip_prefix(FOLDER)?.splitn(3, '/');
    let (id, number, name) = (parts.next()?, parts.next()?, parts.next()?);
    let is_upload = Uuid::try_parse(id).is_ok() && number.parse::<usize>().is_ok();
    let name = FileName::new(name).ok().filter(|_| is_upload)?;
    Some((id, name))
}

/// The name of the segment of that number.
pub(super) fn of(upload: Uuid, number: usize, name: &FileName) -> String {
    format!("{FOLDER}{upload}/{number:06}/{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_tells_its_upload_and_its_file() {
        let id = Uuid::now_v7().to_string();
        let file = FileName::new("a/b c").unwrap();
        let segment = of(Uuid::try_parse(&id).unwrap(), 3, &file);
        assert_eq!(segment, format!("{FOLDER}{id}/000003/a/b c"));
        let (found, name) = parse(&segment).unwrap();
        assert_eq!((found, name.as_str()), (&*id, "a/b c"));
        assert_eq!(segment.len(), name.as_str().len() + EXTRA);
        for other in [
            "a/slo/1700000000.0/10/5/00000001",
            &format!("{FOLDER}x/000003/a"),
            &format!("{FOLDER}{id}/x/a"),
            &format!("{FOLDER}{id}/000003"),
            &format!("{FOLDER}{id}/000003/"),
            &format!("x{FOLDER}{id}/000003/a"),
        ] {
            assert!(parse(other).is_none(), "{other}");
        }
    }
}
