//! What is logged on standard error.

use std::env;
use std::ffi::OsStr;
use std::io::{self, Write};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::message::say;
use crate::paint::Paint;
use crate::stderr;

/// The variable that tells what is logged.
const VARIABLE: &str = "RUST_LOG";

/// What is logged where nothing else is asked for.
const DEFAULT: &str = "warn";

/// Logs from now on what `RUST_LOG` asks for; where nobody can tell what that is, this is said, and
/// the default is logged.
pub(crate) fn start() {
    let wanted = env::var_os(VARIABLE).filter(|wanted| !wanted.is_empty());
    let filter = wanted.and_then(|wanted| match filter(&wanted) {
        Ok(filter) => Some(filter),
        Err(reason) => {
            say(&format!("warning: {VARIABLE} is not heeded: {reason}"));
            None
        }
    });
    tracing_subscriber::fmt()
        .with_env_filter(filter.unwrap_or_else(|| EnvFilter::new(DEFAULT)))
        // A span says most when it is over: what came of it, and how long it took.
        .with_span_events(FmtSpan::CLOSE)
        .with_writer(|| Lines)
        // They would be told on standard error behind the back of what writes there, and with a panic
        // where that fails.
        .log_internal_errors(false)
        .with_ansi(Paint::on(&io::stderr()) == Paint::Colours)
        .init();
}

/// Takes the log, a line or more at a time.
struct Lines;

impl Write for Lines {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        stderr::log(&String::from_utf8_lossy(lines));
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The filter that was asked for, or why it is none.
fn filter(wanted: &OsStr) -> Result<EnvFilter, String> {
    let text = wanted.to_str().ok_or("it is not UTF-8")?;
    EnvFilter::try_new(text).map_err(|error| format!("`{text}`: {error}"))
}
