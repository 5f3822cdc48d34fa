//! `apps`, `push`, `delete` and `logs`.

use super::{Cf, Session, Usage};
use crate::platform::{Record, Space};
use crate::stop::Stop;
use crate::table::spaced;
use crate::words::{Rule, Words, flag, valued};

const APPS: Usage = Usage {
    command: "apps",
    purpose: "List all apps in the target space",
    line: "cf apps [--labels SELECTOR]",
};
const APPS_OPTIONS: &[Rule] = &[valued(&["--labels"]), flag(&["--no-stats"])];

const PUSH: Usage = Usage {
    command: "push",
    purpose: "Push a new app or sync changes to an existing app",
    line: "cf push APP_NAME [-p PATH] [-i INSTANCES] [--strategy (rolling | canary)]",
};
const PUSH_OPTIONS: &[Rule] = &[
    valued(&["-p", "--path"]),
    valued(&["-f", "--manifest"]),
    flag(&["--no-manifest"]),
    valued(&["--strategy"]),
    valued(&["-i", "--instances"]),
    valued(&["-m", "--memory"]),
    valued(&["-k", "--disk"]),
    valued(&["-b", "--buildpack"]),
    valued(&["-s", "--stack"]),
    valued(&["-c", "--start-command"]),
    valued(&["-t", "--app-start-timeout"]),
    valued(&["-u", "--health-check-type"]),
    valued(&["--var"]),
    valued(&["--vars-file"]),
    flag(&["--no-start"]),
    flag(&["--no-wait"]),
    flag(&["--no-route"]),
    flag(&["--redact-env"]),
];

const DELETE: Usage = Usage {
    command: "delete",
    purpose: "Delete an app",
    line: "cf delete APP_NAME [-r] [-f]",
};
const DELETE_OPTIONS: &[Rule] = &[flag(&["-f"]), flag(&["-r"])];

const LOGS: Usage = Usage {
    command: "logs",
    purpose: "Tail or show recent logs for an app",
    line: "cf logs APP_NAME [--recent]",
};
const LOGS_OPTIONS: &[Rule] = &[flag(&["--recent"])];

/// What the platform says while it stages an application.
const STAGING: &[&str] = &[
    "Downloading the app package...",
    "Detecting a buildpack...",
    "Running the stand-in buildpack...",
];

impl Cf<'_, '_> {
    pub(super) fn apps(&mut self, arguments: &[String]) -> Result<(), Stop> {
        APPS.words(APPS_OPTIONS, arguments, &[])?;
        let session = self.session()?;
        self.context
            .terminal
            .say(format!("Getting apps in {}...\n", session.place()))?;
        self.context.behave("apps")?;
        let records = self.space(&session)?.records()?;
        if records.is_empty() {
            return Ok(self.context.terminal.say("No apps found")?);
        }
        let rows: Vec<_> = records
            .into_iter()
            .map(|(record, _)| as_row(record))
            .collect();
        let table = spaced(&["name", "requested state", "processes", "routes"], &rows);
        Ok(self.context.terminal.say(table)?)
    }

    pub(super) fn push(&mut self, arguments: &[String]) -> Result<(), Stop> {
        let words = PUSH.words(PUSH_OPTIONS, arguments, &["APP_NAME"])?;
        let given = words.value("-p").unwrap_or(".");
        let path = self.context.resolve(given);
        if !path.exists() {
            return Err(PUSH.refuse(&format!("The specified path '{given}' does not exist.")));
        }
        let is_rolling = is_rolling(&words)?;
        let instances = words.value("-i").unwrap_or("1");
        let instances = instances.parse().map_err(|_| {
            PUSH.refuse(&format!(
                "invalid argument for flag `-i' (expected int > 0), got {instances}"
            ))
        })?;

        let session = self.session()?;
        let names = words.names();
        let name = names.first().copied().unwrap_or_default();
        let space = self.space(&session)?;
        self.context
            .terminal
            .say(format!("Pushing app {name} to {}...", session.place()))?;
        self.context
            .terminal
            .say("Packaging files to upload...\nUploading files...\n")?;
        self.context
            .terminal
            .say("Waiting for API to complete processing files...\n")?;
        self.context
            .terminal
            .say("Staging app and tracing logs...")?;
        self.stage(&space, name)?;
        self.context.terminal.say(if is_rolling {
            format!("\nStarting deployment for app {name}...\n\nWaiting for app to deploy...\n")
        } else {
            format!("\nWaiting for app {name} to start...\n")
        })?;

        let url = format!("http://{name}.{}", session.endpoint.domain());
        let record = Record {
            name: name.to_owned(),
            url,
            instances,
        };
        space.push(&record, &path)?;
        self.say_application(&record)
    }

    /// Prints and records what staging says, also when it fails.
    fn stage(&mut self, space: &Space, name: &str) -> Result<(), Stop> {
        let staged = self.context.behave("push");
        let last = match &staged {
            Err(Stop::Refused { text, .. }) => text.as_str(),
            Ok(()) | Err(_) => "Staging complete",
        };
        let lines: Vec<_> = STAGING.iter().copied().chain(last.lines()).collect();
        space.record_logs(name, &lines)?;
        for line in &lines {
            self.context.terminal.say(format!("   {line}"))?;
        }
        staged
    }

    fn say_application(&mut self, record: &Record) -> Result<(), Stop> {
        let Record {
            name,
            url,
            instances,
        } = record;
        let route = url.trim_start_matches("http://");
        let terminal = &mut self.context.terminal;
        terminal.say(format!(
            "name:              {name}\nrequested state:   started\nroutes:            {route}"
        ))?;
        terminal.say(format!(
            "\ntype:            web\ninstances:       {instances}/{instances}\n"
        ))?;
        let rows: Vec<_> = (0..*instances)
            .map(|number| vec![format!("#{number}"), "running".to_owned()])
            .collect();
        Ok(terminal.say(spaced(&["", "state"], &rows))?)
    }

    pub(super) fn delete(&mut self, arguments: &[String]) -> Result<(), Stop> {
        let words = DELETE.words(DELETE_OPTIONS, arguments, &["APP_NAME"])?;
        let session = self.session()?;
        let names = words.names();
        let name = names.first().copied().unwrap_or_default();
        if !words.is_set("-f") {
            return Ok(self
                .context
                .terminal
                .say(format!("App '{name}' has not been deleted."))?);
        }
        self.context
            .terminal
            .say(format!("Deleting app {name} in {}...", session.place()))?;
        self.context.behave("delete")?;
        if !self.space(&session)?.delete(name)? {
            self.context
                .terminal
                .complain(format!("App '{name}' does not exist."))?;
        }
        Ok(self.context.terminal.say("OK")?)
    }

    pub(super) fn logs(&mut self, arguments: &[String]) -> Result<(), Stop> {
        let words = LOGS.words(LOGS_OPTIONS, arguments, &["APP_NAME"])?;
        let session = self.session()?;
        let names = words.names();
        let name = names.first().copied().unwrap_or_default();
        let lines = self.recent_logs(&session, name)?;
        self.context.terminal.say(format!(
            "Retrieving logs for app {name} in {}...\n",
            session.place()
        ))?;
        self.context.behave("logs")?;
        for line in lines {
            self.context
                .terminal
                .say(format!("   [STG/0]      OUT {line}"))?;
        }
        Ok(())
    }

    fn recent_logs(&self, session: &Session, name: &str) -> Result<Vec<String>, Stop> {
        let lines = self.space(session)?.logs(name)?;
        lines.ok_or_else(|| Stop::refused(format!("App '{name}' not found.")))
    }
}

fn is_rolling(words: &Words) -> Result<bool, Stop> {
    match words.value("--strategy") {
        None => Ok(false),
        Some("rolling" | "canary") => Ok(true),
        Some(other) => {
            let why =
                format!("STRATEGY must be \"canary\", \"rolling\" or not set, not \"{other}\"");
            Err(PUSH.refuse(&why))
        }
    }
}

fn as_row(record: Record) -> Vec<String> {
    let Record {
        name,
        url,
        instances,
    } = record;
    let route = url.trim_start_matches("http://").to_owned();
    vec![
        name,
        "started".to_owned(),
        format!("web:{instances}/{instances}"),
        route,
    ]
}
