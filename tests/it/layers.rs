//! The layers of `src/lib.rs`: a top module names only those that stand below it. Read line by line, so that a module has to be
//! named where it is used (`crate::store`, never `crate::{..}`, `crate::*` or `crate as x`).

use std::fs;
use std::path::{Path, PathBuf};

/// Every top module after those that it may use.
const LAYERS: [(&str, &[&str]); 15] = [
    // Pure types and rules.
    ("domain", &[]),
    ("shutdown", &[]),
    ("telemetry", &[]),
    // Shares no type with the rest, or it could not catch our misreadings of the provider.
    ("sim", &[]),
    // Gives the address of a server; what is in the database is not its business.
    ("private_postgres", &[]),
    ("config", &["domain"]),
    ("store", &["domain"]),
    ("provider", &["domain"]),
    ("import", &["domain", "store"]),
    // Sends, polls and records; it knows no use case.
    ("engine", &["domain", "telemetry", "private_postgres", "config", "store", "provider"]),
    // What a person or a program may ask for; it knows no face.
    ("app", &["domain", "config", "store", "provider", "import", "engine"]),
    // A face has no SQL: what it wants of the store, the use cases give it.
    ("tui", &["domain", "shutdown", "app"]),
    // A face for other programs: webhooks, and whether we live.
    ("http", &["domain", "app"]),
    // A face too; and the one that starts the engine, the dashboard, the simulator and the private server.
    (
        "cli",
        &[
            "domain",
            "shutdown",
            "telemetry",
            "sim",
            "private_postgres",
            "config",
            "import",
            "engine",
            "app",
            "tui",
            "http",
        ],
    ),
    // A part of the cli that measures the layers below the use cases, with statements and POSTs of its own.
    (BENCH, &["domain", "private_postgres", "config", "provider", "import", "engine", "app", "cli"]),
];

const BENCH: &str = "cli/bench";

fn layer(name: &str) -> Option<&'static [&'static str]> {
    LAYERS.iter().find(|(module, _)| *module == name).map(|(_, below)| *below)
}

/// The top modules that a line of a file names; an empty name where it takes the whole crate.
fn named(path: &Path, line: &str) -> Vec<String> {
    if line.trim_start().starts_with("//") {
        return Vec::new();
    }
    let word = |after: &str| after.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap().to_owned();
    let root = "super::".repeat(path.components().count());
    let climbed = line.split(&root).skip(1).map(|after| word(after.trim_start_matches("super::")));
    let climbed = climbed.filter(|name| layer(name).is_some());
    let whole = line.contains("crate as ").then(String::new);
    line.split("crate::").skip(1).map(word).chain(climbed).chain(whole).collect()
}

/// The module of [`LAYERS`] that a file belongs to.
fn module_of(path: &Path) -> String {
    let top = path.iter().next().unwrap().to_string_lossy().trim_end_matches(".rs").to_owned();
    if path.with_extension("").starts_with(BENCH) { BENCH.to_owned() } else { top }
}

/// What a file does wrong, a sentence each.
fn violations(path: &Path, text: &str) -> Vec<String> {
    let module = module_of(path);
    let Some(below) = layer(&module) else { return vec![format!("{}: `{module}` is in no layer", path.display())] };
    let lines = (1..).zip(text.lines()).flat_map(|(n, line)| named(path, line).into_iter().map(move |name| (n, name)));
    let wrong = lines.filter(|(_, name)| *name != module && !below.contains(&name.as_str()));
    wrong.map(|(n, name)| format!("{}:{n}: `{module}` may not use `{name}`", path.display())).collect()
}

fn sources(dir: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

#[test]
fn arrows_point_down_only() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = sources(&src).into_iter().map(|path| path.strip_prefix(&src).unwrap().to_owned());

    let wrong = files.filter(|path| path != "main.rs" && path != "lib.rs");
    let wrong: Vec<_> =
        wrong.flat_map(|path| violations(&path, &fs::read_to_string(src.join(&path)).unwrap())).collect();

    assert_eq!(wrong, [""; 0]);
    for (n, (module, below)) in LAYERS.iter().enumerate() {
        assert!(src.join(module).with_extension("rs").exists(), "`{module}` is no module");
        assert!(
            below.iter().all(|used| LAYERS[..n].iter().any(|(before, _)| before == used)),
            "`{module}` uses upwards"
        );
    }
}

#[test]
fn a_planted_arrow_is_found_and_an_allowed_one_is_not() {
    let found = |path: &str, text: &str| violations(Path::new(path), text).len();

    assert_eq!(found("domain.rs", "fn f() {\n    crate::store::g()\n}"), 1);
    assert_eq!(found("tui/view.rs", "use crate::{app, store::Pool};"), 1);
    assert_eq!(found("tui/view.rs", "use crate as all;"), 1);
    assert_eq!(found("provider/meta.rs", "use super::super::store;"), 1);
    assert_eq!(found("helpers.rs", ""), 1);
    assert_eq!(found("cli/blast/send.rs", "use crate::provider::Outgoing;"), 1);
    assert_eq!(found("cli/bench/bare_loop.rs", "use crate::provider::Outgoing;"), 0);
    assert_eq!(found("store/page.rs", "// crate::tui\nuse crate::domain::Phone;\nuse super::super::Pool;"), 0);
    assert_eq!(found("domain.rs", "pub(crate) fn f() {}\nmod tests {\n    use super::*;\n}"), 0);
}
