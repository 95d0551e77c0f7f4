//! Whose memory it is: the sender's by its name, whatever its number in the database has become.

use std::fs;
use std::path::Path;

use super::{SENDER, SenderKey, SenderMemory, memory_of_three, standing};
use crate::domain::ids::SenderId;

const RENUMBERED: SenderKey<'_> = SenderKey { id: SenderId(8), ..SENDER };
const AT_ITS_NUMBER: SenderKey<'_> = SenderKey { name: "support", ..SENDER };

/// Has the memory lie where earlier versions had it: under the sender's number, without its name.
fn as_of_an_earlier_version(directory: &Path) {
    for ending in ["posted-0", "json"] {
        let (named, numbered) = (format!("sender-sales.{ending}"), format!("sender-7.{ending}"));
        fs::rename(directory.join(named), directory.join(numbered)).unwrap();
    }
    let page = directory.join("sender-7.json");
    let text = fs::read_to_string(&page).unwrap().replace(r#""sender":"sales""#, r#""sender":null"#);
    // In place: the page is not to be a copy.
    fs::write(page, text).unwrap();
}

#[test]
fn a_sender_that_has_another_number_is_remembered_and_whoever_has_its_number_is_not() {
    let home = tempfile::tempdir().unwrap();
    memory_of_three(home.path());

    let renumbered = SenderMemory::new(home.path(), RENUMBERED);

    assert_eq!(renumbered.read().unwrap().unwrap().witnesses.len(), 3);
    assert_eq!(renumbered.posted().posted.len(), 3);
    let other = SenderMemory::new(home.path(), AT_ITS_NUMBER);
    assert_eq!((other.read().unwrap(), other.posted().posted.len()), (None, 0));
}

#[test]
fn the_memory_of_an_earlier_version_goes_on_where_it_lies_and_is_found_by_its_name_from_then_on() {
    let home = tempfile::tempdir().unwrap();
    memory_of_three(home.path());
    as_of_an_earlier_version(home.path());

    assert_eq!(SenderMemory::new(home.path(), RENUMBERED).read().unwrap(), None, "it has noted no name");
    SenderMemory::new(home.path(), SENDER).remember(&standing(3, 12)).unwrap();

    assert!(!home.path().join("sender-sales.json").exists());
    for sender in [SENDER, RENUMBERED] {
        assert_eq!(SenderMemory::new(home.path(), sender).read().unwrap().unwrap().witnesses.len(), 3);
    }
    assert_eq!(SenderMemory::new(home.path(), AT_ITS_NUMBER).read().unwrap(), None);
}

#[test]
fn a_memory_of_an_earlier_version_that_is_damaged_is_that_of_whoever_has_its_number() {
    for damage in ["page", "no page"] {
        let home = tempfile::tempdir().unwrap();
        memory_of_three(home.path());
        as_of_an_earlier_version(home.path());
        let page = home.path().join("sender-7.json");
        if damage == "page" {
            fs::write(page, "{").unwrap();
        } else {
            fs::remove_file(page).unwrap();
        }

        assert!(SenderMemory::new(home.path(), SENDER).read().is_err(), "{damage}");
    }
}
