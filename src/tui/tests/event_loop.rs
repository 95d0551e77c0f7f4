//! The real loop, with a screen, a runner and a clock of its own.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::support::{STACKED, blasts, crowd, noon, options, people, senders};
use crate::app::DatabaseState;
use crate::app::view::{Anchor, RecipientRow};
use crate::tui::effect::{Completion, DraftWrite, Effect, ListPart, ReadRequest, WriteRequest};
use crate::tui::event_loop::{EffectRunner, EventLoop, EventSources, Screen, TerminalSignal};
use crate::tui::feed::Feed;
use crate::tui::input::Input;
use crate::tui::key::Key;
use crate::tui::model::{Model, PageRequest};
use crate::tui::theme::{Colours, ScreenTheme};
use crate::tui::{Charset, ExitReason, Size, TuiError};

/// How a terminal takes what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WriteBehaviour {
    AtOnce,
    /// It stopped reading, as after ctrl-s.
    Never,
    Broken,
}

/// What was written.
type WrittenFrames = Arc<Mutex<Vec<Vec<u8>>>>;

struct FakeScreen {
    frames: WrittenFrames,
    size: Arc<Mutex<Size>>,
    taking: WriteBehaviour,
}

impl Screen for FakeScreen {
    fn size(&self) -> Size {
        *self.size.lock().unwrap()
    }

    fn write(&mut self, frame: Vec<u8>) -> io::Result<()> {
        self.frames.lock().unwrap().push(frame);
        Ok(())
    }

    async fn written(&mut self) -> io::Result<()> {
        match self.taking {
            WriteBehaviour::AtOnce => Ok(()),
            WriteBehaviour::Never => std::future::pending().await,
            WriteBehaviour::Broken => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn suspend(&mut self, _: Option<&str>) -> io::Result<()> {
        Ok(())
    }

    fn lend(&mut self) -> io::Result<()> {
        self.suspend(None)
    }

    fn resume(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Completes reads at once from the sample shop; keeps the writes, and which parts of the list were requested.
struct FakeRunner {
    acts: Arc<Mutex<Vec<WriteRequest>>>,
    parts: Arc<Mutex<Vec<ListPart>>>,
    people: Vec<RecipientRow>,
    sender: mpsc::UnboundedSender<Completion>,
    receiver: mpsc::UnboundedReceiver<Completion>,
}

impl EffectRunner for FakeRunner {
    fn start(&mut self, effect: Effect) {
        let completion = match effect {
            Effect::Read(ReadRequest::Blasts) => Completion::Blasts(Ok(blasts())),
            Effect::Read(ReadRequest::Senders) => Completion::Senders(Ok(senders())),
            Effect::Read(ReadRequest::List { ticket, part, query }) => {
                self.parts.lock().unwrap().push(part);
                let asked = PageRequest { anchor: query.anchor, limit: query.limit };
                let mut rows = self.people.clone();
                if let Anchor::After(place) = query.anchor {
                    rows.retain(|row| row.changed_at < place.changed_at);
                }
                rows.truncate(query.limit as usize);
                Completion::List { ticket, part, asked, rows: Ok(rows), newest: None }
            }
            Effect::ReleaseLeases => Completion::LeasesReleased,
            Effect::Write(act @ WriteRequest::Draft(_)) => {
                self.acts.lock().unwrap().push(act);
                super::form::saved(9, 1)
            }
            Effect::Write(act) => return self.acts.lock().unwrap().push(act),
            _ => return,
        };
        self.sender.send(completion).unwrap();
    }

    async fn completed(&mut self) -> Completion {
        self.receiver.recv().await.unwrap()
    }
}

struct RunningLoop {
    frames: WrittenFrames,
    acts: Arc<Mutex<Vec<WriteRequest>>>,
    parts: Arc<Mutex<Vec<ListPart>>>,
    size: Arc<Mutex<Size>>,
    input: mpsc::Sender<Input>,
    signals: mpsc::Sender<TerminalSignal>,
    stop: CancellationToken,
    _news: watch::Sender<u64>,
    database: watch::Sender<DatabaseState>,
    dashboard: JoinHandle<Result<ExitReason, TuiError>>,
}

fn running(taking: WriteBehaviour) -> RunningLoop {
    running_with(taking, people())
}

fn running_with(taking: WriteBehaviour, people: Vec<RecipientRow>) -> RunningLoop {
    let (frames, acts) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
    let parts = Arc::new(Mutex::new(Vec::new()));
    let size = Arc::new(Mutex::new(STACKED));
    let (sender, receiver) = mpsc::unbounded_channel();
    let (input, typed) = mpsc::channel(100);
    let (signals, signalled) = mpsc::channel(10);
    let (news, news_receiver) = watch::channel(0);
    let (database, state) = watch::channel(DatabaseState::Up);
    let stop = CancellationToken::new();
    let screen = FakeScreen { frames: frames.clone(), size: size.clone(), taking };
    let runner = FakeRunner { acts: acts.clone(), parts: parts.clone(), people, sender, receiver };
    let began = Instant::now();
    let clock = Box::new(move || noon() + TimeDelta::from_std(began.elapsed()).unwrap());
    let theme = ScreenTheme::new(Colours::Sixteen, Charset::Unicode);
    let dashboard = EventLoop::new(screen, runner, Model::new(options(), STACKED, noon()), theme, clock);
    let sources = EventSources {
        input: typed,
        signals: signalled,
        feed: Feed::new(news_receiver, state, watch::channel(None).1),
        stop: stop.clone(),
    };
    let dashboard = tokio::spawn(dashboard.run(sources));
    RunningLoop { frames, acts, parts, size, input, signals, stop, _news: news, database, dashboard }
}

impl RunningLoop {
    async fn keys(&self, keys: &str) {
        for c in keys.chars() {
            self.input.send(Input::Key(Key::Char(c))).await.unwrap();
        }
    }

    fn frames(&self) -> usize {
        self.frames.lock().unwrap().len()
    }

    /// What a terminal of this size shows after all frames.
    fn shown(&self, size: Size) -> String {
        let mut terminal = vt100::Parser::new(size.height, size.width, 0);
        for frame in self.frames.lock().unwrap().iter() {
            terminal.process(frame);
        }
        terminal.screen().contents()
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_hour_writes_not_one_byte() {
    let dashboard = running(WriteBehaviour::AtOnce);
    sleep(Duration::from_secs(5)).await;
    let before = dashboard.frames();

    sleep(Duration::from_secs(3_600)).await;

    assert_eq!(dashboard.frames(), before);
    assert!(dashboard.shown(STACKED).contains("Siti Aminah"));
}

#[tokio::test(start_paused = true)]
async fn a_key_is_drawn_at_once_and_held_keys_at_thirty_frames_a_second() {
    let dashboard = running(WriteBehaviour::AtOnce);
    sleep(Duration::from_secs(5)).await;
    let before = dashboard.frames();

    dashboard.keys("3").await;
    sleep(Duration::from_millis(1)).await;
    assert_eq!(dashboard.frames(), before + 1, "the first key waits for nothing");
    for key in ["j", "k"].into_iter().cycle().take(100) {
        dashboard.keys(key).await;
        sleep(Duration::from_millis(10)).await;
    }

    let drawn = dashboard.frames() - before;
    assert!((20..=32).contains(&drawn), "{drawn} frames in a second");
}

#[tokio::test(start_paused = true)]
async fn a_key_waits_for_no_frame_that_only_showed_data() {
    let dashboard = running(WriteBehaviour::AtOnce);
    sleep(Duration::from_secs(5)).await;
    dashboard.keys("3").await;
    sleep(Duration::from_millis(40)).await;
    dashboard.database.send_replace(DatabaseState::Down { since: noon() });
    sleep(Duration::from_millis(100)).await;
    let before = dashboard.frames();
    dashboard.database.send_replace(DatabaseState::Up);
    while dashboard.frames() == before {
        sleep(Duration::from_millis(1)).await;
    }

    let before = dashboard.frames();
    dashboard.keys("j").await;
    sleep(Duration::from_millis(1)).await;

    assert_eq!(dashboard.frames(), before + 1);
}

#[tokio::test(start_paused = true)]
async fn a_window_that_ends_while_a_message_is_typed_saves_it_first() {
    let dashboard = running(WriteBehaviour::AtOnce);
    sleep(Duration::from_secs(1)).await;
    dashboard.keys("1n").await;
    for _ in 0..4 {
        dashboard.input.send(Input::Key(Key::Down)).await.unwrap();
    }
    dashboard.input.send(Input::Key(Key::Enter)).await.unwrap();
    dashboard.keys("Salam").await;
    sleep(Duration::from_millis(100)).await;

    dashboard.input.send(Input::Gone).await.unwrap();
    assert_eq!(dashboard.dashboard.await.unwrap().unwrap(), ExitReason::HungUp);

    let acts = dashboard.acts.lock().unwrap();
    assert!(
        matches!(acts.last(), Some(WriteRequest::Draft(DraftWrite::Save { form, .. })) if form.message == "Salam"),
        "{acts:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_terminal_that_stops_reading_holds_up_the_drawing_and_nothing_else() {
    let dashboard = running(WriteBehaviour::Never);
    sleep(Duration::from_secs(1)).await;

    dashboard.keys("3p").await;
    sleep(Duration::from_secs(1)).await;

    assert_eq!(dashboard.frames(), 1, "the focus moved, and nobody takes a frame");
    assert_eq!(dashboard.acts.lock().unwrap().len(), 1);
    dashboard.stop.cancel();
    assert_eq!(dashboard.dashboard.await.unwrap().unwrap(), ExitReason::Stopped);
}

#[tokio::test(start_paused = true)]
async fn a_failed_draw_ends_the_dashboard() {
    let dashboard = running(WriteBehaviour::Broken);

    assert_eq!(dashboard.dashboard.await.unwrap().unwrap(), ExitReason::HungUp);
}

#[tokio::test(start_paused = true)]
async fn a_terminal_that_hangs_up_ends_it_and_so_does_the_end_of_its_reader() {
    let dashboard = running(WriteBehaviour::AtOnce);
    dashboard.input.send(Input::Gone).await.unwrap();
    assert_eq!(dashboard.dashboard.await.unwrap().unwrap(), ExitReason::HungUp);

    let RunningLoop { input, dashboard, .. } = running(WriteBehaviour::AtOnce);
    drop(input);
    assert_eq!(dashboard.await.unwrap().unwrap(), ExitReason::HungUp);
}

#[tokio::test(start_paused = true)]
async fn a_resize_is_drawn_at_the_new_size() {
    let dashboard = running(WriteBehaviour::AtOnce);
    sleep(Duration::from_secs(1)).await;
    let small = Size { width: 60, height: 20 };
    dashboard.frames.lock().unwrap().clear();

    *dashboard.size.lock().unwrap() = small;
    dashboard.signals.send(TerminalSignal::Resized).await.unwrap();
    sleep(Duration::from_millis(50)).await;

    let shown = dashboard.shown(small);
    assert!(shown.contains("2 Funnel") && !shown.contains("3 Recipients"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn continuing_after_a_stop_paints_everything_again() {
    let dashboard = running(WriteBehaviour::AtOnce);
    sleep(Duration::from_secs(1)).await;
    dashboard.frames.lock().unwrap().clear();

    dashboard.signals.send(TerminalSignal::Continued).await.unwrap();
    sleep(Duration::from_millis(50)).await;

    assert!(dashboard.shown(STACKED).contains("Siti Aminah"));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_drawn_on_a_terminal_that_was_given_back_and_a_stop_that_is_ignored_ends_that() {
    let dashboard = running(WriteBehaviour::AtOnce);
    sleep(Duration::from_secs(1)).await;
    dashboard.frames.lock().unwrap().clear();

    dashboard.input.send(Input::Key(Key::Ctrl('z'))).await.unwrap();
    dashboard.keys("3").await;
    sleep(Duration::from_millis(200)).await;
    assert_eq!(dashboard.frames(), 0);

    sleep(Duration::from_millis(200)).await;
    assert!(dashboard.shown(STACKED).contains("══ 3 Recipients"));
}

#[tokio::test(start_paused = true)]
async fn a_terminal_that_grew_while_it_was_stopped_is_filled_to_its_last_row() {
    let dashboard = running_with(WriteBehaviour::AtOnce, crowd(1, 500));
    sleep(Duration::from_secs(1)).await;
    dashboard.keys("3").await;
    let tall = Size { width: 80, height: 200 };

    *dashboard.size.lock().unwrap() = tall;
    dashboard.signals.send(TerminalSignal::Continued).await.unwrap();
    sleep(Duration::from_secs(2)).await;

    assert!(dashboard.parts.lock().unwrap().contains(&ListPart::NextPage), "no page was asked for");
    assert!(dashboard.shown(tall).contains("Person 180 "), "{}", dashboard.shown(tall));
}

#[tokio::test(start_paused = true)]
async fn q_twice_leaves_while_a_blast_goes_on() {
    let dashboard = running(WriteBehaviour::AtOnce);
    sleep(Duration::from_secs(1)).await;

    dashboard.keys("qq").await;

    assert_eq!(dashboard.dashboard.await.unwrap().unwrap(), ExitReason::Quit);
}

#[tokio::test(start_paused = true)]
async fn what_is_copied_is_written_once_before_its_frame() {
    let dashboard = running(WriteBehaviour::AtOnce);
    sleep(Duration::from_secs(1)).await;
    dashboard.frames.lock().unwrap().clear();

    dashboard.keys("y").await;
    sleep(Duration::from_secs(1)).await;

    let written = String::from_utf8(dashboard.frames.lock().unwrap().concat()).unwrap();
    // base64 of +60100120001
    assert!(written.starts_with("\x1b]52;c;KzYwMTAwMTIwMDAx\x1b\\\x1b[?2026h"), "{written:?}");
    assert_eq!(written.matches("\x1b]").count(), 1, "{written:?}");
}
