//! The terminal that the dashboard is tested in, tested itself.

use rustix::process::Signal;

use crate::support::{Pty, Size};

const SMALL: Size = Size { columns: 40, rows: 10 };

fn shell(script: &str) -> Pty {
    Pty::run("/bin/sh", &["-c", script], &[("GREETING", "hello there")], SMALL)
}

#[test]
fn a_terminal_shows_what_the_program_draws_and_counts_its_bytes() {
    let mut pty = shell("printf '\\033[3;5H%s' \"$GREETING\"; read line; printf '\\r\\n<%s>' \"$line\"; exit 7");

    pty.wait_for_text("hello there");
    assert_eq!(pty.on_screen(|screen| screen.cell(2, 4).unwrap().contents().to_owned()), "h");
    let before = pty.bytes_written();
    pty.type_keys("keys\r");
    pty.wait_for_text("<keys>");

    assert!(pty.bytes_written() > before);
    assert_eq!(pty.wait_for_exit().exit_code(), 7);
}

#[test]
fn a_resize_reaches_the_program() {
    let mut pty = shell("trap 'stty size' WINCH; echo ready; while :; do sleep 0.02; done");
    pty.wait_for_text("ready");

    pty.resize(Size { columns: 77, rows: 13 });

    pty.wait_for_text("13 77");
}

#[test]
fn a_hang_up_is_a_hang_up_and_types_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let note = dir.path().join("note");
    let script =
        format!("trap 'echo hup > {0}; exit 3' HUP; echo ready; read line; echo \"read:$?\" > {0}", note.display());
    let mut pty = shell(&script);
    pty.wait_for_text("ready");

    pty.hang_up();

    assert_eq!(pty.wait_for_exit().exit_code(), 3);
    assert_eq!(std::fs::read_to_string(note).unwrap(), "hup\n");
}

#[test]
fn a_signal_ends_the_program() {
    let mut pty = shell("echo ready; exec sleep 60");
    pty.wait_for_text("ready");

    pty.signal(Signal::KILL);

    assert!(!pty.wait_for_exit().success());
}
