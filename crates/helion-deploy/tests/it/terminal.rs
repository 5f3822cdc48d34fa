//! The program on a terminal, and what its screen shows.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::os::unix::ffi::OsStrExt as _;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

/// A terminal with the program on it.
pub(crate) struct Terminal {
    child: Child,
    master: File,
    screen: vt100::Parser,
    /// Everything that the program sent to the terminal.
    pub(crate) sent: Vec<u8>,
}

/// What of a program comes on the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Streams {
    /// Standard error alone; standard output goes nowhere.
    Error,
    /// Standard output as well.
    Both,
    /// Standard input as well; the program is to make it the terminal that controls it.
    All,
}

impl Terminal {
    /// Runs `command` on a terminal with so many rows and columns.
    pub(crate) fn start(mut command: Command, streams: Streams, size: (u16, u16)) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let mut opening = OpenOptions::new();
        let path = OsStr::from_bytes(name.as_bytes());
        let slave = opening.read(true).write(true).open(path).unwrap();
        command.stdout(match streams {
            Streams::Error => Stdio::null(),
            Streams::Both | Streams::All => Stdio::from(slave.try_clone().unwrap()),
        });
        if streams == Streams::All {
            command.stdin(slave.try_clone().unwrap());
        }
        let master = File::from(master);
        set_size(&master, size);
        let child = command.stderr(slave).spawn().unwrap();
        // What it holds of the terminal would keep the terminal open when the program has ended.
        drop(command);
        let (rows, columns) = non_zero(size);
        Self {
            child,
            master,
            screen: vt100::Parser::new(rows, columns, 0),
            sent: Vec::new(),
        }
    }

    /// Gives the terminal another size.
    pub(crate) fn resize(&mut self, size: (u16, u16)) {
        set_size(&self.master, size);
        let (rows, columns) = non_zero(size);
        self.screen.set_size(rows, columns);
    }

    /// Types something.
    pub(crate) fn send(&mut self, typed: &str) {
        self.master.write_all(typed.as_bytes()).unwrap();
    }

    /// Sends the program SIGTERM.
    pub(crate) fn terminate(&self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
    }

    /// Whether the terminal shows what is typed.
    pub(crate) fn is_echoing(&self) -> bool {
        let modes = tcgetattr(&self.master).unwrap().local_modes;
        modes.contains(LocalModes::ECHO)
    }

    /// Reads until the screen is as `wanted`, and returns it.
    pub(crate) fn until(&mut self, wanted: impl Fn(&str) -> bool) -> String {
        loop {
            let shown = self.shown();
            if wanted(&shown) {
                return shown;
            }
            assert!(self.read(), "it never came:\n{shown}");
        }
    }

    /// Reads until the screen shows `text`, and returns it.
    pub(crate) fn until_shown(&mut self, text: &str) -> String {
        self.until(|screen| screen.contains(text))
    }

    /// Reads until the program has ended; its exit code, and what the screen shows then.
    pub(crate) fn finish(mut self) -> (i32, String, String) {
        while self.read() {}
        let status = self.child.wait().unwrap();
        let sent = String::from_utf8(std::mem::take(&mut self.sent)).unwrap();
        (status.code().unwrap(), self.shown(), sent)
    }

    fn shown(&self) -> String {
        self.screen.screen().contents()
    }

    /// Reads what comes next; whether something came.
    fn read(&mut self) -> bool {
        let mut buffer = [0; 4_096];
        // The end of a terminal is an error on Linux, and no bytes elsewhere.
        let count = self.master.read(&mut buffer).unwrap_or(0);
        self.screen.process(&buffer[..count]);
        self.sent.extend_from_slice(&buffer[..count]);
        count > 0
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A test that failed leaves nothing running; a program that has ended cannot be killed.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn set_size(master: &File, (rows, columns): (u16, u16)) {
    let size = Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(master, size).unwrap();
}

fn non_zero((rows, columns): (u16, u16)) -> (NonZeroU16, NonZeroU16) {
    let size = (NonZeroU16::new(rows), NonZeroU16::new(columns));
    (size.0.unwrap(), size.1.unwrap())
}
