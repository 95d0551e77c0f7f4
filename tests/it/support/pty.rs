//! A program in a terminal: its screen as a person would see it, its keys, its size, and losing it.

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use rustix::fs::OFlags;
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};
use vt100::{Parser, Screen};

use super::slow_link::{SlowKeys, SlowOutput};
use super::{PATIENCE, eventually};

/// A terminal's size in character cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub columns: u16,
    pub rows: u16,
}

impl From<Size> for PtySize {
    fn from(size: Size) -> Self {
        Self { rows: size.rows, cols: size.columns, pixel_width: 0, pixel_height: 0 }
    }
}

/// A running program and its terminal. Dropping it kills the program.
pub struct Pty {
    child: Box<dyn Child + Send + Sync>,
    terminal: Option<Terminal>,
    seen: Arc<Seen>,
}

/// Our end of the terminal.
struct Terminal {
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    name: PathBuf,
    reader: JoinHandle<()>,
}

/// What the reader has seen of the program.
struct Seen {
    parser: Mutex<Parser>,
    /// Notified whenever more has come.
    changed: Condvar,
    bytes: AtomicU64,
    /// A zero byte has come: no program writes one, [`Terminal::drain`] does.
    drained: AtomicBool,
    closing: AtomicBool,
}

impl Pty {
    /// Runs `program` with `arguments` in a terminal of `size`; `environment` is added to ours, with `TERM=xterm-256color`.
    pub fn run<A: AsRef<OsStr>>(
        program: impl AsRef<OsStr>,
        arguments: &[A],
        environment: &[(&str, &str)],
        size: Size,
    ) -> Self {
        Self::run_over(program, arguments, environment, (size, Duration::ZERO))
    }

    /// The same over a link on which keys, and what is drawn, take so long.
    pub fn run_over<A: AsRef<OsStr>>(
        program: impl AsRef<OsStr>,
        arguments: &[A],
        environment: &[(&str, &str)],
        (size, lag): (Size, Duration),
    ) -> Self {
        let pair = native_pty_system().openpty(size.into()).unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        // What it writes into the current directory does not lie among the sources.
        let home = environment.iter().find(|(name, _)| *name == "HOME").map(|(_, home)| *home);
        command.cwd(home.unwrap_or(env!("CARGO_MANIFEST_DIR")));
        command.env("TERM", "xterm-256color");
        for (name, value) in environment {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        let seen = Arc::new(Seen {
            parser: Mutex::new(Parser::new(size.rows, size.columns, 0)),
            changed: Condvar::new(),
            bytes: AtomicU64::new(0),
            drained: AtomicBool::new(false),
            closing: AtomicBool::new(false),
        });
        let mut output = pair.master.try_clone_reader().unwrap();
        let mut keys = pair.master.take_writer().unwrap();
        if !lag.is_zero() {
            output = Box::new(SlowOutput::new(output, lag));
            keys = Box::new(SlowKeys::new(keys, lag));
        }
        let reader = read_in_background(output, Arc::clone(&seen));
        let name = pair.master.tty_name().unwrap();
        Self { child, terminal: Some(Terminal { master: pair.master, keys, name, reader }), seen }
    }

    /// Types, byte for byte: `"\r"` is enter, `"\x1b[A"` the up arrow.
    pub fn type_keys(&mut self, keys: &str) {
        let terminal = self.terminal.as_mut().expect("the terminal is still there");
        terminal.keys.write_all(keys.as_bytes()).unwrap();
        terminal.keys.flush().unwrap();
    }

    /// Waits until `predicate` holds for the screen; fails the test, showing the screen, when it does not.
    #[track_caller]
    pub fn wait_for(&self, what: &str, predicate: impl Fn(&Screen) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        let mut parser = self.seen.parser.lock().unwrap();
        while !predicate(parser.screen()) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let shown = parser.screen().contents();
                drop(parser);
                panic!("not on the screen after {PATIENCE:?}: {what}\n{shown}");
            }
            parser = self.seen.changed.wait_timeout(parser, left).unwrap().0;
        }
    }

    /// Waits until `text` stands in one line of the screen.
    #[track_caller]
    pub fn wait_for_text(&self, text: &str) {
        self.wait_for(text, |screen| screen.contents().contains(text));
    }

    /// Asks something of the screen as it is now.
    pub fn on_screen<T>(&self, ask: impl FnOnce(&Screen) -> T) -> T {
        ask(self.seen.parser.lock().unwrap().screen())
    }

    /// The screen's text, a line for each row.
    pub fn text(&self) -> String {
        self.on_screen(Screen::contents)
    }

    /// All bytes that the program has written to the terminal so far.
    pub fn bytes_written(&self) -> u64 {
        self.seen.bytes.load(Ordering::SeqCst)
    }

    /// Changes the size, which signals the program.
    pub fn resize(&mut self, size: Size) {
        self.seen.parser.lock().unwrap().screen_mut().set_size(size.rows, size.columns);
        self.terminal.as_ref().expect("the terminal is still there").master.resize(size.into()).unwrap();
    }

    /// The program's process.
    pub fn pid(&self) -> Pid {
        let pid = self.child.process_id().expect("it has been started");
        Pid::from_raw(i32::try_from(pid).unwrap()).unwrap()
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Closes the terminal under the program, as a lost connection does: nothing is typed, the kernel says HUP.
    pub fn hang_up(&mut self) {
        if let Some(terminal) = self.terminal.take() {
            terminal.close(&self.seen);
        }
    }

    /// Whether each key goes to the program as it is typed, and none is shown by the terminal itself.
    pub fn is_raw(&self) -> bool {
        let name = &self.terminal.as_ref().expect("the terminal is still there").name;
        let terminal = OpenOptions::new().read(true).custom_flags(NO_CONTROL).open(name).unwrap();
        !tcgetattr(terminal).unwrap().local_modes.intersects(LocalModes::ICANON | LocalModes::ECHO)
    }

    /// Whether the program has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for the program's end, and for all that it wrote.
    #[track_caller]
    pub fn wait_for_exit(&mut self) -> ExitStatus {
        let mut status = None;
        let child = &mut self.child;
        eventually("the program has ended", || {
            status = child.try_wait().unwrap();
            status.is_some()
        });
        if let Some(terminal) = &self.terminal {
            terminal.drain(&self.seen);
        }
        status.unwrap()
    }
}

impl Terminal {
    /// Waits until everything that was written has been read. The reader ends by itself once nobody has the terminal open; where
    /// somebody has, a byte behind the others shows that they are through.
    #[track_caller]
    fn drain(&self, seen: &Seen) {
        if let Ok(mut terminal) = OpenOptions::new().write(true).custom_flags(NO_CONTROL).open(&self.name) {
            let _ = terminal.write_all(b"\0");
        }
        eventually("all that it wrote is read", || self.reader.is_finished() || seen.drained.load(Ordering::SeqCst));
    }

    fn close(self, seen: &Seen) {
        let Self { master, keys, name, reader } = self;
        seen.closing.store(true, Ordering::SeqCst);
        if let Ok(mut terminal) = OpenOptions::new().write(true).custom_flags(NO_CONTROL).open(&name) {
            // The writer of portable-pty types an end of file when it is dropped, unless the terminal has no such key.
            if let Ok(mut modes) = tcgetattr(&terminal) {
                modes.special_codes[SpecialCodeIndex::VEOF] = 0;
                let _ = tcsetattr(&terminal, OptionalActions::Now, &modes);
            }
            // The reader holds the terminal open too, and waits: one byte wakes it.
            let _ = terminal.write_all(b"\0");
        }
        drop((keys, master));
        let _ = reader.join();
    }
}

/// Opening a terminal must not make it ours.
#[expect(clippy::cast_possible_wrap, reason = "the flags of open(2) are an int there")]
const NO_CONTROL: i32 = OFlags::NOCTTY.bits() as i32;

fn read_in_background(mut output: Box<dyn Read + Send>, seen: Arc<Seen>) -> JoinHandle<()> {
    thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        while let Ok(read @ 1..) = output.read(&mut buffer) {
            if seen.closing.load(Ordering::SeqCst) {
                return;
            }
            seen.parser.lock().unwrap().process(&buffer[..read]);
            seen.bytes.fetch_add(read as u64, Ordering::SeqCst);
            seen.drained.fetch_or(buffer[..read].contains(&0), Ordering::SeqCst);
            seen.changed.notify_all();
        }
    })
}

impl Drop for Pty {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.hang_up();
    }
}
