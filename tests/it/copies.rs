//! A draft that is opened again, and a draft that is made like another one: each names the list and the rows that its people are from.

use std::path::PathBuf;
use std::sync::Arc;

use blastdeck::app::{
    App, ByHand, CopiedPeople, DraftList, DraftPerson, ImportProgress, ListToTake, OpenedDraft, TakenList,
};
use blastdeck::domain::ids::{BlastId, RecipientId};
use blastdeck::domain::list_columns::ChosenColumns;
use blastdeck::domain::phone::{Phone, Region};
use blastdeck::domain::rejected_rows::{CellMend, LeftOutRow};
use blastdeck::store::draft::end_unfinished;
use serde_json::json;

use crate::recurring::engine_app;
use crate::support::{Setup, Shop, WAITING_FOR_A_LOCK, digits, eventually_async};

/// A draft to the people of a file, of which one row is left out.
async fn written(shop: &Shop, app: &App) -> BlastId {
    let file = shop.write(
        "raya.csv",
        format!("phone,name,city\n{},Aina,Kulai\nx,Ben,Kulai\n{},Siti,Kulai\n", digits(1), digits(2)),
    );
    let draft = BlastId(shop.draft(7..8).await.parse().unwrap());
    let opened = app.open_draft(draft).await.unwrap();
    let list = ListToTake { list: DraftList::File(file), columns: ChosenColumns::default(), mends: Vec::new() };
    app.take_list(opened.at, &opened.form, &list).await.unwrap();
    draft
}

fn rows(draft: &OpenedDraft) -> Vec<(Option<u64>, Option<&str>)> {
    draft.first_people.iter().map(|person| (person.row, person.name.as_deref())).collect()
}

#[tokio::test]
async fn a_draft_that_is_opened_again_and_its_copy_name_the_rows_and_the_list_of_their_people() {
    let shop = Shop::open(Setup::default()).await;
    let app = engine_app(&shop, "aina").await;
    let draft = written(&shop, &app).await;

    let opened = app.open_draft(draft).await.unwrap();
    let (copy, _) = app.duplicate(draft).await.unwrap();
    let copied = app.open_draft(copy.id).await.unwrap();

    assert_eq!(rows(&opened), [(Some(2), Some("Aina")), (Some(4), Some("Siti"))]);
    assert_eq!(rows(&copied), rows(&opened));
    let list = opened.left_out.as_ref().unwrap();
    assert!(list.file.as_ref().unwrap().ends_with("raya.csv") && list.total == 1, "{list:?}");
    assert_eq!(copied.left_out, opened.left_out);

    // What somebody else says of the draft while a list is opened stays.
    let mut other = shop.database.pool.begin().await.unwrap();
    let change = "update blasts set version = version + 1, unfinished = 'nobody has {code}' where id = $1";
    sqlx::query(change).bind(draft).execute(&mut *other).await.unwrap();
    let file = DraftList::File(shop.path("raya.csv"));
    let list = ListToTake { list: file, columns: ChosenColumns::default(), mends: Vec::new() };
    let taking = tokio::spawn(async move { app.take_list(opened.at, &opened.form, &list).await });
    eventually_async("the list waits for the draft", async || shop.number(WAITING_FOR_A_LOCK).await > 0).await;
    other.commit().await.unwrap();
    let refused = taking.await.unwrap().unwrap_err().to_string();
    assert_eq!(refused, "somebody changed this draft a moment ago: open it again");
    assert_eq!(shop.text(&format!("select unfinished from blasts where id = {draft}")).await, "nobody has {code}");
}

#[tokio::test]
async fn why_a_draft_cannot_be_sent_with_its_list_stays_where_another_window_s_list_is_refused_meanwhile() {
    let shop = Shop::open(Setup::default()).await;
    let app = engine_app(&shop, "aina").await;
    let draft = written(&shop, &app).await;
    let mut opened = app.open_draft(draft).await.unwrap();
    opened.form.message = "Hi {branch}".to_owned();
    let file = DraftList::File(shop.path("raya.csv"));
    let list = ListToTake { list: file, columns: ChosenColumns::default(), mends: Vec::new() };
    let mut holds = shop.database.pool.begin().await.unwrap();
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('list of ' || $1::bigint, 0))")
        .bind(draft)
        .execute(&mut *holds)
        .await
        .unwrap();
    let taking = tokio::spawn(async move { app.take_list(opened.at, &opened.form, &list).await });
    eventually_async("the list waits", async || shop.number(WAITING_FOR_A_LOCK).await > 0).await;

    let unfinished = format!("select unfinished from blasts where id = {draft}");
    let begun = shop.text(&unfinished).await;
    let mut other = shop.database.pool.begin().await.unwrap();
    end_unfinished(&mut other, draft, (&begun, None)).await.unwrap();
    other.commit().await.unwrap();
    holds.rollback().await.unwrap();

    taking.await.unwrap().unwrap();
    let why = shop.text(&unfinished).await;
    assert!(why.contains("{branch}"), "{why}");
}

#[tokio::test]
async fn cells_that_were_corrected_stay_so_whenever_the_list_of_a_draft_is_read_again() {
    let shop = Shop::open(Setup::default()).await;
    let app = engine_app(&shop, "aina").await;
    let draft = written(&shop, &app).await;
    let file = DraftList::File(shop.path("raya.csv"));
    let reread = async |mends: Vec<CellMend>| {
        let opened = app.open_draft(draft).await.unwrap();
        let list = ListToTake { list: file.clone(), columns: ChosenColumns::default(), mends };
        let taken = app.take_list(opened.at, &opened.form, &list).await.unwrap();
        (app.open_draft(draft).await.unwrap(), taken.imported.unfit_mends.len())
    };
    let mend = correction(&app, draft, &digits(5)).await;

    let (opened, unfit) = reread(vec![mend.clone()]).await;
    assert_eq!((rows(&opened)[1], unfit), ((Some(3), Some("Ben")), 0));
    let kept = opened.left_out.unwrap();
    assert_eq!((&kept.mends, kept.total), (&vec![mend], 0));
    let (copy, _) = app.duplicate(draft).await.unwrap();
    assert_eq!(app.open_draft(copy.id).await.unwrap().left_out.unwrap().mends, kept.mends);

    // Another row stands there now, with the same in its cell or not, or with the same name: nobody gets the number of somebody else. The
    // correction goes with its row, and where that has changed it is said.
    for there in ["x,Aina".to_owned(), format!("{},Aina", digits(1)), "x,Ben,Ipoh".to_owned()] {
        for (ben, is_there) in [("x,Ben,Kulai", true), ("x,Ben,Penang", false)] {
            shop.write("raya.csv", format!("phone,name,city\n{},Raj,Kulai\n{there}\n{ben}\n", digits(3)));
            let (opened, unfit) = reread(kept.mends.clone()).await;
            let of_mend = |person: &&DraftPerson| person.phone.replace([' ', '-'], "") == format!("+{}", digits(5));
            let whose = opened.first_people.iter().find(of_mend).map(|person| (person.row, person.name.as_deref()));
            assert_eq!((whose, unfit), (is_there.then_some((Some(4), Some("Ben"))), usize::from(!is_there)), "{there}");
            let rows: Vec<_> = opened.left_out.unwrap().mends.iter().map(|mend| mend.row).collect();
            assert_eq!(rows, if is_there { vec![4] } else { vec![] }, "what fits nobody waits for nobody");
        }
    }
}

/// Reads the draft's list again with these corrections.
async fn reread(app: &App, draft: BlastId, list: PathBuf, mends: Vec<CellMend>) -> TakenList {
    let opened = app.open_draft(draft).await.unwrap();
    let list = ListToTake { list: DraftList::File(list), columns: ChosenColumns::default(), mends };
    app.take_list(opened.at, &opened.form, &list).await.unwrap()
}

#[tokio::test]
async fn whoever_was_added_or_taken_out_by_hand_stays_so_where_the_list_is_read_again() {
    let shop = Shop::open(Setup::default()).await;
    let app = engine_app(&shop, "aina").await;
    let draft = written(&shop, &app).await;
    let (id, siti) = (draft.0.to_string(), format!("+{}", digits(2)));
    let more = shop.write("more.csv", format!("phone,name\n{},Added\n", digits(7)));
    shop.ok(&["blast", "add", &id, "--recipients", more.to_str().unwrap()]).await;
    shop.ok(&["blast", "remove", &id, &siti]).await;
    let mend = correction(&app, draft, "").await;
    let (copy, _) = app.duplicate(draft).await.unwrap();
    let names = async |draft: BlastId| {
        let people = app.open_draft(draft).await.unwrap().first_people;
        let mut names: Vec<_> = people.into_iter().map(|person| person.name.unwrap()).collect();
        names.sort();
        names
    };
    let corrected = || vec![CellMend { value: digits(5), ..mend.clone() }];
    let by_hand = async |draft| {
        let ByHand { added, taken_out } = app.open_draft(draft).await.unwrap().by_hand;
        (added, taken_out)
    };
    assert_eq!(by_hand(draft).await, (1, 1));

    for draft in [draft, copy.id] {
        let taken = reread(&app, draft, shop.path("raya.csv"), corrected()).await;

        assert_eq!((taken.people, taken.imported.changes.unwrap().in_words()), (3, None));
        assert_eq!(names(draft).await, ["Added", "Aina", "Ben"]);
        let left_out = app.open_draft(draft).await.unwrap().left_out.unwrap();
        assert_eq!(left_out.in_words(2), "1 taken out of this draft by hand");
        assert_eq!(left_out.rows[0].row, 4);
        assert_eq!(by_hand(draft).await, (1, 0), "her row is among those that were left out");
    }

    // By hand she comes in again; it is her row that counts, by whichever path the list is read.
    shop.ok(&["blast", "add", &id, &siti, "--name", "Siti A."]).await;
    let again = shop.path("again.csv");
    std::os::unix::fs::symlink(shop.path("raya.csv"), &again).unwrap();
    for list in [shop.path("raya.csv"), again] {
        let taken = reread(&app, draft, list, corrected()).await;
        assert_eq!((taken.people, taken.imported.by_hand, taken.imported.rejected.total), (4, 1, 0));
        assert_eq!(names(draft).await, ["Added", "Aina", "Ben", "Siti"]);
    }
    // A row that is corrected to the number of somebody who was added takes nobody's place.
    let theirs = vec![CellMend { value: digits(7), ..mend.clone() }];
    let taken = reread(&app, draft, shop.path("raya.csv"), theirs).await;
    assert_eq!(taken.imported.left_out().in_words(1), "1 in the blast already");
    assert_eq!(names(draft).await, ["Added", "Aina", "Siti"]);
    reread(&app, draft, shop.path("raya.csv"), corrected()).await;
    shop.ok(&["blast", "remove", &id, &format!("+{}", digits(1)), &format!("+{}", digits(5))]).await;
    shop.ok(&["blast", "remove", &id, &siti]).await;

    // Whoever is left was added.
    assert_eq!(reread(&app, draft, shop.path("raya.csv"), corrected()).await.people, 1);
    assert_eq!(names(draft).await, ["Added"]);

    let last = "select action || detail::text from operator_actions order by id desc limit 1";
    assert_eq!(shop.text(last).await, r#"edit{"list": true}"#, "reading a list adds nobody by hand");

    // Another list is the whole draft.
    let other = shop.write("other.csv", format!("phone,name\n{},Added\n{},Siti\n", digits(7), digits(2)));
    let taken = reread(&app, draft, other, Vec::new()).await;
    assert_eq!((taken.people, taken.imported.by_hand, taken.imported.dropped), (2, 0, Some((1, 3))));
    assert_eq!(names(draft).await, ["Added", "Siti"]);
}

#[tokio::test]
async fn a_message_that_cannot_be_made_for_somebody_who_was_added_by_hand_is_said_where_the_list_is_read_again() {
    let shop = Shop::open(Setup::default()).await;
    let app = engine_app(&shop, "aina").await;
    let draft = written(&shop, &app).await;
    let added = format!("+{}", digits(7));
    shop.ok(&["blast", "add", &draft.0.to_string(), &added, "--name", "Added"]).await;
    let mut opened = app.open_draft(draft).await.unwrap();
    opened.form.message = "Hi {city}".to_owned();
    let saved = app.save_draft(Some(opened.at), &opened.form).await.unwrap();
    let list = DraftList::File(shop.path("raya.csv"));
    let list = ListToTake { list, columns: ChosenColumns::default(), mends: Vec::new() };

    let taken = app.take_list(saved.at, &opened.form, &list).await.unwrap();

    let why = taken.saved.unfinished.unwrap();
    assert!(why.contains(&format!("it cannot be made for {added}")) && why.contains("blast remove"), "{why}");
    assert_eq!(app.open_draft(draft).await.unwrap().unfinished.unwrap(), why);
    // As it says: whoever it could not be made for goes out, and nothing stands in the way.
    shop.ok(&["blast", "remove", &draft.0.to_string(), &added]).await;
    assert_eq!(app.open_draft(draft).await.unwrap().unfinished, None);
    shop.ok(&["blast", "send", &draft.0.to_string(), "--yes", "--no-engine"]).await;
}

#[tokio::test]
async fn whom_a_changed_list_brings_in_or_takes_out_is_said() {
    let shop = Shop::open(Setup::default()).await;
    let app = engine_app(&shop, "aina").await;
    let draft = written(&shop, &app).await;
    let mend = correction(&app, draft, "").await;
    let reread = async |number: String| {
        let mends = vec![CellMend { value: number, ..mend.clone() }];
        reread(&app, draft, shop.path("raya.csv"), mends).await.imported.changes.unwrap()
    };
    shop.write(
        "raya.csv",
        format!("phone,name,city\n{},Aina,Kulai\nx,Ben,Kulai\n{},New,Kulai\n", digits(1), digits(3)),
    );

    let said = reread("y".to_owned()).await.in_words();
    assert_eq!(said.as_deref(), Some("New came in, Siti dropped out"));
    assert_eq!(reread("y".to_owned()).await.in_words(), None);
    // A correction that is taken back is no news, nor is one of another number.
    assert_eq!(reread(digits(6)).await.in_words(), None);
    assert_eq!(reread(digits(5)).await.in_words(), None);
    assert_eq!(reread("y".to_owned()).await.in_words(), None);
    // The other's number: they are pushed out by it.
    let said = reread(digits(3)).await.in_words().unwrap();
    assert!(said.ends_with(" was New and is Ben now"), "{said}");
}

/// Ben's number, which is missing in the list.
async fn correction(app: &App, draft: BlastId, number: &str) -> CellMend {
    let left_out = app.open_draft(draft).await.unwrap().left_out.unwrap();
    let LeftOutRow { row, column, name: whose, digest, phone, .. } = left_out.rows[0].clone();
    CellMend { row, column, digest, is_alike: false, whose, phone, value: number.into() }
}

#[tokio::test]
async fn a_cell_that_is_corrected_twice_is_recognized_by_what_the_list_has_there() {
    let shop = Shop::open(Setup::default()).await;
    let app = engine_app(&shop, "aina").await;
    let draft = written(&shop, &app).await;
    let wrong = correction(&app, draft, "y").await;
    for mend in [wrong.clone(), CellMend { value: digits(5), ..wrong.clone() }] {
        let opened = app.open_draft(draft).await.unwrap();
        let file = DraftList::File(shop.path("raya.csv"));
        let list = ListToTake { list: file, columns: ChosenColumns::default(), mends: vec![mend.clone()] };

        let taken = app.take_list(opened.at, &opened.form, &list).await.unwrap();

        assert_eq!(taken.imported.unfit_mends, []);
        let left_out = app.open_draft(draft).await.unwrap().left_out.unwrap();
        assert_eq!(left_out.mends, [mend]);
        let still: Vec<_> = left_out.rows.iter().map(|row| (row.value.as_str(), &row.digest)).collect();
        assert!(still.is_empty() || still == [("y", &wrong.digest)], "{still:?}");
    }
}

#[tokio::test]
async fn a_correction_to_the_number_of_somebody_who_was_forgotten_is_not_kept() {
    let shop = Shop::open(Setup::default()).await;
    let app = engine_app(&shop, "aina").await;
    let draft = written(&shop, &app).await;
    app.forget(&Phone::parse(&digits(6), Region::MALAYSIA).unwrap()).await.unwrap();
    let opened = app.open_draft(draft).await.unwrap();
    let file = DraftList::File(shop.path("raya.csv"));
    let mends = vec![correction(&app, draft, &digits(6)).await];

    let list = ListToTake { list: file, columns: ChosenColumns::default(), mends };
    app.take_list(opened.at, &opened.form, &list).await.unwrap();

    let left_out = app.open_draft(draft).await.unwrap().left_out.unwrap();
    assert!(left_out.total == 1 && left_out.mends.is_empty(), "{left_out:?}");
}

#[tokio::test]
async fn a_copy_of_a_blast_that_was_cancelled_half_sent_goes_only_to_whom_that_left_out() {
    let shop = Shop::open(Setup::default()).await;
    let app = engine_app(&shop, "aina").await;
    let blast = shop.blast(0..5).await;
    shop.execute(&format!(
        "update blast_recipients set status = 'sent', standing = 'sent', attempt = 1, sent_at = now()
          where blast_id = {blast} and phone_number = '+{}';
         update blast_recipients set status = 'skipped', standing = 'skipped', reason = 'replied since'
          where blast_id = {blast} and phone_number = '+{}'",
        digits(0),
        digits(1)
    ))
    .await;
    shop.ok(&["blast", "cancel", &blast, "--yes"]).await;

    let (copy, people) = app.duplicate(BlastId(blast.parse().unwrap())).await.unwrap();

    assert_eq!(people, CopiedPeople::LeftOut);
    assert_eq!(app.blast(copy.id).await.unwrap().counts.queued, 3);
    assert_eq!(app.blast(copy.id).await.unwrap().total_recipients, 3);
    // What was said of the whole list is not so of these.
    assert_eq!(app.open_draft(copy.id).await.unwrap().left_out, None);
    let (all, people) = app.duplicate(copy.id).await.unwrap();
    assert_eq!((people, app.blast(all.id).await.unwrap().total_recipients), (CopiedPeople::All, 3));
}

#[tokio::test]
async fn nobody_who_was_forgotten_is_in_a_copy_which_takes_other_words() {
    let shop = Shop::open(Setup::default()).await;
    let app = engine_app(&shop, "aina").await;
    let blast = shop.blast(0..3).await;
    shop.until_idle().await;
    shop.ok(&["customer", "forget", &format!("+{}", digits(0)), "--yes"]).await;

    let (copy, people) = app.duplicate(BlastId(blast.parse().unwrap())).await.unwrap();

    let copied = app.blast(copy.id).await.unwrap();
    assert_eq!((people, copied.counts.queued, copied.total_recipients), (CopiedPeople::All, 2, 2));
    let id = copy.id.to_string();
    shop.ok(&["blast", "edit", &id, "--message", "Hello {name}"]).await;
    assert_eq!(shop.json(&["blast", "plan", &id]).await["people"], 2);
}

#[tokio::test]
async fn a_list_that_is_stopped_while_it_is_read_leaves_the_draft_as_it_was() {
    let shop = Shop::open(Setup::default()).await;
    let app = engine_app(&shop, "aina").await;
    let draft = written(&shop, &app).await;
    let opened = app.open_draft(draft).await.unwrap();
    let file = shop.write("other.csv", format!("phone,name\n{},Raj\n", digits(3)));
    let list = ListToTake { list: DraftList::File(file), columns: ChosenColumns::default(), mends: Vec::new() };
    let progress = Arc::new(ImportProgress::default());
    progress.stop();

    let stopped = app.take_list_watched(opened.at, &opened.form, (&list, &progress)).await.unwrap_err();

    assert_eq!(stopped.to_string(), "stopped: nothing of the list is kept");
    let after = app.open_draft(draft).await.unwrap();
    assert_eq!(rows(&after), [(Some(2), Some("Aina")), (Some(4), Some("Siti"))]);
    assert_eq!((after.at, after.unfinished), (opened.at, opened.unfinished));
    let progress = Arc::new(ImportProgress::default());
    app.take_list_watched(after.at, &after.form, (&list, &progress)).await.unwrap();
    assert_eq!(progress.rows(), 1);
}

#[tokio::test]
async fn a_copy_that_gets_a_list_is_for_the_numbers_of_that_and_no_more_for_whom_a_filter_found() {
    let shop = Shop::open(Setup::default()).await;
    let app = engine_app(&shop, "aina").await;
    let draft = written(&shop, &app).await;
    shop.execute(&format!("update blasts set for_people = true where id = {draft}")).await;
    let (copy, _) = app.duplicate(draft).await.unwrap();
    let for_people = "select count(*) from blasts where for_people";
    assert_eq!(shop.number(for_people).await, 2);

    let opened = app.open_draft(copy.id).await.unwrap();
    let file = DraftList::File(shop.path("raya.csv"));
    let list = ListToTake { list: file, columns: ChosenColumns::default(), mends: Vec::new() };
    app.take_list(opened.at, &opened.form, &list).await.unwrap();

    assert_eq!(shop.number(for_people).await, 1, "the other one has its people still");
}

#[tokio::test]
async fn whoever_is_queued_shows_what_they_are_to_read() {
    let shop = Shop::open(Setup::default()).await;
    let app = engine_app(&shop, "aina").await;
    shop.draft(0..2).await;
    shop.execute("update blast_recipients set name = 'Siti'").await;
    shop.execute("update blast_recipients set status = 'skipped', standing = 'skipped' where id = 2").await;

    let words = async |id: i64| app.recipient(RecipientId(id)).await.unwrap().words;
    assert_eq!(words(1).await.as_deref(), Some("Hi Siti"));
    assert_eq!(words(2).await, None, "nothing goes to them");
}

#[tokio::test]
async fn of_uncertain_people_it_is_known_who_had_the_message_by_a_copy() {
    let shop = Shop::open(Setup::default()).await;
    let app = engine_app(&shop, "aina").await;
    let blast = shop.draft(0..3).await;
    let (copy, _) = app.duplicate(BlastId(blast.parse().unwrap())).await.unwrap();
    shop.execute(&format!(
        "update blast_recipients set status = 'uncertain', standing = 'uncertain', attempt = 1 where blast_id = {blast};
         update blast_recipients set status = 'read', standing = 'read', attempt = 1, sent_at = now()
          where blast_id = {} and phone_number in ('+{}', '+{}')",
        copy.id,
        digits(0),
        digits(2)
    ))
    .await;
    let people: Vec<i64> = sqlx::query_scalar("select id from blast_recipients where blast_id = $1 order by id")
        .bind(blast.parse::<i64>().unwrap())
        .fetch_all(&shop.database.pool)
        .await
        .unwrap();
    let people: Vec<_> = people.into_iter().map(RecipientId).collect();

    assert_eq!(app.before_resend(&people).await.unwrap().had_same_message, 2);
    let known = app.before_resend(&people[1..2]).await.unwrap();
    assert_eq!((known.had_same_message, known.opted_out), (0, 0));
    let out = "insert into suppressions (phone_number, business, source) select phone_number, '*', 'operator' from blast_recipients where id = ";
    shop.execute(&format!("{out}{}", people[1].0)).await;
    let known = app.before_resend(&people).await.unwrap();
    assert!(known.opted_out == 1 && known.of_several().unwrap().starts_with("1 of them opted out and gets nothing."));
    // And who of them may have it again now.
    assert_eq!((known.settled, known.too_soon, known.not_now.len()), (0, 0, 0));
    shop.execute(&format!(
        "update blast_recipients set claimed_at = now() where id = {};
         update blast_recipients set status = 'sent', standing = 'sent', sent_at = now() where id = {}",
        people[0].0, people[2].0
    ))
    .await;
    let known = app.before_resend(&people).await.unwrap();
    assert_eq!((known.opted_out, known.settled, known.too_soon), (1, 1, 1));
    assert!(known.not_now.len() == 2 && !known.not_now.contains(&people[1]), "{known:?}");
    shop.execute(&format!("update blasts set state = 'cancelled' where id = {blast}")).await;
    let cancelled = app.before_resend(&people).await.unwrap();
    assert_eq!((cancelled.cancelled, cancelled.get_nothing(), cancelled.not_now.len()), (3, 3, 3));
    shop.execute(&format!("update blasts set state = 'draft' where id = {blast}")).await;
    let page = app.recipient(people[0]).await.unwrap();
    assert!(page.elsewhere.is_empty(), "the copy was not launched: {page:?}");
    shop.execute(&format!("update blasts set launched_at = now() where id = {}", copy.id)).await;
    assert!(app.recipient(people[0]).await.unwrap().elsewhere[0].is_same_message);
    shop.execute(&format!("update blasts set message = 'Other words' where id = {}", copy.id)).await;
    assert_eq!(app.before_resend(&people).await.unwrap().had_same_message, 0);
    assert!(!app.recipient(people[0]).await.unwrap().elsewhere[0].is_same_message);
}

#[tokio::test]
async fn cells_that_were_corrected_are_corrected_in_the_next_blast_from_the_same_file_and_said() {
    let shop = Shop::open(Setup::default()).await;
    let app = engine_app(&shop, "aina").await;
    let draft = written(&shop, &app).await;
    let mend = correction(&app, draft, &digits(5)).await;
    reread(&app, draft, shop.path("raya.csv"), vec![mend.clone()]).await;
    let next = BlastId(shop.draft(8..9).await.parse().unwrap());

    let taken = reread(&app, next, shop.path("raya.csv"), Vec::new()).await;

    assert_eq!((taken.people, taken.imported.rejected.total, &taken.imported.mends), (3, 0, &vec![mend]));
    let says = "1 cell is corrected as in an earlier blast from this file";
    assert_eq!(taken.imported.corrected_as_before_words().as_deref(), Some(says));
    // There it is taken back like one of its own.
    let taken = reread(&app, next, shop.path("raya.csv"), Vec::new()).await;
    assert_eq!((taken.people, taken.imported.rejected.total), (2, 1));

    let file = shop.path("raya.csv");
    let new = ["blast", "new", "--sender", "sales", "--message", "Hi {name}", "--recipients", file.to_str().unwrap()];
    let made = shop.run(&new).await;
    let names_it = format!("{says}:\n  row 3, phone: {}\n", digits(5));
    assert!(made.err.contains(&names_it), "{made:?}");
    let corrected = json!([{ "row": 3, "column": "phone", "value": digits(5) }]);
    assert_eq!(shop.json(&new).await["corrected"], corrected);
    shop.write("raya.csv", format!("phone,name,city\n{},Aina,Kulai\ny,Ben,Kulai\n", digits(1)));
    let made = shop.run(&new).await;
    assert!(
        !made.err.contains("corrected") && made.err.contains("1 row"),
        "another row is nobody's correction: {made:?}"
    );
}
