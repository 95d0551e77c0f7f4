//! Lists that print some of what there is say so.

use super::scene;
use crate::support::digits;

#[tokio::test]
async fn a_list_that_ends_at_its_limit_says_so() {
    let scene = scene(3).await;
    let shop = &scene.shop;
    for n in 1..=3 {
        shop.ok(&["cart", "add", "1", &digits(n), "teh"]).await;
        shop.ok(&["order", "add", "1", &digits(n), "teh"]).await;
        shop.ok(&["suppress", "add", &digits(90 + n)]).await;
    }
    shop.execute(
        "insert into replies (sender_id, blast_id, recipient_id, phone_number, kind, body, message_id, at)
         select sender_id, blast_id, r.id, phone_number, 'text', 'yes', 'in.' || r.id, now()
           from blast_recipients r join blasts b on b.id = r.blast_id;
         insert into webhook_inbox (provider, digest, body, state) values ('meta', 'a', '{}', 'applied'), ('meta', 'b', '{}', 'applied'),
            ('meta', 'c', '{}', 'applied')",
    )
    .await;

    let lists = [
        &["order", "list"][..],
        &["cart", "list"],
        &["replies"],
        &["suppress", "list"],
        &["customer", "list"],
        &["customer", "find", "601"],
        &["inbox", "list"],
    ];
    for list in lists {
        for json in [&[][..], &["--json"]] {
            let cut = shop.run(&[list, &["--limit", "2"], json].concat()).await;
            assert!(cut.err.contains("there are more than these 2: `--limit 20` lists more"), "{list:?}: {cut:?}");
        }
        assert_eq!(shop.json_lines(&[list, &["--limit", "2"]].concat()).await.len(), 2, "{list:?}");
        let whole = shop.run(&[list, &["--limit", "20"]].concat()).await;
        assert!(!whole.err.contains("there are more"), "{list:?}: {whole:?}");
    }
}
