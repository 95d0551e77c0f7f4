//! A link between a terminal and whoever sits at it: what is typed arrives later, and so does what is drawn.

use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Bytes, and when they went off.
type Sent = (Instant, Vec<u8>);

/// Keys that arrive so much later, in their order.
pub struct SlowKeys(Sender<Sent>);

/// What is drawn, so much later.
pub struct SlowOutput {
    drawn: Receiver<Sent>,
    lag: Duration,
}

impl SlowKeys {
    pub fn new(mut keys: Box<dyn Write + Send>, lag: Duration) -> Self {
        let (sender, typed) = channel::<Sent>();
        thread::spawn(move || {
            for (at, bytes) in typed {
                thread::sleep((at + lag).saturating_duration_since(Instant::now()));
                if keys.write_all(&bytes).and_then(|()| keys.flush()).is_err() {
                    return;
                }
            }
        });
        Self(sender)
    }
}

impl Write for SlowKeys {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send((Instant::now(), bytes.to_vec())).map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl SlowOutput {
    pub fn new(mut output: Box<dyn Read + Send>, lag: Duration) -> Self {
        let (sender, drawn) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 4 * 1024];
            while let Ok(read @ 1..) = output.read(&mut buffer) {
                if sender.send((Instant::now(), buffer[..read].to_vec())).is_err() {
                    return;
                }
            }
        });
        Self { drawn, lag }
    }
}

impl Read for SlowOutput {
    /// `buffer` is larger than what is read at once on the other side.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Ok((at, bytes)) = self.drawn.recv() else { return Ok(0) };
        thread::sleep((at + self.lag).saturating_duration_since(Instant::now()));
        buffer[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }
}
