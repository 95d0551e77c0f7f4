//! Each verb's failures have the exit codes and kinds of the table in `docs/OPERATIONS.md`.

use super::{FAILED, REFUSED, USAGE};
use crate::support::{Setup, Shop, digits};

/// Runs each with `--json`: the code, and the kind in the last line of standard error.
async fn fail_as(shop: &Shop, cases: &[(&str, i32, &str)]) {
    for (verb, code, kind) in cases {
        let words: Vec<&str> = verb.split(' ').chain(["--json"]).collect();
        let said = shop.run(&words).await;

        assert_eq!(said.code, *code, "{verb}: {said:?}");
        let last = said.err.lines().last().unwrap_or_default();
        let is_of_kind =
            last.contains(&format!("\"kind\":\"{kind}\"")) && last.contains(&format!("\"exit_code\":{code}"));
        assert!(is_of_kind, "{verb}: {said:?}");
    }
}

#[tokio::test]
async fn verbs_about_blasts_and_people_fail_as_the_table_says() {
    let shop = Shop::open(Setup::default()).await;
    shop.draft(0..2).await;
    shop.write("nophone.csv", "name\nSiti\n");
    let new = "blast new --sender sales --message Hi --recipients";
    let [new_nowhere, new_phoneless, new_rate] =
        ["nope.csv", "nophone.csv", "people.csv --rate fast"].map(|list| format!("{new} {list}"));
    shop.write("wrong.csv", "phone\n12\n");
    let [mark, mark_stranger, mark_amount] = [(0, "replied"), (77, "replied"), (0, "closed --amount x")]
        .map(|(n, what)| format!("mark 1 {} {what}", digits(n)));
    let resolve = format!("uncertain resolve 1 {} drop", digits(0));
    fail_as(
        &shop,
        &[
            (&new_nowhere, USAGE, "usage"),
            (&new_phoneless, REFUSED, "refused"),
            (&new_rate, USAGE, "usage"),
            ("blast add 1 --recipients wrong.csv", REFUSED, "refused"),
            ("blast add 1 12", USAGE, "usage"),
            ("catalog show nope", FAILED, "not_found"),
            ("suppress import people.csv --business typo", FAILED, "not_found"),
            ("blast new --sender sales --message Hi --from blast:77", FAILED, "not_found"),
            ("blast new --sender sales --message Hi --from list:nope", FAILED, "not_found"),
            ("blast new --sender sales --message Hi --from stcuk:read", USAGE, "usage"),
            ("blast new --sender sales --message Hi --recipients people.csv --retry-next-day", USAGE, "usage"),
            ("blast follow-up 1 --from list:nope", FAILED, "not_found"),
            ("blast list --date x", USAGE, "usage"),
            ("blast show 77", FAILED, "not_found"),
            ("blast plan 77", FAILED, "not_found"),
            ("blast send 77 --yes", FAILED, "not_found"),
            ("blast send 1", REFUSED, "refused"),
            ("blast pause 1", REFUSED, "refused"),
            ("blast resume 1 --yes", REFUSED, "refused"),
            ("blast cancel 1 --yes", REFUSED, "refused"),
            ("blast retry 1 --yes", REFUSED, "refused"),
            ("blast delete 1", REFUSED, "refused"),
            ("blast report 1 --format xml", USAGE, "usage"),
            ("blast recipients 1 --search a:b", USAGE, "usage"),
            (&mark, REFUSED, "refused"),
            (&mark_stranger, FAILED, "not_found"),
            (&mark_amount, USAGE, "usage"),
            ("uncertain list 77", FAILED, "not_found"),
            (&resolve, REFUSED, "refused"),
            ("uncertain resolve 1 all drop --yes", REFUSED, "refused"),
            ("uncertain resolve 77 all drop --yes", FAILED, "not_found"),
            ("uncertain resolve 77 all resend --yes", FAILED, "not_found"),
        ],
    )
    .await;
}

#[tokio::test]
async fn verbs_about_the_installation_fail_as_the_table_says() {
    let shop = Shop::open(Setup::default()).await;
    shop.ok(&["sender", "list"]).await;
    fail_as(
        &shop,
        &[
            ("suppress add 12", USAGE, "usage"),
            ("suppress add 60100000001 --business typo", FAILED, "not_found"),
            ("suppress remove 60100000001", FAILED, "not_found"),
            ("sender confirm sales", REFUSED, "refused"),
            ("sender move slaes", FAILED, "not_found"),
            ("--read-only engine", REFUSED, "refused"),
            ("sim --listen 0.0.0.0:0", USAGE, "usage"),
            ("sim --listen nowhere", USAGE, "usage"),
            ("sim --token-env NO_SUCH_VARIABLE", USAGE, "usage"),
            ("sim --fault throttle=0.7 --fault error=0.7", USAGE, "usage"),
            ("demo --headless --fault throttle=0.7 --fault error=0.7", USAGE, "usage"),
            ("demo --headless --fault trottle=0.1", USAGE, "usage"),
            ("db stop", REFUSED, "refused"),
            ("db migrate --database-url postgres://aina@127.0.0.1:1/shop", FAILED, "database"),
            ("audit 77", FAILED, "not_found"),
            ("audit --repair --read-only", REFUSED, "refused"),
            ("bench send --count 0", USAGE, "usage"),
            ("--read-only bench import --count 10 --database-url postgres://aina@127.0.0.1:1/shop", REFUSED, "refused"),
            ("bench import --count 10 --database-url postgres://aina@127.0.0.1:1/shop", FAILED, "database"),
            ("nothing", USAGE, "usage"),
        ],
    )
    .await;
}
