//! The layers of `src/lib.rs`, held: reads every source file for the modules it names, and fails on an arrow that points up or
//! sideways.

mod source;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// One room of the crate, the rooms it may use, and why these.
struct Room {
    name: &'static str,
    may_use: &'static [&'static str],
    #[expect(dead_code, reason = "it is for whoever wants to change the line")]
    because: &'static str,
}

const ROOMS: &[Room] = &[
    Room { name: "domain", may_use: &[], because: "pure types and rules: what everybody stands on stands on nothing" },
    Room { name: "shutdown", may_use: &[], because: "a token; it has no business with what is stopped" },
    Room { name: "telemetry", may_use: &[], because: "a log writer; it is set up before anything else exists" },
    Room { name: "sim", may_use: &[], because: "shares no type with us, or it could not catch our misreadings" },
    Room { name: "config", may_use: &["domain"], because: "it parses into the domain's types and reaches nothing" },
    Room {
        name: "store",
        may_use: &["domain"],
        because: "it maps rows to the domain's types; providers are its siblings",
    },
    Room {
        name: "private_postgres",
        may_use: &[],
        because: "it starts and stops a server and gives its address; what is in the database is not its business",
    },
    Room {
        name: "import",
        may_use: &["domain", "store"],
        because: "a list of people on its way into the store: it sends nothing",
    },
    Room { name: "provider", may_use: &["domain"], because: "it maps wire to domain; the store is its sibling" },
    Room {
        name: "engine",
        may_use: &["domain", "store", "provider", "import", "private_postgres", "config", "shutdown", "telemetry"],
        because: "the use cases join store and provider; it knows no face",
    },
    Room {
        name: "tui",
        may_use: &["engine", "domain", "config", "shutdown", "telemetry"],
        because: "a face has no SQL: what it wants of the store, the engine gives it",
    },
    Room {
        name: "http",
        may_use: &["engine", "domain", "config", "shutdown", "telemetry"],
        because: "a face like the others",
    },
    Room {
        name: "cli",
        may_use: &[
            "engine",
            "import",
            "private_postgres",
            "domain",
            "config",
            "shutdown",
            "telemetry",
            "sim",
            "tui",
            "http",
        ],
        because: "a face too; and it is the one that starts the dashboard, the server and the simulator",
    },
];

/// The files that join everything: the program's entry and the module list.
const ABOVE_ALL: [&str; 2] = ["main", "lib"];

/// What a source file does wrong, as a sentence.
fn violations(path: &Path, text: &str) -> Vec<String> {
    let Some(room) = room_of(path) else { return Vec::new() };
    let here = path.display();
    let Some(known) = ROOMS.iter().find(|known| known.name == room) else {
        return vec![format!("{here}: `{room}` is in no layer: give it a line in ROOMS")];
    };
    let named = source::rooms_named(path, text);
    let wrong = named.into_iter().filter(|named| named.room != room && !known.may_use.contains(&named.room.as_str()));
    wrong.map(|named| format!("{here}:{}: `{room}` may not use `{}`", named.line, named.room)).collect()
}

/// The top module that a path under `src` belongs to; `None` for the files above all.
fn room_of(path: &Path) -> Option<String> {
    let first = path.components().next()?.as_os_str().to_string_lossy();
    let name = first.trim_end_matches(".rs").to_owned();
    (!ABOVE_ALL.contains(&name.as_str())).then_some(name)
}

fn sources(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

#[test]
fn arrows_point_down_only() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = sources(&src);

    let wrong: Vec<String> = files
        .iter()
        .flat_map(|path| violations(path.strip_prefix(&src).unwrap(), &fs::read_to_string(path).unwrap()))
        .collect();

    assert!(files.len() > 5, "the sources were not found");
    assert!(wrong.is_empty(), "arrows that point up or sideways:\n{}", wrong.join("\n"));
}

#[test]
fn no_two_rooms_may_use_each_other() {
    let mut below: BTreeSet<&str> = BTreeSet::new();

    for room in ROOMS {
        let up = room.may_use.iter().find(|used| !below.contains(*used));
        assert_eq!(up, None, "`{}` is listed before what it uses", room.name);
        below.insert(room.name);
    }
}

/// Planted in a file of that path: the rooms that are complained of.
fn complaints(path: &str, text: &str) -> Vec<String> {
    let wrong = violations(Path::new(path), text);
    wrong.iter().map(|line| line.rsplit('`').nth(1).unwrap().to_owned()).collect()
}

#[test]
fn a_planted_arrow_is_found_however_it_is_written() {
    let planted = [
        ("domain.rs", "use crate::store::Pool;"),
        ("domain/phone.rs", "fn f() { crate::store::g() }"),
        ("provider/wsapme.rs", "use crate::{domain::phone, store::{self, Pool}};"),
        ("provider.rs", "use crate::{\n    domain,\n    // why\n    store as s,\n};"),
        ("tui/view.rs", "pub(crate) use crate :: store;"),
        ("provider.rs", "use super::store::Pool;"),
        ("provider/meta.rs", "use super::super::store;"),
        ("provider/meta.rs", "mod tests { use super::super::super::store; }"),
        ("engine/x.rs", "type T = Vec<crate::tui::T>; use crate::store;"),
        ("cli/db.rs", "use ::blastdeck::store;"),
    ];

    for (path, text) in planted {
        assert_eq!(complaints(path, text).len(), 1, "{path}: {text}");
    }
}

#[test]
fn an_arrow_is_told_with_its_line() {
    let wrong = violations(Path::new("tui/view.rs"), "//! View.\n\nuse crate::store::Pool;\n");

    assert_eq!(wrong, ["tui/view.rs:3: `tui` may not use `store`"]);
}

#[test]
fn faces_do_not_use_each_other_but_for_the_one_that_starts_them() {
    assert_eq!(complaints("tui.rs", "use crate::cli::Options;"), ["cli"]);
    assert_eq!(complaints("http.rs", "use crate::tui;"), ["tui"]);
    assert_eq!(complaints("cli/dashboard.rs", "use crate::tui;"), [""; 0]);
}

#[test]
fn the_whole_crate_at_once_is_an_arrow_everywhere() {
    assert_eq!(complaints("domain.rs", "use crate::*;"), ["*"]);
    assert_eq!(complaints("tui/view.rs", "use crate as all;"), ["*"]);
    assert_eq!(complaints("tui/view.rs", "use crate::{self as all};"), ["*"]);
}

#[test]
fn what_is_allowed_or_is_not_code_is_no_arrow() {
    let fine = [
        ("store/local.rs", "use crate::domain::Phone; use crate::store::Pool; use super::Other;"),
        (
            "domain/a.rs",
            "// use crate::store\n/* crate::store /* nested */ crate::tui */ const S: &str = \"crate::store\";",
        ),
        (
            "domain/a.rs",
            "const R: &str = r#\"use crate::store; \"quoted\" \"#; const C: char = '\"'; const L: &'static str = \"\";",
        ),
        ("domain/a.rs", "mod tests { use super::*; use super::store; }"),
        ("store/blasts/x.rs", "use super::super::local;"),
        ("main.rs", "use blastdeck::store;"),
        ("domain.rs", "pub(crate) fn f() {} pub(in crate::domain) fn g() {}"),
    ];

    for (path, text) in fine {
        assert_eq!(complaints(path, text), [""; 0], "{path}: {text}");
    }
}

#[test]
fn a_room_that_nobody_placed_is_refused() {
    let wrong = violations(Path::new("helpers.rs"), "");

    assert!(wrong[0].contains("in no layer"), "{wrong:?}");
}
