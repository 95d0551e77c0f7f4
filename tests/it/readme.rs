//! The pictures of the README, drawn from the screens of the real program: `BLASTDECK_PICTURES=1 cargo test --test it readme`.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::svg::{DARK, Frame, LIGHT, moving, still};
use crate::support::{Pty, Size, TestDir, blastdeck};

const SCREEN: Size = Size { columns: 120, rows: 29 };

/// How long the moving picture is.
const LENGTH: Duration = Duration::from_secs(60);

/// Between two looks at the screen.
const EVERY: Duration = Duration::from_millis(1_200);

/// What is typed in the moving picture, and when: somebody is marked, a sale is noted and taken back, one person is shown in full, and
/// then those who are stuck.
const SCRIPT: [(u64, &str); 13] = [
    (9, "3"),
    (12, "j"),
    (13, "j"),
    (16, "r"),
    (20, "c"),
    (22, "120"),
    (25, "\r"),
    (29, "u"),
    (33, "\r"),
    (39, "\x1b"),
    (42, "2j"),
    (45, "\r"),
    (54, "\x1b"),
];

fn assets() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets")
}

fn demo(dir: &TestDir, speed: &str) -> Pty {
    let home = dir.path().to_str().unwrap();
    let environment = [("BLASTDECK_DATA_DIR", home), ("HOME", home), ("TMPDIR", home), ("LANG", "C.UTF-8")];
    let pty =
        Pty::run(blastdeck(), &["demo", "--recipients", "287", "--speed", speed, "--seed", "3"], &environment, SCREEN);
    pty.wait_for("somebody received it", |screen| screen.contents().contains("received  "));
    pty
}

/// Not a test: it writes files, and takes a minute.
#[test]
fn the_pictures_are_drawn_when_asked() {
    if std::env::var_os("BLASTDECK_PICTURES").is_none() {
        return;
    }
    let dir = TestDir::new();
    let mut pty = demo(&dir, "60");
    let mut frames: Vec<Frame> = Vec::new();
    let mut script = SCRIPT.iter().peekable();
    let began = Instant::now();
    while began.elapsed() < LENGTH {
        while let Some((_, keys)) = script.next_if(|(at, _)| Duration::from_secs(*at) <= began.elapsed()) {
            pty.type_keys(keys);
        }
        let frame =
            pty.on_screen(|screen| Frame::of(screen, if frames.is_empty() { Duration::ZERO } else { began.elapsed() }));
        frames.push(frame);
        std::thread::sleep(EVERY);
    }

    let last = frames.iter().rev().nth(2).unwrap().clone();
    for (theme, name) in [(&DARK, "dark"), (&LIGHT, "light")] {
        std::fs::write(assets().join(format!("dashboard-{name}.svg")), still(&last, theme)).unwrap();
        std::fs::write(assets().join(format!("demo-{name}.svg")), moving(&frames, LENGTH, theme)).unwrap();
    }
}
