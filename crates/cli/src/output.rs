//! Speaks to whoever asked: tables with colour for people at a terminal, JSON for programs. Answers go to standard
//! output; what is only said along the way goes to standard error.

pub(crate) mod cost;
mod paint;
mod progress;
pub(crate) mod table;
pub(crate) mod time;

use std::io::{ErrorKind, IsTerminal, Write};

use serde_json::Value;

pub(crate) use self::paint::Paint;
pub(crate) use self::progress::Progress;
pub(crate) use self::table::{Cell, Table};

use crate::arguments::{Form, GlobalArguments};
use crate::failure::{Exit, Failure};

/// How to speak.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    form: Form,
    colour: bool,
    terminal: bool,
    error_terminal: bool,
}

impl Output {
    /// As the options, the environment and the terminal ask.
    pub(crate) fn of(arguments: &GlobalArguments) -> Self {
        let terminal = std::io::stdout().is_terminal();
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            form: if arguments.json { Form::Json } else { arguments.output },
            colour: terminal && !unwanted && !arguments.no_color,
            terminal,
            error_terminal: std::io::stderr().is_terminal(),
        }
    }

    /// Whether programs listen.
    pub(crate) fn is_json(&self) -> bool {
        self.form == Form::Json
    }

    /// Whether somebody looks at a terminal.
    pub(crate) const fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Gives the answer: as it came for programs, as `human` says it for people.
    pub(crate) fn answer(&self, json: &Value, human: impl FnOnce() -> String) -> Result<(), Failure> {
        let text = match self.form {
            Form::Json => serde_json::to_string_pretty(json).unwrap_or_default(),
            Form::Table => human(),
        };
        self.line(text.trim_end())
    }

    /// Gives a line of the answer.
    pub(crate) fn line(&self, text: &str) -> Result<(), Failure> {
        self.raw(&format!("{text}\n"))
    }

    /// Gives text as it stands.
    pub(crate) fn raw(&self, text: &str) -> Result<(), Failure> {
        let mut stdout = std::io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Ok(()) => Ok(()),
            // Whoever read has read enough, as `head` does.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Failure::silent(Exit::Ok)),
            Err(error) => Err(Failure::failed(format!("cannot write the answer: {error}"))),
        }
    }

    /// Says something along the way.
    pub(crate) fn note(&self, text: &str) {
        let _ = writeln!(std::io::stderr(), "{text}");
    }

    /// Says why a command failed, and what to do.
    pub(crate) fn tell_failure(&self, failure: &Failure) {
        if failure.message.is_empty() {
            return;
        }
        let colour = self.colour && self.error_terminal;
        self.note(&format!("{} {}", paint::painted("error:", Paint::Bad, colour), failure.message));
        if let Some(hint) = &failure.hint {
            self.note(&format!("  {hint}"));
        }
    }

    /// The text in that colour, where colour is wanted.
    pub(crate) fn paint(&self, text: &str, paint: Paint) -> String {
        paint::painted(&clean(text), paint, self.colour)
    }

    /// A status in its colour.
    pub(crate) fn status(&self, status: &str) -> String {
        self.paint(status, Paint::of_status(status))
    }

    /// A table as text, no wider than the terminal.
    pub(crate) fn table(&self, table: &Table) -> String {
        table.render(self.width(), |text, paint| paint::painted(text, paint, self.colour))
    }

    /// Says that there is nothing of what was asked for, and what that means.
    pub(crate) fn nothing(&self, what: &str, hint: &str) -> String {
        format!("{what}\n{}", self.paint(hint, Paint::Faint))
    }

    /// Characters in a line of the terminal; `None` where there is none.
    pub(crate) fn width(&self) -> Option<usize> {
        if !self.terminal {
            return None;
        }
        let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
        Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
    }

    /// Lines of the terminal.
    pub(crate) fn height(&self) -> Option<usize> {
        let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
        Some(usize::from(size.ws_row)).filter(|rows| *rows > 0)
    }

    /// A bar for something long; shown only at a terminal.
    pub(crate) fn progress(&self, what: &'static str, length: Option<u64>) -> Progress {
        Progress::begin(what, length, self.error_terminal && self.form == Form::Table)
    }

    /// The same for something that says itself how far it is, in hundredths.
    pub(crate) fn share(&self, what: &'static str) -> Progress {
        Progress::begin_share(what, self.error_terminal && self.form == Form::Table)
    }
}

/// The text without control characters: what others wrote must not steer this terminal.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The same for a text of several lines, which stay.
pub(crate) fn clean_lines(text: &str) -> String {
    text.lines().map(clean).collect::<Vec<_>>().join("\n")
}
