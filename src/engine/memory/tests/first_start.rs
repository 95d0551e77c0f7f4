//! What a first start leaves that was broken off.

use super::*;

#[test]
fn a_first_journal_that_nothing_was_written_into_is_no_record_that_was_lost() {
    for bytes in [&[][..], &[0; 8]] {
        let home = tempfile::tempdir().unwrap();
        let memory = memory_of_three(home.path());
        fs::remove_file(home.path().join("sender-7.json")).unwrap();

        fs::write(journal_of(home.path()), bytes).unwrap();

        assert_eq!(memory.read().unwrap(), None, "{bytes:?}");
        memory.remember(&standing(3, 12)).unwrap();
        assert_eq!(memory.read().unwrap().unwrap().standing, standing(3, 12));
    }
}
