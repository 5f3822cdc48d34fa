use proptest::prelude::*;

use super::*;
use crate::setting::{ENDPOINT, STORE_URL, USERNAME};

fn parse(text: &str) -> Result<ConfigFile, Failure> {
    ConfigFile::parse(Path::new("/etc/x.toml"), text)
}

#[track_caller]
fn check(text: &str, expected: &str) {
    let failure = parse(text).err().expect("it is refused");
    assert_eq!(failure.code(), INVALID);
    let message = failure.message();
    assert_eq!(message.strip_prefix("`/etc/x.toml`, "), Some(expected));
}

#[test]
fn each_setting_has_its_line() {
    let file = parse("# mine\nusername = 'ann'\n\nswift_insecure = true\n");
    let file = file.expect("it is read");
    let username = file.get(&USERNAME).expect("it is set");
    assert_eq!((username.line, &*username.value), (2, "ann"));
    assert!(file.get(&ENDPOINT).is_none());
    let stores = [("swift_insecure".to_owned(), "true".to_owned())];
    assert_eq!(file.for_store(), BTreeMap::from(stores));
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_known() {
    check(
        "\nendpiont = 'https://x.io'",
        "line 2: unknown key `endpiont`; did you mean `endpoint`?",
    );
    check(
        "HELION_USERNAME = 'ann'",
        "line 1: unknown key `HELION_USERNAME`; did you mean `username`?",
    );
    check(
        "STORE_URL = 'memory:'",
        "line 1: unknown key `STORE_URL`; did you mean `store_url`?",
    );
    check(
        "output = 'json'\n[deploy]\ntimeout = '15m'",
        "line 2: unknown key `deploy`; `helion-deploy --config /dev/null config show` lists the known ones",
    );
}

#[test]
fn the_first_wrong_line_is_told() {
    check(
        "zone = 1\nacre = 2",
        "line 1: unknown key `zone`; `helion-deploy --config /dev/null config show` lists the known ones",
    );
}

#[test]
fn a_wrong_value_is_refused_with_what_is_expected() {
    let time = "a time in quotes, such as \"15m\" or \"1h 30m\"";
    for value in ["15", "'soon'", "'0s'", "''", "[ '15m' ]"] {
        let expected = format!("line 1: `timeout` has to be {time}");
        check(&format!("timeout = {value}"), &expected);
    }
    check(
        "client = 'Helion'",
        "line 1: `client` has to be \"helion\" or \"cf\"",
    );
    check(
        "swift_insecure = 'true'",
        "line 1: `swift_insecure` has to be true or false, without quotes",
    );
    check(
        "endpoint = ''",
        "line 1: `endpoint` has to be text in quotes that is not empty",
    );
    check(
        "st_auth_version = 1",
        "line 1: `st_auth_version` has to be text in quotes that is not empty",
    );
}

#[test]
fn the_platforms_password_is_refused_under_any_name() {
    for key in ["password", "pasword", "HELION_PASSWORD", "helion_passwort"] {
        check(
            &format!("{key} = 'swordfish'"),
            "line 1: the platform's password is never read from a file: set HELION_PASSWORD, or \
             give --password-stdin",
        );
    }
}

#[test]
fn a_file_with_a_secret_is_its_owners_alone() {
    let read = |text| parse(text).expect("it is read");
    let (open, secret) = (read("username = 'ann'"), read("os_password = 'swordfish'"));
    assert!(open.check_mode(0o100_644).is_ok());
    assert!(secret.check_mode(0o100_600).is_ok());
    for mode in [0o100_640, 0o100_604, 0o100_620] {
        let failure = secret.check_mode(mode).unwrap_err();
        let message = failure.message();
        assert!(message.contains("`os_password`"), "{message}");
        assert!(message.ends_with("chmod 600 \"/etc/x.toml\""), "{message}");
        assert!(!message.contains("swordfish"), "{message}");
    }
}

/// A line with the secret somewhere behind its equals sign, as TOML has it or as somebody might
/// have written it.
fn line(secret: &'static str) -> impl Strategy<Value = String> {
    let keys = [
        "os_password",
        "st_key",
        "endpoint",
        "timeout",
        "swift_insecure",
        "zone",
        "a.b",
    ];
    let values = [
        "\"{}\"",
        "'{}'",
        "{}",
        "\"{}",
        "'{}",
        "\"\"\"{}",
        "\"\\{}\"",
        "1{}",
        "2015-{}",
        "0x{}",
        "true{}",
        "\"\" {}",
        "[\"{}\"]",
        "{ a = \"{}\" }",
        "\"a\"\"{}\"",
        "\"\"\"\n{}\"\"\"",
    ];
    let line = (
        prop::sample::select(keys.to_vec()),
        prop::sample::select(values.to_vec()),
    );
    line.prop_map(move |(key, value)| format!("{key} = {}", value.replace("{}", secret)))
}

proptest! {
    #[test]
    fn no_error_tells_a_value(
        lines in prop::collection::vec(line("sw0rdf1sh"), 1..4),
        at in any::<prop::sample::Index>(),
        inserted in prop::option::of("[\"'\\\\\\[{,#\n\u{1}é]"),
    ) {
        let mut text = lines.join("\n");
        if let Some(inserted) = inserted {
            // Behind the first equals sign: a word in front of it is a key, which is told.
            let start = text.find('=').map_or(0, |at| at + 1);
            text.insert_str(start + at.index(text.len() - start), &inserted);
        }
        if let Err(failure) = parse(&text) {
            prop_assert!(!failure.message().contains("sw0rdf1sh"), "{}", failure.message());
        }
    }
}

#[test]
fn a_file_that_is_not_there_is_a_fault_only_where_it_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    let place = |is_named| Place {
        path: path.clone(),
        is_named,
    };
    assert!(place(false).read().is_ok_and(|file| file.is_none()));
    let failure = place(true).read().err().expect("it is refused");
    let message = failure.message();
    assert!(message.contains("config.toml"), "{message}");

    std::fs::write(&path, b"store_url = '\xff'").unwrap();
    let failure = place(false).read().err().expect("it is refused");
    assert!(failure.message().ends_with("is not UTF-8"));
    std::fs::write(&path, "#".repeat(1 << 20) + "\n").unwrap();
    let failure = place(false).read().err().expect("it is refused");
    assert!(failure.message().ends_with("is longer than 1 MiB"));
    std::fs::write(&path, "store_url = 'memory:'").unwrap();
    let file = place(false).read().unwrap().expect("it is read");
    assert_eq!(
        file.get(&STORE_URL).map(|entry| &*entry.value),
        Some("memory:")
    );
}

/// The reference of the settings.
fn reference() -> String {
    let page = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/reference/settings.md"
    );
    std::fs::read_to_string(page).unwrap()
}

#[test]
fn the_file_of_the_reference_can_be_read() {
    let page = reference();
    let blocks: Vec<_> = page.split("```toml\n").skip(1).collect();
    assert!(!blocks.is_empty());
    for block in blocks {
        let (text, _) = block.split_once("```").unwrap();
        let file = parse(text).expect("it is read");
        assert!(file.get(&ENDPOINT).is_some(), "{text}");
    }
}

#[test]
fn the_reference_names_every_setting() {
    let page = reference();
    for setting in setting::all() {
        let key = format!("`{}`", setting.key);
        let variable = format!("`{}`", setting.variable());
        let is_own = !setting.is_of_the_store();
        let is_in_a_file = setting.kind != Kind::Password;
        assert!(page.contains(&key) || !is_in_a_file, "{key}");
        assert!(page.contains(&variable) || !is_own, "{variable}");
    }
}
