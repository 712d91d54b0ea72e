//! The terminal: colour where there is one, plain lines where there is not.

use std::io::{IsTerminal, Stdout, Write};

/// A colour, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paint {
    Plain,
    Dim,
    Bold,
    Red,
    Green,
    Yellow,
    Cyan,
}

impl Paint {
    const fn code(self) -> &'static str {
        match self {
            Self::Plain => "0",
            Self::Dim => "2",
            Self::Bold => "1",
            Self::Red => "31",
            Self::Green => "32",
            Self::Yellow => "33",
            Self::Cyan => "36",
        }
    }

    /// The colour of a status.
    pub(super) fn of_status(status: &str) -> Self {
        match status {
            "completed" | "passed" => Self::Green,
            "failed" => Self::Red,
            "cancelled" => Self::Yellow,
            "running" => Self::Cyan,
            _ => Self::Plain,
        }
    }
}

/// Standard output with or without colour.
pub(super) struct Screen {
    out: Stdout,
    colour: bool,
}

impl Screen {
    /// Colours when standard output is a terminal and nobody objects (`NO_COLOR`).
    pub(super) fn stdout() -> Self {
        let out = std::io::stdout();
        let colour = out.is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { out, colour }
    }

    /// Writes a line at once.
    pub(super) fn line(&mut self, text: &str) -> std::io::Result<()> {
        writeln!(self.out, "{text}")?;
        self.out.flush()
    }

    /// The text in a colour, padded to `width` characters first so that columns stay aligned.
    pub(super) fn cell(&self, text: &str, width: usize, paint: Paint) -> String {
        let padded = format!("{text:<width$}");
        if self.colour && paint != Paint::Plain {
            format!("\x1b[{}m{padded}\x1b[0m", paint.code())
        } else {
            padded
        }
    }
}
