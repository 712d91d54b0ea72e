//! The command at a terminal: colour, bars, `top`, and keys.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use end_to_end::Plan;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::dats::Dats;

const PATIENCE: Duration = Duration::from_secs(60);

/// A terminal with the command in it.
struct Terminal {
    child: Child,
    keyboard: std::fs::File,
    shown: Receiver<Vec<u8>>,
    text: String,
}

impl Terminal {
    fn start(dats: &Dats, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let control = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&control).unwrap();
        unlockpt(&control).unwrap();
        let size = Winsize { ws_row: 30, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&control, size).unwrap();
        let name = ptsname(&control, Vec::new()).unwrap();
        let open = || {
            let path = name.to_str().unwrap();
            Stdio::from(std::fs::OpenOptions::new().read(true).write(true).open(path).unwrap())
        };
        let mut command = Command::new(dats.program());
        command.args(arguments).env_clear().envs(dats.environment()).env("TERM", "xterm");
        command.envs(environment.iter().copied());
        let child = command.stdin(open()).stdout(open()).stderr(open()).spawn().unwrap();
        // Ours would keep the terminal open after the command has ended.
        drop(command);
        let keyboard = std::fs::File::from(control);
        let mut screen = keyboard.try_clone().unwrap();
        let (show, shown) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = screen.read(&mut buffer) {
                if show.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, keyboard, shown, text: String::new() }
    }

    /// Waits until the terminal has shown `wanted`.
    fn wait_for(&mut self, wanted: &str) {
        let until = Instant::now() + PATIENCE;
        while !self.text.contains(wanted) {
            match self.shown.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.text.push_str(&String::from_utf8_lossy(&bytes)),
                Err(RecvTimeoutError::Timeout) => panic!("{wanted:?} was never shown:\n{}", self.text),
                Err(RecvTimeoutError::Disconnected) => panic!("{wanted:?} was not shown:\n{}", self.text),
            }
        }
    }

    fn press(&mut self, key: &str) {
        self.keyboard.write_all(key.as_bytes()).unwrap();
    }

    /// Waits for the end; the exit code and everything that was shown.
    fn end(mut self) -> (i32, String) {
        let until = Instant::now() + PATIENCE;
        while let Ok(bytes) = self.shown.recv_timeout(until.saturating_duration_since(Instant::now())) {
            self.text.push_str(&String::from_utf8_lossy(&bytes));
        }
        (self.child.wait().unwrap().code().unwrap_or(-1), self.text.clone())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_gets_colour_unless_it_is_unwanted() {
    let stack = Plan::new().start().await;
    let _stand_ins = stack.stand_ins();
    let dats = Dats::of(&stack);
    let (exit, text) = Terminal::start(&dats, &["submit", "Write a function", "--watch"], &[]).end();
    assert_eq!(exit, 0, "{text}");
    assert!(text.contains("\x1b[32mcompleted\x1b[0m"), "{text:?}");
    let (exit, text) = Terminal::start(&dats, &["list"], &[("NO_COLOR", "1")]).end();
    assert!(exit == 0 && !text.contains('\x1b') && text.contains("completed"), "{text:?}");
    let (_, text) = Terminal::start(&dats, &["list", "--json"], &[]).end();
    assert!(!text.contains('\x1b'), "{text:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn top_shows_what_goes_on_until_a_key_ends_it_and_leaves_the_terminal_as_it_was() {
    let stack = Plan::new().start().await;
    let dats = Dats::of(&stack);
    dats.run(&["submit", "untaken", "-p", "shop"]).await;
    let mut terminal = Terminal::start(&dats, &["top", "--every", "0.2"], &[]);
    terminal.wait_for("\x1b[?1049h");
    terminal.wait_for("untaken");
    dats.run(&["submit", "a second", "-p", "shop"]).await;
    terminal.wait_for("a second");
    terminal.press("q");
    let (exit, text) = terminal.end();
    assert_eq!(exit, 0, "{text}");
    assert!(text.contains("\x1b[?1049l") && text.contains("\x1b[?25h"), "{text:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_shows_a_bar() {
    let stack = Plan::new().start().await;
    let dats = Dats::of(&stack);
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/provenance");
    let (exit, text) = Terminal::start(&dats, &["provenance", "import", samples], &[]).end();
    assert_eq!(exit, 1, "{text}");
    assert!(text.contains("importing"), "{text:?}");
    assert!(text.contains("refused 8"), "{text:?}");
}
