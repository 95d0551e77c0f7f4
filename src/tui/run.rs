//! Connects the event loop to this process: its terminal, its signals, its engine.

use std::io;
use std::time::Duration;

use chrono::Utc;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::effect::runner::AppEffectRunner;
use super::event_loop::{EventLoop, EventSources, Screen, TerminalSignal};
use super::feed::Feed;
use super::input;
use super::model::{ColourChoice, Model};
use super::terminal::{Terminal, keyboard};
use super::theme::{Colours, ScreenTheme};
use super::{DashboardOptions, ExitReason, Palette, TuiError};
use crate::app::App;
use crate::shutdown::Shutdown;

/// Saying to others that this window is closed takes no longer than this: a few trips over a slow link.
const FAREWELL: Duration = Duration::from_secs(1);

/// Runs against an engine, on this process's terminal.
pub async fn on_terminal(app: App, options: DashboardOptions, shutdown: &Shutdown) -> Result<ExitReason, TuiError> {
    let terminal = Terminal::take(shutdown.lent_terminal())?;
    let (reader, input) = input::read(keyboard()?)?;
    let terminal = terminal.with_gate(reader.gate()?);
    let feed = Feed::new(app.news(), app.database(), app.retirement());
    let sources = EventSources { input, signals: signals()?, feed, stop: shutdown.token() };
    let env = |name| std::env::var(name).ok();
    let colours = Colours::choose(options.palette, env("NO_COLOR").as_deref(), env("TERM").as_deref());
    let theme = ScreenTheme::new(colours, options.charset);
    let choice = if Colours::choose(Palette::Auto, env("NO_COLOR").as_deref(), env("TERM").as_deref()) == Colours::None
    {
        ColourChoice::None
    } else {
        ColourChoice::Free
    };
    let mut model = Model::new(options, terminal.size(), Utc::now());
    app.holder().clone_into(&mut model.holder);
    model.setup.colours = choice;
    model.resend_after = app.resend_after();
    model.speed = app.speed();
    let runner = AppEffectRunner::new(app.clone());
    let ended = EventLoop::new(terminal, runner, model, theme, Box::new(Utc::now)).run(sources).await;
    // Others see it a little later if the database does not answer. Whoever leaves has seen what happened until then.
    let seen = async {
        if matches!(ended, Ok(ExitReason::Quit)) {
            let _ = app.touch_last_seen().await;
        }
    };
    let _ = timeout(FAREWELL, async { tokio::join!(app.end_presence(), seen) }).await;
    ended
}

fn signals() -> io::Result<mpsc::Receiver<TerminalSignal>> {
    let mut resized = signal(SignalKind::window_change())?;
    let mut continued = signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?;
    let (sender, receiver) = mpsc::channel(16);
    tokio::spawn(async move {
        loop {
            let signal = tokio::select! {
                Some(()) = resized.recv() => TerminalSignal::Resized,
                Some(()) = continued.recv() => TerminalSignal::Continued,
                else => return,
            };
            if sender.send(signal).await.is_err() {
                return;
            }
        }
    });
    Ok(receiver)
}
