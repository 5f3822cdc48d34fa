use super::*;
use crate::{MapSettings, MockIStoreOpener};

async fn refusal<const N: usize>(registry: &StoreRegistry, settings: [(&str, &str); N]) -> String {
    let settings = MapSettings::from(settings);
    let error = registry.open(&settings).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(!error.is_retryable());
    error.to_string()
}

async fn check<const N: usize>(settings: [(&str, &str); N], expected: &str) {
    let text = refusal(&StoreRegistry::built_in(), settings).await;
    assert!(text.contains(expected), "{text}");
}

#[tokio::test]
async fn settings_that_name_no_store_are_refused_with_the_nearest_known() {
    check([], "`store_url`: the setting is missing").await;
    check([("stor_url", "memory:")], "did you mean `store_url`?").await;
    check([("colour", "red")], "store_durability, store_url").await;
    check([("swift_contaner", "x")], "did you mean `swift_container`?").await;
    check([("store_url", "sqlit:/x")], "did you mean `sqlite`?").await;
    check([("store_url", "file:/x")], "did you mean `fs`?").await;
    check([("store_url", "ftp-over-mail:/x")], "known are fs, memory").await;
    check([("store_url", "/x")], "no scheme").await;
    check([("store_url", "")], "no scheme").await;
    check(
        [("store_url", "memory:"), ("store_durability", "ful")],
        "did you mean `full`?",
    )
    .await;
    check(
        [("store_durability", "full")],
        "`store_url`: the setting is missing",
    )
    .await;
}

#[cfg(all(feature = "fs", unix, feature = "memory"))]
#[tokio::test]
async fn what_follows_the_scheme_is_checked() {
    check([("store_url", "fs:")], "not followed by a path").await;
    check([("store_url", "fs:a\0b")], "not followed by a path").await;
    check([("store_url", "fs://host/x")], "no host").await;
    check([("store_url", "memory:x")], "nothing may follow").await;
}

#[cfg(not(feature = "swift"))]
#[tokio::test]
async fn swift_is_known_but_not_built_in() {
    check([("store_url", "swift:")], "`swift` is not built into").await;
    check([("swift_container", "x")], "`swift` is not built into").await;
    assert!(
        !StoreRegistry::built_in()
            .schemes()
            .any(|scheme| scheme == "swift")
    );
}

#[cfg(feature = "swift")]
#[tokio::test]
async fn what_is_wrong_with_the_settings_of_swift_is_told_before_anybody_is_asked() {
    check(
        [("store_url", "swift:")],
        "`swift_container`: the setting is",
    )
    .await;
    check(
        [("swift_container", "c")],
        "`os_auth_url`: nothing says who",
    )
    .await;
    check(
        [("store_url", "swift:c")],
        "`os_auth_url`: nothing says who",
    )
    .await;
    let both = [("store_url", "swift:c"), ("swift_container", "d")];
    check(both, "different containers").await;
    check([("os_auth_ulr", "x")], "did you mean `os_auth_url`?").await;
}

#[tokio::test]
async fn a_refusal_shows_no_more_of_the_url_than_its_scheme() {
    for url in [
        "swfit://user:swordfish@host/",
        "swift://user:swordfish@host/",
        "memory://user:swordfish@host",
        "fs://user:swordfish@host/",
        "sqlite://user:swordfish@host/x",
        "user swordfish://host",
        "//user:swordfish@host/",
    ] {
        let text = refusal(&StoreRegistry::built_in(), [("store_url", url)]).await;
        assert!(!text.contains("swordfish"), "{text}");
        let error = open_store_url(url).await.unwrap_err();
        assert!(!format!("{error:?}").contains("swordfish"), "{error:?}");
    }
}

#[tokio::test]
async fn the_environment_of_openstack_alone_names_no_store() {
    let settings = [
        ("os_auth_url", "http://host/v3"),
        ("st_auth", "http://host"),
    ];
    check(settings, "`store_url`: the setting is missing").await;
}

/// An opener that knows `keys` and answers with an empty listing of its URL's rest.
fn opener(keys: &'static [&'static str], opens: usize) -> Arc<dyn IStoreOpener> {
    let mut opener = MockIStoreOpener::new();
    opener.expect_keys().return_const(keys);
    opener
        .expect_open()
        .times(opens)
        .returning(|url, settings| {
            let region = settings.get("x_region").unwrap_or_default();
            Err(Error::new(ErrorKind::Other, "open x")
                .with_message(format!("{}{region}", url.rest())))
        });
    Arc::new(opener)
}

#[tokio::test]
async fn a_scheme_of_others_is_opened_with_its_settings() {
    let mut registry = StoreRegistry::built_in();
    registry.register("x", opener(&["x_region"], 3)).unwrap();
    for (settings, expected) in [
        (vec![("store_url", "x:y"), ("x_region", "eu")], "yeu"),
        (vec![("store_url", "x:y"), ("swift_url", "")], "y"),
        // The key alone says which store is meant.
        (vec![("x_region", "eu")], "eu"),
    ] {
        let settings = settings
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value.to_owned()));
        let settings = MapSettings::new(settings.collect());
        let error = registry.open(&settings).await.unwrap_err();
        assert_eq!(error.to_string(), format!("failed to open x: {expected}"));
    }
    let text = refusal(&registry, [("store_url", "x:"), ("x_regoin", "eu")]).await;
    assert!(text.contains("did you mean `x_region`?"), "{text}");
    // The built-in ones know nothing of it.
    check(
        [("store_url", "memory:"), ("x_region", "eu")],
        "unknown setting",
    )
    .await;
}

#[tokio::test]
async fn a_key_that_two_schemes_know_says_nothing_beside_one_that_only_one_knows() {
    let mut registry = StoreRegistry::empty();
    registry
        .register("x", opener(&["x_region", "token"], 1))
        .unwrap();
    registry
        .register("y", opener(&["y_region", "token"], 0))
        .unwrap();
    let settings = MapSettings::from([("x_region", "eu"), ("token", "a")]);
    let error = registry.open(&settings).await.unwrap_err();
    assert_eq!(error.to_string(), "failed to open x: eu");
}

#[tokio::test]
async fn keys_of_two_schemes_imply_neither() {
    let mut registry = StoreRegistry::empty();
    registry
        .register("x", opener(&["x_region", "token"], 0))
        .unwrap();
    registry
        .register("y", opener(&["y_region", "token"], 0))
        .unwrap();
    for settings in [
        [("x_region", "a"), ("y_region", "b")],
        [("token", "a"), ("token", "b")],
    ] {
        let text = refusal(&registry, settings).await;
        assert!(
            text.contains("`store_url`: the setting is missing"),
            "{text}"
        );
    }
}

#[test]
fn a_scheme_is_taken_once_and_one_that_is_left_out_may_be_filled() {
    let mut registry = StoreRegistry::built_in();
    if !cfg!(feature = "swift") {
        registry
            .register("swift", opener(&["swift_url"], 0))
            .unwrap();
    }
    assert!(registry.schemes().any(|scheme| scheme == "swift"));
    for (scheme, expected) in [
        ("swift", "taken"),
        ("", "no scheme"),
        ("9p", "no scheme"),
        ("X", "no scheme"),
        ("a b", "no scheme"),
    ] {
        let error = registry.register(scheme, opener(&[], 0)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[tokio::test]
async fn a_key_that_is_told_without_a_text_is_refused() {
    let mut settings = crate::MockISettings::new();
    settings
        .expect_keys()
        .return_const(vec!["store_url".to_owned()]);
    settings.expect_get().return_const(None);
    let error = open_store(&settings).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(
        error
            .to_string()
            .contains("`store_url`: the setting is no text"),
        "{error}"
    );
}
