//! `target`, `login` and `logout`.

use super::folder::Choice;
use super::session::{cannot_access, check_reachable, login_required};
use super::{COMMON, Helion, NO_TERMINAL, TARGETED, words};
use crate::endpoint::Endpoint;
use crate::random::random_text;
use crate::stop::Stop;
use crate::words::{Rule, Words, flag, valued};

const TARGET: &[Rule] = &[
    flag(&["--allow-http"]),
    flag(&["--json"]),
    flag(&["--verbose"]),
    valued(&["--organization", "-o"]),
    valued(&["--space", "-s"]),
];

const LOGIN: &[Rule] = &[
    valued(&["--credentials"]),
    valued(&["--password", "--passwd"]),
    flag(&["--ignore-missing"]),
    valued(&["--group"]),
];

const LOGOUT: &[Rule] = &[flag(&["--all"]), valued(&["--target"])];

impl Helion<'_, '_> {
    pub(super) fn target(&mut self, arguments: &[String]) -> Result<(), Stop> {
        let words = words(&[COMMON, TARGET], arguments, 1)?;
        let names = words.names();
        let Some(url) = names.first() else {
            return self.report_target(&words);
        };
        let endpoint = Endpoint::new(url);
        if endpoint.is_plain_http() && !words.is_set("--allow-http") {
            let why = "Either re-target to use https, or force acceptance via --allow-http";
            return Err(Stop::refused(format!(
                "Error: Illegal use of {}.\n{why}",
                endpoint.url()
            )));
        }
        if !endpoint.is_reachable() {
            let text = format!(
                "Host is not valid: '{}'\n{}",
                endpoint.url(),
                cannot_access(&endpoint)
            );
            return Err(Stop::RefusedOnStdout { text, code: 1 });
        }
        self.context.behave("target")?;
        self.folder.set_target(endpoint.url())?;
        self.context
            .terminal
            .say(format!("Successfully targeted to [{}]", endpoint.url()))?;
        if words.is_set("--organization") || words.is_set("--space") {
            self.choose(&words, &endpoint)?;
        }
        self.say_target(&endpoint)
    }

    /// `target` without an address: reports, and chooses organization and space where they are given.
    fn report_target(&mut self, words: &Words) -> Result<(), Stop> {
        let endpoint = self.endpoint(None);
        if words.is_set("--json") {
            let report = serde_json::json!({ "target": endpoint.url() });
            return Ok(self.context.terminal.say(format!("{report:#}"))?);
        }
        self.context.behave("target")?;
        if words.is_set("--organization") || words.is_set("--space") {
            check_reachable(&endpoint)?;
            self.choose(words, &endpoint)?;
        }
        self.say_target(&endpoint)
    }

    fn choose(&self, words: &Words, endpoint: &Endpoint) -> Result<(), Stop> {
        let mut choice = match (
            self.folder.token(endpoint.url())?,
            self.folder.choice(endpoint.url())?,
        ) {
            (Some(_), choice) => choice.unwrap_or_default(),
            (None, _) => return Err(login_required()),
        };
        if let Some(organization) = words.value("--organization") {
            choice.organization = Some(organization.to_owned());
        }
        if let Some(space) = words.value("--space") {
            choice.space = Some(space.to_owned());
        }
        if let (Some(organization), Some(space)) = (&choice.organization, &choice.space) {
            self.check_space(organization, space)?;
        }
        Ok(self.folder.choose(endpoint.url(), choice)?)
    }

    fn say_target(&mut self, endpoint: &Endpoint) -> Result<(), Stop> {
        let choice = self.folder.choice(endpoint.url())?.unwrap_or_default();
        let or_none = |name: Option<String>| name.unwrap_or_else(|| "<none>".to_owned());
        self.context
            .terminal
            .say(format!("Target:       {}", endpoint.url()))?;
        self.context
            .terminal
            .say(format!("Organization: {}", or_none(choice.organization)))?;
        Ok(self
            .context
            .terminal
            .say(format!("Space:        {}", or_none(choice.space)))?)
    }

    pub(super) fn login(&mut self, arguments: &[String]) -> Result<(), Stop> {
        let words = words(&[COMMON, TARGETED, LOGIN], arguments, 1)?;
        let endpoint = self.endpoint(words.value("--target"));
        let credential = |key: &str| {
            let given = words
                .values("--credentials")
                .filter_map(|pair| pair.split_once(':'));
            given
                .filter(|(name, _)| name.trim() == key)
                .last()
                .map(|(_, value)| value.trim_start())
        };
        let names = words.names();
        let user = credential("username").or_else(|| names.first().copied());
        let password = words.value("--password").or_else(|| credential("password"));
        let (Some(user), Some(password)) = (user, password) else {
            return Err(Stop::refused(NO_TERMINAL));
        };

        self.context
            .terminal
            .say(format!("Attempting login to [{}]", endpoint.url()))?;
        check_reachable(&endpoint)?;
        self.context.behave("login")?;
        if !self.context.platform.accepts(user, password)? {
            return Err(login_required());
        }
        self.context
            .terminal
            .say(format!("Successfully logged into [{}]", endpoint.url()))?;
        let choice = self.choose_at_login(&words)?;
        self.folder
            .log_in(endpoint.url(), format!("bearer {}", random_text()?), choice)?;
        self.say_target(&endpoint)
    }

    /// The organization and space of a new login: those given, else the only ones; several would be asked for.
    fn choose_at_login(&mut self, words: &Words) -> Result<Choice, Stop> {
        let only = self.context.platform.only_space()?;
        let (organization, space) =
            match (words.value("--organization"), words.value("--space"), only) {
                (Some(organization), Some(space), _) => (organization.to_owned(), space.to_owned()),
                (given_organization, given_space, Some((organization, space))) => {
                    if given_organization.is_none() {
                        let text =
                            format!("Choosing the one available organization: \"{organization}\"");
                        self.context.terminal.say(text)?;
                    }
                    if given_space.is_none() {
                        self.context
                            .terminal
                            .say(format!("Choosing the one available space: \"{space}\""))?;
                    }
                    (
                        given_organization.map_or(organization, String::from),
                        given_space.map_or(space, String::from),
                    )
                }
                (_, _, None) => return Err(Stop::refused(NO_TERMINAL)),
            };
        self.check_space(&organization, &space)?;
        Ok(Choice {
            organization: Some(organization),
            refresh: random_text()?,
            space: Some(space),
        })
    }

    pub(super) fn logout(&mut self, arguments: &[String]) -> Result<(), Stop> {
        let words = words(&[COMMON, LOGOUT], arguments, 1)?;
        let names = words.names();
        if words.is_set("--all") {
            if !names.is_empty() {
                return Err(Stop::refused("wrong#args, too many"));
            }
            self.context.behave("logout")?;
            self.folder.log_out_everywhere()?;
            return Ok(self
                .context
                .terminal
                .say("Successfully logged out of all known targets")?);
        }
        let endpoint = self.endpoint(names.first().copied().or_else(|| words.value("--target")));
        self.context.behave("logout")?;
        self.folder.log_out(endpoint.url())?;
        Ok(self
            .context
            .terminal
            .say(format!("Successfully logged out of [{}]", endpoint.url()))?)
    }
}
