//! What a first start leaves that was broken off.

use super::*;

#[test]
fn a_first_journal_that_nothing_was_written_into_is_no_record_that_was_lost() {
    let home = tempfile::tempdir().unwrap();
    let memory = memory_of_three(home.path());
    fs::remove_file(home.path().join("sender-sales.json")).unwrap();

    Journal::create(&journal_of(home.path())).unwrap();

    assert_eq!(memory.read().unwrap(), None);
    memory.remember(&standing(3, 12)).unwrap();
    assert_eq!(memory.read().unwrap().unwrap().standing, standing(3, 12));
}

#[test]
fn a_journal_that_was_cut_off_before_its_first_attempt_is_one_that_was_lost() {
    for bytes in [0, 7, 8] {
        let home = tempfile::tempdir().unwrap();
        let memory = memory_of_three(home.path());
        fs::remove_file(home.path().join("sender-sales.json")).unwrap();

        let whole = fs::read(journal_of(home.path())).unwrap();
        fs::write(journal_of(home.path()), &whole[..bytes]).unwrap();

        assert!(is_unreadable(&memory), "{bytes}: {:?}", memory.read());
    }
}
