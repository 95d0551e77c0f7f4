//! People over HTTP: added in any form, listed, marked, found and taken out.

use reqwest::Method;
use serde_json::{Value, json};

use super::client::said;
use super::{Api, campaigns, client, served};
use crate::support::Shop;

async fn empty_draft(api: &Api) -> String {
    let made = api.post("/api/blasts", json!({ "message": "Hi {name|there}", "blast_tag": "Raya" })).await.expect(201);
    format!("/api/blasts/{}", made.body["id"])
}

/// A blast of three that was sent; its path and its people.
async fn sent(shop: &Shop, api: &Api) -> (String, Vec<Value>) {
    let path = empty_draft(api).await;
    let recipients = json!({ "recipients": [
        { "phoneNumber": "60100000001", "name": "Siti Aminah" }, { "phone_number": "60100000002", "name": "Hafiz" }, "60100000003",
    ]});
    api.post(&format!("{path}/recipients"), recipients).await.expect(201);
    api.post(&format!("{path}/send"), json!({ "expectRecipients": 3 })).await.expect(200);
    shop.until_idle().await;
    let people =
        api.get(&format!("{path}/recipients")).await.expect(200).body["recipients"].as_array().unwrap().clone();
    (path, people)
}

#[tokio::test]
async fn people_are_added_as_json_as_csv_and_one_a_line() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let path = format!("{}/recipients", empty_draft(&api).await);

    let array = api.post(&path, json!(["60100000001", { "phone": "x" }, "60100000001"])).await.expect(201);
    assert_eq!((&array.body["taken"], &array.body["rejected"]), (&json!(1), &json!(2)));
    assert_eq!(
        (&array.body["rejected_rows"][0]["row"], &array.body["rejected_rows"][0]["field"]),
        (&json!(2), &json!("phone_number"))
    );
    let csv = api
        .upload(&path, "text/csv; charset=utf-8", "name,phone\nSiti,010-000 0001\nHafiz,0100000002\n")
        .await
        .expect(201);
    assert_eq!(
        (&csv.body["taken"], &csv.body["rejected_rows"][0]["reason"]),
        (&json!(1), &json!("in the blast already"))
    );
    let lines = "{\"phone_number\":\"60100000003\",\"external_id\":\"c-3\"}\n\n\"60100000004\"\nnonsense\n";
    let lines = api.upload(&path, "application/x-ndjson", lines).await.expect(201);
    assert_eq!((&lines.body["taken"], &lines.body["rejected_rows"][0]["row"]), (&json!(2), &json!(4)));
    assert_eq!(lines.body["total_recipients"], 4);

    let unusual = api.post(&path, json!(["60100000005", "601234567890"])).await.expect(201);
    assert_eq!(unusual.body["unusual_lengths"], json!({ "total": 1, "rows": [2] }));

    let nobody = api.upload(&path, "application/x-ndjson", "nonsense\n").await.expect(422);
    assert!(nobody.body["detail"].as_str().unwrap().contains("row 1"), "{nobody:?}");
    let removed =
        said(api.request(Method::DELETE, &path).json(&json!({ "recipients": ["0100000001", "60100000099"] })));
    assert_eq!(removed.await.expect(200).body["removed"], 1);
    let listed = api.get(&path).await.expect(200);
    assert_eq!(listed.body["recipients"].as_array().unwrap().len(), 5);
    assert_eq!(shop.number("select count(*) from blast_recipients where external_id = 'c-3'").await, 1);
    shop.invariants().await;
    serve.stop().await;
}

#[tokio::test]
async fn what_a_list_does_not_make_clear_is_in_the_answer_and_in_what_the_command_line_prints() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let path = format!("{}/recipients", empty_draft(&api).await);
    let list = "phone,name,unsubscribed\n0100000011,Aina,by phone\n0100000012,Ben,no\n";
    let file = shop.write("unclear.csv", list);
    let new = ["blast", "new", "--sender", "sales", "--message", "Hi", "--recipients", file.to_str().unwrap()];

    let answered = api.upload(&path, "text/csv", list).await.expect(201).body;
    let printed = shop.json(&new).await;

    for said in [answered, printed] {
        assert_eq!(said["taken"], 2, "{said}");
        assert_eq!(said["unclear_opt_outs"], json!([{ "column": "unsubscribed", "rows": 1, "first_row": 2 }]));
        assert_eq!(said["local"], json!({ "numbers": 2, "country_code": "+60" }));
    }
    serve.stop().await;
}

#[tokio::test]
async fn whole_numbers_keep_each_of_their_digits_in_whichever_form_people_are_added() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let path = format!("{}/recipients", empty_draft(&api).await);
    let ids: Vec<String> = (1..=5).map(|n| format!("90071992547409931234{n}")).collect();
    let person = |n: usize| format!("{{\"phone\":\"6010000000{}\",\"customer_id\":{1},\"n\":{1}}}", n + 1, ids[n]);

    api.upload(&path, "application/json", format!("[{}]", person(0))).await.expect(201);
    api.upload(&path, "application/json", format!("{{\"recipients\":[{}]}}", person(1))).await.expect(201);
    api.upload(&path, "application/x-ndjson", format!("{}\n{}\n", person(2), person(3))).await.expect(201);
    let made = format!("{{\"message\":\"Hi {{n}}\",\"blast_tag\":\"Raya\",\"recipients\":[{}]}}", person(4));
    api.upload("/api/blasts", "application/json", made).await.expect(201);

    let written = ["external_id", "variables->>'n'"];
    for column in written {
        let all = shop.text(&format!("select string_agg({column}, ',' order by id) from blast_recipients")).await;
        assert_eq!(all, ids.join(","), "{column}");
    }
    serve.stop().await;
}

#[tokio::test]
async fn a_fraction_keeps_its_zeros_in_whichever_form_people_are_added() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let path = format!("{}/recipients", empty_draft(&api).await);
    let prices = ["12.50", "0.10", "3.00", "19.90"];
    let person = |n: usize| {
        let (last, price) = (n + 1, prices[n]);
        format!("{{\"phone\":\"6010000000{last}\",\"variables\":{{\"a\":{price}}},\"b\":{price}}}")
    };

    api.upload(&path, "application/json", format!("[{}]", person(0))).await.expect(201);
    api.upload(&path, "application/json", format!("{{\"recipients\":[{}]}}", person(1))).await.expect(201);
    api.upload(&path, "application/x-ndjson", format!("{}\n", person(2))).await.expect(201);
    let made = format!("{{\"message\":\"Hi {{a}}\",\"blast_tag\":\"Raya\",\"recipients\":[{}]}}", person(3));
    api.upload("/api/blasts", "application/json", made).await.expect(201);

    for variable in ["a", "b"] {
        let read = format!("select string_agg(variables->>'{variable}', ',' order by id) from blast_recipients");
        assert_eq!(shop.text(&read).await, prices.join(","), "{variable}");
    }
    serve.stop().await;
}

#[tokio::test]
async fn bytes_that_are_not_utf_8_are_read_in_one_way_and_said() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let path = format!("{}/recipients", empty_draft(&api).await);
    let upload = async |path: &str, kind: &str, bytes: &[u8]| {
        said(api.request(Method::POST, path).header("Content-Type", kind).body(bytes.to_vec())).await
    };

    let csv = b"phone,name\n60100000001,Aina\n60100000002,Jos\xe9\n";
    let added = upload(&path, "text/csv", csv).await.expect(201);
    assert_eq!(added.body["not_utf8"], json!({ "rows": 1, "first_row": 3 }));
    assert_eq!(shop.text("select string_agg(name, ',' order by id) from blast_recipients").await, "Aina,José");
    let lines = upload(&path, "application/x-ndjson", b"\"60100000003\"\n\"\xe9\"\n").await.expect(201);
    assert_eq!(lines.body["rejected_rows"][0]["reason"], "not UTF-8, which JSON is written in");
    let reasons = b"phone_number,reason\n60100000009,Caf\xe9\n";
    upload("/api/suppressions", "text/csv", reasons).await.expect(200);
    assert_eq!(shop.text("select reason from suppressions").await, "Café");

    for (address, part) in [("/api/senders/sal%E9s/health", "path"), ("/api/blasts?tag=Caf%E9", "query")] {
        let refused = api.get(address).await.expect(400);
        assert_eq!(refused.body["type"], "urn:blastdeck:not-utf-8");
        assert!(refused.body["detail"].as_str().unwrap().contains(part), "{refused:?}");
    }
    api.get("/api/blasts?tag=Caf%C3%A9").await.expect(200);
    serve.stop().await;
}

#[tokio::test]
async fn nobody_is_added_to_what_was_launched() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let (path, _) = sent(&shop, &api).await;

    let more = json!({ "recipients": ["60100000009"] });
    assert_eq!(api.post(&format!("{path}/recipients"), more.clone()).await.expect(409).kind(), "refused");
    assert_eq!(said(api.request(Method::DELETE, &format!("{path}/recipients")).json(&more)).await.status, 409);
    assert_eq!(shop.number("select count(*) from blast_recipients").await, 3);
    serve.stop().await;
}

#[tokio::test]
async fn a_long_list_is_streamed_and_paged() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let path = format!("{}/recipients", empty_draft(&api).await);
    let lines: String = (0..5_000)
        .map(|n| format!("{{\"phone_number\":\"60100{n:06}\",\"name\":\"P{n}\"}}"))
        .collect::<Vec<_>>()
        .join("\n");

    let added = api.upload(&path, "application/x-ndjson", lines).await.expect(201);

    assert_eq!(added.body["taken"], 5_000);
    let (mut seen, mut cursor, mut pages) = (0, String::new(), 0);
    loop {
        pages += 1;
        let page = api.get(&format!("{path}?limit=1000&cursor={cursor}")).await.expect(200);
        seen += page.body["recipients"].as_array().unwrap().len();
        let Some(next) = page.body["next_cursor"].as_str() else { break };
        cursor = next.to_owned();
    }
    assert_eq!((seen, pages), (5_000, 5), "the last page is full, and none is behind it");
    let third = api.get(&format!("{path}?page=3&limit=10")).await.expect(200);
    assert_eq!((&third.body["recipients"][0]["name"], &third.body["total"]), (&json!("P20"), &json!(5_000)));
    let found = api.get(&format!("{path}?q=P4999&status=queued")).await.expect(200);
    assert_eq!(found.body["recipients"].as_array().unwrap().len(), 1);
    serve.stop().await;
}

#[tokio::test]
async fn of_a_mark_and_a_note_both_are_written_or_neither() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let (_, people) = sent(&shop, &api).await;
    let person = format!("/api/recipients/{}", people[0]["id"]);
    let paid = |amount: &str| json!({ "status": "closed", "amount": amount, "note": "paid" });
    api.patch(&person, paid("120.50")).await.expect(200);

    // A note that is there already keeps no amount from being written.
    let more = api.patch(&person, paid("150.00")).await.expect(200);
    assert_eq!(more.body["recipient"]["amount"], "150.00");
    assert_eq!(api.patch(&person, paid("150.00")).await.expect(409).kind(), "refused");
    let nothing = api.patch(&person, json!({ "status": "closed", "amount": 0 })).await.expect(200);
    assert_eq!(nothing.body["recipient"]["amount"], "0.00", "with two places, as every other");
    let number = people[0]["phone_number"].as_str().unwrap().trim_start_matches('+');
    let found = api.get(&format!("/api/recipients?q={number}")).await.expect(200);
    assert_eq!(found.body["recipients"][0]["amount"], "0.00");
    let too_long = json!({ "status": "opted_out", "note": "x".repeat(2_001) });
    assert_eq!(api.patch(&person, too_long).await.expect(422).fields(), ["note"]);
    assert_eq!(shop.number("select count(*) from blast_recipients where opted_out_at is not null").await, 0);
    serve.stop().await;
}

#[tokio::test]
async fn marks_with_amount_and_note_stand_and_are_taken_back() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let (path, people) = sent(&shop, &api).await;
    let person = format!("/api/recipients/{}", people[0]["id"]);

    let closed =
        api.patch(&person, json!({ "status": "closed", "amount": "120.50", "note": "paid" })).await.expect(200);
    let recipient = &closed.body["recipient"];
    assert_eq!(
        (&recipient["status"], &recipient["amount"], &recipient["note"]),
        (&json!("closed"), &json!("120.50"), &json!("paid"))
    );
    assert_eq!(api.get(&path).await.body["amount"], "120.50");
    // What is known already keeps no note from being written.
    let again = json!({ "status": "closed", "amount": "120.50", "note": "paid in cash" });
    assert_eq!(api.patch(&person, again).await.expect(200).body["recipient"]["note"], "paid in cash");
    let note = json!({ "status": "closed", "note": "paid" });
    assert_eq!(api.patch(&person, note).await.expect(200).body["recipient"]["note"], "paid");
    api.patch(&person, json!({ "status": "closed", "amount": "120.50" })).await.expect(409);
    let history = api.get(&format!("{person}/history")).await.expect(200);
    let by: Vec<_> =
        history.body["history"].as_array().unwrap().iter().filter(|change| change["by"] == "write").collect();
    assert_eq!(by.len(), 1, "{history:?}");
    for _ in 0..3 {
        api.patch(&person, json!({ "status": "undo" })).await.expect(200);
    }
    let undone = api.patch(&person, json!({ "status": "undo" })).await.expect(200);
    assert_ne!(undone.body["recipient"]["status"], "closed");
    assert_eq!(api.patch(&person, json!({ "status": "undo" })).await.expect(409).kind(), "refused");

    for (wrong, field) in [
        (json!({}), "status"),
        (json!({ "status": "read" }), "status"),
        (json!({ "status": "closed", "amount": "12,5" }), "amount"),
        (json!({ "status": "replied", "amount": 3 }), "amount"),
        (json!({ "status": "replied", "wat": 3 }), "wat"),
    ] {
        let refused = api.patch(&person, wrong.clone()).await;
        assert_eq!((refused.status, refused.fields()), (422, vec![field]), "{wrong}");
    }
    api.patch(&format!("/api/recipients/{}", people[1]["id"]), json!({ "status": "opted_out" })).await.expect(200);
    assert_eq!(shop.number("select count(*) from suppressions").await, 1);
    // By number it counts for the newest message that reached them, but not in a list of earlier ones.
    let report = format!("{path}/report");
    let later = async || api.get(&report).await.expect(200).body["opted_out_later"].as_i64().unwrap();
    let before = later().await;
    api.upload("/api/suppressions", "text/csv", "phone_number\n60100000001\n").await.expect(200);
    assert_eq!(later().await, before);
    api.post("/api/suppressions", json!({ "phone_number": "60100000003" })).await.expect(200);
    assert_eq!(later().await, before + 1);
    serve.stop().await;
}

#[tokio::test]
async fn somebody_is_found_in_every_blast() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    sent(&shop, &api).await;

    for query in ["Aminah", "0100000001", "60100000001"] {
        let found = api.get(&format!("/api/recipients?q={query}")).await.expect(200);
        assert_eq!(found.body["recipients"][0]["phone_number"], "+60100000001", "{query}");
    }
    assert_eq!(api.get("/api/recipients?q=").await.expect(422).fields(), ["q"]);
    serve.stop().await;
}

#[tokio::test]
async fn digits_are_the_end_of_a_number_first_and_with_a_zero_its_beginning_at_home() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let numbers = ["60123450000", "60100000012", "60100123456", "60123456789"];
    let made = api.post("/api/blasts", json!({ "message": "Hi", "recipients": numbers })).await.expect(201);
    let path = format!("/api/blasts/{}/recipients", made.body["id"]);

    for (typed, found) in [
        ("0000", &["+60123450000"][..]),
        ("0012", &["+60100000012"]),
        ("012", &["+60100000012"]),
        ("0123", &["+60123450000", "+60123456789"]),
        ("012345", &["+60123450000", "+60123456789"]),
        ("0123456789", &["+60123456789"]),
        ("0060123456789", &["+60123456789"]),
        ("00000000", &[]),
        ("3456", &["+60100123456"]),
        ("2345", &["+60123450000", "+60100123456", "+60123456789"]),
    ] {
        for call in [format!("{path}?q={typed}"), format!("/api/recipients?q={typed}")] {
            let page = api.get(&call).await.expect(200);
            let people = page.body["recipients"].as_array().unwrap();
            let people: Vec<_> = people.iter().map(|person| person["phone_number"].as_str().unwrap()).collect();
            assert_eq!(people, found, "{call}");
        }
    }
    serve.stop().await;
}

#[tokio::test]
async fn an_uncertain_person_is_listed_and_resolved() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let (path, people) = sent(&shop, &api).await;
    let id = &people[2]["id"];
    shop.execute(&format!("update blast_recipients set status = 'uncertain', standing = 'uncertain' where id = {id}"))
        .await;

    let listed = api.get(&format!("{path}/uncertain")).await.expect(200);
    assert_eq!(listed.body["recipients"][0]["id"], *id);
    let resolve = format!("/api/recipients/{id}/resolve");
    assert_eq!(api.post(&resolve, json!({ "resolution": "maybe" })).await.expect(422).fields(), ["resolution"]);
    let resolved = api.post(&resolve, json!({ "resolution": "sent" })).await.expect(200);
    assert_eq!(resolved.body["recipient"]["status"], "sent", "{resolved:?}");
    assert_eq!(api.post(&resolve, json!({ "resolution": "sent" })).await.status, 409);
    serve.stop().await;
}

#[tokio::test]
async fn a_repeated_request_has_its_answer_again_also_where_its_blast_is_gone() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let (of_sent, people) = sent(&shop, &api).await;
    let [closed, uncertain] = [&people[0]["id"], &people[2]["id"]];
    let doubt = "update blast_recipients set status = 'uncertain', standing = 'uncertain' where id =";
    shop.execute(&format!("{doubt} {uncertain}")).await;
    let (draft, (campaign, _)) = (empty_draft(&api).await, campaigns::made(&api).await);
    let list = json!({ "recipients": ["60100000004"] });
    let mut requests = vec![
        (Method::PATCH, format!("/api/recipients/{closed}"), json!({ "status": "closed" })),
        (Method::POST, format!("/api/recipients/{uncertain}/resolve"), json!({ "resolution": "drop" })),
    ];
    for path in [&draft, &campaign] {
        let of_list = [Method::POST, Method::DELETE].map(|method| (method, format!("{path}/recipients"), list.clone()));
        requests.extend(of_list);
    }
    let ask = async |(method, path, body): &(Method, String, Value), key: &str| {
        let key = format!("{method} {path} {key}");
        said(api.request(method.clone(), path).header("Idempotency-Key", key).json(body)).await
    };
    let mut answers = Vec::new();
    for request in &requests {
        let first = ask(request, "one").await;
        assert!(first.status < 300, "{request:?}: {first:?}");
        answers.push(first);
    }
    for (path, status) in [(&of_sent, 204), (&draft, 204), (&campaign, 200)] {
        api.delete(path).await.expect(status);
    }

    for (request, first) in requests.iter().zip(&answers) {
        let again = ask(request, "one").await;
        assert_eq!((again.status, &again.body), (first.status, &first.body), "{request:?}");
        assert_eq!(again.header("idempotency-replayed"), "true", "{request:?}");
        assert_eq!(ask(request, "another").await.expect(404).kind(), "not-found", "{request:?}");
    }
    serve.stop().await;
}

#[tokio::test]
async fn an_answer_that_names_an_attempt_is_about_no_later_one() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let (path, people) = sent(&shop, &api).await;
    let id = &people[2]["id"];
    let again = "update blast_recipients set status = 'uncertain', standing = 'uncertain', attempt = 2 where id =";
    shop.execute(&format!("{again} {id}")).await;
    let resolve = format!("/api/recipients/{id}/resolve");

    let refused = api.post(&resolve, json!({ "resolution": "drop", "attempt": 1 })).await.expect(409);

    assert_eq!(refused.kind(), "refused");
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(detail.contains("another attempt was made meanwhile"), "{detail}");
    let empty = api.post(&resolve, json!({ "resolution": "resend", "attempt": null })).await.expect(422);
    assert_eq!(empty.fields(), ["attempt"], "no number is not the newest attempt");
    let listed = api.get(&format!("{path}/uncertain")).await.expect(200);
    let attempt = &listed.body["recipients"][0]["attempts"];
    assert_eq!(attempt, 2);
    let resolved = api.post(&resolve, json!({ "resolution": "drop", "attempt": attempt })).await.expect(200);
    assert_eq!(resolved.body["recipient"]["status"], "skipped", "{resolved:?}");
    serve.stop().await;
}

#[tokio::test]
async fn a_follow_up_goes_to_those_who_got_no_further() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let (path, people) = sent(&shop, &api).await;
    let siti = &people[0]["id"];
    // Everybody was asked about, however many of them the engine got to before it ended.
    shop.execute(&format!(
        "update blast_recipients set status = 'read', standing = 'read' where id = {siti};
         update blast_recipients set status = 'sent', standing = 'sent', changed_at = sent_at where id <> {siti};
         insert into blast_polls (blast_id, asked) select id, '{{(,)}}' from blasts
         on conflict (blast_id) do update set asked = excluded.asked"
    ))
    .await;
    let follow = format!("{path}/follow-up");
    shop.execute("update blasts set rate = '20/min', send_window = '09:00-21:00', timezone = 'Asia/Tokyo'").await;

    let made = api.post(&follow, json!({ "stuckAt": "read", "message": "Hi {name}, still there?" })).await.expect(201);

    assert_eq!((&made.body["total_recipients"], &made.body["follow_up_stage"]), (&json!(1), &json!("Follow-up 1")));
    assert_eq!((&made.body["blast_tag"], &made.body["state"]), (&json!("Raya"), &json!("draft")));
    let limits = async |id: &Value| {
        let limits = "select concat_ws(', ', rate, send_window, timezone) from blasts where id =";
        shop.text(&format!("{limits} {id}")).await
    };
    assert_eq!(limits(&made.body["id"]).await, "20/min, 09:00-21:00, Asia/Tokyo", "the older blast's");
    let other = json!({ "stuck_at": "sent", "message": "Hi", "tag": "June", "sender": null, "rate": null,
        "sendWindow": "10:00-12:00" });
    let second = api.post(&follow, other).await.expect(201);
    assert_eq!(
        (&second.body["blast_tag"], &second.body["follow_up_stage"], limits(&second.body["id"]).await.as_str()),
        (&json!("June"), &json!("Follow-up 2"), "10:00-12:00, Asia/Tokyo")
    );
    let listed = api.get(&format!("/api/blasts/{}/recipients", made.body["id"])).await.expect(200);
    assert_eq!(listed.body["recipients"][0]["phone_number"], "+60100000001");
    assert_eq!(
        api.post(&follow, json!({ "stuck_at": "read", "older_than": "48h", "message": "Hi" })).await.status,
        409
    );
    for (wrong, field) in [
        (json!({ "message": "Hi" }), "stuck_at"),
        (json!({ "stuck_at": "closed", "message": "Hi" }), "stuck_at"),
        (json!({ "stuck_at": "read", "older_than": "long", "message": "Hi" }), "older_than"),
        (json!({ "stuck_at": "read" }), "message"),
        (json!({ "stuck_at": "read", "message": "Hi", "wat": 1 }), "wat"),
        (json!({ "stuck_at": "read", "message": "Hi", "recipients": ["60100000001"] }), "recipients"),
    ] {
        let refused = api.post(&follow, wrong.clone()).await;
        assert_eq!((refused.status, refused.fields()), (422, vec![field]), "{wrong}: {refused:?}");
    }
    serve.stop().await;
}

#[tokio::test]
async fn a_filter_over_earlier_blasts_stands_in_the_place_of_a_list() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let (path, _) = sent(&shop, &api).await;
    let id: i64 = path.rsplit('/').next().unwrap().parse().unwrap();
    let from = |filter: &str| json!({ "message": "Hi {name|there}", "from": filter });

    let made = api.post("/api/blasts", from(&format!("blast:{id} -name:hafiz"))).await.expect(201);

    assert_eq!(&made.body["import"]["taken"], &json!(2));
    let plan = api.get(&format!("/api/blasts/{}/plan", made.body["id"])).await.expect(200);
    assert_eq!(plan.body["segment"]["finds"], 2, "{plan:?}");
    let wrong = api.post("/api/blasts", from(&format!("blast:{id} stcuk:read"))).await.expect(422);
    assert_eq!(wrong.fields(), ["from"]);
    let detail = wrong.body["detail"].as_str().unwrap();
    assert!(detail.contains("character") && detail.contains("did you mean `stuck:`?"), "{wrong:?}");
    let both = json!({ "message": "Hi", "from": "blast:1", "recipients": ["60100000001"] });
    assert_eq!(api.post("/api/blasts", both).await.expect(422).fields(), ["from"]);
    assert_eq!(api.post("/api/blasts", from("blast:999999")).await.expect(422).fields(), ["from"]);
    let url = format!("{path}/follow-up");
    let follow = |body: Value| api.post(&url, body);
    let followed = follow(json!({ "from": "name:hafiz", "message": "Hi" })).await.expect(201);
    assert_eq!(followed.body["import"]["taken"], 1);
    let twice = follow(json!({ "from": "name:hafiz", "stuck_at": "read", "message": "Hi" })).await.expect(422);
    assert_eq!(twice.fields(), ["from"]);
    let carts = follow(json!({ "stuck_at": "cart", "older_than": "2d", "message": "Hi" })).await.expect(409);
    assert!(carts.body["detail"].as_str().unwrap().contains("has had a cart for so long"), "{carts:?}");
    let found = follow(json!({ "from": "name:nobody", "message": "Hi" })).await.expect(409);
    assert!(found.body["detail"].as_str().unwrap().contains("the filter finds nobody"), "{found:?}");
}
