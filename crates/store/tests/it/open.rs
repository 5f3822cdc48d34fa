//! `open_store` and `StoreRegistry`.

use std::sync::Arc;

use async_trait::async_trait;
use store::{
    EnvSettings, ErrorKind, FileName, ISettings, IStore, IStoreOpener, MapSettings, Result,
    SaveOptions, SettingsChain, StoreExt, StoreRegistry, StoreUrl, open_store,
};

/// Saves something and reads it back.
async fn try_out(store: &dyn IStore) {
    let name = FileName::new("a/b").unwrap();
    let options = SaveOptions::default();
    store.save_bytes(&name, "x", &options).await.unwrap();
    assert_eq!(store.get_file_bytes(&name, 1).await.unwrap().1, "x");
}

#[tokio::test]
async fn each_url_opens_its_store() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().display();
    for url in [
        format!("fs:{path}/files"),
        format!("sqlite://{path}/x.db"),
        "memory:".to_owned(),
    ] {
        let settings = [("store_url", url.as_str()), ("store_durability", "process")];
        let store = open_store(&MapSettings::from(settings)).await.unwrap();
        try_out(&*store).await;
    }
    assert!(directory.path().join("files/a/b").is_file());
    assert!(directory.path().join("x.db").is_file());
}

#[tokio::test]
async fn the_command_line_comes_before_the_environment() {
    let directory = tempfile::tempdir().unwrap();
    let url = |folder: &str| format!("fs:{}/{folder}", directory.path().display());
    let variables = [
        ("X_STORE_URL", url("environment")),
        ("STORE_COLOUR", "red".to_owned()),
    ];
    let environment: Arc<dyn ISettings> = Arc::new(EnvSettings::from_variables("X_", variables));
    try_out(&*open_store(&*environment).await.unwrap()).await;
    assert!(directory.path().join("environment/a/b").is_file());

    let arguments = MapSettings::from([("store_url", url("arguments").as_str())]);
    let both = SettingsChain::new([Arc::new(arguments) as Arc<dyn ISettings>, environment]);
    try_out(&*open_store(&both).await.unwrap()).await;
    assert!(directory.path().join("arguments/a/b").is_file());
}

#[tokio::test]
async fn an_unknown_variable_that_is_meant_for_the_store_is_refused() {
    let variables = [
        ("STORE_URL", "memory:"),
        ("STORE_DURABILTY", "full"),
        ("HOME", "/"),
    ];
    let settings = EnvSettings::from_variables("", variables);
    let error = open_store(&settings).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    let text = error.to_string();
    assert!(text.contains("did you mean `store_durability`?"), "{text}");
}

/// A scheme of another crate: `shared:` is one store for all.
#[derive(Debug)]
struct Shared(Arc<dyn IStore>);

#[async_trait]
impl IStoreOpener for Shared {
    fn keys(&self) -> &'static [&'static str] {
        &["shared_pool"]
    }

    async fn open(&self, url: &StoreUrl, _: &dyn ISettings) -> Result<Arc<dyn IStore>> {
        assert_eq!((url.scheme(), url.rest()), ("shared", "x"));
        Ok(Arc::clone(&self.0))
    }
}

#[tokio::test]
async fn a_third_partys_scheme_opens_its_store_in_the_registry_that_has_it() {
    let store: Arc<dyn IStore> = Arc::new(store::MemoryStore::new());
    let mut registry = StoreRegistry::built_in();
    registry
        .register("shared", Arc::new(Shared(Arc::clone(&store))))
        .unwrap();
    let settings = MapSettings::from([("store_url", "shared:x"), ("shared_pool", "1")]);
    assert!(Arc::ptr_eq(
        &registry.open(&settings).await.unwrap(),
        &store
    ));
    assert!(Arc::ptr_eq(
        &registry.open_url("shared:x").await.unwrap(),
        &store
    ));
    try_out(&*registry.open_url("memory:").await.unwrap()).await;

    // Nothing is global: another registry has never heard of it.
    let error = store::open_store_url("shared:x").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    let error = open_store(&settings).await.unwrap_err();
    assert_eq!(error.name(), Some("shared_pool"));
}

/// A check of the suite may start this program anew, and tells it why by a variable.
#[cfg(feature = "conformance")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_suites_own_variables_are_none_of_the_stores() {
    use store::conformance::{Fresh, Subject, run};

    let test = concat!(
        module_path!(),
        "::the_suites_own_variables_are_none_of_the_stores"
    );
    let make = async || {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("fs:{}", directory.path().display());
        (directory, url)
    };
    let open = async |url: String| {
        let url = Arc::new(MapSettings::from([("store_url", url.as_str())]));
        let environment = Arc::new(EnvSettings::new(""));
        let settings = SettingsChain::new([url as Arc<dyn ISettings>, environment]);
        Fresh::from(open_store(&settings).await.unwrap())
    };
    let check = "an_opening_leaves_living_savers_alone";
    let subject = Subject::of_places(test, make, open);
    if let Err(violation) = run(check, &subject).await {
        panic!("{violation}");
    }
}
