//! The example client runs as it is handed out.

use std::process::Stdio;

use tokio::process::Command;

use super::{client, configure};
use crate::support::serve::Serve;
use crate::support::{Setup, Shop, Wire, database, said};

#[tokio::test]
async fn the_example_script_makes_a_campaign_and_sends_it() {
    let shop = Shop::open_over(Wire::Meta, database().await, Setup::default());
    configure(&shop, "");
    let serve = Serve::start(&shop, &["--no-engine"]).await;
    let api = client(&shop, &serve, "write").await;
    let run = async |arguments: &[&str]| {
        let mut script = Command::new("bash");
        script
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/examples/campaign.sh"))
            .args(arguments)
            .env("BLASTDECK_URL", &serve.base_url)
            .env("BLASTDECK_TOKEN", &api.token)
            .env("no_proxy", "*")
            .stdin(Stdio::null());
        said(script).await
    };

    let tried = run(&["+60100000001", "+60100000002"]).await;
    assert_eq!(tried.code, 0, "{tried:?}");
    assert_eq!(shop.number("select count(*) from blasts where state = 'draft' and total_recipients = 2").await, 1);
    let sent = run(&["--send", "+60100000001"]).await;
    assert_eq!(sent.code, 0, "{sent:?}");
    assert!(sent.out.contains("\"status\":\"sending\""), "{sent:?}");

    let mut wrong = Command::new("bash");
    wrong.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/examples/campaign.sh")).arg("+60100000001");
    wrong.env("BLASTDECK_URL", &serve.base_url).env("BLASTDECK_TOKEN", "x").env("no_proxy", "*");
    assert_ne!(said(wrong).await.code, 0, "a refusal is a failure");
    serve.stop().await;
}
