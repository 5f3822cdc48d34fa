//! What to do next, after something went wrong.

use deployment::{Deployer, DeploymentId, Error};
use store::ErrorKind;

use crate::failure::Failure;
use crate::setting::{self, STORE_URL};
use crate::stop::Stop;

/// What to do after an error of the engine.
pub(crate) fn after(error: &Error) -> Option<String> {
    Some(match error {
        Error::PackageNotFound { .. } => {
            "`helion-deploy packages list` shows what can be deployed".to_owned()
        }
        Error::DeploymentNotFound { .. } => no_deployment(),
        Error::Busy { by, .. } => busy(by),
        Error::KeyReused { by, .. } => format!(
            "`helion-deploy status {by}` shows what it was used for; give another --idempotency-key"
        ),
        Error::BadRecord { .. } => {
            "`helion-deploy list` names every record that cannot be read; a backup may have it whole"
                .to_owned()
        }
        Error::NewerRecord { .. } => "use the newer helion-deploy that wrote it".to_owned(),
        Error::Store { source, .. } => return after_store(source),
        _ => return None,
    })
}

/// The failure of a request, with what to do about a deployment in its way; a signal does not wait
/// for what that one's record tells.
pub(crate) async fn with_holder(error: Error, deployer: &Deployer, stop: &mut Stop) -> Failure {
    let holder = match &error {
        Error::Busy { by, .. } => Some(*by),
        _ => None,
    };
    let failure = Failure::from(error);
    let Some(by) = holder else {
        return failure;
    };
    match stop.before(about_holder(deployer, &by)).await {
        Ok(hint) => failure.with_hint(hint),
        Err(_) => failure,
    }
}

/// What to do where that deployment is in the way, which may have no record.
pub(crate) async fn about_holder(deployer: &Deployer, by: &DeploymentId) -> String {
    match deployer.get_status(by).await {
        Ok(None) => UNRECORDED.to_owned(),
        Ok(Some(_)) | Err(_) => busy(by),
    }
}

/// Where what is in the way has no record: there is nothing to watch or to cancel.
const UNRECORDED: &str = "it is not recorded: it begins just now, or was stopped while it began, or its \
                          record was removed; then the application is free 70 s after it began";

/// Where that deployment is in the way.
fn busy(by: &DeploymentId) -> String {
    format!(
        "`helion-deploy status {by} --watch` follows it to its end, `helion-deploy cancel {by}` stops it"
    )
}

/// Where a deployment was left while it began.
pub(crate) fn left_beginning() -> &'static str {
    "if it was recorded, `helion-deploy list` shows it, and `helion-deploy recover` ends it when its lease is over; \
     up to then, 70 s from now, its application may not be free"
}

/// Where there is no such deployment.
pub(crate) fn no_deployment() -> String {
    "`helion-deploy list` shows the newest deployments".to_owned()
}

/// What to do after an error of the store.
pub(crate) fn after_store(error: &store::Error) -> Option<String> {
    let hint = match error.kind() {
        ErrorKind::Configuration if error.name() == Some(STORE_URL.key) => {
            "--store or STORE_URL names a store as fs:/folder, sqlite:/file or swift:CONTAINER"
        }
        ErrorKind::Configuration if is_about_a_setting(error) => {
            "`helion-deploy config show` tells every setting and where it came from"
        }
        ErrorKind::PermissionDenied => "check who owns the store's folder or file, and its mode",
        ErrorKind::Unauthenticated => {
            "check the store's user name and password; `helion-deploy config show` tells where they came from"
        }
        ErrorKind::StorageFull => {
            "make room, for example with `helion-deploy prune --older-than 90d`"
        }
        ErrorKind::RateLimited | ErrorKind::Unavailable | ErrorKind::Timeout => {
            "check that the store is there and that --store or STORE_URL names it, then try again"
        }
        ErrorKind::Corrupt => "restore the store from a backup",
        ErrorKind::Configuration | ErrorKind::Other => {
            "check that --store or STORE_URL names the right folder, file or container"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

fn is_about_a_setting(error: &store::Error) -> bool {
    let known = setting::all();
    known.iter().any(|known| error.name() == Some(known.key))
}

/// The word of `known` that `word` most likely was meant to be.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let scored = known.into_iter().map(|other| {
        let similarity = strsim::jaro_winkler(&word, &other.to_lowercase());
        (other, similarity)
    });
    scored
        .filter(|(_, similarity)| *similarity >= LEAST_SIMILARITY)
        .max_by(|(_, a), (_, b)| a.total_cmp(b))
        .map(|(other, _)| other)
}

/// From here on two words are taken for one that was mistyped, of 1 for the same word: two letters
/// that are swapped or missing reach it, other words of the same length do not.
const LEAST_SIMILARITY: f64 = 0.8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_word_is_found_and_another_one_is_not() {
        let known = ["hello-world", "node-env", "wordpress"];
        assert_eq!(nearest("helo-world", known), Some("hello-world"));
        assert_eq!(nearest("Hello-World", known), Some("hello-world"));
        assert_eq!(nearest("node-evn", known), Some("node-env"));
        assert_eq!(nearest("redis", known), None);
        assert_eq!(nearest("hello", []), None);
    }
}
