//! The commands of the program under its own name.

use std::ffi::OsString;
use std::fs;
use std::io::BufRead;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::client::Client;
use crate::error::Error;
use crate::platform::{Behaviour, Platform};
use crate::run::Surroundings;
use crate::stop::Stop;
use crate::table::spaced;
use crate::terminal::Terminal;
use crate::words::{Rule, Words, flag, valued};

const HELP: &str = "\
Usage: standin COMMAND

  init DIR [--user NAME --password-stdin] [--space ORG/SPACE]
                               make a platform folder, or add a user or a space to one
  behave DIR COMMAND none      let a client's command work as usual
  behave DIR COMMAND hang      let it block until killed
  behave DIR COMMAND delay MS  let it wait first
  behave DIR COMMAND refuse TEXT
                               let it print the text as an error and end with 1
  behave DIR COMMAND output BYTES
                               let it print that much first
  behave DIR COMMAND echo      let it print its arguments, passwords included
  apps DIR                     list the applications
  link DIR                     make DIR/bin/helion and DIR/bin/cf, to be put on the PATH

The clients find the platform by STANDIN_PLATFORM=DIR (absolute).";

const INIT: &[Rule] = &[
    valued(&["--user"]),
    flag(&["--password-stdin"]),
    valued(&["--space"]),
];

/// Runs one command of the administration tool and returns its exit code: 0, 1 for a failure, 2 for a wrong command line.
///
/// `arguments` come without the program's name. `stdin` is only read by `init --password-stdin`: one line.
pub fn administer<'a>(
    arguments: &[OsString],
    stdin: &'a mut dyn BufRead,
    surroundings: Surroundings<'a>,
) -> u8 {
    let (current_dir, terminal) = surroundings.into_parts();
    let mut tool = Tool {
        current_dir,
        stdin,
        terminal,
    };
    let result = match arguments
        .iter()
        .map(|word| word.to_str().map(String::from))
        .collect::<Option<Vec<_>>>()
    {
        Some(arguments) => tool.dispatch(&arguments),
        None => Err(usage("an argument is not valid UTF-8")),
    };
    let (told, code) = match result {
        Ok(()) => return 0,
        Err(Stop::Usage { text, help }) => (tool.terminal.complain(format!("{text}\n\n{help}")), 2),
        Err(Stop::Refused { text, code } | Stop::RefusedOnStdout { text, code }) => {
            (tool.terminal.complain(text), code)
        }
        Err(Stop::Platform(error)) => (tool.terminal.complain_about(&error), 1),
        Err(Stop::Output(error)) => (Err(error), 1),
    };
    // Nobody is left to tell when a stream is closed.
    if told.is_err() { 1 } else { code }
}

struct Tool<'a> {
    current_dir: &'a Path,
    stdin: &'a mut dyn BufRead,
    terminal: Terminal<'a>,
}

impl Tool<'_> {
    fn dispatch(&mut self, arguments: &[String]) -> Result<(), Stop> {
        let words: Vec<_> = arguments.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["help" | "--help" | "-h"] => Ok(self.terminal.say(HELP)?),
            ["init", ..] => self.init(arguments.get(1..).unwrap_or_default()),
            ["behave", folder, command, behaviour @ ..] => self.behave(folder, command, behaviour),
            ["apps", folder] => self.apps(folder),
            ["link", folder] => self.link(folder),
            [] => Err(usage("no command given")),
            [command, ..] => Err(usage(&format!(
                "not a command, or wrong arguments for it: `{command}`"
            ))),
        }
    }

    fn init(&mut self, arguments: &[String]) -> Result<(), Stop> {
        let words =
            Words::parse(&[INIT], arguments).map_err(|_| usage("wrong options for `init`"))?;
        let names = words.names();
        let [folder] = names.as_slice() else {
            return Err(usage("`init` takes one folder"));
        };
        let password = match (words.value("--user"), words.is_set("--password-stdin")) {
            (Some(_), true) => Some(self.read_line()?),
            (None, false) => None,
            (Some(_), false) => return Err(usage("`--user` wants `--password-stdin`")),
            (None, true) => return Err(usage("`--password-stdin` wants `--user`")),
        };
        let space = words.value("--space").map(|space| {
            space
                .split_once('/')
                .ok_or_else(|| usage("a space is ORG/SPACE"))
        });
        let space = space.transpose()?;

        let platform = Platform::create(self.current_dir.join(folder))?;
        if let (Some(user), Some(password)) = (words.value("--user"), password) {
            platform.add_user(user, &password)?;
        }
        if let Some((organization, space)) = space {
            platform.add_space(organization, space)?;
        }
        Ok(self
            .terminal
            .say(format!("STANDIN_PLATFORM={}", platform.root().display()))?)
    }

    fn read_line(&mut self) -> Result<String, Stop> {
        let mut line = String::new();
        self.stdin
            .read_line(&mut line)
            .map_err(Error::io("read", "standard input"))?;
        let password = line.trim_end_matches(['\r', '\n']);
        if password.is_empty() {
            Err(usage("the password on standard input is empty"))
        } else {
            Ok(password.to_owned())
        }
    }

    fn behave(&self, folder: &str, command: &str, behaviour: &[&str]) -> Result<(), Stop> {
        let platform = Platform::open(self.current_dir.join(folder))?;
        let number = |text: &str| {
            text.parse()
                .map_err(|_| usage(&format!("not a number: `{text}`")))
        };
        let behaviour = match behaviour {
            ["none"] => return Ok(platform.clear_behaviour(command)?),
            ["hang"] => Behaviour::Hang,
            ["echo"] => Behaviour::EchoArguments,
            ["delay", milliseconds] => Behaviour::Delay {
                milliseconds: number(milliseconds)?,
            },
            ["output", bytes] => Behaviour::Output {
                bytes: number(bytes)?,
            },
            ["refuse", text] => Behaviour::refuse(*text),
            _ => return Err(usage("not a behaviour")),
        };
        Ok(platform.set_behaviour(command, behaviour)?)
    }

    fn apps(&mut self, folder: &str) -> Result<(), Stop> {
        let applications = Platform::open(self.current_dir.join(folder))?.applications()?;
        let rows: Vec<_> = applications
            .into_iter()
            .map(|app| {
                let place = format!("{}/{}", app.organization, app.space);
                vec![
                    app.name,
                    app.endpoint,
                    place,
                    app.url,
                    app.directory.display().to_string(),
                ]
            })
            .collect();
        Ok(self.terminal.say(spaced(
            &["name", "endpoint", "space", "url", "folder"],
            &rows,
        ))?)
    }

    fn link(&mut self, folder: &str) -> Result<(), Stop> {
        let platform = Platform::open(self.current_dir.join(folder))?;
        let program = std::env::current_exe().map_err(Error::io("find", "this program"))?;
        let bin = platform.root().join("bin");
        fs::create_dir_all(&bin).map_err(Error::io("create", &bin))?;
        for client in [Client::Helion, Client::Cf] {
            let link = bin.join(client.name());
            match fs::remove_file(&link) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::io("replace", &link)(error).into());
                }
                Ok(()) | Err(_) => {}
            }
            symlink(&program, &link).map_err(Error::io("create", &link))?;
        }
        Ok(self.terminal.say(format!("{}", bin.display()))?)
    }
}

fn usage(why: &str) -> Stop {
    Stop::Usage {
        text: format!("standin: {why}"),
        help: HELP.to_owned(),
    }
}
