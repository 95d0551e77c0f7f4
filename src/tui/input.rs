//! Reads the terminal. A dedicated thread calls `poll` before every read, so that a hung-up terminal ends it instead of
//! making it spin, and decodes the bytes itself; terminal libraries keep reading at the end of the file.

mod parser;

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsFd;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use tokio::sync::mpsc;

use super::key::Key;
use super::mouse::MouseEvent;
use parser::KeyParser;

/// How long a lone escape byte, or the beginning of a sequence, waits for the rest.
const REST_OF_SEQUENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 30_000_000 };

/// The longest paste that is taken, in bytes.
pub const PASTE_MAX: usize = 8 * 1024 * 1024;

/// What came from the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    Key(Key),
    Mouse(MouseEvent),
    /// Pasted text, as it came; what is longer than [`PASTE_MAX`] is not whole.
    Paste(String),
    /// The terminal hung up, closed or failed: nothing more will come.
    Gone,
}

/// Ends the reading thread when dropped.
#[derive(Debug)]
pub struct InputReader {
    wake: PipeWriter,
    gate: Arc<GateState>,
}

/// Keeps the reading thread from the terminal while another program has it.
#[derive(Debug)]
pub struct InputGate {
    wake: PipeWriter,
    gate: Arc<GateState>,
}

#[derive(Debug, Default)]
struct GateState {
    position: Mutex<GatePosition>,
    changed: Condvar,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum GatePosition {
    #[default]
    Open,
    /// The thread is asked to wait.
    Closing,
    /// It waits.
    Closed,
}

/// The thread lets go of the terminal within this time: it reads only what is there.
const LETS_GO: Duration = Duration::from_millis(500);

impl InputReader {
    pub fn gate(&self) -> io::Result<InputGate> {
        Ok(InputGate { wake: self.wake.try_clone()?, gate: self.gate.clone() })
    }
}

impl InputGate {
    /// Returns once nothing is read from the terminal any more.
    pub fn close(&mut self) -> io::Result<()> {
        let mut position = self.gate.position.lock().unwrap_or_else(PoisonError::into_inner);
        *position = GatePosition::Closing;
        self.wake.write_all(&[1])?;
        let closing = |position: &mut GatePosition| *position == GatePosition::Closing;
        drop(self.gate.changed.wait_timeout_while(position, LETS_GO, closing));
        Ok(())
    }

    pub fn open(&self) {
        *self.gate.position.lock().unwrap_or_else(PoisonError::into_inner) = GatePosition::Open;
        self.gate.changed.notify_all();
    }
}

impl GateState {
    /// The thread's part: waits until the gate is open.
    fn pass(&self) {
        let mut position = self.position.lock().unwrap_or_else(PoisonError::into_inner);
        while *position != GatePosition::Open {
            *position = GatePosition::Closed;
            self.changed.notify_all();
            position = self.changed.wait(position).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Starts reading `tty`. If the terminal ends, the receiver yields [`Input::Gone`] last.
pub fn read(tty: File) -> io::Result<(InputReader, mpsc::Receiver<Input>)> {
    let (asleep, wake) = io::pipe()?;
    let (sender, receiver) = mpsc::channel(1_024);
    let gate = Arc::new(GateState::default());
    let passes = gate.clone();
    thread::Builder::new().name("keys".to_owned()).spawn(move || read_until_gone(tty, (&asleep, &passes), &sender))?;
    Ok((InputReader { wake, gate }, receiver))
}

/// What ended a wait for input.
enum PollOutcome {
    Readable,
    /// Nothing came in time.
    Quiet,
    Gone,
    /// The dashboard wants something.
    Woken,
}

fn read_until_gone(mut tty: File, (mut asleep, gate): (&PipeReader, &GateState), sender: &mpsc::Sender<Input>) {
    let mut parser = KeyParser::default();
    loop {
        let patience = parser.is_waiting().then_some(&REST_OF_SEQUENCE);
        let inputs = match wait(&tty, asleep, patience) {
            PollOutcome::Readable => match take(&mut tty, &mut parser) {
                Some(inputs) => inputs,
                None => break,
            },
            PollOutcome::Quiet => parser.give_up_waiting(),
            PollOutcome::Gone => break,
            // A byte says that the gate closes; the end of the pipe, that nobody reads any more.
            PollOutcome::Woken => match asleep.read(&mut [0; 1]) {
                Ok(1) => {
                    gate.pass();
                    continue;
                }
                _ => return,
            },
        };
        for input in inputs {
            if sender.blocking_send(input).is_err() {
                return;
            }
        }
    }
    // If the receiver is gone, too, there is nothing left to say.
    let _ = sender.blocking_send(Input::Gone);
}

fn wait(tty: &File, asleep: &PipeReader, patience: Option<&Timespec>) -> PollOutcome {
    let end = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
    let mut watched = [PollFd::new(tty, PollFlags::IN), PollFd::from_borrowed_fd(asleep.as_fd(), PollFlags::IN)];
    match poll(&mut watched, patience) {
        Err(Errno::INTR | Errno::AGAIN) | Ok(0) => PollOutcome::Quiet,
        Err(_) => PollOutcome::Gone,
        Ok(_) if !watched[1].revents().is_empty() => PollOutcome::Woken,
        Ok(_) if watched[0].revents().intersects(end) => PollOutcome::Gone,
        Ok(_) => PollOutcome::Readable,
    }
}

/// One read; `None` at the end of the terminal.
fn take(tty: &mut File, parser: &mut KeyParser) -> Option<Vec<Input>> {
    let mut bytes = [0; 4_096];
    match tty.read(&mut bytes) {
        Ok(0) => None,
        Ok(read) => Some(parser.feed(&bytes[..read])),
        Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock) => {
            Some(Vec::new())
        }
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::fd::OwnedFd;
    use std::time::Duration;

    use super::{Input, Key, read};

    #[tokio::test]
    async fn keys_arrive_and_the_end_of_the_terminal_ends_the_reading() {
        let (near, mut far) = std::io::pipe().unwrap();
        let (_reader, mut inputs) = read(OwnedFd::from(near).into()).unwrap();

        far.write_all(b"j\x1b[B").unwrap();
        assert_eq!(inputs.recv().await, Some(Input::Key(Key::Char('j'))));
        assert_eq!(inputs.recv().await, Some(Input::Key(Key::Down)));
        drop(far);

        let last = tokio::time::timeout(Duration::from_secs(5), inputs.recv()).await.unwrap();
        assert_eq!(last, Some(Input::Gone));
        assert_eq!(inputs.recv().await, None);
    }

    #[tokio::test]
    async fn a_lone_escape_arrives_although_nothing_follows() {
        let (near, mut far) = std::io::pipe().unwrap();
        let (_reader, mut inputs) = read(OwnedFd::from(near).into()).unwrap();

        far.write_all(b"\x1b").unwrap();

        let key = tokio::time::timeout(Duration::from_secs(5), inputs.recv()).await.unwrap();
        assert_eq!(key, Some(Input::Key(Key::Esc)));
    }

    #[tokio::test]
    async fn while_the_gate_is_closed_nothing_is_read_and_nothing_is_lost() {
        let (near, mut far) = std::io::pipe().unwrap();
        let peek = near.try_clone().unwrap();
        let (reader, mut inputs) = read(OwnedFd::from(near).into()).unwrap();
        let mut gate = reader.gate().unwrap();

        gate.close().unwrap();
        far.write_all(b"for the editor").unwrap();
        let mut taken = [0; 14];
        std::io::Read::read_exact(&mut &peek, &mut taken).unwrap();
        gate.open();
        far.write_all(b"q").unwrap();

        assert_eq!(&taken, b"for the editor");
        assert_eq!(inputs.recv().await, Some(Input::Key(Key::Char('q'))));
    }

    #[tokio::test]
    async fn dropping_the_reading_ends_its_thread_without_input_from_the_terminal() {
        let (near, _far) = std::io::pipe().unwrap();
        let (reader, mut inputs) = read(OwnedFd::from(near).into()).unwrap();

        drop(reader);

        let last = tokio::time::timeout(Duration::from_secs(5), inputs.recv()).await.unwrap();
        assert_eq!(last, None);
    }
}
