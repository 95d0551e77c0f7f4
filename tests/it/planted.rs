//! What PROOF.md says was broken on purpose stands where it says so: a row whose function has moved could not be tried again.

use std::fs;
use std::path::{Path, PathBuf};

fn tree() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The pieces of a line between backticks.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

fn is_path(piece: &str) -> bool {
    ["src/", "tests/", "migrations/", "engine/", "tui/"].iter().any(|at| piece.starts_with(at)) && !piece.contains(' ')
}

/// Some tables leave out the `src/`.
fn file(path: &str) -> Option<PathBuf> {
    [tree().join(path), tree().join("src").join(path)].into_iter().find(|file| file.exists())
}

/// `src/store/lease.rs`, in `PendingLease::sweep_and_commit`: the file, and what is in it.
fn place(line: &str) -> Option<(&str, &str)> {
    let mut pieces = line.split('`').skip(1);
    while let Some(piece) = pieces.next() {
        if is_path(piece) {
            return (pieces.next()?.trim() == ", in").then(|| pieces.next()).flatten().map(|item| (piece, item));
        }
    }
    None
}

fn has_item(text: &str, item: &str) -> bool {
    let name = item.rsplit("::").next().unwrap();
    let begins = |at: &str| {
        at.strip_prefix(name).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    };
    ["fn ", "macro_rules! ", "const ", "static ", "struct ", "enum ", "trait ", "mod ", "function "]
        .iter()
        .any(|kind| text.match_indices(kind).any(|(at, kind)| begins(&text[at + kind.len()..])))
}

#[test]
fn every_planted_bug_names_a_place_that_exists() {
    let proof = fs::read_to_string(tree().join("docs/PROOF.md")).unwrap();
    let rows: Vec<_> = proof.lines().filter(|line| line.starts_with('|')).collect();
    let lost: Vec<_> = rows
        .iter()
        .flat_map(|row| quoted(row).filter(|piece| is_path(piece) && !piece.contains('*')))
        .filter(|path| file(path).is_none())
        .collect();
    assert!(lost.is_empty(), "no such file: {lost:#?}");

    let places: Vec<_> = rows.iter().filter_map(|row| place(row)).collect();
    assert!(places.len() > 100, "only {} rows name a function", places.len());
    let moved: Vec<_> = places
        .iter()
        .filter(|(path, item)| !has_item(&fs::read_to_string(file(path).unwrap()).unwrap(), item))
        .collect();
    assert!(moved.is_empty(), "not in that file: {moved:#?}");
}
