//! Which target a command talks to, and as whom.

use super::Helion;
use crate::endpoint::{DEFAULT_TARGET, Endpoint};
use crate::stop::Stop;
use crate::words::Words;

/// Where a logged-in command works.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) endpoint: Endpoint,
    pub(super) organization: String,
    pub(super) space: String,
}

impl Helion<'_, '_> {
    /// The target: the one given, else the environment's, else the one chosen before, else one where nothing answers.
    pub(super) fn endpoint(&self, given: Option<&str>) -> Endpoint {
        let target = given
            .map(String::from)
            .or_else(|| self.context.variable("HELION_TARGET"))
            .or_else(|| self.context.variable("STACKATO_TARGET"))
            .or_else(|| self.folder.target());
        Endpoint::new(target.as_deref().unwrap_or(DEFAULT_TARGET))
    }

    /// The session of a command that names no application, or names it in an option.
    pub(super) fn session(&self, words: &Words) -> Result<Session, Stop> {
        self.session_on(words, words.value("--target"))
    }

    /// The session of a command that names applications.
    ///
    /// The client looks a name up while it reads the command line, so a `--target` that comes later is too late.
    pub(super) fn session_of_names(&self, words: &Words) -> Result<Session, Stop> {
        self.session_on(words, words.value_before_names("--target"))
    }

    fn session_on(&self, words: &Words, target: Option<&str>) -> Result<Session, Stop> {
        let endpoint = self.endpoint(target);
        check_reachable(&endpoint)?;
        if self.folder.token(endpoint.url())?.is_none() {
            return Err(login_required());
        }
        let choice = self.folder.choice(endpoint.url())?.unwrap_or_default();
        let organization = words
            .value("--organization")
            .map(String::from)
            .or_else(|| self.context.variable("STACKATO_ORG"))
            .or(choice.organization);
        let space = words
            .value("--space")
            .map(String::from)
            .or_else(|| self.context.variable("STACKATO_SPACE"))
            .or(choice.space);
        match (organization, space) {
            (Some(organization), Some(space)) => {
                self.check_space(&organization, &space)?;
                Ok(Session {
                    endpoint,
                    organization,
                    space,
                })
            }
            (None, _) => Err(Stop::refused(
                "Error: No organization specified, and no current organization",
            )),
            (_, None) => Err(Stop::refused(
                "Error: No space specified, and no current space",
            )),
        }
    }

    pub(super) fn check_space(&self, organization: &str, space: &str) -> Result<(), Stop> {
        if !self.context.platform.has_organization(organization)? {
            return Err(does_not_exist(
                "organization",
                &format!("Organization \"{organization}\""),
            ));
        }
        if !self.context.platform.has_space(organization, space)? {
            let what = format!("Space \"{space}\" does not exist in organization '{organization}'");
            return Err(Stop::refused(format!(
                "Found a problem with option \"space\": {what}. Please use a different value."
            )));
        }
        Ok(())
    }
}

fn does_not_exist(option: &str, what: &str) -> Stop {
    Stop::refused(format!(
        "Found a problem with option \"{option}\": {what} does not exist. Please use a different value."
    ))
}

/// The client's answer to a missing login, and to a wrong password.
pub(super) fn login_required() -> Stop {
    Stop::refused("Login Required\nPlease use 'helion login'")
}

pub(super) fn check_reachable(endpoint: &Endpoint) -> Result<(), Stop> {
    if endpoint.is_reachable() {
        Ok(())
    } else {
        Err(Stop::refused(cannot_access(endpoint)))
    }
}

pub(super) fn cannot_access(endpoint: &Endpoint) -> String {
    let url = endpoint.url();
    format!(
        "Cannot access target '{url}' (couldn't open socket: host is unreachable (Name or service not known))"
    )
}
