//! The terminal as the dashboard needs it, and as it was before: raw mode, alternate screen, bracketed paste, no cursor.
//! Whatever ends the dashboard (drop, panic, signal), [`restore`] puts the terminal back. It is never queried.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::sync::{Mutex, Once, PoisonError, mpsc as std_mpsc};
use std::thread;

use crossterm::cursor::{Hide, Show};
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::queue;
use crossterm::style::ResetColor;
use crossterm::terminal::{EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal, getpid, kill_process};
use rustix::termios::{
    Action, OptionalActions, QueueSelector, Termios, tcflow, tcflush, tcgetattr, tcgetwinsize, tcsetattr,
};
use tokio::sync::mpsc;

use super::event_loop::Screen;
use super::frame::MOUSE_OFF;
use super::input::InputGate;
use super::{Size, TuiError};
use crate::app::is_panic_caught;
use crate::shutdown::LentTerminal;

/// A terminal that is not ready to be restored within this time is left as it is.
const FAREWELL: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };

/// Has the terminal keep its title aside (XTWINOPS 22), and take it back (23). One that keeps none gets an empty one.
const PUSH_TITLE: &[u8] = b"\x1b[22;2t";
const POP_TITLE: &[u8] = b"\x1b]2;\x07\x1b[23;2t";

/// The terminal's earlier settings, while the dashboard has it.
static SAVED: Mutex<Option<SavedTerminal>> = Mutex::new(None);
static HOOK: Once = Once::new();

struct SavedTerminal {
    tty: File,
    termios: Termios,
}

/// The terminal while the dashboard has it. A thread of its own writes: a terminal that stops reading (ctrl-s) holds up
/// the drawing and nothing else.
pub struct Terminal {
    tty: File,
    frames: std_mpsc::Sender<Vec<u8>>,
    written: mpsc::UnboundedReceiver<io::Result<()>>,
    /// Of whoever reads its keys.
    gate: Option<InputGate>,
    lent: LentTerminal,
    /// Its settings as another program got them: one that is killed leaves its own behind.
    lent_with: Option<Termios>,
}

/// The terminal to read keys from: standard input, else `/dev/tty` (input was a pipe).
pub fn keyboard() -> Result<File, TuiError> {
    if io::stdin().is_terminal() {
        return Ok(io::stdin().as_fd().try_clone_to_owned()?.into());
    }
    OpenOptions::new().read(true).write(true).open("/dev/tty").map_err(TuiError::NoTerminal)
}

/// Discards what was typed and not read yet: it was not meant for whoever reads from here on.
pub fn discard_typed() {
    // Where there is no keyboard nothing was typed.
    if let Ok(keyboard) = keyboard() {
        let _ = tcflush(keyboard, QueueSelector::IFlush);
    }
}

impl Terminal {
    /// Takes the terminal on standard output.
    pub fn take(lent: LentTerminal) -> Result<Self, TuiError> {
        if !io::stdout().is_terminal() {
            return Err(TuiError::NotATerminal);
        }
        let tty: File = io::stdout().as_fd().try_clone_to_owned()?.into();
        let (frames, to_write) = std_mpsc::channel::<Vec<u8>>();
        let (done, written) = mpsc::unbounded_channel();
        let out = tty.try_clone()?;
        thread::Builder::new().name("drawing".to_owned()).spawn(move || write_frames(out, &to_write, &done))?;
        HOOK.call_once(restore_on_panic);
        enter(&tty).inspect_err(|_| restore())?;
        Ok(Self { tty, frames, written, gate: None, lent, lent_with: None })
    }

    /// Whose reading waits while another program has the terminal.
    #[must_use]
    pub fn with_gate(mut self, gate: InputGate) -> Self {
        self.gate = Some(gate);
        self
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore();
    }
}

impl Screen for Terminal {
    fn size(&self) -> Size {
        match tcgetwinsize(&self.tty) {
            Ok(size) if size.ws_col > 0 && size.ws_row > 0 => Size { width: size.ws_col, height: size.ws_row },
            _ => Size { width: 80, height: 24 },
        }
    }

    fn write(&mut self, frame: Vec<u8>) -> io::Result<()> {
        // Only a panic elsewhere puts the terminal back while the dashboard still draws.
        let taken = SAVED.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        let lost = || io::Error::other("the terminal was given back after a failure");
        if !taken {
            return Err(lost());
        }
        self.frames.send(frame).map_err(|_| lost())
    }

    async fn written(&mut self) -> io::Result<()> {
        self.written.recv().await.unwrap_or_else(|| Err(io::ErrorKind::BrokenPipe.into()))
    }

    fn suspend(&mut self, said: Option<&str>) -> io::Result<()> {
        restore();
        if let Some(said) = said {
            let _ = writeln!(&self.tty, "{said}");
        }
        kill_process(getpid(), Signal::TSTP)?;
        Ok(())
    }

    fn lend(&mut self) -> io::Result<()> {
        if let Some(gate) = &mut self.gate {
            gate.close()?;
        }
        self.lent.set(true);
        restore();
        self.lent_with = tcgetattr(&self.tty).ok();
        Ok(())
    }

    fn resume(&mut self) -> io::Result<()> {
        if let Some(gate) = &self.gate {
            gate.open();
        }
        self.lent.set(false);
        if let Some(settings) = self.lent_with.take() {
            tcsetattr(&self.tty, OptionalActions::Now, &settings)?;
        }
        let taken = SAVED.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        // Stopped from outside, the shell has changed the settings under us: keep ours of before, set raw again.
        if taken { set_up(&self.tty) } else { enter(&self.tty) }
    }
}

fn write_frames(mut out: File, frames: &std_mpsc::Receiver<Vec<u8>>, done: &mpsc::UnboundedSender<io::Result<()>>) {
    while let Ok(frame) = frames.recv() {
        if done.send(out.write_all(&frame)).is_err() {
            return;
        }
    }
}

fn enter(tty: &File) -> io::Result<()> {
    let termios = tcgetattr(tty)?;
    let saved = SavedTerminal { tty: tty.try_clone()?, termios };
    *SAVED.lock().unwrap_or_else(PoisonError::into_inner) = Some(saved);
    let mut out = tty;
    out.write_all(PUSH_TITLE)?;
    set_up(tty)
}

fn set_up(tty: &File) -> io::Result<()> {
    let mut raw = tcgetattr(tty)?;
    raw.make_raw();
    tcsetattr(tty, OptionalActions::Now, &raw)?;
    let mut out = tty;
    queue!(out, EnterAlternateScreen, EnableBracketedPaste, Hide)
}

/// Puts the terminal back as it was before; once, however often it is called.
pub fn restore() {
    let Some(saved) = SAVED.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
    // Each step helps even where another fails: a hung-up terminal refuses all of them, and nobody could read an error.
    let _ = tcflow(&saved.tty, Action::OOn);
    let mut ready = [PollFd::new(&saved.tty, PollFlags::OUT)];
    if poll(&mut ready, Some(&FAREWELL)).is_ok_and(|ready| ready > 0) {
        let mut out = &saved.tty;
        // Harmless where the mouse was not taken.
        let _ = out.write_all(MOUSE_OFF.as_bytes());
        let _ = out.write_all(POP_TITLE);
        let _ = queue!(out, EndSynchronizedUpdate, ResetColor, DisableBracketedPaste, Show, LeaveAlternateScreen);
    }
    let _ = tcsetattr(&saved.tty, OptionalActions::Now, &saved.termios);
}

fn restore_on_panic() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        // One that goes no further is logged by whoever catches it: words of it would only spoil the screen.
        if !is_panic_caught() {
            restore();
            before(panic);
        }
    }));
}
