//! Each way to get in, and the end of a token.

use std::sync::Arc;

use futures_util::future::join_all;
use store::{
    Error, ErrorKind, FileName, IStore as _, KeystoneAuth, KeystoneName, SaveOptions,
    StoreExt as _, SwiftAuth, SwiftOptions, SwiftStore,
};

use crate::http;
use crate::watch::Watch;
use crate::world::{Instance, Keystone, World, fresh_container};

/// The most rounds of a test that waits for something to happen during traffic.
const ROUNDS: u32 = 100_000;

fn v1(instance: &Instance, url: &str, user: usize, key: Option<&str>) -> SwiftAuth {
    let user = &instance.tempauth.users[user];
    SwiftAuth::v1(url, &*user.name, key.unwrap_or(&*user.key))
}

fn by_password(
    keystone: &Keystone,
    url: &str,
    user: usize,
    password: Option<&str>,
) -> KeystoneAuth {
    let user = &keystone.users[user];
    let name = KeystoneName::new(&*user.name).in_domain_id(&*keystone.domain_id);
    let project = KeystoneName::new(&*user.project).in_domain_id(&*keystone.domain_id);
    KeystoneAuth::password(url, name, password.unwrap_or(&*user.password))
        .with_project(project)
        .with_region(&*keystone.region)
}

/// Opens a container of its own. A Keystone on `SQLite` fails for now where two ask at a time.
async fn open(auth: impl Into<SwiftAuth>) -> Result<SwiftStore, Error> {
    let options = SwiftOptions::new(fresh_container(), auth);
    let mut result = SwiftStore::open(options.clone()).await;
    for _ in 0..20 {
        match &result {
            Err(error) if error.is_retryable() => {
                result = SwiftStore::open(options.clone()).await;
            }
            Ok(_) | Err(_) => break,
        }
    }
    result
}

/// Saves a file, and reads it.
async fn use_store(store: &SwiftStore) -> Result<(), Error> {
    let name = FileName::new("a/b c")?;
    store
        .save_bytes(&name, "hello", &SaveOptions::default())
        .await?;
    assert_eq!(store.get_file_bytes(&name, 5).await?.1, "hello");
    store.delete_file(&name).await
}

async fn check_in(auth: impl Into<SwiftAuth>) {
    let store = open(auth).await.unwrap();
    use_store(&store).await.unwrap();
}

/// Opening, or the first use where the cluster tells its limits to everybody, fails so.
async fn check_out(auth: impl Into<SwiftAuth>, kind: ErrorKind) {
    let error = match open(auth).await {
        Ok(store) => use_store(&store).await.unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(error.kind(), kind, "{error:?}");
    assert!(
        !format!("{error:?} {error}").contains("testing"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_user_of_tempauth_gets_in_with_the_key() {
    let Some(world) = World::get() else { return };
    let plain = world.instance("plain");
    let url = &*plain.tempauth.auth_url;
    check_in(v1(plain, url, 0, None)).await;
    check_out(v1(plain, url, 0, Some("wrong")), ErrorKind::Unauthenticated).await;
    check_out(v1(plain, url, 2, None), ErrorKind::PermissionDenied).await;
}

#[tokio::test]
async fn whoever_has_a_token_and_the_account_gets_in() {
    let Some(world) = World::get() else { return };
    let plain = world.instance("plain");
    let user = &plain.tempauth.users[0];
    let asked = format!("x-auth-user: {}\r\nx-auth-key: {}\r\n", user.name, user.key);
    let answer = http::get(&plain.tempauth.auth_url, &asked).await;
    let (url, token) = (
        answer.header("x-storage-url"),
        answer.header("x-auth-token"),
    );
    check_in(SwiftAuth::ready_token(&url, &token)).await;
    let other = url.replace("AUTH_test", "AUTH_test2");
    check_out(
        SwiftAuth::ready_token(other, &token),
        ErrorKind::PermissionDenied,
    )
    .await;
    check_out(
        SwiftAuth::ready_token(url, "testing"),
        ErrorKind::Unauthenticated,
    )
    .await;
}

#[tokio::test]
async fn a_user_of_keystone_gets_in_with_the_password() {
    let Some(world) = World::get() else { return };
    let Some(keystone) = world.instance("plain").keystone() else {
        return;
    };
    let url = &*keystone.auth_url;
    check_in(by_password(keystone, url, 0, None)).await;
    let wrong = by_password(keystone, url, 0, Some("testing-wrong"));
    check_out(wrong, ErrorKind::Unauthenticated).await;
    check_out(
        by_password(keystone, url, 2, None),
        ErrorKind::PermissionDenied,
    )
    .await;
    let west = by_password(keystone, url, 0, None).with_region("west");
    check_out(west, ErrorKind::Configuration).await;
    let unscoped = KeystoneAuth::password(
        url,
        KeystoneName::new(&*keystone.users[0].name),
        &*keystone.users[0].password,
    );
    check_out(unscoped, ErrorKind::Configuration).await;
}

#[tokio::test]
async fn an_application_credential_gets_in() {
    let Some(world) = World::get() else { return };
    let Some(keystone) = world.instance("plain").keystone() else {
        return;
    };
    let (url, credential) = (&*keystone.auth_url, &keystone.application_credential);
    let (id, secret) = (&*credential.id, &*credential.secret);
    let right = KeystoneAuth::application_credential(url, id, secret);
    check_in(right.clone().with_region(&*keystone.region)).await;
    // There is a Swift in two regions.
    check_out(right, ErrorKind::Configuration).await;
    let wrong = KeystoneAuth::application_credential(url, id, "testing-wrong");
    check_out(wrong, ErrorKind::Unauthenticated).await;
}

#[tokio::test]
async fn a_token_of_keystone_is_exchanged_for_one_of_the_project() {
    let Some(world) = World::get() else { return };
    let Some(keystone) = world.instance("plain").keystone() else {
        return;
    };
    let user = &keystone.users[0];
    let question = serde_json::json!({ "auth": { "identity": { "methods": ["password"],
        "password": { "user": { "name": user.name, "password": user.password,
            "domain": { "id": keystone.domain_id } } } } } });
    let answer = http::post(&format!("{}/auth/tokens", keystone.auth_url), &question).await;
    let token = answer.header("x-subject-token");
    let project = KeystoneName::new(&*user.project).in_domain_id(&*keystone.domain_id);
    let right = KeystoneAuth::token(&*keystone.auth_url, token)
        .with_project(project.clone())
        .with_region(&*keystone.region);
    check_in(right).await;
    let wrong = KeystoneAuth::token(&*keystone.auth_url, "testing").with_project(project);
    check_out(wrong, ErrorKind::Unauthenticated).await;
}

/// Sixteen at a time use the store until three more tokens were asked for.
async fn outlive_tokens(auth: SwiftAuth, watch: &Watch) {
    let store = Arc::new(open(auth).await.unwrap());
    let name = FileName::new("a").unwrap();
    store
        .save_bytes(&name, "hello", &SaveOptions::default())
        .await
        .unwrap();
    for _ in 0..ROUNDS {
        let reads = (0..16).map(|_| store.get_file_bytes(&name, 5));
        for contents in join_all(reads).await {
            assert_eq!(contents.unwrap().1, "hello");
        }
        if watch.asked() > 3 {
            break;
        }
    }
    assert!(watch.asked() > 3, "no token ended");
    assert_eq!(watch.most_at_a_time(), 1, "one asks for all that wait");
}

#[tokio::test]
async fn tokens_of_tempauth_end_in_the_middle_of_traffic_and_nobody_notices() {
    let Some(world) = World::get() else { return };
    let harsh = world.instance("harsh");
    assert!(harsh.token_seconds <= 4);
    let watch = Watch::before(&harsh.tempauth.auth_url, "GET /auth/v1.0 ").await;
    outlive_tokens(v1(harsh, watch.url(), 0, None), &watch).await;
}

#[tokio::test]
async fn tokens_of_keystone_end_in_the_middle_of_traffic_and_nobody_notices() {
    let Some(world) = World::get() else { return };
    let Some(keystone) = world.instance("harsh").keystone() else {
        return;
    };
    let watch = Watch::before(&keystone.auth_url, "POST /v3/auth/tokens ").await;
    outlive_tokens(by_password(keystone, watch.url(), 0, None).into(), &watch).await;
}
