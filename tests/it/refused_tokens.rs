//! A token that its provider refuses is one process's trouble: the stop names that process, which leaves the sender to others
//! until the provider takes its token; and nobody hears that a sender resumes before it is so.

use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process};
use serde_json::json;

use crate::support::{Engine, Said, Setup, Shop, Size, TOKEN, Wire, database, eventually_async, measured, said};

/// A pause of a second and a half between two messages.
const SLOW: Setup<'static> = Setup {
    sim: &["--latency", "20ms", "--speed", "6000"],
    sender: "gap = \"15m..15m\"",
    engine: "speed = 600",
    polling: "interval = \"1s\"\nper_second = 0.3\ngive_up_after = \"12m\"",
};

const WRONG: &[(&str, &str)] = &[("WSAPME_TOKEN", "another-token"), ("META_TOKEN", "another-token")];

impl Shop {
    /// Why the sender is stopped.
    async fn stopped_reason(&self) -> Option<String> {
        let sender = &self.json_lines(&["sender", "list"]).await[0];
        sender["stopped"]["reason"].as_str().map(str::to_owned)
    }

    async fn until_stopped(&self) -> String {
        eventually_async("the sender is stopped", async || self.stopped_reason().await.is_some()).await;
        self.stopped_reason().await.unwrap()
    }

    /// How many POSTs the simulator refused.
    async fn refusals(&self) -> usize {
        self.sim.posts().await.iter().filter(|post| !post.accepted).count()
    }

    async fn accepted(&self) -> usize {
        self.sim.posts().await.iter().filter(|post| post.accepted).count()
    }

    async fn until_accepted(&self, people: usize) {
        eventually_async(&format!("{people} accepted"), async || self.accepted().await >= people).await;
    }

    /// An engine with a token that the provider refuses.
    fn engine_with_wrong_token(&self) -> Engine {
        self.engine_with(WRONG)
    }

    /// A verb from a shell with that token.
    async fn run_with_wrong_token(&self, verb: &[&str]) -> Said {
        let mut command = self.command(verb);
        command.envs(WRONG.iter().copied());
        said(command).await
    }
}

#[tokio::test]
async fn a_process_whose_token_was_refused_is_named_and_leaves_the_sender_to_others() {
    let shop = Shop::open(SLOW).await;
    let blast = shop.blast(0..50).await;
    let forgotten = shop.engine_with_wrong_token();

    let reason = shop.until_stopped().await;
    let process = format!("process {}", forgotten.pid());
    assert!(reason.starts_with("Unauthorised Token (token of an engine on ") && reason.contains(&process), "{reason}");
    let checked = shop.run(&["--read-only", "sender", "check"]).await;
    assert!(checked.code == 1 && checked.out.contains(&process), "{checked:?}");

    let checked = shop.run(&["sender", "check", "sales"]).await;
    assert!(checked.code == 1 && checked.out.contains("its health shows that this is over"), "{checked:?}");
    assert_eq!((shop.accepted().await, shop.stopped_reason().await), (0, Some(reason)), "a check sends nothing");
    let confirmed = shop.run(&["sender", "confirm", "sales", "--yes"]).await;
    assert!(confirmed.code == 0 && confirmed.err.contains("sender sales resumes"), "{confirmed:?}");
    shop.until_accepted(2).await;

    // The engine of the right shell dies: the forgotten one does not take the sender again.
    for pid in shop.engines().into_iter().filter(|pid| pid.as_raw_pid().cast_unsigned() != forgotten.pid()) {
        kill_process(pid, Signal::KILL).unwrap();
    }
    let waiting = shop.until_waiting(&blast, "token_refused").await;
    assert!(waiting["text"].as_str().unwrap().contains(&process), "{waiting}");
    assert_eq!((shop.refusals().await, shop.stopped_reason().await), (1, None));
    let list = shop.ok(&["sender", "list"]).await;
    assert!(list.contains("refused the token of an engine on"), "{list}");

    // No stop is left, and a check starts no engine; what the blast names as its way on does.
    let accepted = shop.accepted().await;
    let checked = shop.run(&["sender", "check", "sales"]).await;
    assert_eq!((checked.code, shop.engines().len(), shop.accepted().await), (0, 1, accepted), "{checked:?}");
    assert!(waiting["mend"].as_str().unwrap().contains("engine` in a shell that has the right token"), "{waiting}");
    let engine = shop.engine();
    shop.until_accepted(accepted + 1).await;
    engine.stop().await;
    shop.promises().await;
}

/// Two engines of two shells: whichever had the sender first, it goes on with the token that works, and nobody had to act.
async fn the_other_token_goes_on_by_itself(wire: Wire) {
    let shop = Shop::open_over(wire, database().await, SLOW);
    shop.blast(0..50).await;
    let forgotten = shop.engine_with_wrong_token();
    shop.until_stopped().await;

    let engine = shop.engine();

    shop.until_accepted(2).await;
    assert_eq!((shop.refusals().await, shop.stopped_reason().await), (1, None));
    forgotten.stop().await;
    engine.stop().await;
    shop.promises().await;
}

#[tokio::test]
async fn an_engine_with_another_token_goes_on_by_itself() {
    the_other_token_goes_on_by_itself(Wire::Wsapme).await;
}

#[tokio::test]
async fn an_engine_with_another_token_goes_on_by_itself_at_meta() {
    the_other_token_goes_on_by_itself(Wire::Meta).await;
}

#[tokio::test]
async fn a_standby_with_another_token_goes_on_by_itself_and_one_with_the_refused_token_ends() {
    let shop = Shop::open(SLOW).await;
    shop.blast(0..3).await;
    let refused = shop.run_with_wrong_token(&["engine", "--until-idle"]).await;
    let again = shop.run_with_wrong_token(&["engine", "--until-idle"]).await;
    assert_eq!((refused.code, again.code, shop.refusals().await), (0, 0, 1));

    shop.until_idle().await;

    assert_eq!((shop.accepted().await, shop.refusals().await), (3, 1));
    shop.promises().await;
}

#[tokio::test]
async fn a_shell_with_a_wrong_token_does_not_say_that_the_sender_resumes() {
    for verb in [&["sender", "confirm", "sales", "--yes"][..], &["sender", "check", "sales"]] {
        let shop = Shop::open(SLOW).await;
        shop.blast(0..50).await;
        let refused = shop.run_with_wrong_token(&["engine", "--until-idle"]).await;
        assert_eq!(refused.code, 0, "{refused:?}");

        let asked = Instant::now();
        let said = shop.run_with_wrong_token(verb).await;

        assert!(said.code == 1 && !said.err.contains("resumes"), "{said:?}");
        assert!((said.out.clone() + &said.err).contains("Unauthorised Token"), "{said:?}");
        measured("a refused token, until it is said", asked.elapsed(), Duration::from_secs(9));
        shop.promises().await;
    }
}

#[tokio::test]
async fn a_shell_with_a_wrong_token_replaces_no_standby_with_the_right_one() {
    let shop = Shop::open(SLOW).await;
    let blast = shop.draft(0..50).await;
    shop.ok(&["blast", "send", &blast, "--yes"]).await;
    shop.until_accepted(1).await;
    let before = shop.engines();
    shop.execute(
        "update senders set stopped_at = now(), stopped_code = 'device', stopped_reason = 'Device is offline'",
    )
    .await;

    let said = shop.run_with_wrong_token(&["sender", "confirm", "sales", "--yes"]).await;

    assert_eq!(shop.engines(), before, "{said:?}");
    shop.until_accepted(3).await;
    assert_eq!(shop.refusals().await, 0);
}

#[tokio::test]
async fn a_token_that_the_provider_takes_again_is_used_by_the_process_that_has_it_once_somebody_lifts_the_stop() {
    let shop = Shop::open(SLOW).await;
    shop.blast(0..50).await;
    let refusal = json!({ "success": false, "message": "Token has expired" }).to_string();
    shop.sim.answer_any_send(json!([{ "code": 401, "body": refusal }])).await;
    let engine = shop.engine();
    shop.until_stopped().await;

    let said = shop.run(&["sender", "confirm", "sales", "--yes", "--no-engine"]).await;

    assert_eq!(said.code, 0, "{said:?}");
    shop.until_accepted(2).await;
    assert_eq!(shop.stopped_reason().await, None);
    engine.stop().await;
}

/// An account that is unpaid in March, and again in June.
#[tokio::test]
async fn a_token_that_is_refused_again_after_messages_were_accepted_is_used_again_after_each_lift() {
    let shop = Shop::open(SLOW).await;
    shop.blast(0..50).await;
    let engine = shop.engine();
    let refusal = json!({ "success": false, "message": "Token has expired" }).to_string();
    shop.until_accepted(1).await;

    for refusals in 1..=3 {
        shop.sim.answer_any_send(json!([{ "code": 401, "body": refusal }])).await;
        shop.until_stopped().await;
        let accepted = shop.accepted().await;

        let said = shop.run(&["sender", "confirm", "sales", "--yes", "--no-engine"]).await;

        assert_eq!(said.code, 0, "{said:?}");
        shop.until_accepted(accepted + 2).await;
        assert_eq!((shop.refusals().await, shop.stopped_reason().await), (refusals, None));
    }
    engine.stop().await;
}

#[tokio::test]
async fn what_stops_the_sender_itself_is_lifted_by_no_other_token() {
    let shop = Shop::open(SLOW).await;
    shop.blast(0..50).await;
    let refused = shop.run_with_wrong_token(&["engine", "--until-idle"]).await;
    assert_eq!(refused.code, 0, "{refused:?}");
    // As a webhook says it: it takes the place of the stop for a token.
    let pool = &shop.database.pool;
    let id = blastdeck::domain::ids::SenderId(shop.number("select id from senders").await);
    let banned = blastdeck::domain::sender::StopCode::Provider("131031".to_owned());
    assert!(blastdeck::store::sender::stop(pool, id, &banned, "Account has been locked").await.unwrap().is_news());

    shop.until_idle().await;

    assert_eq!(shop.accepted().await, 0);
    assert_eq!(shop.stopped_reason().await, Some("Account has been locked".to_owned()));
}

#[tokio::test]
async fn a_window_with_a_wrong_token_does_not_take_the_right_shells_standby_away() {
    let shop = Shop::open(SLOW).await;
    let blast = shop.draft(0..50).await;
    shop.ok(&["blast", "send", &blast, "--yes"]).await;
    shop.until_accepted(1).await;
    let standby = shop.engines();
    // The window takes the sender from a standby that does not renew its lease for a while.
    let signal = |signal| standby.iter().for_each(|pid| kill_process(*pid, signal).unwrap());
    signal(Signal::STOP);
    let window = shop.dashboard_with(WRONG, Size { columns: 120, rows: 40 });
    shop.until_stopped().await;
    let accepted = shop.accepted().await;
    signal(Signal::CONT);

    shop.until_accepted(accepted + 2).await;

    assert_eq!((shop.engines(), shop.refusals().await), (standby, 1));
    drop(window);
    shop.promises().await;
}

#[tokio::test]
async fn a_stop_for_a_refused_token_is_not_lifted_while_the_provider_refuses_it() {
    let shop = Shop::open(SLOW).await;
    let blast = shop.blast(0..50).await;
    let refused = shop.run_with_wrong_token(&["engine", "--until-idle"]).await;
    assert_eq!(refused.code, 0, "{refused:?}");

    let said = shop.run_with_wrong_token(&["blast", "resume", &blast, "--yes"]).await;

    assert_eq!(said.code, 3, "{said:?}");
    assert!(
        said.err.contains("still refuses the token of sender sales: set WSAPME_TOKEN to the right token"),
        "{said:?}"
    );
    assert!(shop.stopped_reason().await.is_some());
    for verb in [&["sender", "check", "sales"][..], &["doctor"], &["blast", "show", &blast]] {
        let said = shop.run_with_wrong_token(verb).await;
        assert!([said.out, said.err].concat().contains("set WSAPME_TOKEN to the right token"), "{verb:?}");
    }
    shop.ok(&["blast", "resume", &blast, "--yes"]).await;
    shop.until_accepted(1).await;
}

#[tokio::test]
async fn a_sender_stopped_for_its_token_is_said_to_send_once_that_is_mended_and_what_holds_it_back() {
    let shop = Shop::open(SLOW).await;
    let blast = shop.blast(0..50).await;
    let refused = shop.run_with_wrong_token(&["engine", "--until-idle"]).await;
    assert_eq!(refused.code, 0, "{refused:?}");

    let shown = shop.json(&["blast", "show", &blast]).await;
    let checked = shop.run_with_wrong_token(&["sender", "check", "sales"]).await;

    let mend = shown["waiting"]["mend"].as_str().unwrap();
    let by_itself = "start blastdeck there again: it then goes on by itself";
    assert!(mend.contains(by_itself) && mend.contains(&format!("blast pause {blast}` before that")), "{mend}");
    assert!(checked.out.contains(&format!("{by_itself}, and sends to 50 people")), "{checked:?}");
    assert!(checked.out.contains("blast pause BLAST` before that holds a blast back"), "{checked:?}");
}

#[tokio::test]
async fn a_stop_for_a_token_that_somebody_put_back_is_said_to_be_lifted_on_their_word_alone() {
    let shop = Shop::open(SLOW).await;
    let blast = shop.blast(0..50).await;
    let refused = shop.run_with_wrong_token(&["engine", "--until-idle"]).await;
    assert_eq!(refused.code, 0, "{refused:?}");
    // As the undo of what let the sender go on leaves it.
    shop.execute("update senders set refused_token = null").await;

    let shown = shop.json(&["blast", "show", &blast]).await;
    let checked = shop.run_with_wrong_token(&["sender", "check", "sales"]).await;

    let mend = shown["waiting"]["mend"].as_str().unwrap();
    assert!(mend.contains("sender confirm sales` resumes it") && !mend.contains("by itself"), "{mend}");
    assert!(!checked.out.contains("goes on by itself"), "{checked:?}");
}

#[tokio::test]
async fn a_refused_token_in_a_file_is_mended_in_that_file_unless_another_one_is_there_than_was_refused() {
    let shop = Shop::open(SLOW).await;
    let blast = shop.blast(0..50).await;
    let refused = shop.run_with_wrong_token(&["engine", "--until-idle"]).await;
    assert_eq!(refused.code, 0, "{refused:?}");
    shop.execute("update senders set stopped_at = null, stopped_code = null, stopped_reason = null").await;
    let sender = blastdeck::domain::ids::SenderId(shop.number("select id from senders").await);
    let token = shop.text("select refused_token from senders").await;
    let process = ("an engine on kedai, process 7", token.as_str());
    blastdeck::store::lease::write_refused(&shop.database.pool, sender, process).await.unwrap();
    let mend = async || shop.json(&["blast", "show", &blast]).await["waiting"]["mend"].as_str().map(str::to_owned);

    let of_a_variable = mend().await.unwrap();
    let config = std::fs::read_to_string(shop.path("config.toml")).unwrap();
    let file = shop.path("sales.token");
    std::fs::write(&file, "another-token").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let by_file = format!("token = {{ file = \"{}\" }}", file.display());
    shop.write("config.toml", config.replace("token = { env = \"WSAPME_TOKEN\" }", &by_file));
    let of_a_file = mend().await.unwrap();
    std::fs::write(&file, TOKEN).unwrap();
    let of_another = mend().await.unwrap();

    assert!(of_a_variable.contains("in a shell that has the right token"), "{of_a_variable}");
    assert_eq!(of_a_file, format!("write the right token into {}: it then goes on by itself", file.display()));
    assert_eq!(of_another, of_a_variable, "the process that was refused does not read this file");
}

#[tokio::test]
async fn a_stop_says_what_is_wrong_with_another_token() {
    let shop = Shop::open(SLOW).await;
    shop.blast(0..5).await;
    shop.run_with_wrong_token(&["engine", "--until-idle"]).await;
    shop.until_stopped().await;
    shop.sim.faults(&["offline=1"]).await;

    let engine = shop.engine();

    let says =
        async || shop.stopped_reason().await.is_some_and(|why| why.contains("with another token its provider says: "));
    eventually_async("the stop says what is wrong now", says).await;
    engine.stop().await;
    assert_eq!(shop.accepted().await, 0);
}

#[tokio::test]
async fn a_sender_goes_on_once_the_right_token_is_in_its_file_though_only_a_window_of_the_old_one_is_left() {
    let shop = Shop::open(SLOW).await;
    let config = std::fs::read_to_string(shop.path("config.toml")).unwrap();
    let file = shop.path("sales.token");
    let write = |token: &str| {
        std::fs::write(&file, token).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    };
    write("another-token");
    let by_file = format!("token = {{ file = \"{}\" }}", file.display());
    shop.write("config.toml", config.replace("token = { env = \"WSAPME_TOKEN\" }", &by_file));
    let window = shop.dashboard(Size { columns: 100, rows: 24 });
    window.wait_for_text("live");
    shop.blast(0..20).await;
    shop.until_stopped().await;
    eventually_async("its standby has nothing to do", async || shop.engines().is_empty()).await;

    write(TOKEN);

    shop.until_accepted(1).await;
    window.wait_for_text("this window no longer sends");
    shop.promises().await;
}
