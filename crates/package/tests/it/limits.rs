//! Archives that hold more than they may.

use package::{Error, Limit, UnpackLimits, unpack_application};

use crate::archive::{Place, application, application_error, extract, gzip, header, stored};

#[track_caller]
fn exceeded(archive: &[u8], limits: &UnpackLimits, expected: Limit, entry: &str) -> (u64, u64) {
    match application_error(archive, limits) {
        Error::LimitExceeded {
            archive,
            entry: at,
            limit,
            maximum,
            found,
            ..
        } => {
            assert_eq!((archive.as_str(), at.as_str()), ("foo/foo.tar.gz", entry));
            assert_eq!(limit, expected);
            assert!(found > maximum);
            (maximum, found)
        }
        other => panic!("{other:?}"),
    }
}

fn limits() -> UnpackLimits {
    UnpackLimits::default()
}

#[test]
fn total_bytes_are_counted_with_headers() {
    let archive = application().file("foo/big", [b'x'; 10_000]).gz();
    let whole = 6 * 512 + 10_240 - 512 + 512;
    let exact = limits().with_total_bytes(whole);
    unpack_application(&archive[..], "foo", &Place::new().inside(), &exact).unwrap();
    exceeded(
        &archive,
        &limits().with_total_bytes(9_000),
        Limit::TotalBytes,
        "foo/index.php",
    );
}

#[test]
fn a_size_over_the_limit_is_refused_before_anything_is_written() {
    let block = header(b'0', b"foo/huge", 0o644, b"", 8_000_000_000);
    let archive = application().contents(&block).gz();
    let place = Place::new();
    let error = extract(&archive, &place.inside()).unwrap_err();
    assert!(matches!(
        error,
        Error::LimitExceeded {
            limit: Limit::TotalBytes,
            ..
        }
    ));
    assert!(!place.inside().join("foo/huge").exists());
}

#[test]
fn padding_counts_as_well() {
    let mut stream = application().ended();
    stream.resize(1 << 20, 0);
    let small = limits().with_total_bytes(500_000);
    exceeded(&gzip(&stream), &small, Limit::TotalBytes, "foo/index.php");
}

#[test]
fn entries_are_counted_with_implied_folders() {
    let archive = (0..10).fold(application(), |tar, n| tar.file(&format!("foo/{n}"), ""));
    exceeded(
        &archive.gz(),
        &limits().with_entries(11),
        Limit::Entries,
        "foo/9",
    );
    let deep = application().file("foo/1/2/3/4/5/6/7/8/9", "").gz();
    let counts = exceeded(
        &deep,
        &limits().with_entries(10),
        Limit::Entries,
        "foo/1/2/3/4/5/6/7/8/9",
    );
    assert_eq!(counts, (10, 11));
}

#[test]
fn a_high_ratio_is_refused_above_the_floor_only() {
    let archive = application().file("foo/zeros", vec![0; 4 << 20]).gz();
    extract(&archive, &Place::new().inside()).unwrap();
    let floor = limits().with_ratio_floor(1 << 20).with_ratio(100);
    let (maximum, _) = exceeded(&archive, &floor, Limit::Ratio, "foo/zeros");
    assert_eq!(maximum, 100);
    let above = limits().with_ratio_floor(1 << 20).with_ratio(2_000);
    unpack_application(&archive[..], "foo", &Place::new().inside(), &above).unwrap();
}

#[test]
fn paths_are_limited_in_length_and_depth() {
    let long = format!("foo/{}", "x".repeat(60));
    let archive = application().file(&long, "");
    exceeded(
        &archive.clone().gz(),
        &limits().with_path_length(40),
        Limit::PathLength,
        &long,
    );
    let deep = application().file("foo/1/2/3", "");
    exceeded(
        &deep.gz(),
        &limits().with_depth(3),
        Limit::Depth,
        "foo/1/2/3",
    );
    let name = format!("foo/{}", "x".repeat(256));
    let part = application().pax("path", name.as_bytes()).file("foo/x", "");
    let shown = format!("{}…", &name[..200]);
    exceeded(&part.gz(), &limits(), Limit::NameLength, &shown);
    let target = application().link("foo/l", &"x".repeat(60));
    exceeded(
        &target.gz(),
        &limits().with_path_length(40),
        Limit::PathLength,
        "foo/l",
    );
}

#[test]
fn extended_headers_are_limited() {
    for kind in [b'x', b'g', b'L', b'K'] {
        let archive = application()
            .raw(kind, b"x", 0, b"", &vec![b'x'; (1 << 20) + 1])
            .gz();
        exceeded(&archive, &limits(), Limit::HeaderBytes, "foo/index.php");
    }
}

#[test]
fn links_that_wait_are_limited() {
    let target = ["x".repeat(200).as_str(); 5].join("/");
    let archive = (0..5_000).fold(application(), |tar, n| {
        tar.pax("linkpath", target.as_bytes())
            .link(&format!("foo/{n}"), "")
    });
    let place = Place::new();
    let error = extract(&stored(&archive.ended()), &place.inside()).unwrap_err();
    assert!(
        matches!(
            error,
            Error::LimitExceeded {
                limit: Limit::LinkBytes,
                ..
            }
        ),
        "{error:?}"
    );
}
