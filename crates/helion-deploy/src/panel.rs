//! What shows lines at the end of a terminal.

use std::io;

use crate::paint::is_capable;
use crate::stderr;

/// Lines on standard error that stay below everything else, the log too, and vanish with the panel.
#[derive(Debug)]
pub(crate) struct Panel(());

impl Panel {
    /// A panel with nothing in it; `None` where standard error is no terminal that can be drawn on.
    pub(crate) fn new() -> Option<Self> {
        is_capable(&io::stderr()).then_some(Self(()))
    }

    /// Shows `lines` instead of what was shown.
    pub(crate) fn draw(&mut self, lines: &[String]) {
        self.print(&[], lines);
    }

    /// Prints lines that stay above the panel, and shows `lines` in it.
    #[expect(
        clippy::unused_self,
        reason = "who has no panel is not on a terminal that can be drawn on"
    )]
    pub(crate) fn print(&mut self, kept: &[String], lines: &[String]) {
        stderr::show(kept, lines);
    }

    /// Empties the panel.
    pub(crate) fn clear(&mut self) {
        self.draw(&[]);
    }
}

impl Drop for Panel {
    fn drop(&mut self) {
        self.clear();
    }
}
