//! `list`, `delete`, `push` and `logs`.

use super::session::Session;
use super::{COMMON, Helion, NO_TERMINAL, TARGETED, words};
use crate::platform::{Record, Space};
use crate::stop::Stop;
use crate::table::framed;
use crate::words::{Rule, flag, valued};

const LIST: &[Rule] = &[flag(&["--all"]), flag(&["--full"]), flag(&["--json"])];

const DELETE: &[Rule] = &[
    flag(&["--all"]),
    flag(&["--force"]),
    flag(&["--routes"]),
    flag(&["--no-routes"]),
];

const PUSH: &[Rule] = &[
    valued(&["--as"]),
    valued(&["--path"]),
    valued(&["--manifest"]),
    flag(&["--no-start"]),
    flag(&["--force-start"]),
    valued(&["--mem"]),
    valued(&["--disk"]),
    valued(&["--instances"]),
    valued(&["--url"]),
    valued(&["--domain"]),
    valued(&["--buildpack"]),
    valued(&["--command"]),
    valued(&["--env"]),
    valued(&["--stack"]),
    valued(&["--timeout"]),
    flag(&["--no-resources"]),
    flag(&["--tail"]),
    flag(&["--no-tail"]),
];

const LOGS: &[Rule] = &[
    valued(&["--num"]),
    flag(&["--all"]),
    flag(&["--follow"]),
    flag(&["--json"]),
];

/// What the platform says while it stages an application.
const STAGING: &[&str] = &[
    "fetching the application's bits",
    "looking for a buildpack",
    "staging with the stand-in buildpack",
];

impl Helion<'_, '_> {
    pub(super) fn list(&mut self, command: &str, arguments: &[String]) -> Result<(), Stop> {
        let words = words(&[COMMON, TARGETED, LIST], arguments, 0)?;
        let session = self.session(&words)?;
        self.context.behave(command)?;
        let records = self.space(&session)?.records()?;
        let records: Vec<_> = records.into_iter().map(|(record, _)| record).collect();
        if words.is_set("--json") {
            let list: Vec<_> = records.iter().map(as_json).collect();
            return Ok(self
                .context
                .terminal
                .say(format!("{:#}", serde_json::Value::from(list)))?);
        }
        if records.is_empty() {
            return Ok(self.context.terminal.say("No Applications")?);
        }
        let header = [
            "Application",
            "#",
            "Mem",
            "Disk",
            "Health",
            "URLs",
            "Services",
        ];
        let rows: Vec<_> = records.into_iter().map(as_row).collect();
        Ok(self.context.terminal.say(framed(&header, &rows))?)
    }

    pub(super) fn delete(&mut self, arguments: &[String]) -> Result<(), Stop> {
        let words = words(&[COMMON, TARGETED, DELETE], arguments, usize::MAX)?;
        let names = words.names();
        if names.is_empty() {
            return Err(Stop::refused("wrong#args, not enough"));
        }
        let session = self.session_of_names(&words)?;
        let space = self.space(&session)?;
        for name in &names {
            check_application(&session, &space, name)?;
        }
        if !words.is_set("--no-prompt") && !words.is_set("--force") {
            return Err(Stop::refused(NO_TERMINAL));
        }
        for name in names {
            self.context
                .terminal
                .begin(format!("Deleting application [{name}] ... "))?;
            let behaved = self.context.behave("delete");
            if behaved.is_err() {
                self.context.end_line();
            }
            behaved?;
            space.delete(name)?;
            self.context.terminal.say("OK")?;
        }
        Ok(())
    }

    pub(super) fn push(&mut self, arguments: &[String]) -> Result<(), Stop> {
        let words = words(&[COMMON, TARGETED, PUSH], arguments, 1)?;
        let session = self.session(&words)?;
        let names = words.names();
        let Some(name) = words.value("--as").or_else(|| names.first().copied()) else {
            return Err(Stop::refused(NO_TERMINAL));
        };
        if !words.is_set("--no-prompt") {
            return Err(Stop::refused(NO_TERMINAL));
        }
        let path = self.context.resolve(words.value("--path").unwrap_or("."));
        if !path.exists() {
            return Err(Stop::refused(format!(
                "Error: Deployment path '{}' does not exist",
                path.display()
            )));
        }
        let instances = words.value("--instances").unwrap_or("1");
        let instances = instances.parse().map_err(|_| {
            Stop::refused(format!("Found a problem with option \"instances\": Expected an integer, got \"{instances}\""))
        })?;

        let space = self.space(&session)?;
        let Session {
            endpoint,
            organization,
            space: space_name,
        } = &session;
        let action = if space.record(name)?.is_some() {
            "Updating"
        } else {
            "Creating"
        };
        let place = format!(
            "{} -> {organization} -> {space_name} -> {name}",
            endpoint.url()
        );
        self.context
            .terminal
            .say(format!("{action} Application [{name}] as [{place}] ... OK"))?;
        self.context
            .terminal
            .say(format!("Uploading Application [{name}] ..."))?;
        self.stage(&space, name)?;

        let url = format!("http://{name}.{}", endpoint.domain());
        let record = Record {
            name: name.to_owned(),
            url,
            instances,
        };
        space.push(&record, &path)?;
        self.context.terminal.say("Push Status: OK")?;
        self.context
            .terminal
            .say(format!("Starting Application [{name}] ..."))?;
        Ok(self
            .context
            .terminal
            .say(format!("{}/ deployed", record.url))?)
    }

    /// Records what staging said, also when it fails.
    fn stage(&mut self, space: &Space, name: &str) -> Result<(), Stop> {
        let staged = self.context.behave("push");
        let last = match &staged {
            Err(Stop::Refused { text, .. }) => text.as_str(),
            Ok(()) | Err(_) => "staging completed",
        };
        let lines: Vec<_> = STAGING.iter().copied().chain(last.lines()).collect();
        space.record_logs(name, &lines)?;
        staged
    }

    pub(super) fn logs(&mut self, arguments: &[String]) -> Result<(), Stop> {
        let words = words(&[COMMON, TARGETED, LOGS], arguments, 1)?;
        let names = words.names();
        let Some(name) = names.first() else {
            return Err(Stop::refused("wrong#args, not enough"));
        };
        let session = self.session_of_names(&words)?;
        let space = self.space(&session)?;
        let Some(lines) = space.logs(name)? else {
            return check_application(&session, &space, name);
        };
        let most = words
            .value("--num")
            .and_then(|most| most.parse().ok())
            .unwrap_or(lines.len());
        self.context.behave("logs")?;
        for line in lines.iter().skip(lines.len().saturating_sub(most)) {
            self.context
                .terminal
                .say(format!("{name}[stager]: {line}"))?;
        }
        Ok(())
    }

    fn space(&self, session: &Session) -> Result<Space, Stop> {
        Ok(self
            .context
            .platform
            .space(&session.endpoint, &session.organization, &session.space)?)
    }
}

/// Checks that the space has the application, as the client does while it reads the command line.
fn check_application(session: &Session, space: &Space, name: &str) -> Result<(), Stop> {
    if space.record(name)?.is_some() {
        return Ok(());
    }
    let place = format!("{}::{}", session.organization, session.space);
    Err(Stop::refused(format!(
        "Found a problem with argument \"application\": Application \"{name}\" does not exist in space '{place}'. \
         Please use a different value."
    )))
}

fn as_row(record: Record) -> Vec<String> {
    let Record {
        name,
        url,
        instances,
    } = record;
    let url = url.trim_start_matches("http://").to_owned();
    vec![
        name,
        instances.to_string(),
        "256.0M".into(),
        "2.0G".into(),
        "RUNNING".into(),
        url,
        String::new(),
    ]
}

fn as_json(record: &Record) -> serde_json::Value {
    serde_json::json!({
        "entity": { "name": record.name, "state": "STARTED", "instances": record.instances, "memory": 256, "disk_quota": 2048 },
        "metadata": { "url": record.url },
    })
}
