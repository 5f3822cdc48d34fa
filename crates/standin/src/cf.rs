//! The commands of `cf`.

mod application;
mod config;
mod login;

use crate::context::Context;
use crate::endpoint::Endpoint;
use crate::platform::Space;
use crate::stop::Stop;
use crate::words::{Rule, Unreadable, Words};

use config::Config;

/// Runs one command.
pub(crate) fn run(context: &mut Context<'_>, arguments: &[String]) -> Result<(), Stop> {
    let (config, path) = Config::load(context)?;
    let mut cf = Cf {
        context,
        config,
        path,
    };
    let Some((command, rest)) = arguments.split_first() else {
        return Ok(cf
            .context
            .terminal
            .say("cf version 8.0.0+stand-in, Cloud Foundry command line tool")?);
    };
    match command.as_str() {
        "api" => cf.api(rest),
        "auth" => cf.auth(rest),
        "target" | "t" => cf.target(rest),
        "apps" | "a" => cf.apps(rest),
        "push" | "p" => cf.push(rest),
        "delete" | "d" => cf.delete(rest),
        "logs" => cf.logs(rest),
        "logout" | "lo" => cf.logout(rest),
        "version" | "--version" | "-v" => {
            Ok(cf.context.terminal.say("cf version 8.0.0+stand-in")?)
        }
        unknown => Err(Stop::Usage {
            text: format!("'{unknown}' is not a registered command. See 'cf help -a'"),
            help: String::new(),
        }),
    }
}

/// The client, for one command.
struct Cf<'a, 'b> {
    context: &'a mut Context<'b>,
    config: Config,
    path: std::path::PathBuf,
}

/// Where a logged-in command works, and as whom.
#[derive(Debug)]
struct Session {
    endpoint: Endpoint,
    user: String,
    organization: String,
    space: String,
}

impl Cf<'_, '_> {
    fn save(&self) -> Result<(), Stop> {
        Ok(self.config.save(&self.path)?)
    }

    /// The endpoint and user of a command that needs a login.
    fn logged_in(&self) -> Result<(Endpoint, String), Stop> {
        let endpoint = self.endpoint()?;
        if !self.config.is_logged_in() {
            return Err(Stop::refused(NOT_LOGGED_IN));
        }
        Ok((endpoint, self.config.username.clone()))
    }

    fn endpoint(&self) -> Result<Endpoint, Stop> {
        if self.config.target.is_empty() {
            return Err(Stop::refused(
                "No API endpoint set. Use 'cf login' or 'cf api' to target an endpoint.",
            ));
        }
        let endpoint = Endpoint::new(&self.config.target);
        check_reachable(&endpoint)?;
        Ok(endpoint)
    }

    /// The session of a command that works in a space.
    fn session(&self) -> Result<Session, Stop> {
        let (endpoint, user) = self.logged_in()?;
        let organization = self.config.organization.name.clone();
        if organization.is_empty() {
            return Err(Stop::refused(
                "No org targeted, use 'cf target -o ORG' to target an org.",
            ));
        }
        let space = self.config.space.name.clone();
        if space.is_empty() {
            return Err(Stop::refused(
                "No space targeted, use 'cf target -s SPACE' to target a space.",
            ));
        }
        Ok(Session {
            endpoint,
            user,
            organization,
            space,
        })
    }

    fn space(&self, session: &Session) -> Result<Space, Stop> {
        Ok(self
            .context
            .platform
            .space(&session.endpoint, &session.organization, &session.space)?)
    }
}

impl Session {
    /// How the client names the place in its first line.
    fn place(&self) -> String {
        format!(
            "org {} / space {} as {}",
            self.organization, self.space, self.user
        )
    }
}

const NOT_LOGGED_IN: &str = "Not logged in. Use 'cf login' or 'cf login --sso' to log in.";

fn check_reachable(endpoint: &Endpoint) -> Result<(), Stop> {
    if endpoint.is_reachable() {
        return Ok(());
    }
    Err(Stop::refused(format!(
        "Request error: Get \"{}\": dial tcp: lookup {}: no such host\n\
         TIP: If you are behind a firewall and require an HTTP proxy, verify the https_proxy environment variable is \
         correctly set. Else, check your network connection.",
        endpoint.url(),
        endpoint.host(),
    )))
}

/// How a command is used: the text that follows a command line that is not understood.
#[derive(Clone, Copy, Debug)]
struct Usage {
    command: &'static str,
    purpose: &'static str,
    line: &'static str,
}

impl Usage {
    /// Takes a command's words apart; exactly the names in `required` have to be there.
    fn words(self, rules: &[Rule], arguments: &[String], required: &[&str]) -> Result<Words, Stop> {
        let words = self.words_with_optional_names(rules, arguments, required.len())?;
        match required.get(words.names().len()) {
            Some(missing) => Err(self.refuse(&format!(
                "the required argument `{missing}` was not provided"
            ))),
            None => Ok(words),
        }
    }

    fn words_with_optional_names(
        self,
        rules: &[Rule],
        arguments: &[String],
        most: usize,
    ) -> Result<Words, Stop> {
        let words = Words::parse(&[rules], arguments).map_err(|unreadable| {
            self.refuse(&match unreadable {
                Unreadable::UnknownOption(option) => {
                    format!("unknown flag `{}'", option.trim_start_matches('-'))
                }
                Unreadable::MissingValue(option) => {
                    format!("expected argument for flag `{option}'")
                }
            })
        })?;
        match words.names().get(most) {
            Some(extra) => Err(self.refuse(&format!("unexpected argument \"{extra}\""))),
            None => Ok(words),
        }
    }

    fn refuse(self, why: &str) -> Stop {
        let Self {
            command,
            purpose,
            line,
        } = self;
        Stop::Usage {
            text: format!("Incorrect Usage: {why}\n"),
            help: format!("NAME:\n   {command} - {purpose}\n\nUSAGE:\n   {line}"),
        }
    }
}
