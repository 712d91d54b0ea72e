//! The terminal while `dats top` runs: the whole screen, keys as they are typed, and everything as it was afterwards.
//! Without a terminal each look is written below the last.

use std::io::Read;
use std::time::Duration;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use serde_json::Value;
use tokio::sync::mpsc;

use crate::failure::Failure;
use crate::output::{Output, Paint};

const ENTER: &str = "\x1b[?1049h\x1b[?25l";
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";
const HOME: &str = "\x1b[H";
const CLEAR_LINE: &str = "\x1b[K";
const CLEAR_BELOW: &str = "\x1b[J";
/// Where the size is not known.
const USUAL_LINES: usize = 24;

/// The screen.
pub(super) struct Screen<'a> {
    output: &'a Output,
    /// How the terminal was before; `None` if there is none.
    before: Option<Termios>,
    keys: mpsc::UnboundedReceiver<u8>,
}

impl<'a> Screen<'a> {
    /// Takes the terminal over.
    pub(super) fn open(output: &'a Output) -> Result<Self, Failure> {
        let (typed, keys) = mpsc::unbounded_channel();
        let is_live = output.is_terminal() && !output.is_json();
        let before = if is_live { tcgetattr(std::io::stdin()).ok() } else { None };
        if let Some(before) = &before {
            let mut unbuffered = before.clone();
            unbuffered.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &unbuffered);
            // A read of a key cannot be interrupted; the thread ends with the process.
            std::thread::spawn(move || {
                for byte in std::io::stdin().lock().bytes() {
                    if byte.is_err() || byte.is_ok_and(|byte| typed.send(byte).is_err()) {
                        return;
                    }
                }
            });
            output.raw(ENTER)?;
        }
        Ok(Self { output, before, keys })
    }

    /// Shows a look; `render` is told how many lines there are.
    pub(super) fn show(
        &mut self,
        state: &Value,
        render: impl FnOnce(usize) -> String,
    ) -> Result<(), Failure> {
        if self.output.is_json() {
            return self.output.line(&state.to_string());
        }
        let lines = self.output.height().unwrap_or(USUAL_LINES).saturating_sub(1);
        if self.before.is_none() {
            return self.output.line(&render(usize::MAX));
        }
        let text = render(lines);
        let shown: Vec<&str> = text.lines().take(lines).collect();
        let shown = shown.join(&format!("{CLEAR_LINE}\r\n"));
        self.output.raw(&format!("{HOME}{shown}{CLEAR_LINE}{CLEAR_BELOW}"))
    }

    /// Says that a look was not possible; the last one stays.
    pub(super) fn trouble(&mut self, what: &str) -> Result<(), Failure> {
        let what = self.output.paint(what, Paint::Bad);
        match self.before {
            Some(_) => self.output.raw(&format!("{HOME}{what}{CLEAR_LINE}")),
            None => self.output.line(&what),
        }
    }

    /// Waits for the next look; true if it is enough.
    pub(super) async fn wait(&mut self, how_long: Duration) -> bool {
        let next = tokio::time::sleep(how_long);
        tokio::pin!(next);
        loop {
            tokio::select! {
                () = &mut next => return false,
                _ = tokio::signal::ctrl_c() => return true,
                key = self.keys.recv(), if self.before.is_some() => match key {
                    Some(b'q' | b'Q' | 3 | 27) | None => return true,
                    Some(b' ') => return false,
                    Some(_) => {}
                },
            }
        }
    }
}

impl Drop for Screen<'_> {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = self.output.raw(LEAVE);
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, before);
        }
    }
}
