use chrono::DateTime;

use super::{
    MACHINES_MAX, MORE_MACHINES, Machine, NEXT_MACHINE, PostedRecord, REMEMBERS_NOBODY, REMEMBERS_POSTS, advice,
    advice_beside, beside_others, consequence, is_one_more, is_to_be_added, reason, with_speaker,
};
use crate::domain::ids::RecipientId;
use crate::store::fence::PostedAttempt;

const POST: PostedAttempt = PostedAttempt {
    recipient: RecipientId(1),
    attempt: 1,
    epoch: 1,
    claimed_at: DateTime::UNIX_EPOCH,
    phone: 60_100_000_000,
    message: None,
};

fn said(host: &str, what: &str) -> String {
    reason((host, "blastdeck"), "sales", &format!("{what}; confirm"))
}

/// The reason after a machine, which stated something before or not, said this.
fn after(known: &str, (host, stated): (&str, Option<&str>), what: &str) -> String {
    beside_others(known, &Machine { host, stated: stated.map(str::to_owned), is_asked: true }, &said(host, what))
}

#[test]
fn whoever_confirms_without_a_record_is_sent_to_the_machine_that_has_one() {
    let posts = said("till", &format!("{REMEMBERS_POSTS} (3 posts): once you confirm"));
    let nobody = format!("{REMEMBERS_NOBODY}: once you confirm");

    assert!(advice(&posts, "office", &nobody).contains("another machine remembers"));
    let damaged = PostedRecord { posted: vec![POST], unreadable: 1, ..PostedRecord::default() };
    let part = advice(&said("till", &consequence(&damaged)), "office", &nobody);
    assert!(part.contains("another machine remembers"), "a part of its record is left: {part}");
    assert_eq!(advice(&said("till", &nobody), "office", &nobody), "", "neither remembers anybody");
    let own = format!("{REMEMBERS_POSTS} (1 post): once you confirm");
    assert_eq!(advice(&posts, "office", &own), "", "it has its own");
}

#[test]
fn whoever_confirms_where_another_machine_asked_that_remembers_others_is_asked_once_more() {
    let posts = |count| format!("{REMEMBERS_POSTS} ({count} posts): once you confirm");
    let own = posts(40);
    let first = said("till", &posts(9));
    let machine = |stated: Option<&str>| Machine { host: "till", stated: stated.map(str::to_owned), is_asked: true };
    let both = beside_others(&first, &Machine { is_asked: false, ..machine(None) }, &said("till", &own));

    let advice = advice_beside(&both, &machine(Some(&own)), &own);

    assert!(advice.contains("another machine remembers others"), "its own words stand behind: {both}");
    assert_eq!(advice_beside(&first, &machine(None), &own), advice, "it has said nothing yet");
    assert_eq!(advice_beside(&first, &machine(None), REMEMBERS_NOBODY), "");
    let asked = after(&both, ("till", Some(&own)), &format!("{own}{advice}"));
    let stated = format!("{own}{advice}");
    assert_eq!(advice_beside(&asked, &machine(Some(&stated)), &own), "", "asked once: {asked}");
    let added = Machine { is_asked: false, ..machine(None) };
    let nobody = beside_others(&said("till", REMEMBERS_NOBODY), &added, &said("till", &own));
    assert_eq!(advice_beside(&nobody, &machine(Some(&own)), &own), "", "the other one remembers nobody");
}

#[test]
fn a_machine_names_its_own_paths_where_it_says_how_to_confirm_there() {
    let program = "BLASTDECK_STATE_DIR='/srv/a' blastdeck";
    let own = reason(("till", program), "sales", "it knows 9; confirm");

    assert_eq!(own, format!("it knows 9; confirm on till with `{program} sender confirm sales`, or S on the blast"));
    let machine = Machine { host: "till", stated: Some("it knows 9".to_owned()), is_asked: true };
    assert!(machine.has_said(&own));
    assert_eq!(with_speaker(&own, "office"), format!("till says: {own}"));
    assert_eq!(with_speaker(&own, "till"), format!("another machine of the same name says: {own}"));
}

#[test]
fn a_record_that_a_confirmation_began_is_said_to_be_whole_since_then() {
    let begun = PostedRecord { posted: vec![POST], begins_at: Some(DateTime::UNIX_EPOCH), ..PostedRecord::default() };

    let said = consequence(&begun);

    assert!(
        said.starts_with(REMEMBERS_POSTS) && said.contains("(1 post since its record begins, 1970-01-01 00:00 UTC)"),
        "{said}"
    );
    assert!(said.ends_with("another machine that posted to them, or this one before that"), "{said}");
}

#[test]
fn an_engine_adds_what_its_machine_remembers_once_and_where_there_is_room() {
    let posts = format!("{REMEMBERS_POSTS} (1 post): once you confirm");
    let adds = |known: &str, host, stated: Option<&str>, words: &str| {
        is_to_be_added(known, &Machine { host, stated: stated.map(str::to_owned), is_asked: false }, words)
    };
    let first = said("till", &posts);

    assert!(adds(&first, "office", None, &posts));
    assert!(adds(&first, "office", Some(&posts), &posts), "the other one has as many, in the same words");
    assert!(!adds(&first, "office", None, REMEMBERS_NOBODY));
    assert!(!adds(&first, "till", Some(&posts), &posts), "it says so already");
    let full = (1..MACHINES_MAX).fold(first, |known, n| after(&known, (&format!("office-{n}"), None), &posts));
    assert!(!adds(&full, "office", None, &posts), "{full}");
}

#[test]
fn a_machine_that_remembers_posts_takes_the_place_of_one_that_remembers_nobody() {
    let posts = format!("{REMEMBERS_POSTS} (1 post): once you confirm");
    let nobody = format!("{REMEMBERS_NOBODY}: once you confirm");
    let machine = Machine { host: "d", stated: None, is_asked: false };
    let asked = ["a", "b", "c"].iter().fold(said("new", &nobody), |known, host| after(&known, (host, None), &posts));

    assert!(is_to_be_added(&asked, &machine, &posts), "{asked}");
    let all = beside_others(&asked, &machine, &said("d", &posts));
    assert!(all.matches(REMEMBERS_POSTS).count() == 4 && !all.contains(REMEMBERS_NOBODY), "{all}");

    let again = after(&all, ("new", Some(&nobody)), &nobody);
    assert!(again.matches(REMEMBERS_POSTS).count() == 4 && again.contains(" on new with `"), "{again}");
}

#[test]
fn a_reason_without_room_for_another_machine_says_once_that_there_are_more() {
    let posts = format!("{REMEMBERS_POSTS} (1 post): once you confirm");
    let machine = Machine { host: "e", stated: None, is_asked: false };
    let three = ["b", "c"].iter().fold(said("a", &posts), |known, host| after(&known, (host, None), &posts));
    let full = after(&three, ("d", None), &posts);

    assert!(!is_one_more(&three, &machine, &posts) && !is_to_be_added(&full, &machine, &posts));
    assert!(is_one_more(&full, &machine, &posts) && !is_one_more(&full, &machine, REMEMBERS_NOBODY));
    let more = format!("{full}{NEXT_MACHINE}{MORE_MACHINES}");
    assert!(!is_one_more(&more, &machine, &posts));
    let asked = after(&more, ("e", None), &posts);
    assert!(asked.matches(REMEMBERS_POSTS).count() == 4 && asked.ends_with(MORE_MACHINES), "{asked}");
}

#[test]
fn whoever_confirms_where_the_record_is_gone_reads_that_it_is() {
    let posts = said("till", &format!("{REMEMBERS_POSTS} (3 posts): once you confirm"));
    let nobody = format!("{REMEMBERS_NOBODY}: once you confirm");

    assert!(advice(&posts, "till", &nobody).contains("its record is gone"));
    let both = after(&posts, ("office", None), &format!("{REMEMBERS_POSTS} (1 post): once you confirm"));
    assert!(advice(&both, "till", &nobody).contains("another machine remembers"));
}

#[test]
fn what_one_machine_says_stays_when_another_one_is_asked() {
    let first = said("till", "till knows 3 posts");

    let both = after(&first, ("office", None), "office knows none");

    assert_eq!(
        both,
        "till knows 3 posts; confirm on till with `blastdeck sender confirm sales`, or S on the blast. Besides, office says: office \
         knows none; confirm on office with `blastdeck sender confirm sales`, or S on the blast"
    );
}

#[test]
fn what_a_machine_said_before_gives_way_to_what_it_says_now() {
    let first = said("till", "till knows 3 posts");
    let now = "till's record is damaged";

    assert_eq!(after(&first, ("till", Some("till knows 3 posts")), now), said("till", now));
    let both = after(&first, ("office", None), "office knows none");
    let again = after(&both, ("till", Some("till knows 3 posts")), now);
    assert!(again.starts_with("office says: office knows none"), "{again}");
    assert!(again.ends_with(&format!(". Besides, till says: {}", said("till", now))), "{again}");
    assert!(!again.contains("3 posts"), "{again}");
}

#[test]
fn what_another_machine_of_the_same_name_said_stays_and_each_is_asked_once() {
    let first = said("till", "it knows 3 posts");

    let both = after(&first, ("till", None), "it knows none");

    let other = format!(". Besides, another machine of the same name says: {first}");
    assert_eq!(both, format!("{}{other}", said("till", "it knows none")), "what is so here comes first");
    let again = after(&both, ("till", Some("it knows none")), "it is damaged");
    assert_eq!(again, format!("{}{other}", said("till", "it is damaged")));
}

#[test]
fn whoever_reads_what_machines_of_other_names_said_knows_who_says_it() {
    let first = said("till", "it knows 3 posts");
    let both = after(&first, ("office", None), "it knows 2");

    let again = after(&both, ("office", None), "it knows none");

    let of_office = format!("another machine of the same name says: {}", said("office", "it knows 2"));
    let expected = [said("office", "it knows none"), format!("till says: {first}"), of_office];
    assert_eq!(again, expected.join(". Besides, "));
}

#[test]
fn what_an_engine_adds_for_a_machine_whose_operator_is_not_asked_stands_behind() {
    let first = said("till", "it knows none");
    let machine = Machine { host: "till", stated: None, is_asked: false };

    let both = beside_others(&first, &machine, &said("till", "it knows 3 posts"));

    let second = format!(". Besides, another machine of the same name says: {}", said("till", "it knows 3 posts"));
    assert_eq!(both, format!("{first}{second}"));
}

#[test]
fn a_reason_keeps_what_the_newest_few_machines_said() {
    let hosts = ["a", "b", "c", "d", "e", "f"];

    let reason = hosts.iter().fold(said("first", "x"), |known, host| after(&known, (host, None), "x"));

    assert_eq!(reason.matches("blastdeck sender confirm").count(), 4);
    assert!(reason.contains(" on f with `") && !reason.contains(" on first with `"), "{reason}");
}
