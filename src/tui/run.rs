//! The loop: messages, input, timers and the stop in; frames out. Draws only when nothing waits and something changed.
//! Generic over screen, clock and runner, so that tests drive the very same loop.

use std::future::Future;
use std::io;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::effect::run::AppEffectRunner;
use super::effect::{Completion, Effect};
use super::feed::{self, Feed};
use super::frame::FrameDiff;
use super::input::{self, Input};
use super::model::Model;
use super::msg::{Msg, TimedMsg};
use super::terminal::{Terminal, keyboard};
use super::theme::{Colours, ScreenTheme};
use super::update::{start, update};
use super::{DashboardOptions, ExitReason, Size, TuiError, view};
use crate::app::App;

/// Between two frames after a key: 30 a second.
const AFTER_KEY: Duration = Duration::from_millis(33);
/// Between two frames for data: 10 a second.
const FOR_DATA: Duration = Duration::from_millis(100);

/// An answer within this time of a key is drawn as soon as a key is.
const ANSWERS_A_KEY: TimeDelta = TimeDelta::milliseconds(500);
/// The most inputs that are taken before anything else gets its turn.
const INPUTS_AT_ONCE: usize = 256;
/// A stop that has not come by then was ignored (no shell is there to continue us): the dashboard goes on.
const STOP_IGNORED: Duration = Duration::from_millis(300);

/// Where frames go.
pub trait Screen {
    fn size(&self) -> Size;
    /// Hands a frame over; must not block. Not called again before [`Self::written`].
    fn write(&mut self, frame: Vec<u8>) -> io::Result<()>;
    /// Waits until the frame handed over is written. Can be dropped and asked again.
    fn written(&mut self) -> impl Future<Output = io::Result<()>> + Send;
    /// Gives the terminal back and stops the process until it is continued.
    fn suspend(&mut self) -> io::Result<()>;
    /// Takes the terminal again, or once more.
    fn resume(&mut self) -> io::Result<()>;
}

/// Who does the effects.
pub trait EffectRunner {
    /// Begins an effect; must not block.
    fn start(&mut self, effect: Effect);
    /// The next answer. Can be dropped and asked again.
    fn answer(&mut self) -> impl Future<Output = Completion> + Send;
}

/// What comes from outside besides answers.
pub struct EventSources {
    pub input: mpsc::Receiver<Input>,
    /// Resizes and continuations.
    pub signals: mpsc::Receiver<TerminalSignal>,
    pub feed: Feed,
    pub stop: CancellationToken,
}

/// A signal that the dashboard acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TerminalSignal {
    Resized,
    Continued,
}

/// Runs against an engine, on this process's terminal.
pub async fn on_terminal(app: App, options: DashboardOptions, stop: CancellationToken) -> Result<ExitReason, TuiError> {
    let terminal = Terminal::take()?;
    let (_reading, input) = input::read(keyboard()?)?;
    let sources = EventSources { input, signals: signals()?, feed: Feed::new(app.news(), app.database()), stop };
    let env = |name| std::env::var(name).ok();
    let colours = Colours::choose(options.palette, env("NO_COLOR").as_deref(), env("TERM").as_deref());
    let theme = ScreenTheme::new(colours, options.charset);
    let mut model = Model::new(options, terminal.size(), Utc::now());
    app.holder().clone_into(&mut model.holder);
    let desk = EventLoop::new(terminal, AppEffectRunner::new(app), model, theme, Box::new(Utc::now));
    desk.run(sources).await
}

fn signals() -> io::Result<mpsc::Receiver<TerminalSignal>> {
    let mut resized = signal(SignalKind::window_change())?;
    let mut continued = signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?;
    let (tell, told) = mpsc::channel(16);
    tokio::spawn(async move {
        loop {
            let what = tokio::select! {
                Some(()) = resized.recv() => TerminalSignal::Resized,
                Some(()) = continued.recv() => TerminalSignal::Continued,
                else => return,
            };
            if tell.send(what).await.is_err() {
                return;
            }
        }
    });
    Ok(told)
}

/// When the next frame may be drawn.
#[derive(Debug, Clone, Copy)]
struct FramePacer {
    /// When the last frame was handed over.
    last: Option<Instant>,
    /// The shortest time between it and the next; `None`: nothing to draw.
    wanted: Option<Duration>,
}

impl FramePacer {
    fn want(&mut self, after: Duration) {
        self.wanted = Some(self.wanted.map_or(after, |wanted| wanted.min(after)));
    }

    fn due(self) -> Option<Instant> {
        let wanted = self.wanted?;
        Some(self.last.map_or_else(Instant::now, |last| last + wanted))
    }
}

/// What woke the loop.
enum LoopEvent {
    Stop,
    Answer(Completion),
    Feed(feed::FeedEvent),
    Signal(TerminalSignal),
    Input(Option<Input>),
    Written(io::Result<()>),
    /// A stated time has come.
    Deadline,
    Draw,
}

/// What time it is.
pub type WallClock = Box<dyn Fn() -> DateTime<Utc> + Send>;

/// The dashboard at work.
pub struct EventLoop<S, R> {
    screen: S,
    runner: R,
    model: Model,
    theme: ScreenTheme,
    clock: WallClock,
    frames: FrameDiff,
    pace: FramePacer,
    /// A frame is on its way to the terminal.
    writing: bool,
    /// The terminal was given back for a stop; when to take it again if nobody says so.
    stopped_until: Option<Instant>,
    ended: Option<ExitReason>,
}

impl<S: Screen, R: EffectRunner> EventLoop<S, R> {
    pub fn new(screen: S, runner: R, model: Model, theme: ScreenTheme, clock: WallClock) -> Self {
        let pace = FramePacer { last: None, wanted: Some(Duration::ZERO) };
        let frames = FrameDiff::default();
        Self { screen, runner, model, theme, clock, frames, pace, writing: false, stopped_until: None, ended: None }
    }

    /// Runs until it is left, the terminal is gone, or the stop comes.
    pub async fn run(mut self, mut sources: EventSources) -> Result<ExitReason, TuiError> {
        for effect in start(&mut self.model) {
            self.runner.start(effect);
        }
        loop {
            let woken = self.wait(&mut sources).await;
            if let Some(ended) = self.take(woken)? {
                return Ok(ended);
            }
            // What is already here is taken before anything is drawn.
            for _ in 0..INPUTS_AT_ONCE {
                let Ok(input) = sources.input.try_recv() else { break };
                if let Some(ended) = self.take(LoopEvent::Input(Some(input)))? {
                    return Ok(ended);
                }
            }
        }
    }

    async fn wait(&mut self, sources: &mut EventSources) -> LoopEvent {
        let draw = self.pace.due().filter(|_| !self.writing && self.stopped_until.is_none());
        let deadline =
            self.model.deadline().map(|at| Instant::now() + (at - (self.clock)()).to_std().unwrap_or_default());
        tokio::select! {
            biased;
            () = sources.stop.cancelled() => LoopEvent::Stop,
            answer = self.runner.answer() => LoopEvent::Answer(answer),
            input = sources.input.recv() => LoopEvent::Input(input),
            written = self.screen.written(), if self.writing => LoopEvent::Written(written),
            Some(signalled) = sources.signals.recv() => LoopEvent::Signal(signalled),
            () = at(self.stopped_until) => LoopEvent::Signal(TerminalSignal::Continued),
            () = at(draw) => LoopEvent::Draw,
            () = at(deadline) => LoopEvent::Deadline,
            told = sources.feed.next() => LoopEvent::Feed(told),
        }
    }

    fn take(&mut self, woken: LoopEvent) -> Result<Option<ExitReason>, TuiError> {
        match woken {
            LoopEvent::Stop => return Ok(Some(ExitReason::Stopped)),
            LoopEvent::Input(None | Some(Input::Gone)) => return Ok(Some(ExitReason::HungUp)),
            LoopEvent::Input(Some(Input::Key(key))) => self.tell(Msg::Key(key), AFTER_KEY)?,
            LoopEvent::Input(Some(Input::Paste(text))) => self.tell(Msg::Paste(text), AFTER_KEY)?,
            LoopEvent::Answer(answer) => {
                let pace = self.answer_pace();
                self.tell(Msg::Answer(answer), pace)?;
            }
            LoopEvent::Feed(feed::FeedEvent::Refresh) => self.tell(Msg::Refresh, FOR_DATA)?,
            LoopEvent::Feed(feed::FeedEvent::Database(state)) => self.tell(Msg::Database(state), FOR_DATA)?,
            LoopEvent::Signal(TerminalSignal::Resized) => {
                let size = self.screen.size();
                self.tell(Msg::Resized(size), AFTER_KEY)?;
            }
            LoopEvent::Signal(TerminalSignal::Continued) => self.tell(Msg::Continued, AFTER_KEY)?,
            LoopEvent::Deadline => self.tell(Msg::Deadline, AFTER_KEY)?,
            LoopEvent::Written(written) => {
                self.writing = false;
                if written.is_err() {
                    return Ok(Some(ExitReason::HungUp));
                }
            }
            LoopEvent::Draw => self.draw()?,
        }
        Ok(self.ended)
    }

    /// What comes right after a key is most likely what the key asked for.
    fn answer_pace(&self) -> Duration {
        let after_key = (self.clock)() - self.model.last_key < ANSWERS_A_KEY;
        if after_key { AFTER_KEY } else { FOR_DATA }
    }

    fn tell(&mut self, msg: Msg, pace: Duration) -> Result<(), TuiError> {
        self.pace.want(pace);
        self.update(msg)
    }

    /// Every effect of every message is done: what an update asked for is noted in the model as being on its way.
    fn update(&mut self, msg: Msg) -> Result<(), TuiError> {
        let at = (self.clock)();
        for effect in update(&mut self.model, TimedMsg { at, msg }) {
            self.effect(effect)?;
        }
        Ok(())
    }

    fn effect(&mut self, effect: Effect) -> Result<(), TuiError> {
        match effect {
            Effect::Suspend => {
                self.stopped_until = Some(Instant::now() + STOP_IGNORED);
                self.screen.suspend()?;
            }
            Effect::Repaint => {
                self.stopped_until = None;
                self.screen.resume()?;
                self.frames.forget();
                // It may have been resized while it was not ours.
                let size = self.screen.size();
                self.update(Msg::Resized(size))?;
            }
            Effect::Exit(ended) => self.ended = Some(ended),
            effect => self.runner.start(effect),
        }
        Ok(())
    }

    fn draw(&mut self) -> Result<(), TuiError> {
        self.pace = FramePacer { last: Some(Instant::now()), wanted: None };
        let Size { width, height } = self.model.size;
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        view::draw(&self.model, &self.theme, &mut buffer);
        let bytes = self.frames.advance(&buffer);
        if !bytes.is_empty() {
            self.screen.write(bytes)?;
            self.writing = true;
        }
        self.update(Msg::Drawn)
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
