//! Files of people against a real Postgres: what is written, and that nothing is when something is wrong.

use std::io::{self, Cursor, Read};
use std::path::Path;

use blastdeck::domain::blast::BlastState;
use blastdeck::domain::content::BlastContent;
use blastdeck::domain::filter::Filter;
use blastdeck::domain::ids::{BlastId, SenderId};
use blastdeck::domain::message::Message;
use blastdeck::import::{
    Addition, BlastDraft, ImportError, ImportOptions, Imported, KeptRejections, NewBlast, PeopleSource, RejectedTo,
    Replacement, TableSource, add_people, create_blast, create_from, replace_people,
};
use blastdeck::store::forget;
use blastdeck::store::view::{self, Anchor, Order, RecipientQuery};
use sqlx::PgPool;

use crate::support::{Setup, Shop, Size, TestDatabase, WAITING_FOR_A_LOCK, database, eventually_async};

async fn sender(pool: &PgPool) -> SenderId {
    let made = sqlx::query_scalar(
        "insert into senders (name, provider, business) values ('sales', 'wsapme', 'kedai') returning id",
    );
    SenderId(made.fetch_one(pool).await.unwrap())
}

fn new_blast(sender_id: SenderId, message: &str) -> NewBlast {
    let draft = BlastDraft {
        sender_id,
        tag: "Raya promo".into(),
        follow_up_stage: "Initial".into(),
        content: BlastContent::Text(Message::parse(message).unwrap()),
        rate: Some("20/min".parse().unwrap()),
        gap: Some("20s..60s".parse().unwrap()),
        window: Some("09:00-21:00".parse().unwrap()),
        weekdays: Some("mon-fri".parse().unwrap()),
        timezone: Some(chrono_tz::Asia::Kuala_Lumpur),
        retry_next_day: false,
        first: None,
        external_id: None,
        description: None,
        start: None,
        segment: None,
        clocks: blastdeck::domain::blast::PersonClocks::default(),
        repeat: blastdeck::domain::blast::RepeatColumns::default(),
    };
    NewBlast { region: "MY".parse().unwrap(), draft, without_united_states: false }
}

async fn import(pool: &PgPool, source: impl Read + Send + 'static, to: &Path) -> Result<Imported, ImportError> {
    let sender = sender(pool).await;
    create_blast(pool, new_blast(sender, "Hi {name}"), source, RejectedTo::beside(to)).await
}

/// Rows in every table that an import writes to.
async fn rows(pool: &PgPool) -> i64 {
    let counted = sqlx::query_scalar(
        "select (select count(*) from blasts) + (select count(*) from blast_recipients)
              + (select count(*) from blast_count_deltas) + (select count(*) from blast_counts)",
    );
    counted.fetch_one(pool).await.unwrap()
}

fn files_in(dir: &Path) -> usize {
    std::fs::read_dir(dir).unwrap().count()
}

#[tokio::test]
async fn an_import_leaves_a_draft_with_its_people_and_a_file_of_the_others() {
    let database = database().await;
    let dir = tempfile::tempdir().unwrap();
    let people = "Telefon,Nama,Kod\n010-012 3456,\"A\tina \\N \"\"x\"\"\",B\\1\n6.01E+10,Ben,\n60100123456,Twice,\n0100123457,,\n0100123458,李,\n";

    let imported = import(&database.pool, Cursor::new(people), &dir.path().join("raya.csv")).await.unwrap();

    assert_eq!((imported.taken, imported.rejected.total), (2, 3));
    let blast = view::blasts::get(&database.pool, imported.blast).await.unwrap().unwrap();
    assert_eq!((blast.state, blast.total_recipients, blast.counts.queued), (BlastState::Draft, 2, 2));
    assert_eq!((blast.message.as_str(), blast.limits.hours), ("Hi {name}", Some(Ok("09:00-21:00".parse().unwrap()))));
    assert_eq!(names(&database.pool, imported.blast).await, ["A ina \\N \"x\"", "李"]);
    let variables: serde_json::Value = sqlx::query_scalar("select variables from blast_recipients order by id limit 1")
        .fetch_one(&database.pool)
        .await
        .unwrap();
    assert_eq!(variables, serde_json::json!({"nama": "A\tina \\N \"x\"", "name": "A\tina \\N \"x\"", "kod": "B\\1"}));
    let rejected = std::fs::read_to_string(dir.path().join("raya.rejected.csv")).unwrap();
    let lines: Vec<_> =
        rejected.lines().map(|line| line.splitn(4, ',').take(3).collect::<Vec<_>>().join(",")).collect();
    assert_eq!(lines, ["row,column,value", "3,Telefon,6.01E+10", "4,Telefon,60100123456", "5,Nama,"]);
    assert_eq!(files_in(dir.path()), 1);
}

async fn names(pool: &PgPool, blast: BlastId) -> Vec<String> {
    let everybody = RecipientQuery {
        blast,
        filter: Filter::default(),
        order: Order::Row,
        as_of: None,
        anchor: Anchor::Start,
        limit: 1_000,
    };
    let rows = view::recipients::window(pool, &everybody).await.unwrap();
    rows.into_iter().filter_map(|row| row.name).collect()
}

/// A file that breaks off: the disk or the pipe went away.
struct BreaksOff<R>(R);

impl<R: Read> Read for BreaksOff<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::Error::other("gone")),
            read => Ok(read),
        }
    }
}

fn many(people: u32) -> String {
    let rows = (0..people).map(|i| format!("+60100{i:07},Person {i}\n"));
    std::iter::once("bad,\n".to_owned()).chain(rows).fold("phone,name\n".to_owned(), |file, row| file + &row)
}

#[tokio::test]
async fn a_file_that_fails_leaves_nothing_behind() {
    let database = database().await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("raya.csv");
    let sender = sender(&database.pool).await;
    let open_quote = many(20_000) + "\"+60100999999,x\n";
    let sources: [Box<dyn Read + Send>; 4] = [
        Box::new(BreaksOff(Cursor::new(many(20_000)))),
        Box::new(Cursor::new(open_quote)),
        Box::new(Cursor::new("phone,name\nbad,\n0100123456,\n")),
        Box::new(Cursor::new("")),
    ];

    for source in sources {
        let new = new_blast(sender, "Hi {name}");
        create_blast(&database.pool, new, source, RejectedTo::beside(&path)).await.unwrap_err();

        assert_eq!((rows(&database.pool).await, files_in(dir.path())), (0, 0));
    }
}

#[tokio::test]
async fn a_refusal_of_the_database_leaves_nothing_behind_and_the_pool_usable() {
    let database = database().await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("raya.csv");
    let refuse = "alter table blast_recipients add constraint refuse check (phone_number <> '+601000019999')";
    sqlx::query(refuse).execute(&database.pool).await.unwrap();

    let error = import(&database.pool, Cursor::new(many(20_000)), &path).await.unwrap_err();

    assert!(matches!(error, ImportError::Store(_)), "{error}");
    assert_eq!(rows(&database.pool).await, 0);
    crate::support::eventually("the reader's file is gone", || files_in(dir.path()) == 0);
    for _ in 0..10 {
        assert_eq!(rows(&database.pool).await, 0);
    }
}

/// A pipe that says nothing after its first words, until it is dropped.
struct Silent {
    first: Cursor<Vec<u8>>,
    closed: std::sync::mpsc::Receiver<()>,
}

impl Read for Silent {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.first.read(buffer)? {
            0 => {
                _ = self.closed.recv();
                Ok(0)
            }
            read => Ok(read),
        }
    }
}

#[tokio::test]
async fn an_import_that_is_given_up_leaves_nothing_behind() {
    let database = database().await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("raya.csv");
    let (close, closed) = std::sync::mpsc::channel();
    let pipe = Silent { first: Cursor::new(many(20_000).into_bytes()), closed };
    let pool = database.pool.clone();

    let importing = tokio::spawn(async move { import(&pool, pipe, &path).await });
    let copying = || async { is_copying(&database.pool).await };
    crate::support::eventually_async("people are being copied", copying).await;
    importing.abort();
    assert!(importing.await.unwrap_err().is_cancelled());

    let over = || async { !is_copying(&database.pool).await };
    crate::support::eventually_async("Postgres has let go", over).await;
    assert_eq!(rows(&database.pool).await, 0);
    drop(close);
    crate::support::eventually("the reader's file is gone", || files_in(dir.path()) == 0);
}

#[tokio::test]
async fn a_list_waits_for_somebody_who_is_being_forgotten() {
    let database = database().await;
    let mut forgets = database.pool.begin().await.unwrap();
    forget::hold_lists(&mut forgets).await.unwrap();
    let mut list = database.pool.begin().await.unwrap();
    sqlx::raw_sql("set local lock_timeout = '1ms'; set local statement_timeout = '500ms'")
        .execute(&mut *list)
        .await
        .unwrap();

    let waits = tokio::spawn(async move {
        forget::share_lists(&mut list).await.unwrap();
        let after = sqlx::query_scalar::<_, String>(
            "select current_setting('lock_timeout') || ', ' || current_setting('statement_timeout')",
        );
        after.fetch_one(&mut *list).await.unwrap()
    });
    let is_waiting = async || {
        let waiting: i64 = sqlx::query_scalar(WAITING_FOR_A_LOCK).fetch_one(&database.pool).await.unwrap();
        waiting > 0
    };
    crate::support::eventually_async("it waits", is_waiting).await;
    // Longer than a statement may take.
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    forgets.commit().await.unwrap();

    assert_eq!(waits.await.unwrap(), "1ms, 500ms", "nothing else is waited for any longer");
}

async fn is_copying(pool: &PgPool) -> bool {
    let copying = sqlx::query_scalar(
        "select exists (select from pg_stat_progress_copy where datname = current_database() and tuples_processed > 0)",
    );
    copying.fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn many_people_are_counted_once_and_in_order() {
    let database = database().await;
    let dir = tempfile::tempdir().unwrap();

    let imported = import(&database.pool, Cursor::new(many(20_000)), &dir.path().join("x.csv")).await.unwrap();

    assert_eq!((imported.taken, imported.rejected.total), (20_000, 1));
    let blast = view::blasts::get(&database.pool, imported.blast).await.unwrap().unwrap();
    assert_eq!((blast.counts.queued, blast.total_recipients), (20_000, 20_000));
    assert_eq!(names(&database.pool, imported.blast).await[..2], ["Person 0", "Person 1"]);
}

#[tokio::test]
async fn a_number_with_a_digit_too_many_or_too_few_is_taken_and_named_with_its_row() {
    let shop = Shop::open(Setup::default()).await;
    let list = "phone,name\n60123456789,Ali\n6012345678,Ben\n601234567890,Cik\n6588776655,Dee\n";
    let file = shop.write("list.csv", list);
    let new = ["blast", "new", "--sender", "sales", "--message", "x", "--recipients", file.to_str().unwrap()];

    let said = shop.run(&new).await;

    let words = "2 numbers of unusual length for their country, taken all the same (rows 3, 4)";
    assert!(said.code == 0 && said.err.contains("4 people taken") && said.err.contains(words), "{said:?}");
    let id = said.out.trim();
    assert!(shop.ok(&["blast", "plan", id]).await.contains(words));
    let plan = shop.json(&["blast", "plan", id]).await;
    assert_eq!(plan["unusual_lengths"], serde_json::json!({ "total": 2, "rows": [3, 4] }));
    assert_eq!((&plan["people"], &plan["left_out"]), (&serde_json::json!(4), &serde_json::json!(null)));
}

#[tokio::test]
async fn the_rows_that_a_list_was_read_without_are_listed_with_who_is_left_out() {
    let shop = Shop::open(Setup::default()).await;
    let list = "phone,name,stop\n60123456789,Ali,\n6O123456780,Ben,\n60123456781,Cik,yes\n60123456789,Dee,\n";
    let file = shop.write("list.csv", list);
    let new = ["blast", "new", "--sender", "sales", "--message", "x", "--recipients", file.to_str().unwrap()];
    let id = shop.ok(&new).await.trim().to_owned();

    let table = shop.ok(&["blast", "plan", &id, "--left-out"]).await;
    let lines = shop.json_lines(&["blast", "plan", &id, "--left-out"]).await;

    let starts: Vec<_> = table.lines().skip(1).map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!((starts[0], starts.len()), ("6O123456780", 3), "{table}");
    assert!(table.contains("Ben") && table.contains("row 3: not a phone number"), "{table}");
    let rows: Vec<_> = lines.iter().map(|row| (row["row"].as_u64().unwrap(), row["value"].as_str().unwrap())).collect();
    assert_eq!(rows, [(3, "6O123456780"), (4, "yes"), (5, "60123456789")]);
    assert_eq!((&lines[0]["phone_number"], &lines[0]["name"]), (&serde_json::json!(null), &serde_json::json!("Ben")));
    assert_eq!(lines[1]["phone_number"], "+60123456781");
}

#[tokio::test]
async fn a_second_column_of_phones_is_named_unless_somebody_chose() {
    let shop = Shop::open(Setup::default()).await;
    let list = shop.write("raya.csv", "Telefon,WhatsApp,Nama\n0388881234,0100123456,Aina\n0388881235,0100123457,Ben\n");
    let new = |columns: &[&str]| {
        let start = ["blast", "new", "--sender", "sales", "--message", "Salam", "--recipients"];
        shop.command(&[&start[..], &[list.to_str().unwrap()], columns].concat())
    };

    let guessed = crate::support::said(new(&[])).await.err;
    let chosen = crate::support::said(new(&["--phone-column", "WhatsApp"])).await.err;

    let doubt = "Telefon has phone numbers, too: --phone-column says which to take";
    assert!(guessed.contains("(phones from WhatsApp") && guessed.contains(doubt), "{guessed}");
    assert!(chosen.contains("(phones from WhatsApp") && !chosen.contains("too:"), "{chosen}");
}

#[tokio::test]
async fn columns_that_are_chosen_on_the_command_line_are_kept_with_the_draft_and_its_file() {
    let shop = Shop::open(Setup::default()).await;
    let list = shop.write("raya.csv", "Telefon,Nombor baru,Nama,Kedai\n0100120008,0100120001,null,Aina Enterprise\n");
    let new = |columns: &[&str]| {
        let start = ["blast", "new", "--sender", "sales", "--message", "Salam {name|there}", "--recipients"];
        shop.command(&[&start[..], &[list.to_str().unwrap()], columns].concat())
    };

    let guessed = crate::support::said(new(&[])).await.err;
    assert!(guessed.contains("(phones from Telefon, names from Nama)"), "{guessed}");
    assert!(guessed.contains("1 name reads null, N/A or the like: taken as no name"), "{guessed}");
    let chosen = crate::support::said(new(&["--phone-column", "Nombor baru", "--name-column", "column 4"])).await.err;
    assert!(chosen.contains("(phones from Nombor baru, names from Kedai)"), "{chosen}");
    let plan = crate::support::said(shop.command(&["blast", "plan", "2"])).await.out;

    let words = format!("  list      {}   phone = Nombor baru   name = Kedai", list.display());
    assert!(plan.contains(&words) && plan.contains("Salam Aina Enterprise"), "{plan}");
    let phones = shop.text("select string_agg(phone_number, ' ' order by id) from blast_recipients").await;
    assert_eq!(phones, "+60100120008 +60100120001");
}

#[tokio::test]
async fn whoever_wants_no_messages_by_a_later_row_is_out_of_the_draft_again() {
    let database = database().await;
    let dir = tempfile::tempdir().unwrap();
    let people = "phone,name,opt-out\n0100123456,Aina,\n+55 48 98765-4321,Davi,\n0100123457,Ben,\n\
                  60100123456,Aina,yes\n+55 48 8765-4321,Davi,x\n";

    let imported = import(&database.pool, Cursor::new(people), &dir.path().join("raya.csv")).await.unwrap();

    assert_eq!((imported.taken, imported.rejected.total), (1, 4));
    let blast = view::blasts::get(&database.pool, imported.blast).await.unwrap().unwrap();
    assert_eq!((blast.total_recipients, blast.counts.queued), (1, 1));
    assert_eq!(names(&database.pool, imported.blast).await, ["Ben"]);
    let rejected = std::fs::read_to_string(dir.path().join("raya.rejected.csv")).unwrap();
    let first = "2,their number,+60100123456,row 5 of the same person says that they want no messages";
    assert!(rejected.lines().any(|line| line.starts_with(first)), "{rejected}");
}

#[tokio::test]
async fn the_rejected_rows_of_a_list_that_is_added_to_a_draft_stand_beside_it() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.draft(0..2).await;
    let more = shop.write("more.csv", "Name,Phone,Stop\nAina,0123452001,yes\nBala,0123452002,no\nKor,01234,\n");

    let added = shop.run(&["blast", "add", &blast, "--recipients", more.to_str().unwrap()]).await;

    let rejected = std::fs::read_to_string(shop.path("more.rejected.csv")).unwrap();
    assert!(added.err.contains("more.rejected.csv"), "{added:?}");
    assert!(rejected.contains("\n2,Stop,yes") && rejected.contains("\n4,Phone,01234"), "{rejected}");
    let opted_out = format!("Name,Phone,Stop\nPerson,{},yes\nDi,0123452004,\n", crate::support::digits(1));
    let opted_out = shop.write("opted-out.csv", opted_out);
    let added = shop.run(&["blast", "add", &blast, "--recipients", opted_out.to_str().unwrap()]).await;
    assert!(added.err.contains("1 person of the blast asked for no messages by this list"), "{added:?}");
    assert!(added.out.contains("3 people in blast"), "{added:?}");
    let opted_out = shop.write("opted-out.csv", format!("Name,Phone,Stop\nPerson,{},yes\n", crate::support::digits(0)));
    let added = shop.run(&["blast", "add", &blast, "--recipients", opted_out.to_str().unwrap()]).await;
    assert!(added.code == 0 && added.out.contains("2 people in blast"), "{added:?}");
    // Whenever their own list is read again they stay out.
    assert_eq!(shop.number("select count(*) from draft_opt_outs where by_addition").await, 3);
    shop.invariants().await;
}

#[tokio::test]
async fn whoever_opted_out_by_one_list_of_a_draft_is_brought_in_by_no_other_but_by_their_number_alone() {
    let shop = Shop::open(Setup::default()).await;
    let one = shop.write("one.csv", "Nama,Telefon,Stop\nAina,0123463001,\nBala,0123463002,yes\nChong,0123463003,no\n");
    let new = ["blast", "new", "--sender", "sales", "--message", "Salam", "--recipients", one.to_str().unwrap()];
    let blast = shop.ok(&new).await.trim().to_owned();
    let list = async |name: &str, rows: &str| {
        let path = shop.write(name, format!("Nama,Telefon,Stop\n{rows}"));
        shop.run(&["blast", "add", &blast, "--recipients", path.to_str().unwrap()]).await
    };

    let added = list("two.csv", "Bala,+60 12-346 3002,\nDevi,0123463004,\nEvi,0123463005,yes\n").await;
    assert!(added.out.contains("3 people in blast"), "{added:?}");
    assert!(added.err.contains("asked for no messages, as another list says"), "{added:?}");
    let added = list("three.csv", "Evi,0123463005,\nFoo,0123463006,no\n").await;
    assert!(added.out.contains("4 people in blast"), "{added:?}");
    // Also from a copy.
    let mut pty = shop.dashboard(Size { columns: 120, rows: 29 });
    pty.wait_for_text("draft");
    pty.type_keys("1d");
    eventually_async("it is copied", async || shop.number("select count(*) from blasts").await == 2).await;
    let copy = shop.number("select max(id) from blasts").await.to_string();
    pty.type_keys("\x1bqqq");
    pty.wait_for_exit();
    let three = shop.path("three.csv");
    let added = shop.run(&["blast", "add", &copy, "--recipients", three.to_str().unwrap()]).await;
    assert!(added.code == 3 && added.err.contains("another list of this draft says"), "{added:?}");

    // Whoever names somebody means them.
    let added = shop.run(&["blast", "add", &blast, "0123463002"]).await;
    assert!(added.out.contains("5 people in blast"), "{added:?}");
    shop.invariants().await;
}

#[tokio::test]
async fn a_list_of_opt_outs_with_a_column_that_was_named_opts_out_whoever_says_so_in_it() {
    let shop = Shop::open(Setup::default()).await;
    let rows = "Nama,Telefon,Stop,Ikut\nA,0123461001,,ya\nB,0123461002,,\nC,0123461003,,3/11\nD,0123461004,,tidak\nE,0123461005,,mungkin\nF,0123461008,yes,\n";
    let list = shop.write("cust.csv", rows);

    let import = ["suppress", "import", list.to_str().unwrap(), "--opt-out-column", "Ikut", "--json"];
    let said: serde_json::Value = serde_json::from_str(&shop.ok(&import).await).unwrap();

    assert_eq!((&said["added"], &said["rejected"]), (&3.into(), &3.into()), "{said}");
    let suppressed = "select count(*) from suppressions where phone_number in ('+60123461001', '+60123461003')";
    assert_eq!(shop.number(suppressed).await, 2);
    // Below a header without it nobody says so.
    let joined = shop.write("joined.csv", "Phone,Keep away\n0123461006,yes\nPhone,Name\n0123461007,Siti\n");
    let import = ["suppress", "import", joined.to_str().unwrap(), "--opt-out-column", "Keep away", "--json"];
    let said: serde_json::Value = serde_json::from_str(&shop.ok(&import).await).unwrap();
    assert_eq!(said["added"], 1, "{said}");
}

/// A draft of a list that can be read again.
struct ListedDraft {
    database: TestDatabase,
    dir: tempfile::TempDir,
    blast: BlastId,
}

impl ListedDraft {
    async fn of(rows: &str) -> Self {
        let (database, dir) = (database().await, tempfile::tempdir().unwrap());
        let sender = sender(&database.pool).await;
        let draft = Self { database, dir, blast: BlastId(0) };
        let new = new_blast(sender, "Hi");
        draft.write(rows);
        let made = create_from(&draft.database.pool, new, draft.source(), RejectedTo::Nowhere, draft.options()).await;
        Self { blast: made.unwrap().blast, ..draft }
    }

    fn write(&self, rows: &str) {
        std::fs::write(self.dir.path().join("own.csv"), rows).unwrap();
    }

    fn source(&self) -> PeopleSource {
        PeopleSource::Table(TableSource::from(std::fs::File::open(self.dir.path().join("own.csv")).unwrap()))
    }

    fn options(&self) -> ImportOptions {
        let file = self.dir.path().join("own.csv").to_str().unwrap().to_owned();
        ImportOptions { rejections: KeptRejections::OfFile(file), ..ImportOptions::default() }
    }

    async fn add(&self, source: PeopleSource) -> Imported {
        let content = BlastContent::Text(Message::parse("Hi").unwrap());
        let to = Addition { blast: self.blast, state: BlastState::Draft, region: "MY".parse().unwrap(), content };
        add_people(&self.database.pool, to, (source, RejectedTo::Nowhere), ImportOptions::default()).await.unwrap()
    }

    async fn replace(&self, source: PeopleSource, options: ImportOptions) -> Imported {
        let pool = &self.database.pool;
        let to = Replacement {
            blast: self.blast,
            version: view::blasts::get(pool, self.blast).await.unwrap().unwrap().version,
            region: "MY".parse().unwrap(),
            content: BlastContent::Text(Message::parse("Hi").unwrap()),
            without_united_states: false,
            mends: Vec::new(),
            is_of_filter: false,
        };
        replace_people(pool, to, source, options).await.unwrap()
    }

    async fn read_again(&self) -> Imported {
        self.replace(self.source(), self.options()).await
    }
}

fn cells(rows: &'static str) -> PeopleSource {
    PeopleSource::Table(TableSource::from(Cursor::new(rows)))
}

#[tokio::test]
async fn whoever_opted_out_by_a_list_that_was_added_stays_out_when_the_drafts_own_list_is_read_again() {
    let draft = ListedDraft::of("phone,stop\n0100123456,\n0100123457,yes\n0100123458,\n").await;
    assert_eq!(draft.add(cells("phone,stop\n0100123456,yes\n")).await.members_out, 1);

    // Its own list brings back whom it let out itself, once it says so no more.
    draft.write("phone,stop\n0100123456,\n0100123457,\n0100123458,\n");
    let again = draft.read_again().await;
    assert_eq!((again.taken, again.rejected.total), (2, 1), "{:?}", again.rejected);

    // Nor does a list in its place bring them in; whoever is named is in it for good.
    let pasted = ImportOptions { rejections: KeptRejections::Pasted, ..ImportOptions::default() };
    assert_eq!(draft.replace(cells("phone\n0100123456\n0100123459\n"), pasted).await.taken, 1);
    draft.read_again().await;
    let list = [serde_json::json!("0100123456"), serde_json::json!("0100123459")];
    assert_eq!(draft.add(PeopleSource::given(list)).await.taken, 1);
    assert_eq!(draft.add(PeopleSource::Named(vec![serde_json::json!("0100123456").into()])).await.taken, 1);
    for _ in 0..2 {
        assert_eq!(draft.read_again().await.taken, 3);
    }
}

#[tokio::test]
async fn whoever_came_by_another_list_leaves_by_the_drafts_own_and_whoever_was_named_stays() {
    let draft = ListedDraft::of("phone,stop\n0100123456,\n").await;
    assert_eq!(draft.add(cells("phone\n0100123470\n0100123471\n")).await.taken, 2);
    assert_eq!(draft.add(PeopleSource::Named(vec![serde_json::json!("0100123472").into()])).await.taken, 1);

    draft.write("phone,stop\n0100123456,\n0100123470,yes\n0100123472,yes\n");
    let again = draft.read_again().await;

    assert_eq!((again.taken, again.by_hand), (1, 2));
    let people = sqlx::query_scalar::<_, i64>("select count(*) from blast_recipients");
    assert_eq!(people.fetch_one(&draft.database.pool).await.unwrap(), 3);
}
