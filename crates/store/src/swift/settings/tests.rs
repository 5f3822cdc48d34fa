use std::collections::BTreeSet;
use std::sync::Mutex;

use super::*;
use crate::MapSettings;

fn read(url: &str, settings: &[(&str, &str)]) -> Result<SwiftPlace> {
    let settings = settings
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let settings = MapSettings::new(settings.collect());
    SwiftPlace::from_settings(&StoreUrl::parse(url)?, &settings)
}

/// The way that the settings say, as `Debug` shows it: without its secrets.
fn auth(settings: &[(&str, &str)]) -> String {
    let options = read("swift:c", settings).unwrap().options;
    let text = format!("{:?} {:?}", options.auth, options.storage_url);
    assert!(!text.contains("swordfish"), "{text}");
    text
}

#[track_caller]
fn check_auth(settings: &[(&str, &str)], expected: &[&str]) {
    let text = auth(settings);
    for expected in expected {
        assert!(text.contains(expected), "{expected} in {text}");
    }
}

#[track_caller]
fn check_refused(url: &str, settings: &[(&str, &str)], key: &str, message: &str) {
    let error = read(url, settings).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
    assert_eq!(error.name(), Some(key), "{error}");
    assert!(error.to_string().contains(message), "{error}");
    assert!(!format!("{error:?}").contains("swordfish"), "{error:?}");
}

const ST: [(&str, &str); 3] = [
    ("st_auth", "http://host:8080/auth/v1.0"),
    ("st_user", "account:user"),
    ("st_key", "swordfish"),
];

const OS: [(&str, &str); 3] = [
    ("os_auth_url", "https://host/v3"),
    ("os_username", "user"),
    ("os_password", "swordfish"),
];

const CLOUD: [(&str, &str); 3] = [
    ("cloud_auth_url", "https://host/identity"),
    ("cloud_username", "user"),
    ("cloud_password", "swordfish"),
];

const READY: [(&str, &str); 2] = [
    ("swift_url", "https://host/v1/AUTH_a"),
    ("swift_token", "swordfish"),
];

fn with<'a>(
    settings: &[(&'a str, &'a str)],
    more: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    let changed = |key: &str| more.iter().any(|(other, _)| *other == key);
    let kept = settings.iter().filter(|(key, _)| !changed(key));
    kept.chain(more).copied().collect()
}

fn without<'a>(settings: &[(&'a str, &'a str)], key: &str) -> Vec<(&'a str, &'a str)> {
    settings
        .iter()
        .filter(|(other, _)| *other != key)
        .copied()
        .collect()
}

#[test]
fn the_url_names_a_container_and_a_folder_and_a_setting_may_name_the_container() {
    let place = |url, settings: &[_]| {
        let place = read(url, &with(&ST, settings)).unwrap();
        let folder = place.folder.map(|folder| folder.as_str().to_owned());
        (place.options.container, folder)
    };
    let files = || "files".to_owned();
    assert_eq!(place("swift:files", &[]), (files(), None));
    let folder = (files(), Some("a/b".to_owned()));
    assert_eq!(place("swift:files/a/b", &[]), folder);
    let set = [("swift_container", "files")];
    assert_eq!(place("swift:", &set), (files(), None));
    assert_eq!(place("swift:files", &set), (files(), None));
    assert_eq!(place("swift:f%20 ü", &[]), ("f%20 ü".to_owned(), None));
}

#[test]
fn a_url_that_names_no_container_is_refused() {
    check_refused("swift:", &ST, "swift_container", "missing");
    let other = with(&ST, &[("swift_container", "other")]);
    check_refused("swift:files", &other, "swift_container", "different");
    check_refused("swift:/files", &ST, "store_url", "swift:CONTAINER");
    check_refused("swift://host/files", &ST, "store_url", "swift:CONTAINER");
    check_refused("swift:files/", &ST, "store_url", "folder");
    check_refused("swift:files/../a", &ST, "store_url", "folder");
    check_refused("swift:files?region=a", &ST, "store_url", "by the URL");
    check_refused("swift:files#a", &ST, "store_url", "by the URL");
}

#[test]
fn swifts_own_authentication_is_asked_by_its_own_names() {
    check_auth(&ST, &["V1", "http://host:8080/auth/v1.0", "account:user"]);
    check_auth(&with(&ST, &[("st_auth_version", "1.0")]), &["V1"]);
    for (key, _) in ST {
        check_refused("swift:c", &without(&ST, key), key, "missing");
        check_refused("swift:c", &with(&ST, &[(key, "")]), key, "empty");
    }
    let refused = |key, value, message| {
        check_refused("swift:c", &with(&ST, &[(key, value)]), key, message);
    };
    refused("st_auth", "host", "no URL");
    refused("st_auth", "ftp://host/", "http:");
    refused("st_auth", "http://user:swordfish@host/", "names a user");
    refused("st_auth", "http://host/?key=swordfish", "follow the path");
    refused("st_user", "a\nb", "header");
    refused("st_key", "swordfish\n", "header");
    refused("st_auth_version", "3", "version 1");
}

#[test]
fn keystone_is_asked_with_a_password_by_openstacks_names() {
    check_auth(
        &OS,
        &["Keystone", "Password", "\"user\"", "Id(\"default\")"],
    );
    check_auth(
        &with(&OS, &[("os_identity_api_version", "3")]),
        &["Password"],
    );
    let domains = [
        ("os_user_domain_name", "people"),
        ("os_project_domain_id", "d1"),
        ("os_project_domain_name", "not meant"),
        ("os_project_name", "releases"),
    ];
    let text = auth(&with(&OS, &domains));
    assert!(text.contains("Name(\"people\")"), "{text}");
    assert!(
        text.contains("name: \"releases\", domain: Id(\"d1\")"),
        "{text}"
    );
    assert!(!text.contains("not meant"), "{text}");
    check_auth(&with(&OS, &[("os_tenant_name", "old")]), &["name: \"old\""]);
    // As the file that Horizon hands out has both.
    let project = [("os_project_id", "p1"), ("os_project_name", "releases")];
    check_auth(&with(&OS, &project), &["Id(\"p1\")"]);
    check_auth(&with(&OS, &[("os_user_id", "u1")]), &["Id(\"u1\")"]);
    for (key, _) in OS {
        check_refused("swift:c", &without(&OS, key), key, "missing");
        check_refused("swift:c", &with(&OS, &[(key, "")]), key, "empty");
    }
    for (key, value, message) in [
        ("os_auth_url", "https://host/v2.0", "version 2"),
        ("os_auth_url", "https://host/v3?a=b", "follow the path"),
        ("os_auth_version", "2", "version 3"),
        ("os_identity_api_version", "1.0", "version 3"),
        ("os_project_name", "", "empty"),
        ("os_user_domain_id", "", "empty"),
        ("os_auth_type", "v3oidcpassword", "known are"),
        ("os_interface", "outside", "known are"),
        ("os_region_name", "", "empty"),
        ("os_storage_url", "host", "no URL"),
    ] {
        check_refused("swift:c", &with(&OS, &[(key, value)]), key, message);
    }
}

#[test]
fn region_interface_and_account_are_told_beside_the_user() {
    let set = [
        ("os_region_name", "north"),
        ("os_interface", "internal"),
        ("os_storage_url", "http://host/v1/AUTH_b"),
    ];
    let expected = ["Some(\"north\")", "Internal", "http://host/v1/AUTH_b"];
    check_auth(&with(&OS, &set), &expected);
    check_auth(&with(&OS, &[("os_endpoint_type", "adminURL")]), &["Admin"]);
    check_auth(&with(&CLOUD, &set[..2]), &expected[..2]);
}

#[test]
fn keystone_is_asked_with_an_application_credential() {
    let url = ("os_auth_url", "https://host/v3");
    let secret = ("os_application_credential_secret", "swordfish");
    let id = ("os_application_credential_id", "c1");
    let name = ("os_application_credential_name", "deployer");
    check_auth(&[url, secret, id], &["Credential", "\"c1\""]);
    let named = [url, secret, name, ("os_username", "user")];
    check_auth(&named, &["NamedCredential", "\"deployer\"", "\"user\""]);
    // What else is set is not meant.
    let r#type = ("os_auth_type", "v3applicationcredential");
    let all = with(&OS, &[secret, id, r#type]);
    check_auth(&all, &["Credential", "\"c1\""]);
    check_refused("swift:c", &[url, id], "os_password", "missing");
    check_refused("swift:c", &[url, id, r#type], secret.0, "missing");
    check_refused("swift:c", &[url, secret], name.0, "missing");
    check_refused("swift:c", &[url, secret, name], "os_username", "missing");
    let both = with(&OS, &[secret, id]);
    check_refused("swift:c", &both, secret.0, "`os_auth_type` says");
    let project = ("os_project_name", "releases");
    let scoped = [url, secret, id, project];
    check_refused("swift:c", &scoped, project.0, "its own project");
}

#[test]
fn keystone_is_asked_with_a_token() {
    let token = ("os_auth_token", "swordfish");
    let url = ("os_auth_url", "https://host/v3");
    let project = ("os_project_id", "p1");
    check_auth(&[url, token, project], &["Token", "Id(\"p1\")"]);
    check_refused("swift:c", &[token], "os_auth_url", "missing");
    let both = with(&OS, &[token]);
    check_refused("swift:c", &both, "os_auth_token", "`os_auth_type` says");
    let typed = with(&both, &[("os_auth_type", "token")]);
    check_auth(&typed, &["Token"]);
}

#[test]
fn a_token_and_an_account_are_all_that_is_needed() {
    check_auth(&READY, &["Ready", "https://host/v1/AUTH_a"]);
    for (key, _) in READY {
        check_refused("swift:c", &without(&READY, key), key, "missing");
        check_refused("swift:c", &with(&READY, &[(key, "")]), key, "empty");
    }
    check_refused(
        "swift:c",
        &with(&READY, &[("swift_url", "a")]),
        "swift_url",
        "no URL",
    );
    let token = with(&READY, &[("swift_token", "swordfish\n")]);
    check_refused("swift:c", &token, "swift_token", "header");
    // `swift auth` prints these, and what it was got with stays set.
    let printed = [
        ("os_storage_url", "https://host/v1/AUTH_b"),
        ("os_auth_token", "swordfish"),
    ];
    for also in [&ST, &OS] {
        check_auth(&with(also, &printed), &["Ready", "AUTH_b"]);
    }
}

#[test]
fn the_stores_own_names_come_before_the_environment() {
    let environment = with(&ST, &OS);
    let own = with(&environment, &CLOUD);
    check_auth(&own, &["Keystone", "https://host/identity"]);
    check_auth(&with(&environment, &READY), &["Ready", "AUTH_a"]);
    let project = with(&CLOUD, &[("cloud_project_name", "releases")]);
    check_auth(&project, &["Password", "\"releases\""]);
    let account = with(&CLOUD, &[("swift_url", "https://host/v1/AUTH_a")]);
    check_auth(&account, &["Password", "https://host/v1/AUTH_a"]);
    let own_auth = [("cloud_auth_url", "http://host/auth/v1.0/")];
    check_auth(&with(&CLOUD, &own_auth), &["V1", "\"user\""]);
    // Another identity's project is not this one's.
    let other = with(&CLOUD, &[("os_project_name", "other")]);
    assert!(!auth(&other).contains("other"));
}

#[test]
fn what_contradicts_itself_is_refused() {
    for (key, _) in CLOUD {
        check_refused("swift:c", &without(&CLOUD, key), key, "missing");
        check_refused("swift:c", &with(&CLOUD, &[(key, "")]), key, "empty");
    }
    let both = with(&CLOUD, &READY);
    check_refused("swift:c", &both, "swift_token", "only one");
    let v2 = with(&CLOUD, &[("cloud_auth_url", "https://host/v2.0/")]);
    check_refused("swift:c", &v2, "cloud_auth_url", "version 2");
    let project = [
        ("cloud_auth_url", "http://host/auth/v1.0"),
        ("cloud_project_name", "releases"),
    ];
    let project = with(&CLOUD, &project);
    check_refused("swift:c", &project, "cloud_project_name", "no projects");
    check_refused("swift:c", &with(&ST, &OS), "st_auth", "`os_auth_url`");
    check_refused("swift:c", &[], "os_auth_url", "who asks");
}

#[test]
fn certificates_are_verified_unless_it_is_said_in_so_many_words() {
    let tls = |settings: &[_]| read("swift:c", &with(&ST, settings)).unwrap().options.tls;
    assert_eq!(tls(&[]), SwiftTls::System);
    assert_eq!(tls(&[("swift_insecure", "false")]), SwiftTls::System);
    assert_eq!(tls(&[("swift_insecure", "true")]), SwiftTls::Unverified);
    let file = ("os_cacert", "/etc/ca.pem");
    assert_eq!(tls(&[file]), SwiftTls::CaFile("/etc/ca.pem".into()));
    for value in ["1", "yes", "True", ""] {
        let settings = with(&ST, &[("swift_insecure", value)]);
        check_refused("swift:c", &settings, "swift_insecure", "");
    }
    let both = with(&ST, &[file, ("swift_insecure", "true")]);
    check_refused("swift:c", &both, "swift_insecure", "either");
    check_refused(
        "swift:c",
        &with(&ST, &[("os_cacert", "")]),
        "os_cacert",
        "empty",
    );
}

/// Settings that note what they are asked for.
#[derive(Debug)]
struct Noting(MapSettings, Mutex<BTreeSet<String>>);

impl ISettings for Noting {
    fn get(&self, key: &str) -> Option<String> {
        self.1.lock().unwrap().insert(key.to_owned());
        self.0.get(key)
    }

    fn keys(&self) -> Vec<String> {
        self.0.keys()
    }
}

#[test]
fn every_key_that_is_read_is_known_and_the_other_way_round() {
    let credential = [
        ("os_auth_url", "https://host/v3"),
        ("os_application_credential_secret", "swordfish"),
        ("os_application_credential_name", "deployer"),
        ("os_username", "user"),
    ];
    let scoped = with(&OS, &[("os_project_name", "releases")]);
    let mut asked = BTreeSet::new();
    for settings in [&ST[..], &scoped, &CLOUD, &READY, &credential, &[]] {
        let map = settings
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let noting = Noting(MapSettings::new(map.collect()), Mutex::default());
        let url = StoreUrl::parse("swift:c").unwrap();
        let _ = SwiftPlace::from_settings(&url, &noting);
        asked.append(&mut noting.1.lock().unwrap());
    }
    let known: BTreeSet<String> = crate::open::SWIFT
        .iter()
        .map(|key| (*key).to_owned())
        .collect();
    assert_eq!(asked, known);
}
