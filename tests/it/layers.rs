//! The layers of `src/lib.rs`: a top module names only those that stand below it. Read line by line, so that a module has to be
//! named where it is used (`crate::store`, never `crate::{..}`, `crate::*` or `crate as x`).

use std::fs;
use std::path::{Path, PathBuf};

/// Every top module, below those that use it, and what it may use: `domain` has no I/O; `sim` shares no type with the rest, or it could
/// not catch our misreadings of the provider; `private_postgres` gives the address of a server, whatever is in it; `engine` knows no
/// use case, `app` no face, and a face (`tui`, `http`, `cli`) no SQL. `cli` also starts the engine, the simulator and the private server,
/// and a part of it measures the layers below the use cases.
const LAYERS: &str = "domain:
    shutdown:
    telemetry:
    sim:
    private_postgres:
    config: domain
    store: domain
    provider: domain
    import: domain store
    engine: domain telemetry private_postgres config store provider
    app: domain config store provider import engine
    tui: domain shutdown app
    http: domain app
    cli: domain shutdown telemetry sim private_postgres config import engine app tui http
    cli/bench: domain private_postgres config provider import engine app cli";

fn layers() -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    let layers = LAYERS.lines().map(|line| line.trim().split_once(':').unwrap());
    layers.map(|(module, below)| (module, below.split_whitespace().collect()))
}

/// The top modules that a line of a file names; an empty name where it takes the whole crate.
fn named(path: &Path, line: &str) -> Vec<String> {
    let word = |after: &str| after.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap().to_owned();
    let root = "super::".repeat(path.components().count());
    let climbed = line.split(&root).skip(1).map(|after| word(after.trim_start_matches("super::")));
    let climbed = climbed.filter(|name| layers().any(|(module, _)| module == name));
    let whole = line.contains("crate as ").then(String::new);
    line.split("crate::").skip(1).map(word).chain(climbed).chain(whole).collect()
}

/// What a file does wrong, a sentence each.
fn violations(path: &Path, text: &str) -> Vec<String> {
    let name = path.with_extension("");
    let layer = layers().filter(|(module, _)| name.starts_with(module)).last();
    let Some((module, below)) = layer else { return vec![format!("{}: is in no layer", path.display())] };
    let code = (1..).zip(text.lines()).filter(|(_, line)| !line.trim_start().starts_with("//"));
    let names = code.flat_map(|(n, line)| named(path, line).into_iter().map(move |name| (n, name)));
    let wrong = names.filter(|(_, name)| *name != module && !below.contains(&name.as_str()));
    wrong.map(|(n, name)| format!("{}:{n}: `{module}` may not use `{name}`", path.display())).collect()
}

fn sources(dir: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

#[test]
fn arrows_point_down_only() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let wrong = |file: PathBuf| violations(file.strip_prefix(&src).unwrap(), &fs::read_to_string(&file).unwrap());
    let files = sources(&src).into_iter().filter(|file| *file != src.join("main.rs") && *file != src.join("lib.rs"));

    assert_eq!(files.flat_map(wrong).collect::<Vec<_>>(), [""; 0]);
    let mut before = Vec::new();
    for (module, below) in layers() {
        assert!(src.join(module).with_extension("rs").exists(), "`{module}` is no module");
        assert!(below.iter().all(|used| before.contains(used)), "`{module}` uses upwards");
        before.push(module);
    }
}

#[test]
fn a_planted_arrow_is_found_and_an_allowed_one_is_not() {
    let found = |path: &str, text: &str| violations(Path::new(path), text).len();
    assert_eq!(found("domain.rs", "fn f() {\n    crate::store::g()\n}"), 1);
    assert_eq!(found("domain.rs", "use crate as all;"), 1);
    assert_eq!(found("tui/view.rs", "use crate::{app, store::Pool};"), 1);
    assert_eq!(found("provider/meta.rs", "use super::super::store;"), 1);
    assert_eq!(found("helpers.rs", ""), 1);
    assert_eq!(found("cli/blast/send.rs", "use crate::provider::Outgoing;"), 1);
    assert_eq!(found("cli/bench/bare_loop.rs", "use crate::provider::Outgoing;"), 0);
    assert_eq!(found("store/page.rs", "// crate::tui\nuse crate::domain::Phone;\nuse super::super::Pool;"), 0);
    assert_eq!(found("domain.rs", "pub(crate) fn f() {}\nmod tests {\n    use super::*;\n}"), 0);
}
