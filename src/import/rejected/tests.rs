use std::io::Write;

use super::*;
use crate::domain::phone::PhoneError;
use crate::domain::rejected_rows::RowDigest;

fn rejection(value: &str) -> Rejection {
    Rejection {
        row: 3,
        column: "phone".into(),
        value: value.into(),
        name: None,
        reason: PhoneError::Scientific.into(),
        digest: RowDigest::default(),
        phone: None,
    }
}

#[test]
fn the_file_lies_beside_the_one_it_is_about() {
    let file = |path: &str| match RejectedTo::beside(Path::new(path)) {
        RejectedTo::File(path) | RejectedTo::NewFile(path) => path.display().to_string(),
        RejectedTo::Nowhere => String::new(),
    };

    assert_eq!(file("/lists/raya.csv"), "/lists/raya.rejected.csv");
    assert_eq!(file("raya.rejected.csv"), "raya.rejected.rejected.csv");
    assert_eq!(file("-"), "stdin.rejected.csv");
}

#[test]
fn no_two_lists_of_a_directory_share_a_file_of_rejected_rows() {
    let lists = ["raya.csv", "raya.txt", "raya.xlsx", "raya", "raya.CSV", "raya.txt.csv", "raya.csv.csv"];
    let files: Vec<_> = lists.iter().map(|list| RejectedTo::beside(&Path::new("lists").join(list))).collect();

    assert!((1..files.len()).all(|at| !files[..at].contains(&files[at])), "{files:?}");
    assert_eq!(files[1], RejectedTo::File(PathBuf::from("lists/raya.txt-rejected.csv")));
}

#[test]
fn it_appears_only_when_kept_and_goes_when_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("raya.rejected.csv");
    let written = || {
        let mut file = RejectedFile::new(RejectedTo::File(path.clone()));
        file.write(&rejection("=6.01E+10")).unwrap();
        file.finish().unwrap().unwrap()
    };

    drop(written());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);

    assert_eq!(written().keep().unwrap(), path);
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "row,column,value,reason");
    assert!(lines[1].starts_with("3,phone,'=6.01E+10,lost by the spreadsheet"), "{}", lines[1]);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn an_earlier_file_stays_when_nothing_is_rejected() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("raya.rejected.csv");
    fs::write(&path, "mine").unwrap();

    assert!(RejectedFile::new(RejectedTo::File(path.clone())).finish().unwrap().is_none());

    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
}

fn rejected_at(path: &Path) -> PathBuf {
    let mut file = RejectedFile::new(RejectedTo::File(path.to_owned()));
    file.write(&rejection("x")).unwrap();
    file.finish().unwrap().unwrap().keep().unwrap()
}

#[test]
fn what_a_killed_import_left_goes_and_what_is_somebody_elses_stays() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let own_number = format!(".raya.rejected.csv.{}.part", std::process::id());
    fs::write(at(".raya.rejected.csv.17.part"), "row,column,value,reason\n3,phone,0100,too short\n").unwrap();
    fs::write(at(".raya.rejected.csv.18.part"), "a letter").unwrap();
    fs::write(at(&own_number), "another letter").unwrap();
    fs::write(at("precious"), "row,column,value,reason\n").unwrap();
    std::os::unix::fs::symlink(at("precious"), at(".raya.rejected.csv.19.part")).unwrap();
    let busy = File::create(at(".raya.rejected.csv.20.part")).unwrap();
    (&busy).write_all(b"row,column,value,reason\n").unwrap();
    flock(&busy, FlockOperation::NonBlockingLockExclusive).unwrap();

    rejected_at(&at("raya.rejected.csv"));

    assert!(!at(".raya.rejected.csv.17.part").exists());
    for kept in [".raya.rejected.csv.18.part", ".raya.rejected.csv.19.part", ".raya.rejected.csv.20.part", &own_number]
    {
        assert!(fs::symlink_metadata(at(kept)).is_ok(), "{kept}");
    }
}

#[test]
fn an_earlier_imports_file_is_replaced_and_somebody_elses_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("raya.rejected.csv");

    assert_eq!(rejected_at(&path), path);
    assert_eq!(rejected_at(&path), path);
    fs::write(&path, "my own notes").unwrap();
    let beside = rejected_at(&path);

    assert_eq!(beside, dir.path().join("raya.rejected-2.csv"));
    assert_eq!(fs::read_to_string(&path).unwrap(), "my own notes");
}

#[test]
fn each_list_of_standard_input_has_a_file_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let RejectedTo::NewFile(name) = RejectedTo::beside(Path::new("-")) else { panic!("any list is read from there") };
    let rejected = |value: &str| {
        let mut file = RejectedFile::new(RejectedTo::NewFile(dir.path().join(&name)));
        file.write(&rejection(value)).unwrap();
        file.finish().unwrap().unwrap()
    };

    let (first, second) = (rejected("list1"), rejected("list2"));
    let files = [second.keep().unwrap(), first.keep().unwrap(), rejected("list3").keep().unwrap()];

    let names = ["stdin.rejected.csv", "stdin.rejected-2.csv", "stdin.rejected-3.csv"];
    assert_eq!(files, names.map(|name| dir.path().join(name)));
    for (file, value) in files.iter().zip(["list2", "list1", "list3"]) {
        assert!(fs::read_to_string(file).unwrap().contains(value), "{file:?}");
    }
}

#[test]
fn a_place_that_cannot_be_written_to_is_named() {
    let mut file = RejectedFile::new(RejectedTo::File(PathBuf::from("/nowhere/at/all/x.rejected.csv")));

    let error = file.write(&rejection("x")).unwrap_err();

    assert!(error.to_string().starts_with("/nowhere/at/all/x.rejected.csv cannot be written"), "{error}");
}
