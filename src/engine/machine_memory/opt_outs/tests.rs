use super::*;

fn opt_out(business: &str, phone: &str, is_lifted: bool) -> RememberedOptOut {
    let at = "2026-11-20T12:00:00Z".parse().unwrap();
    let (source, by) = ("operator".to_owned(), "aina".to_owned());
    let reason = Some("by letter\n".to_owned());
    RememberedOptOut { business: business.to_owned(), phone: phone.to_owned(), reason, source, by, at, is_lifted }
}

fn append(memory: &OptOutMemory, noted: &[RememberedOptOut]) {
    memory.lock().unwrap().append(noted, false).unwrap();
}

fn recalled(memory: &OptOutMemory) -> Vec<RememberedOptOut> {
    memory.since(&memory.open(false).unwrap(), 0).unwrap()
}

#[test]
fn what_was_noted_stands_until_it_is_lifted_under_whatever_spelling() {
    let home = tempfile::tempdir().unwrap();
    let memory = OptOutMemory::new(&home.path().join("database"));
    assert_eq!(recalled(&memory), []);
    let (one, other) = (opt_out("kedai", "+5548987654321", false), opt_out("pasar", "+5548987654321", false));
    append(&memory, &[one.clone(), other.clone()]);
    let before = memory.open(true).unwrap().bytes;
    append(&memory, std::slice::from_ref(&one));
    assert_eq!(recalled(&memory), [one.clone(), other.clone()]);
    assert_eq!(memory.since(&memory.open(true).unwrap(), before).unwrap(), [one]);

    append(&memory, &[opt_out("kedai", "+554887654321", true)]);

    assert_eq!(recalled(&memory), [other]);
}

#[test]
fn a_file_that_was_cut_damaged_copied_or_removed_is_no_whole_one_whatever_is_appended() {
    type SpoilFile = fn(&Path, Vec<u8>);
    let spoil: [(SpoilFile, usize); 6] = [
        (|path, bytes| fs::write(path, &bytes[..bytes.len() - 9]).unwrap(), 2),
        (|path, bytes| fs::write(path, &bytes[..bytes.len() / 2]).unwrap(), 2),
        (|path, bytes| fs::write(path, &bytes[..20]).unwrap(), 1),
        (|path, _| fs::write(path, "").unwrap(), 1),
        (
            |path, bytes| {
                fs::remove_file(path).unwrap();
                fs::write(path.with_extension("beside"), "").unwrap();
                fs::write(path, bytes).unwrap();
            },
            3,
        ),
        (|path, _| fs::remove_file(path).unwrap(), 0),
    ];
    for (case, (spoil, readable)) in spoil.into_iter().enumerate() {
        let home = tempfile::tempdir().unwrap();
        let memory = OptOutMemory::new(home.path());
        append(&memory, &[opt_out("kedai", "+60100000001", false), opt_out("kedai", "+60100000002", false)]);
        spoil(memory.path(), fs::read(memory.path()).unwrap());
        assert!(memory.open(true).is_err(), "{case}");

        let _ = memory.lock().unwrap().append(&[opt_out("kedai", "+60100000003", false)], true);

        assert!(memory.open(true).is_err(), "{case}: it must not be made good in passing");
        let found = memory.readable(true);
        assert!(found.unreadable >= 1 && found.standing.len() <= readable, "{case}: {found:?}");
        memory.mend(&found).unwrap();
        assert_eq!(recalled(&memory), found.standing, "{case}");
    }
}

#[test]
fn a_write_that_was_never_finished_and_a_file_without_a_header_are_whole() {
    let home = tempfile::tempdir().unwrap();
    let memory = OptOutMemory::new(home.path());
    let (one, other) = (opt_out("kedai", "+60100000001", false), opt_out("kedai", "+60100000002", false));
    fs::write(memory.path(), encode(std::slice::from_ref(&one)).unwrap()).unwrap();
    assert_eq!(recalled(&memory), std::slice::from_ref(&one));
    let whole = fs::read(memory.path()).unwrap();
    let mut file = OpenOptions::new().append(true).open(memory.path()).unwrap();
    file.write_all(&whole[HEADER..HEADER + 30]).unwrap();
    assert_eq!(recalled(&memory), std::slice::from_ref(&one));

    append(&memory, std::slice::from_ref(&other));

    assert_eq!(recalled(&memory), [one, other]);
}

#[test]
fn a_file_that_another_program_wrote_back_is_no_whole_one_whatever_is_appended() {
    let home = tempfile::tempdir().unwrap();
    let memory = OptOutMemory::new(home.path());
    append(&memory, &[opt_out("kedai", "+60100000001", false)]);
    let older = fs::read(memory.path()).unwrap();
    append(&memory, &[opt_out("kedai", "+60100000002", false)]);
    assert!(memory.is_whole(true));
    // Later than what was noted: the filesystem's time distinguishes them.
    std::thread::sleep(std::time::Duration::from_millis(400));

    fs::write(memory.path(), older).unwrap();

    for _ in 0..2 {
        assert!(!memory.is_whole(true) && memory.open(true).is_err());
        assert!(memory.readable(true).unreadable > 0);
        append(&memory, &[opt_out("kedai", "+60100000003", false)]);
    }
    memory.mend(&memory.readable(true)).unwrap();
    assert!(memory.is_whole(true));
}

#[test]
fn whoever_is_forgotten_leaves_a_whole_file_whole() {
    let home = tempfile::tempdir().unwrap();
    let memory = OptOutMemory::new(home.path());
    append(&memory, &[opt_out("kedai", "+60100000001", false), opt_out("kedai", "+60100000002", false)]);
    std::thread::sleep(std::time::Duration::from_millis(400));

    memory.forget(&[PersonKey::of_digits("60100000001").unwrap()]).unwrap();

    assert_eq!(recalled(&memory), [opt_out("kedai", "+60100000002", false)]);
}

#[test]
fn whoever_looks_while_somebody_is_forgotten_finds_a_whole_file() {
    let home = tempfile::tempdir().unwrap();
    let memory = OptOutMemory::new(home.path());
    append(&memory, &vec![opt_out("kedai", "+60100000001", false); 3_000]);
    std::thread::sleep(std::time::Duration::from_millis(400));
    let forgotten = PersonKey::of_digits("60100000001").unwrap();

    std::thread::scope(|scope| {
        let forgetting = scope.spawn(|| memory.forget(&[forgotten]).unwrap());
        while !forgetting.is_finished() {
            memory.open(true).unwrap();
        }
    });

    assert_eq!(recalled(&memory), []);
}

#[test]
fn whoever_was_passed_over_while_the_disk_held_them_up_notes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let memory = OptOutMemory::new(home.path());
    append(&memory, &[opt_out("kedai", "+60100000001", false)]);
    let before = memory.open(true).unwrap();
    let lock = memory.lock().unwrap();
    fs::remove_file(memory.path().with_extension("lock")).unwrap();

    let is_noted = lock.try_append(&encode(&[opt_out("kedai", "+60100000002", false)]).unwrap()).unwrap();

    assert!(matches!(is_noted, super::Append::Superseded));
    assert_eq!(memory.open(true).unwrap(), before);
}

#[test]
fn the_number_of_whoever_is_forgotten_leaves_the_reasons_of_others() {
    let home = tempfile::tempdir().unwrap();
    let memory = OptOutMemory::new(home.path());
    let because = |phone: &str, reason: &str| RememberedOptOut {
        reason: Some(reason.to_owned()),
        ..opt_out("kedai", phone, false)
    };
    let other = "their wife, +60100000001, asked";
    append(&memory, &[because("+60100000002", other), because("+601000000012", "see 601000000012")]);
    let length = fs::metadata(memory.path()).unwrap().len();
    std::thread::sleep(std::time::Duration::from_millis(400));

    memory.forget(&[PersonKey::of_digits("60100000001").unwrap()]).unwrap();

    let mut left = recalled(&memory);
    left.sort_by_key(|one| one.phone.len());
    assert_eq!(left[0].reason.as_deref(), Some("their wife, +xxxxxxxxxxx, asked"));
    assert_eq!(left[1], because("+601000000012", "see 601000000012"), "a longer number is another's");
    assert_eq!(fs::metadata(memory.path()).unwrap().len(), length);
    assert!(memory.is_whole(true));
}
