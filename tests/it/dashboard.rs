//! The dashboard as people have it: the real program, a real terminal, a real Postgres, the simulator's people.

use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use sqlx::postgres::PgPoolOptions;

use crate::support::{
    PATIENCE, Pty, Setup, Shop, Size, TestDatabase, TestDir, blastdeck, eventually, eventually_async, long_form,
    private_postgres, processes_naming,
};

const SCREEN: Size = Size { columns: 80, rows: 24 };
/// Enough to see something happen, few enough to be quick.
const DEMO: [&str; 7] = ["demo", "--recipients", "60", "--speed", "60", "--seed", "3"];

/// A demo in a terminal, waited for until people are in its table.
fn demo(dir: &TestDir) -> Pty {
    let pty = Pty::run(blastdeck(), &DEMO, &environment(dir), SCREEN);
    pty.wait_for("somebody received it", |screen| screen.contents().contains("received  "));
    assert!(of_the_demo(dir).iter().any(|line| line.contains("postgres")), "its server is not in the directory");
    pty
}

/// Whatever it starts is in the directory, so that what is left over is seen.
fn environment(dir: &TestDir) -> [(&'static str, &str); 4] {
    let home = dir.path().to_str().unwrap();
    [("BLASTDECK_DATA_DIR", home), ("HOME", home), ("TMPDIR", home), ("LANG", "C.UTF-8")]
}

/// Processes that name the directory, but for the directory's own keeper.
fn of_the_demo(dir: &TestDir) -> Vec<String> {
    processes_naming(dir.path()).into_iter().filter(|line| !line.contains("trap")).collect()
}

/// The number of the person in the first row of the table, as its last four digits.
fn somebody(pty: &Pty) -> String {
    let text = pty.text();
    let row = text.lines().find(|line| line.contains("+60") && (line.contains("received") || line.contains("read")));
    let phone: String = row.unwrap().chars().skip(2).take(17).collect();
    phone.trim().rsplit(' ').next().unwrap().to_owned()
}

/// Nothing of the demo is left, on the screen or among the processes.
#[track_caller]
fn is_gone(pty: &mut Pty, dir: &TestDir) {
    assert!(pty.wait_for_exit().success());
    assert!(!pty.on_screen(vt100::Screen::alternate_screen) && !pty.on_screen(vt100::Screen::hide_cursor));
    eventually("no process of the demo is left", || of_the_demo(dir).is_empty());
}

#[test]
fn somebody_is_found_marked_closed_with_an_amount_and_taken_back() {
    let dir = TestDir::new();
    let mut pty = demo(&dir);
    let digits = somebody(&pty);

    // Typed blind, as fast as it goes: the mark waits for whom the digits find.
    pty.type_keys(&format!("/{digits}\rr"));
    pty.wait_for_text("-> replied, by you");
    pty.type_keys("c");
    pty.wait_for_text("closed. RM _");
    pty.type_keys("120.5\r");
    pty.wait_for_text("RM 120.50");
    pty.type_keys("u");
    pty.wait_for("the amount is gone from the funnel", |screen| !screen.contents().contains("120.50"));

    pty.type_keys("pqq");
    is_gone(&mut pty, &dir);
}

#[test]
fn a_window_of_any_size_shows_something_and_the_dashboard_comes_back() {
    let dir = TestDir::new();
    let mut pty = demo(&dir);

    pty.resize(Size { columns: 20, rows: 5 });
    pty.wait_for("the summary", |screen| screen.contents().contains("/60"));
    pty.resize(Size { columns: 1, rows: 1 });
    pty.resize(Size { columns: 120, rows: 29 });
    pty.wait_for("the wide layout", |screen| screen.contents().contains("┬"));

    pty.type_keys("qq");
    is_gone(&mut pty, &dir);
}

#[test]
fn a_signal_gives_the_terminal_back() {
    let dir = TestDir::new();
    let mut pty = demo(&dir);

    pty.signal(Signal::TERM);

    is_gone(&mut pty, &dir);
}

#[test]
fn a_hang_up_ends_it_within_a_second_even_when_the_signal_is_ignored() {
    let dir = TestDir::new();
    let program = blastdeck();
    let script = format!("trap '' HUP; exec {} {}", program.display(), DEMO.join(" "));
    let mut pty = Pty::run("/bin/sh", &["-c", &script], &environment(&dir), SCREEN);
    pty.wait_for_text("2 Funnel");

    let since = Instant::now();
    pty.hang_up();
    pty.wait_for_exit();

    // On a busy machine its last frame and its goodbye take longer.
    let most = Duration::from_secs(if long_form() { 2 } else { 20 });
    assert!(since.elapsed() < most, "{:?}", since.elapsed());
    eventually("no process of the demo is left", || of_the_demo(&dir).is_empty());
}

#[test]
fn suspending_gives_the_terminal_to_the_shell_and_coming_back_paints_everything() {
    let dir = TestDir::new();
    let script =
        format!("set -m; {} {}; echo stopped; read line; fg; echo over $?", blastdeck().display(), DEMO.join(" "));
    let mut pty = Pty::run("/bin/sh", &["-c", &script], &environment(&dir), SCREEN);
    pty.wait_for_text("2 Funnel");

    pty.type_keys("\x1a");
    pty.wait_for("the shell", |screen| !screen.alternate_screen() && screen.contents().contains("stopped"));
    pty.type_keys("\r");
    pty.wait_for("the dashboard", |screen| screen.alternate_screen() && screen.contents().contains("2 Funnel"));
    pty.type_keys("qq");

    pty.wait_for_text("over 0");
    is_gone(&mut pty, &dir);
}

#[test]
fn a_dashboard_where_nothing_happens_writes_not_one_byte() {
    const QUIET: Duration = Duration::from_secs(7);
    let dir = TestDir::new();
    let mut pty = demo(&dir);
    pty.type_keys("p");
    pty.wait_for_text("is paused");

    // Statuses of what was sent still come in for a while.
    let deadline = Instant::now() + PATIENCE * 2;
    let (mut bytes, mut since) = (pty.bytes_written(), Instant::now());
    while since.elapsed() < QUIET {
        assert!(Instant::now() < deadline, "it never became quiet");
        std::thread::sleep(Duration::from_millis(50));
        if pty.bytes_written() != bytes {
            (bytes, since) = (pty.bytes_written(), Instant::now());
        }
    }

    pty.type_keys("qq");
    is_gone(&mut pty, &dir);
}

/// Taken from the log and pasted into a shell, where `DATABASE_URL` names something else.
#[test]
fn a_command_line_of_the_log_does_in_a_shell_what_it_says_and_in_this_demo() {
    let dir = TestDir::new();
    // Wide enough for each word of it, and not for all of them.
    let wide = Size { columns: 200, rows: 30 };
    let elsewhere = ("DATABASE_URL", "postgres://nobody@127.0.0.1:1/elsewhere");
    let environment: Vec<_> = environment(&dir).into_iter().chain([elsewhere]).collect();
    let mut pty = Pty::run(blastdeck(), &DEMO, &environment, wide);
    pty.wait_for("somebody received it", |screen| screen.contents().contains("received  "));
    let digits = somebody(&pty);
    pty.type_keys(&format!("/{digits}\rr"));
    pty.wait_for_text("-> replied, by you");
    pty.type_keys("u");
    pty.wait_for_text("taken back");

    pty.type_keys(":log\r");
    pty.wait_for("the log", |screen| screen.contents().contains(" replied\n"));
    let text = pty.text();
    let (_, from_first) = text.split_once("-> replied").unwrap();
    let line: Vec<_> = from_first
        .lines()
        .skip(1)
        .take_while(|line| line.starts_with("     ") && !line.trim().is_empty())
        .map(str::trim)
        .collect();
    let line = line.join("\n");
    assert!(line.starts_with("blastdeck --config") && line.contains(" \\\n"), "{text}");
    let said = Command::new("/bin/sh")
        .args(["-c", &line])
        .env_clear()
        .envs(environment)
        // The directory's own data directory is no place beside which the demo keeps its state.
        .env_remove("BLASTDECK_DATA_DIR")
        .env("PATH", blastdeck().parent().unwrap())
        .output()
        .unwrap();

    let out = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.status.success() && out.contains("-> replied"), "{line}: {said:?}");
    pty.type_keys("qqq");
    is_gone(&mut pty, &dir);
}

/// The colours of the text on the screen.
fn colours(screen: &vt100::Screen) -> Vec<vt100::Color> {
    let cells = (0..SCREEN.rows).flat_map(|y| (0..SCREEN.columns).map(move |x| (y, x)));
    cells.filter_map(|(y, x)| screen.cell(y, x)).map(vt100::Cell::fgcolor).collect()
}

#[tokio::test]
async fn the_theme_of_the_configuration_is_what_is_drawn() {
    const CYAN: vt100::Color = vt100::Color::Idx(6);
    const BRIGHT_CYAN: vt100::Color = vt100::Color::Idx(14);
    let shop = Shop::open(Setup::default()).await;
    shop.draft(0..3).await;
    let config = std::fs::read_to_string(shop.path("config.toml")).unwrap();

    for (theme, has, lacks) in
        [("auto", Some(CYAN), BRIGHT_CYAN), ("dark", Some(BRIGHT_CYAN), CYAN), ("mono", None, CYAN)]
    {
        std::fs::write(shop.path("config.toml"), format!("{config}\n[ui]\ntheme = \"{theme}\"\n")).unwrap();
        let mut pty = shop.dashboard(SCREEN);
        pty.wait_for_text("Person 2");
        let drawn = pty.on_screen(colours);

        assert!(has.is_none_or(|colour| drawn.contains(&colour)), "{theme}");
        assert!(!drawn.contains(&lacks), "{theme}");
        pty.type_keys("q");
        assert!(pty.wait_for_exit().success());
    }
}

#[test]
fn a_first_start_makes_its_own_database_also_where_modes_are_masked() {
    let dir = TestDir::new();
    let (home, data) = (dir.path().to_str().unwrap(), dir.path().join("data"));
    // Else root's, which may know other databases.
    let state = dir.path().join("state");
    let environment = [
        ("BLASTDECK_DATA_DIR", data.to_str().unwrap()),
        ("BLASTDECK_STATE_DIR", state.to_str().unwrap()),
        ("HOME", home),
        ("LANG", "C.UTF-8"),
    ];
    let script = format!("umask 077; exec {}", blastdeck().display());

    // The log comes first, and must leave the server, which root runs as another user, a way to its data.
    let mut pty = Pty::run("/bin/sh", &["-c", &script], &environment, SCREEN);
    pty.wait_for("the dashboard", vt100::Screen::alternate_screen);
    pty.type_keys("q");

    assert!(pty.wait_for_exit().success());
    assert!(data.join("postgres/PG_VERSION").exists());
}

/// The connections of so many windows where nothing happens: two each; now and then one of them needs a third.
const fn most_idle(windows: i64) -> i64 {
    2 * windows + windows / 4
}

#[tokio::test]
async fn forty_idle_windows_leave_every_verb_working() {
    /// That a server as we set it up has room for.
    const WINDOWS: i64 = 40;
    // An ordinary run opens a quarter of them, and takes the connections of the others away.
    let opened = if long_form() { WINDOWS } else { WINDOWS / 4 };
    let dir = TestDir::new();
    let (_local, address) = private_postgres(&dir).await;
    let shop = Shop::open_on(TestDatabase::private(address.url(), &address).await, Setup::default());
    let blast = shop.draft(0..20).await;
    let taken = PgPoolOptions::new().max_connections(120).connect(&address.url()).await.unwrap();
    let of_others = futures_util::future::try_join_all((0..most_idle(WINDOWS - opened)).map(|_| taken.acquire()));
    let of_others = of_others.await.unwrap();
    let windows: Vec<Pty> = (0..opened)
        .map(|_| {
            let window = shop.dashboard(SCREEN);
            window.wait_for_text("draft");
            window
        })
        .collect();

    let connections = "select count(*) from pg_stat_activity
                        where application_name = 'blastdeck' and backend_type = 'client backend'";
    let idle = async || shop.number(connections).await <= most_idle(opened);
    eventually_async("each keeps two connections", idle).await;

    for verb in [
        &["doctor"][..],
        &["blast", "list"],
        &["blast", "plan", &blast],
        &["blast", "send", &blast, "--yes"],
        &["sender", "list"],
        &["suppress", "add", "0100123456"],
        &["db", "url"],
    ] {
        shop.ok(verb).await;
    }
    shop.until_state(&blast, "completed").await;
    shop.ok(&["blast", "report", &blast]).await;
    shop.ok(&["audit"]).await;
    assert_eq!(shop.number("select current_setting('max_connections')::bigint").await, 120);
    drop((windows, of_others));
    shop.promises().await;
}

#[tokio::test]
async fn whoever_leaves_has_seen_what_happened_until_then() {
    let shop = Shop::open(Setup::default()).await;
    shop.draft(0..3).await;
    let mut pty = shop.dashboard(SCREEN);
    pty.wait_for_text("Recipients");
    // Later keys within a minute are not recorded.
    pty.type_keys("2");
    eventually_async("the key is recorded", async || shop.number("select count(*) from operator_seen").await == 1)
        .await;
    shop.execute("update operator_seen set seen_at = now() - interval '1 hour'").await;

    pty.type_keys("q");
    pty.wait_for_exit();

    let recent = "select count(*) from operator_seen where seen_at > now() - interval '1 minute'";
    assert_eq!(shop.number(recent).await, 1, "away begins once the window is closed");
}
