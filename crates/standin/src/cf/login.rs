//! `api`, `auth`, `target` and `logout`.

use super::config::Place;
use super::{Cf, NOT_LOGGED_IN, Usage, check_reachable};
use crate::endpoint::Endpoint;
use crate::random::random_text;
use crate::stop::Stop;
use crate::words::{Rule, flag, valued};

const API: Usage = Usage {
    command: "api",
    purpose: "Set or view target api url",
    line: "cf api [URL] [--skip-ssl-validation] [--unset]",
};
const API_OPTIONS: &[Rule] = &[flag(&["--skip-ssl-validation"]), flag(&["--unset"])];

const AUTH: Usage = Usage {
    command: "auth",
    purpose: "Authenticate non-interactively",
    line: "cf auth [USERNAME PASSWORD]",
};
const AUTH_OPTIONS: &[Rule] = &[flag(&["--client-credentials"]), valued(&["--origin"])];

const TARGET: Usage = Usage {
    command: "target",
    purpose: "Set or view the targeted org or space",
    line: "cf target [-o ORG] [-s SPACE]",
};
const TARGET_OPTIONS: &[Rule] = &[valued(&["-o"]), valued(&["-s"])];

const LOGOUT: Usage = Usage {
    command: "logout",
    purpose: "Log user out",
    line: "cf logout",
};

impl Cf<'_, '_> {
    pub(super) fn api(&mut self, arguments: &[String]) -> Result<(), Stop> {
        let words = API.words_with_optional_names(API_OPTIONS, arguments, 1)?;
        if words.is_set("--unset") {
            self.context.terminal.say("Unsetting API endpoint...\nOK")?;
            self.config.target.clear();
            self.config.log_out();
            return self.save();
        }
        let names = words.names();
        let Some(url) = names.first() else {
            let text = if self.config.target.is_empty() {
                "No API endpoint set. Use 'cf api' to set an endpoint".to_owned()
            } else {
                format!(
                    "API endpoint:   {}\nAPI version:    {API_VERSION}",
                    self.config.target
                )
            };
            return Ok(self.context.terminal.say(text)?);
        };
        let endpoint = Endpoint::new(url);
        self.context
            .terminal
            .say(format!("Setting API endpoint to {}...", endpoint.url()))?;
        if endpoint.is_plain_http() {
            let text = "Warning: Insecure http API endpoint detected: secure https API endpoints are recommended";
            self.context.terminal.complain(text)?;
        }
        check_reachable(&endpoint)?;
        self.context.behave("api")?;
        if self.config.target != endpoint.url() {
            self.config.log_out();
        }
        endpoint.url().clone_into(&mut self.config.target);
        self.save()?;
        self.context.terminal.say("OK\n")?;
        self.say_target()
    }

    pub(super) fn auth(&mut self, arguments: &[String]) -> Result<(), Stop> {
        let words = AUTH.words_with_optional_names(AUTH_OPTIONS, arguments, 2)?;
        let names = words.names();
        let given = |place: usize, variable: &str| {
            names
                .get(place)
                .map(ToString::to_string)
                .or_else(|| self.context.variable(variable))
        };
        let (user, password) = match (given(0, "CF_USERNAME"), given(1, "CF_PASSWORD")) {
            (Some(user), Some(password)) => (user, password),
            (None, None) => return Err(Stop::refused("Username and password not provided.")),
            (None, Some(_)) => return Err(Stop::refused("Username not provided.")),
            (Some(_), None) => return Err(Stop::refused("Password not provided.")),
        };
        let endpoint = self.endpoint()?;
        self.context.terminal.say(format!(
            "API endpoint: {}\n\nAuthenticating...",
            endpoint.url()
        ))?;
        self.context.behave("auth")?;
        // The real client forgets an older login before it knows whether the new one is good.
        self.config.log_out();
        if !self.context.platform.accepts(&user, &password)? {
            self.save()?;
            return Err(Stop::refused(
                "Credentials were rejected, please try again.",
            ));
        }
        self.config.access_token = format!("bearer {}", random_text()?);
        self.config.refresh_token = random_text()?;
        self.config.username = user;
        self.save()?;
        Ok(self
            .context
            .terminal
            .say("OK\n\nUse 'cf target' to view or set your target org and space.")?)
    }

    pub(super) fn target(&mut self, arguments: &[String]) -> Result<(), Stop> {
        let words = TARGET.words(TARGET_OPTIONS, arguments, &[])?;
        self.logged_in()?;
        self.context.behave("target")?;
        let chosen = self.choose(words.value("-o"), words.value("-s"));
        // A choice that fails has unset what was chosen before.
        self.save()?;
        chosen?;
        self.say_target()
    }

    fn choose(&mut self, organization: Option<&str>, space: Option<&str>) -> Result<(), Stop> {
        if let Some(organization) = organization {
            self.config.organization = Place::default();
            self.config.space = Place::default();
            if !self.context.platform.has_organization(organization)? {
                return Err(Stop::refused(format!(
                    "Organization '{organization}' not found."
                )));
            }
            self.config.organization = Place::named(organization);
        }
        if let Some(space) = space {
            self.config.space = Place::default();
            let organization = &self.config.organization.name;
            if organization.is_empty() {
                return Err(Stop::refused(
                    "An org must be targeted before targeting a space",
                ));
            }
            if !self.context.platform.has_space(organization, space)? {
                return Err(Stop::refused(format!("Space '{space}' not found.")));
            }
            self.config.space = Place::named(space);
        }
        Ok(())
    }

    fn say_target(&mut self) -> Result<(), Stop> {
        let terminal = &mut self.context.terminal;
        terminal.say(format!("API endpoint:   {}", self.config.target))?;
        terminal.say(format!("API version:    {API_VERSION}"))?;
        if !self.config.is_logged_in() {
            return Ok(terminal.say(format!("\n{NOT_LOGGED_IN}"))?);
        }
        terminal.say(format!("user:           {}", self.config.username))?;
        if self.config.organization.name.is_empty() {
            return Ok(terminal.say("No org or space targeted, use 'cf target -o ORG -s SPACE'")?);
        }
        terminal.say(format!("org:            {}", self.config.organization.name))?;
        if self.config.space.name.is_empty() {
            return Ok(terminal.say("No space targeted, use 'cf target -s SPACE'")?);
        }
        Ok(terminal.say(format!("space:          {}", self.config.space.name))?)
    }

    pub(super) fn logout(&mut self, arguments: &[String]) -> Result<(), Stop> {
        LOGOUT.words(&[], arguments, &[])?;
        let user = if self.config.is_logged_in() {
            format!(" {}", self.config.username)
        } else {
            String::new()
        };
        self.context.terminal.say(format!("Logging out{user}..."))?;
        self.context.behave("logout")?;
        self.config.log_out();
        self.save()?;
        Ok(self.context.terminal.say("OK")?)
    }
}

/// The version of the platform's interface that the client reports.
const API_VERSION: &str = "3.228.0";
