//! What is sent to get a token.
//!
//! <https://docs.openstack.org/api-ref/identity/v3/>, "Password authentication with scoped
//! authorization" and the sections that follow it.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{Domain, KeystoneName, Named, Secret};

/// Who asks, and the proof of it.
#[derive(Clone, Debug)]
pub(super) enum Identity {
    Password {
        user: KeystoneName,
        password: Secret,
    },
    Credential {
        id: String,
        secret: Secret,
    },
    NamedCredential {
        user: KeystoneName,
        name: String,
        secret: Secret,
    },
    Token(Secret),
}

impl Identity {
    /// The body of the request. It holds the proof, and is not to be printed.
    pub(super) fn question(&self, project: Option<&KeystoneName>) -> Value {
        let (method, proof) = match self {
            Self::Password { user, password } => {
                let mut user = user.to_json();
                user["password"] = json!(password.reveal());
                ("password", json!({ "user": user }))
            }
            Self::Credential { id, secret } => (
                "application_credential",
                json!({ "id": id, "secret": secret.reveal() }),
            ),
            Self::NamedCredential { user, name, secret } => (
                "application_credential",
                json!({ "name": name, "user": user.to_json(), "secret": secret.reveal() }),
            ),
            Self::Token(token) => ("token", json!({ "id": token.reveal() })),
        };
        let mut auth = json!({ "identity": { "methods": [method], method: proof } });
        if let Some(project) = project {
            auth["scope"] = json!({ "project": project.to_json() });
        }
        json!({ "auth": auth })
    }

    /// Whether Keystone says no by this status; of a token that it does not know it says that there
    /// is none.
    pub(super) fn is_refused_by(&self, status: StatusCode) -> bool {
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => true,
            StatusCode::NOT_FOUND => matches!(self, Self::Token(_)),
            _ => false,
        }
    }

    /// What it means when Keystone says no.
    pub(super) fn refusal(&self) -> &'static str {
        match self {
            Self::Password { .. } => {
                "the user and the password were not accepted, or not for this project"
            }
            Self::Credential { .. } | Self::NamedCredential { .. } => {
                "the application credential was not accepted"
            }
            Self::Token(_) => "the token was not accepted, or not for this project",
        }
    }
}

impl KeystoneName {
    fn to_json(&self) -> Value {
        match &self.0 {
            Named::Id(id) => json!({ "id": id }),
            Named::Name { name, domain } => {
                let domain = match domain {
                    Domain::Id(id) => json!({ "id": id }),
                    Domain::Name(name) => json!({ "name": name }),
                };
                json!({ "name": name, "domain": domain })
            }
        }
    }
}
