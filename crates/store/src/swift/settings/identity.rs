//! Who asks for the files, by the settings.
//!
//! There are three families of names, and the first of which a name is set is the one that is meant:
//! this store's own, OpenStack's environment (`os_…`), and the one of Swift's own authentication
//! (`st_…`).

use crate::Result;
use crate::swift::auth::{KeystoneAuth, KeystoneName, SwiftAuth, SwiftInterface};

use super::{Given, refused};

/// Who asks, and the URL of the account where it is set.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) auth: SwiftAuth,
    pub(super) storage_url: Option<String>,
}

const OWN_TOKEN: [&str; 2] = ["swift_token", "swift_url"];
const OWN_USER: [&str; 4] = [
    "cloud_auth_url",
    "cloud_password",
    "cloud_project_name",
    "cloud_username",
];
const OS: [&str; 9] = [
    "os_auth_url",
    "os_password",
    "os_username",
    "os_user_id",
    "os_application_credential_id",
    "os_application_credential_name",
    "os_application_credential_secret",
    "os_auth_token",
    "os_storage_url",
];
const ST: [&str; 3] = ["st_auth", "st_user", "st_key"];
const OS_PROJECT: [&str; 4] = [
    "os_project_id",
    "os_tenant_id",
    "os_project_name",
    "os_tenant_name",
];

/// The ways to ask Keystone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Password,
    Credential,
    Token,
}

pub(super) fn read(given: Given<'_>) -> Result<Identity> {
    if given.first(&OWN_USER).is_some() {
        return own_user(given);
    }
    if given.first(&OWN_TOKEN).is_some() {
        return ready(given, "swift_url", "swift_token");
    }
    // What `swift auth` prints is set beside what it was got with, and is meant instead of it.
    if given.has("os_storage_url") && given.has("os_auth_token") {
        return ready(given, "os_storage_url", "os_auth_token");
    }
    match (given.first(&OS), given.first(&ST)) {
        (Some(os), Some(st)) => Err(refused(
            st,
            format!("`{os}` is set, too, and only one of the two can be meant"),
        )),
        (Some(_), None) => keystone(given),
        (None, Some(_)) => v1(given),
        (None, None) => Err(refused(
            "os_auth_url",
            "nothing says who asks for the files: set the names beside `os_auth_url` or those beside \
             `st_auth`, as docs/reference/settings.md has them",
        )),
    }
}

fn ready(given: Given<'_>, url: &'static str, token: &'static str) -> Result<Identity> {
    Ok(Identity {
        auth: SwiftAuth::ready_token(given.server(url)?, given.header(token)?),
        storage_url: None,
    })
}

/// Swift's own authentication, by the names of its own environment.
fn v1(given: Given<'_>) -> Result<Identity> {
    check_version(given, "st_auth_version", &["1", "1.0"])?;
    let (url, user) = (given.server("st_auth")?, given.header("st_user")?);
    Ok(Identity {
        auth: SwiftAuth::v1(url, user, given.header("st_key")?),
        storage_url: None,
    })
}

/// A user and a password, by this store's own names: of Keystone, or of Swift's own authentication
/// where the URL is one of that.
fn own_user(given: Given<'_>) -> Result<Identity> {
    if given.has("swift_token") {
        let message = "a token is set, and a user, too: only one of the two can be meant";
        return Err(refused("swift_token", message));
    }
    let url = given.server("cloud_auth_url")?;
    let path = url.trim_end_matches('/');
    let auth = if path.ends_with("/v1.0") || path.ends_with("/v1") {
        if given.has("cloud_project_name") {
            let message =
                "Swift's own authentication, which `cloud_auth_url` names, has no projects";
            return Err(refused("cloud_project_name", message));
        }
        let user = given.header("cloud_username")?;
        SwiftAuth::v1(url, user, given.header("cloud_password")?)
    } else {
        let user = named(given, given.required("cloud_username")?, &USER_DOMAIN)?;
        let url = given.keystone("cloud_auth_url")?;
        let mut auth = KeystoneAuth::password(url, user, given.required("cloud_password")?);
        if let Some(project) = given.text("cloud_project_name")? {
            auth = auth.with_project(named(given, project, &PROJECT_DOMAIN)?);
        }
        place(given, auth)?.into()
    };
    let storage_url = given.has("swift_url").then(|| given.server("swift_url"));
    Ok(Identity {
        auth,
        storage_url: storage_url.transpose()?,
    })
}

/// Keystone, by the names of OpenStack's environment.
fn keystone(given: Given<'_>) -> Result<Identity> {
    for key in ["os_auth_version", "os_identity_api_version"] {
        check_version(given, key, &["3", "3.0", "v3"])?;
    }
    let url = given.keystone("os_auth_url")?;
    let project = given.first(&OS_PROJECT);
    let mut auth = match way(given)? {
        Way::Password => KeystoneAuth::password(url, user(given)?, given.required("os_password")?),
        Way::Token => KeystoneAuth::token(url, given.required("os_auth_token")?),
        Way::Credential => {
            if let Some(project) = project {
                let message = "an application credential has its own project";
                return Err(refused(project, message));
            }
            let secret = given.required("os_application_credential_secret")?;
            if let Some(id) = given.text("os_application_credential_id")? {
                KeystoneAuth::application_credential(url, id, secret)
            } else {
                let name = given.required("os_application_credential_name")?;
                KeystoneAuth::named_application_credential(url, user(given)?, name, secret)
            }
        }
    };
    if let Some(key) = project {
        let project = given.required(key)?;
        auth = auth.with_project(if key.ends_with("_id") {
            KeystoneName::from_id(project)
        } else {
            named(given, project, &PROJECT_DOMAIN)?
        });
    }
    let storage_url = (given.has("os_storage_url")).then(|| given.server("os_storage_url"));
    Ok(Identity {
        auth: place(given, auth)?.into(),
        storage_url: storage_url.transpose()?,
    })
}

/// How Keystone is asked: as `os_auth_type` says, or else with the one proof that is set.
fn way(given: Given<'_>) -> Result<Way> {
    if let Some(r#type) = given.text("os_auth_type")? {
        return match &*r#type {
            "password" | "v3password" => Ok(Way::Password),
            "token" | "v3token" => Ok(Way::Token),
            "v3applicationcredential" => Ok(Way::Credential),
            _ => Err(refused(
                "os_auth_type",
                "known are password, token and v3applicationcredential",
            )),
        };
    }
    let proofs = [
        ("os_password", Way::Password),
        ("os_application_credential_secret", Way::Credential),
        ("os_auth_token", Way::Token),
    ];
    let mut set = proofs.into_iter().filter(|(key, _)| given.has(key));
    match (set.next(), set.next()) {
        (Some((_, way)), None) => Ok(way),
        (Some((one, _)), Some((other, _))) => Err(refused(
            other,
            format!("`{one}` is set, too: `os_auth_type` says which of the two is meant"),
        )),
        (None, _) => Err(refused("os_password", "the setting is missing")),
    }
}

fn check_version(given: Given<'_>, key: &'static str, known: &[&str]) -> Result<()> {
    match given.text(key)? {
        Some(version) if !known.contains(&&*version) => Err(refused(
            key,
            format!(
                "with what else is set, only version {} can be meant",
                known[0]
            ),
        )),
        Some(_) | None => Ok(()),
    }
}

fn user(given: Given<'_>) -> Result<KeystoneName> {
    match given.text("os_user_id")? {
        Some(id) => Ok(KeystoneName::from_id(id)),
        None => named(given, given.required("os_username")?, &USER_DOMAIN),
    }
}

/// The keys of a domain: of its id and of its name.
type DomainKeys = [&'static str; 2];

const USER_DOMAIN: DomainKeys = ["os_user_domain_id", "os_user_domain_name"];
const PROJECT_DOMAIN: DomainKeys = ["os_project_domain_id", "os_project_domain_name"];

/// The name, in the domain that is set; of an id and a name the id decides, as with every client of
/// OpenStack.
fn named(given: Given<'_>, name: String, [id, domain]: &DomainKeys) -> Result<KeystoneName> {
    let name = KeystoneName::new(name);
    Ok(match (given.text(id)?, given.text(domain)?) {
        (Some(id), _) => name.in_domain_id(id),
        (None, Some(domain)) => name.in_domain(domain),
        (None, None) => name,
    })
}

/// Which of the addresses of Swift is used.
fn place(given: Given<'_>, mut auth: KeystoneAuth) -> Result<KeystoneAuth> {
    if let Some(region) = given.text("os_region_name")? {
        auth = auth.with_region(region);
    }
    if let Some(key) = given.first(&["os_interface", "os_endpoint_type"]) {
        auth = auth.with_interface(match &*given.required(key)? {
            "public" | "publicURL" => SwiftInterface::Public,
            "internal" | "internalURL" => SwiftInterface::Internal,
            "admin" | "adminURL" => SwiftInterface::Admin,
            _ => return Err(refused(key, "known are public, internal and admin")),
        });
    }
    Ok(auth)
}
