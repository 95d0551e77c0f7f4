//! The event loop: completions, input, timers and the stop signal in; frames out. Draws only when no input is queued and
//! something changed. Generic over screen, clock and effect runner, so that tests drive the same loop.

mod frame_pacer;

use std::future::Future;
use std::io;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::effect::{Completion, Effect, WriteRequest};
use super::feed::{self, Feed};
use super::frame::FrameDiff;
use super::input::Input;
use super::model::{Model, MouseCapture};
use super::msg::{Msg, TimedMsg};
use super::theme::{Colours, ScreenTheme};
use super::update::{form, is_known, start, update};
use super::{ExitReason, Size, TuiError, view};
use frame_pacer::{AFTER_KEY, FOR_DATA, FrameCause, FramePacer};

/// A completion within this time of a key is drawn as soon as a key is.
const FOLLOWS_A_KEY: TimeDelta = TimeDelta::milliseconds(500);
/// The most inputs that are handled before anything else gets its turn.
const INPUTS_AT_ONCE: usize = 256;
/// A suspension that has not stopped the process by then was ignored (there is no shell to continue it).
const STOP_IGNORED: Duration = Duration::from_millis(300);

/// How long a window that is closed waits until a draft is saved.
const LAST_SAVE: Duration = Duration::from_millis(500);

/// Where frames go.
pub trait Screen {
    fn size(&self) -> Size;
    /// Hands a frame over without blocking. Not called again before [`Self::written`] resolves.
    fn write(&mut self, frame: Vec<u8>) -> io::Result<()>;
    /// Resolves when the frame is written. Cancel safe.
    fn written(&mut self) -> impl Future<Output = io::Result<()>> + Send;
    /// Restores the terminal, says what is to be known meanwhile, and stops the process until it is continued.
    fn suspend(&mut self, said: Option<&str>) -> io::Result<()>;
    /// Restores the terminal for another program, and reads no key of it until it is resumed.
    fn lend(&mut self) -> io::Result<()>;
    /// Takes the terminal over again.
    fn resume(&mut self) -> io::Result<()>;
}

/// Runs effects.
pub trait EffectRunner {
    /// Starts an effect without blocking.
    fn start(&mut self, effect: Effect);
    /// The next completion. Cancel safe.
    fn completed(&mut self) -> impl Future<Output = Completion> + Send;
}

/// Where events come from, besides completed effects.
pub struct EventSources {
    pub input: mpsc::Receiver<Input>,
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

/// An event of the loop.
enum LoopEvent {
    Stop,
    Completed(Completion),
    Feed(feed::FeedEvent),
    Signal(TerminalSignal),
    Input(Option<Input>),
    Written(io::Result<()>),
    /// A time shown on the screen has come.
    Deadline,
    Draw,
}

/// Says what time it is.
pub type WallClock = Box<dyn Fn() -> DateTime<Utc> + Send>;

/// The running dashboard.
pub struct EventLoop<S, R> {
    screen: S,
    runner: R,
    model: Model,
    theme: ScreenTheme,
    clock: WallClock,
    frames: FrameDiff,
    pace: FramePacer,
    /// A frame is being written.
    writing: bool,
    /// The terminal was restored for a suspension; when to take it over if no signal says so.
    stopped_until: Option<Instant>,
    /// Another program has the terminal: nothing is drawn.
    is_lent: bool,
    exit: Option<ExitReason>,
}

impl<S: Screen, R: EffectRunner> EventLoop<S, R> {
    pub fn new(screen: S, runner: R, model: Model, theme: ScreenTheme, clock: WallClock) -> Self {
        let mut pace = FramePacer::default();
        pace.want(FrameCause::Key);
        let frames = FrameDiff::default();
        Self {
            screen,
            runner,
            model,
            theme,
            clock,
            frames,
            pace,
            writing: false,
            stopped_until: None,
            is_lent: false,
            exit: None,
        }
    }

    /// Runs until the operator leaves, the terminal is gone, or the stop signal comes. What is written on a draft by then is saved.
    pub async fn run(mut self, sources: EventSources) -> Result<ExitReason, TuiError> {
        let ended = self.until_exit(sources).await;
        // Longer than this nobody waits for a database that does not answer.
        let _ = timeout(LAST_SAVE, self.save_draft()).await;
        ended
    }

    async fn save_draft(&mut self) {
        for effect in form::last_save(&mut self.model) {
            self.runner.start(effect);
        }
        while form::is_saving(&self.model) {
            let completion = self.runner.completed().await;
            let at = (self.clock)();
            for effect in update(&mut self.model, TimedMsg { at, msg: Msg::Completed(completion) }) {
                if matches!(effect, Effect::Write(WriteRequest::Draft(_))) {
                    self.runner.start(effect);
                }
            }
        }
    }

    async fn until_exit(&mut self, mut sources: EventSources) -> Result<ExitReason, TuiError> {
        for effect in start(&mut self.model) {
            self.runner.start(effect);
        }
        loop {
            let event = self.next(&mut sources).await;
            let is_refresh = matches!(event, LoopEvent::Feed(feed::FeedEvent::Refresh));
            if matches!(event, LoopEvent::Input(Some(_))) || is_refresh && self.model.is_sent_elsewhere() {
                sources.feed.attend();
            }
            if let Some(reason) = self.handle(event)? {
                return Ok(reason);
            }
            // Queued input is handled before anything is drawn.
            for _ in 0..INPUTS_AT_ONCE {
                let Ok(input) = sources.input.try_recv() else { break };
                if let Some(reason) = self.handle(LoopEvent::Input(Some(input)))? {
                    return Ok(reason);
                }
            }
        }
    }

    async fn next(&mut self, sources: &mut EventSources) -> LoopEvent {
        let draw = self.pace.due().filter(|_| !self.writing && !self.is_lent && self.stopped_until.is_none());
        let deadline =
            self.model.deadline().map(|at| Instant::now() + (at - (self.clock)()).to_std().unwrap_or_default());
        tokio::select! {
            biased;
            // Not under a program that has the terminal: what is typed there would be lost.
            () = sources.stop.cancelled(), if !self.is_lent => LoopEvent::Stop,
            completion = self.runner.completed() => LoopEvent::Completed(completion),
            input = sources.input.recv() => LoopEvent::Input(input),
            written = self.screen.written(), if self.writing => LoopEvent::Written(written),
            Some(signalled) = sources.signals.recv() => LoopEvent::Signal(signalled),
            () = at(self.stopped_until) => LoopEvent::Signal(TerminalSignal::Continued),
            () = at(draw) => LoopEvent::Draw,
            () = at(deadline) => LoopEvent::Deadline,
            event = sources.feed.next() => LoopEvent::Feed(event),
        }
    }

    fn handle(&mut self, event: LoopEvent) -> Result<Option<ExitReason>, TuiError> {
        match event {
            LoopEvent::Stop => return Ok(Some(ExitReason::Stopped)),
            LoopEvent::Input(None | Some(Input::Gone)) => return Ok(Some(ExitReason::HungUp)),
            LoopEvent::Input(Some(Input::Key(key))) => self.update_and_draw(Msg::Key(key), FrameCause::Key)?,
            LoopEvent::Input(Some(Input::Mouse(event))) => self.update_and_draw(Msg::Mouse(event), FrameCause::Key)?,
            LoopEvent::Input(Some(Input::Paste(text))) => self.update_and_draw(Msg::Paste(text), FrameCause::Key)?,
            LoopEvent::Completed(completion) if is_known(&self.model, &completion) => {}
            LoopEvent::Completed(completion) => {
                let cause = self.completion_pace();
                self.update_and_draw(Msg::Completed(completion), cause)?;
            }
            LoopEvent::Feed(feed::FeedEvent::Refresh) => {
                // While nothing happens, frames are most of what a window costs.
                self.pace.begin_refresh();
                self.update(Msg::Refresh)?;
            }
            LoopEvent::Feed(feed::FeedEvent::News) => {
                self.update(Msg::News)?;
                self.update_and_draw(Msg::Refresh, FrameCause::Data(FOR_DATA))?;
            }
            LoopEvent::Feed(feed::FeedEvent::Database(state)) => {
                self.update_and_draw(Msg::Database(state), FrameCause::Data(FOR_DATA))?;
            }
            LoopEvent::Feed(feed::FeedEvent::Retired(change)) => {
                self.update_and_draw(Msg::Retired(change), FrameCause::Data(FOR_DATA))?;
            }
            LoopEvent::Signal(TerminalSignal::Resized) => {
                let size = self.screen.size();
                self.update_and_draw(Msg::Resized(size), FrameCause::Key)?;
            }
            // Whoever has the terminal was stopped and continued with us.
            LoopEvent::Signal(TerminalSignal::Continued) if self.is_lent => {}
            LoopEvent::Signal(TerminalSignal::Continued) => self.update_and_draw(Msg::Continued, FrameCause::Key)?,
            LoopEvent::Deadline => self.update_and_draw(Msg::Deadline, FrameCause::Key)?,
            LoopEvent::Written(written) => {
                self.writing = false;
                if written.is_err() {
                    return Ok(Some(ExitReason::HungUp));
                }
            }
            LoopEvent::Draw => self.draw()?,
        }
        Ok(self.exit)
    }

    /// What completes right after a key was most likely requested by it.
    fn completion_pace(&self) -> FrameCause {
        let after_key = (self.clock)() - self.model.last_key < FOLLOWS_A_KEY;
        FrameCause::Data(if after_key { AFTER_KEY } else { FOR_DATA })
    }

    fn update_and_draw(&mut self, msg: Msg, cause: FrameCause) -> Result<(), TuiError> {
        self.pace.want(cause);
        self.update(msg)
    }

    fn update(&mut self, msg: Msg) -> Result<(), TuiError> {
        let at = (self.clock)();
        for effect in update(&mut self.model, TimedMsg { at, msg }) {
            self.effect(effect)?;
        }
        Ok(())
    }

    fn effect(&mut self, effect: Effect) -> Result<(), TuiError> {
        match effect {
            Effect::Copy(text) => self.frames.copy(text),
            // Only where the environment allows colours is this asked for.
            Effect::Recolour(palette) => {
                let term = std::env::var("TERM").ok().filter(|term| term != "dumb");
                self.theme.colours = Colours::choose(palette, None, term.as_deref());
            }
            Effect::CaptureMouse(capture) => self.frames.capture_mouse(capture),
            Effect::Bell => self.frames.ring(),
            Effect::Suspend(said) => {
                self.stopped_until = Some(Instant::now() + STOP_IGNORED);
                self.screen.suspend(said.as_deref())?;
            }
            lent @ (Effect::Edit(_) | Effect::Practise(_)) => {
                self.is_lent = true;
                self.screen.lend()?;
                self.runner.start(lent);
            }
            Effect::Repaint => {
                self.stopped_until = None;
                self.is_lent = false;
                self.screen.resume()?;
                self.frames.forget();
                if self.model.setup.mouse == MouseCapture::On {
                    self.frames.capture_mouse(MouseCapture::On);
                }
                // It may have been resized meanwhile.
                let size = self.screen.size();
                self.update(Msg::Resized(size))?;
            }
            Effect::Exit(reason) => self.exit = Some(reason),
            effect => self.runner.start(effect),
        }
        Ok(())
    }

    fn draw(&mut self) -> Result<(), TuiError> {
        self.pace.drawn();
        let Size { width, height } = self.model.size;
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        view::draw(&self.model, &self.theme, &mut buffer);
        self.frames.name_window(view::window_title(&self.model));
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
