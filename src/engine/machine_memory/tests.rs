mod first_start;
mod journals;
mod whose;

use std::fs;
use std::io;
use std::path::Path;

use rustix::io::Errno;

use super::{Journal, MemoryError, MissingPosts, SenderKey, SenderMemory, Standing};
use crate::domain::ids::{BlastId, RecipientId, SenderId};
use crate::store::fence::{DatabaseIdentity, PostedAttempt, PostedMessage};

const SENDER: SenderKey<'_> = SenderKey { id: SenderId(7), name: "sales" };

fn standing(epoch: i64, renewals: i64) -> Standing {
    let likeness = DatabaseIdentity { system_identifier: "72".to_owned(), database_oid: 5, timeline: 1 };
    Standing { likeness, epoch, renewals, server_started_at: None }
}

fn posted(recipient: i64) -> PostedAttempt {
    let claimed_at = "2026-11-20T12:00:00.000001Z".parse().unwrap();
    PostedAttempt {
        recipient: RecipientId(recipient),
        attempt: 1,
        epoch: 3,
        claimed_at,
        phone: 60_100_000_000,
        message: None,
    }
}

/// A memory that holds three attempts.
fn memory_of_three(directory: &Path) -> SenderMemory {
    let memory = SenderMemory::new(directory, SENDER);
    let mut journal = memory.remember(&standing(3, 10)).unwrap();
    journal.append(&[posted(1), posted(2)]).unwrap();
    journal.append(&[posted(3)]).unwrap();
    memory.remember(&standing(3, 11)).unwrap();
    memory
}

fn journal_of(directory: &Path) -> std::path::PathBuf {
    directory.join("sender-sales.posted-0")
}

fn is_unreadable(memory: &SenderMemory) -> bool {
    matches!(memory.read(), Err(MemoryError::Unreadable { .. }))
}

#[test]
fn what_was_posted_is_remembered_and_only_rises() {
    let home = tempfile::tempdir().unwrap();
    let memory = memory_of_three(home.path());
    assert_eq!(SenderMemory::new(home.path(), SenderKey { name: "support", ..SENDER }).read().unwrap(), None);

    memory.remember(&standing(2, 4)).unwrap();

    let remembered = memory.read().unwrap().unwrap();
    assert_eq!(remembered.standing, standing(3, 11));
    assert_eq!(remembered.witnesses, [posted(1), posted(2), posted(3)]);
}

#[test]
fn a_journal_that_was_emptied_under_its_writer_is_not_made_whole_by_what_comes_next() {
    for left in [0, 20, 48] {
        let home = tempfile::tempdir().unwrap();
        let memory = memory_of_three(home.path());
        let mut journal = memory.remember(&standing(3, 12)).unwrap();

        fs::OpenOptions::new().write(true).open(journal_of(home.path())).unwrap().set_len(left).unwrap();

        assert!(matches!(journal.append(&[posted(4)]), Err(MemoryError::Unreadable { .. })), "{left} bytes left");
        assert!(is_unreadable(&memory), "{left} bytes left");
    }
}

#[test]
fn a_journal_that_another_program_wrote_back_is_none_however_far_the_page_says_it_went() {
    let home = tempfile::tempdir().unwrap();
    let memory = memory_of_three(home.path());
    let older = fs::read(journal_of(home.path())).unwrap();
    let mut running = memory.remember(&standing(3, 12)).unwrap();
    running.append(&[posted(4), posted(5)]).unwrap();
    // Later than what was noted: the filesystem's time distinguishes them.
    std::thread::sleep(std::time::Duration::from_millis(400));

    fs::write(journal_of(home.path()), older).unwrap();

    assert!(is_unreadable(&memory), "the page is as old as the journal");
    assert!(matches!(running.append(&[posted(6)]), Err(MemoryError::Unreadable { .. })));
    let record = memory.posted();
    assert!(record.posted.len() == 3 && record.has_unknown_gap, "{record:?}");
    memory.confirm(standing(3, 13), MissingPosts::Unknown).unwrap();
    assert!(!is_unreadable(&memory));
}

#[test]
fn whoever_is_forgotten_leaves_a_whole_journal_whole() {
    let home = tempfile::tempdir().unwrap();
    let memory = memory_of_three(home.path());
    std::thread::sleep(std::time::Duration::from_millis(400));

    Journal::forget(&journal_of(home.path()), &[60_100_000_000]).unwrap();

    assert!(!is_unreadable(&memory) && !memory.posted().has_unknown_gap);
}

#[test]
fn whoever_looks_while_somebody_is_forgotten_finds_a_whole_journal() {
    let home = tempfile::tempdir().unwrap();
    let memory = memory_of_three(home.path());
    memory.remember(&standing(3, 12)).unwrap().append(&(4..20_000).map(posted).collect::<Vec<_>>()).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(400));

    std::thread::scope(|scope| {
        let forgetting = scope.spawn(|| Journal::forget(&journal_of(home.path()), &[60_100_000_000]).unwrap());
        while !forgetting.is_finished() {
            memory.raise(3, 13).unwrap();
        }
    });

    assert!(!is_unreadable(&memory));
}

#[test]
fn without_its_page_nobody_knows_how_long_a_journal_was() {
    let home = tempfile::tempdir().unwrap();
    let memory = memory_of_three(home.path());

    fs::remove_file(home.path().join("sender-sales.json")).unwrap();

    let record = memory.posted();
    assert!(record.posted.len() == 3 && record.has_unknown_gap, "{record:?}");
}

#[test]
fn a_device_in_place_of_a_file_is_not_read() {
    for name in ["sender-sales.posted-0", "sender-sales.json", "opt-outs"] {
        let home = tempfile::tempdir().unwrap();
        let memory = memory_of_three(home.path());
        let _ = fs::remove_file(home.path().join(name));
        std::os::unix::fs::symlink("/dev/zero", home.path().join(name)).unwrap();

        let record = memory.posted();

        assert!(name == "opt-outs" || record.has_unknown_gap && memory.read().is_err(), "{name}: {record:?}");
        assert!(name != "opt-outs" || super::OptOutMemory::new(home.path()).readable(true).unreadable > 0);
    }
}

#[test]
fn a_writer_that_was_passed_over_replaces_nothing() {
    let home = tempfile::tempdir().unwrap();
    let memory = memory_of_three(home.path());
    let (stopped, page) = (memory.lock().unwrap(), memory.page().unwrap().unwrap());
    let opt_outs = super::OptOutMemory::new(home.path());
    let stopped_opt_outs = opt_outs.lock().unwrap();

    fs::remove_file(home.path().join("sender-sales.lock")).unwrap();
    fs::remove_file(home.path().join("opt-outs.lock")).unwrap();
    memory.remember(&standing(4, 20)).unwrap();

    assert!(matches!(memory.write(&page, &stopped), Err(MemoryError::Superseded { .. })));
    assert!(matches!(stopped_opt_outs.append(&[], false), Err(MemoryError::Superseded { .. })));
    assert_eq!(memory.read().unwrap().unwrap().standing, standing(4, 20));
}

#[test]
fn a_memory_that_was_emptied_cut_damaged_or_removed_is_no_empty_memory() {
    type SpoilHome = (&'static str, fn(&Path));
    let spoil: [SpoilHome; 7] = [
        ("page emptied", |home| fs::write(home.join("sender-sales.json"), "").unwrap()),
        ("page halved", |home| {
            let text = fs::read(home.join("sender-sales.json")).unwrap();
            fs::write(home.join("sender-sales.json"), &text[..text.len() / 2]).unwrap();
        }),
        ("page removed", |home| fs::remove_file(home.join("sender-sales.json")).unwrap()),
        ("journal emptied", |home| fs::write(journal_of(home), "").unwrap()),
        ("journal halved", |home| {
            let bytes = fs::read(journal_of(home)).unwrap();
            fs::write(journal_of(home), &bytes[..48]).unwrap();
        }),
        ("journal damaged", |home| {
            let mut bytes = fs::read(journal_of(home)).unwrap();
            bytes[50] ^= 1;
            fs::write(journal_of(home), bytes).unwrap();
        }),
        ("journal removed", |home| fs::remove_file(journal_of(home)).unwrap()),
    ];
    for (what, spoil) in spoil {
        let home = tempfile::tempdir().unwrap();
        let memory = memory_of_three(home.path());

        spoil(home.path());

        assert!(is_unreadable(&memory), "{what}: {:?}", memory.read());
        let is_damaged = what == "journal damaged";
        assert!(
            is_damaged || memory.remember(&standing(3, 12)).is_err(),
            "{what}: it must not be made good in passing"
        );
    }
}

#[test]
fn an_attempt_that_was_cut_off_is_missed_before_anything_else_was_remembered() {
    let home = tempfile::tempdir().unwrap();
    let memory = memory_of_three(home.path());
    let mut journal = memory.remember(&standing(3, 12)).unwrap();
    journal.append(&[posted(4)]).unwrap();
    let whole = fs::read(journal_of(home.path())).unwrap();

    fs::write(journal_of(home.path()), &whole[..whole.len() - 40]).unwrap();

    assert!(is_unreadable(&memory), "{:?}", memory.read());
    assert_eq!(memory.posted().posted.len(), 3);
}

#[test]
fn what_cannot_be_read_of_the_record_is_counted_and_a_confirmation_begins_another() {
    type SpoilHome = (&'static str, (usize, u64, bool), fn(&mut Vec<u8>));
    let spoil: [SpoilHome; 7] = [
        ("nothing", (3, 0, false), |_| {}),
        ("one in place of another", (2, 1, false), |bytes| bytes.copy_within(8..48, 48)),
        ("the last record", (2, 1, false), |bytes| bytes.truncate(88)),
        ("in the middle of a record", (1, 2, false), |bytes| bytes.truncate(60)),
        ("zeros", (2, 1, false), |bytes| bytes[48..88].fill(0)),
        ("a byte", (2, 1, false), |bytes| bytes[100] ^= 1),
        ("all of it", (0, 0, true), Vec::clear),
    ];
    for (what, expected, spoil) in spoil {
        let home = tempfile::tempdir().unwrap();
        let memory = memory_of_three(home.path());
        // What was confirmed is not read again while all goes well.
        memory.confirm(standing(3, 12), MissingPosts::None).unwrap();
        let mut bytes = fs::read(journal_of(home.path())).unwrap();
        spoil(&mut bytes);
        fs::write(journal_of(home.path()), bytes).unwrap();

        let record = memory.posted();
        assert_eq!((record.posted.len(), record.unreadable, record.has_unknown_gap), expected, "{what}");
        assert_eq!(memory.standing(), Some(standing(3, 12)), "{what}");

        memory.confirm(standing(3, 13), MissingPosts::None).unwrap();
        memory.remember(&standing(3, 14)).unwrap().append(&[posted(9)]).unwrap();
        let record = memory.posted();
        assert_eq!((record.posted.len(), record.unreadable), (expected.0 + 1, expected.1), "{what}");
        let is_kept = journal_of(home.path()).with_extension("posted-1").exists();
        assert_eq!(is_kept, what != "nothing", "{what}: what is damaged is not written to");
    }
}

#[test]
fn a_record_that_is_gone_or_another_file_may_lack_any_number_of_posts() {
    let home = tempfile::tempdir().unwrap();
    let memory = memory_of_three(home.path());
    let journal = journal_of(home.path());
    assert!(!memory.posted().has_unknown_gap);

    fs::copy(&journal, home.path().join("beside")).unwrap();
    fs::rename(home.path().join("beside"), &journal).unwrap();
    assert!(memory.posted().has_unknown_gap);
    fs::remove_file(&journal).unwrap();
    assert!(memory.posted().has_unknown_gap);

    memory.confirm(standing(3, 12), MissingPosts::Unknown).unwrap();
    memory.confirm(standing(3, 13), MissingPosts::None).unwrap();
    memory.remember(&standing(3, 14)).unwrap();
    assert!(memory.posted().has_unknown_gap, "it is not forgotten with the next confirmation");
}

#[test]
fn a_record_that_a_confirmation_begins_lacks_only_what_was_before_it() {
    let home = tempfile::tempdir().unwrap();
    let memory = SenderMemory::new(home.path(), SENDER);

    memory.confirm(standing(3, 12), MissingPosts::Earlier).unwrap();
    memory.remember(&standing(4, 13)).unwrap().append(&[posted(1)]).unwrap();
    let begun = memory.posted();
    memory.confirm(standing(4, 14), MissingPosts::None).unwrap();

    assert!(begun.begins_at.is_some() && !begun.has_unknown_gap && begun.posted.len() == 1, "{begun:?}");
    assert_eq!(memory.posted(), begun, "the next confirmation changes nothing of that");
}

#[test]
fn a_memory_that_was_copied_back_is_no_memory() {
    let home = tempfile::tempdir().unwrap();
    let memory = memory_of_three(home.path());
    let journal = journal_of(home.path());

    fs::copy(&journal, home.path().join("beside")).unwrap();
    fs::rename(home.path().join("beside"), &journal).unwrap();

    assert!(is_unreadable(&memory));
}

/// An older copy is written into the file that is there, which stays the same file.
#[test]
fn a_record_that_an_older_one_was_written_into_is_no_memory_however_it_grows() {
    let home = tempfile::tempdir().unwrap();
    let memory = memory_of_three(home.path());
    let older = std::fs::read(journal_of(home.path())).unwrap();
    let mut journal = memory.remember(&standing(3, 12)).unwrap();
    journal.append(&[posted(4), posted(5)]).unwrap();
    memory.raise(3, 13).unwrap();
    assert!(!is_unreadable(&memory) && !memory.posted().has_unknown_gap);

    std::fs::write(journal_of(home.path()), older).unwrap();
    assert!(is_unreadable(&memory) && memory.posted().has_unknown_gap);
    assert!(matches!(journal.append(&[posted(6)]), Err(MemoryError::Unreadable { .. })), "it knows how far it went");
    // A process that opens it only now does not, unless it sees by its time that another program wrote it.
    let _ = Journal::open(&journal_of(home.path())).unwrap().append(&[posted(6), posted(7), posted(8)]);
    assert!(is_unreadable(&memory) && memory.posted().has_unknown_gap);

    memory.confirm(standing(3, 14), MissingPosts::Unknown).unwrap();
    assert!(!is_unreadable(&memory) && memory.posted().has_unknown_gap);
    assert!(memory.posted().posted.len() >= 3, "what can be read of it is known still");
}

#[test]
fn a_whole_memory_that_an_older_one_was_written_into_is_no_memory() {
    let home = tempfile::tempdir().unwrap();
    let memory = memory_of_three(home.path());
    let files = [home.path().join("sender-sales.json"), journal_of(home.path())];
    let older = files.each_ref().map(|file| std::fs::read(file).unwrap());
    memory.remember(&standing(3, 12)).unwrap().append(&[posted(4), posted(5)]).unwrap();
    memory.raise(3, 13).unwrap();

    for (file, older) in files.iter().zip(older) {
        std::fs::write(file, older).unwrap();
    }

    assert!(is_unreadable(&memory) && memory.posted().has_unknown_gap);
}

#[test]
fn a_confirmation_asks_no_more_for_what_is_missing_and_still_knows_who_was_posted_to() {
    let home = tempfile::tempdir().unwrap();
    let memory = memory_of_three(home.path());

    memory.confirm(standing(4, 20), MissingPosts::None).unwrap();
    let mut journal = memory.remember(&standing(4, 21)).unwrap();
    journal.append(&[posted(4)]).unwrap();

    assert_eq!(memory.read().unwrap().unwrap().witnesses, [posted(4)]);
    assert_eq!(memory.posted().posted.len(), 4);
}

#[test]
fn a_confirmation_mends_a_damaged_memory_and_keeps_what_can_be_read() {
    let home = tempfile::tempdir().unwrap();
    let memory = memory_of_three(home.path());
    fs::write(home.path().join("sender-sales.json"), "{").unwrap();
    assert_eq!(memory.posted().posted.len(), 3);

    memory.confirm(standing(4, 20), MissingPosts::None).unwrap();

    assert_eq!(memory.read().unwrap().unwrap().standing, standing(4, 20));
    assert!(memory.remember(&standing(4, 21)).is_ok());
}

#[test]
fn an_attempt_that_was_posted_is_known_again_also_by_the_next_process_until_a_confirmation() {
    let home = tempfile::tempdir().unwrap();
    let memory = memory_of_three(home.path());
    let mut journal = memory.remember(&standing(3, 12)).unwrap();
    journal.append(&[PostedAttempt { attempt: 2, ..posted(3) }]).unwrap();
    let later = memory.remember(&standing(3, 13)).unwrap();

    for journal in [journal, later] {
        assert!(journal.has_posted(&posted(1)) && journal.has_posted(&posted(3)));
        assert!(!journal.has_posted(&PostedAttempt { attempt: 3, ..posted(3) }), "the next attempt of the same person");
        assert!(
            !journal.has_posted(&PostedAttempt { phone: 60_199_999_999, ..posted(1) }),
            "an id that was given anew"
        );
        assert!(!journal.has_posted(&posted(9)));
    }
    memory.confirm(standing(4, 20), MissingPosts::None).unwrap();
    assert!(!memory.remember(&standing(4, 21)).unwrap().has_posted(&posted(1)));
}

#[test]
fn a_want_of_file_descriptors_says_nothing_about_the_file() {
    let error = |errno: Errno| io::Error::from_raw_os_error(errno.raw_os_error());
    for errno in [Errno::MFILE, Errno::NFILE, Errno::NOMEM] {
        assert!(matches!(MemoryError::reading(Path::new("x"), error(errno)), MemoryError::Unopened { .. }));
        assert!(matches!(MemoryError::writing(Path::new("x"), error(errno)), MemoryError::Unopened { .. }));
    }
    assert!(matches!(MemoryError::reading(Path::new("x"), error(Errno::ACCESS)), MemoryError::Unreadable { .. }));
    assert!(
        MemoryError::writing(Path::new("x"), error(Errno::LOOP))
            .to_string()
            .ends_with("it is a symbolic link: remove it")
    );
    assert!(matches!(MemoryError::writing(Path::new("x"), error(Errno::NOSPC)), MemoryError::Unwritable { .. }));
}
