//! What a journal keeps, and of whom.

use super::*;

#[test]
fn a_long_journal_keeps_its_newer_half() {
    let home = tempfile::tempdir().unwrap();
    let memory = memory_of_three(home.path());
    memory.confirm(standing(3, 11), MissingPosts::Unknown).unwrap();
    let mut journal = memory.remember(&standing(3, 12)).unwrap();
    let many: Vec<PostedAttempt> = (1..=262_144).map(posted).collect();
    journal.append(&many).unwrap();

    let mut journal: Journal = memory.remember(&standing(3, 13)).unwrap();
    journal.append(&[posted(900_000)]).unwrap();

    assert_eq!(memory.posted().posted.len(), 131_073);
    let witnesses = memory.read().unwrap().unwrap().witnesses;
    assert_eq!(witnesses[witnesses.len() - 2..], [posted(262_144), posted(900_000)]);
    assert!(memory.posted().has_unknown_gap, "a gap stays known");
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 3, "page, lock and one journal");
}

#[test]
fn each_attempt_comes_back_with_its_message_whoever_wrote_before_it() {
    let home = tempfile::tempdir().unwrap();
    let memory = memory_of_three(home.path());
    let of = |recipient, blast, content| PostedAttempt {
        message: Some(PostedMessage { blast: BlastId(blast), content }),
        ..posted(recipient)
    };
    let attempts = [of(4, 1, -7), of(5, 1, -7), of(6, 2, 9), of(7, 1, -7)];
    let mut one = memory.remember(&standing(3, 12)).unwrap();
    one.append(&attempts[..2]).unwrap();
    let mut other = memory.remember(&standing(3, 13)).unwrap();
    other.append(&attempts[2..3]).unwrap();

    one.append(&attempts[3..]).unwrap();

    let all: Vec<_> = [posted(1), posted(2), posted(3)].into_iter().chain(attempts).collect();
    assert_eq!((memory.posted().posted, memory.posted().unreadable), (all.clone(), 0));
    // Damaged is the record that names the second blast: what follows it is of no blast that is known, until the next is named.
    let path = journal_of(home.path());
    let mut bytes = fs::read(&path).unwrap();
    bytes[8 + 6 * 40 + 3] ^= 1;
    fs::write(&path, bytes).unwrap();
    let record = memory.posted();
    let unnamed = PostedAttempt { message: None, ..all[5] };
    assert_eq!((&record.posted[..5], &record.posted[5..], record.unreadable), (&all[..5], &[unnamed, all[6]][..], 1));
}
