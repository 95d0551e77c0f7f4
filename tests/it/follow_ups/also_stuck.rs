//! Who came to be stuck after a follow-up was made: it keeps its people, and its plan says that others are there by now.

use super::*;

#[tokio::test]
async fn the_plan_of_a_follow_up_says_how_many_are_stuck_there_by_now_and_not_in_it() {
    let (shop, blast) = stuck_shop().await;
    let ask = ["blast", "follow-up", &blast, "--stuck-at", "read", "--older-than", "24h"];
    let made = shop.json(&ask).await;
    let draft = made["id"].to_string();
    let json = async || shop.json(&["blast", "plan", &draft]).await["also_stuck"].clone();
    assert_eq!(json().await, 0);
    assert!(!shop.run(&["blast", "plan", &draft]).await.out.contains("by now"), "nobody else is there");

    // The fifth read it an hour before: another day makes them one of those; the sixth is at another stage.
    let later = format!(
        "update blast_recipients set read_timestamp = now() - interval '30 hours' where blast_id = {blast} and phone_number = '+{}'",
        digits(4)
    );
    shop.execute(&later).await;

    assert_eq!(json().await, 1);
    let plan = shop.run(&["blast", "plan", &draft]).await.out;
    let words = format!(
        "  follows   1 more person is stuck at read in blast {blast} for 1 day by now, and not in this draft: another follow-up may reach them\n"
    );
    assert!(plan.contains(&words), "{plan}");
    assert_eq!(shop.json(&ask).await["taken"], 1, "as it says");
    assert_eq!(json().await, 0, "they are in that one");
}

#[tokio::test]
async fn whom_the_message_could_not_be_made_for_is_nobody_whom_another_follow_up_reaches() {
    let (shop, blast) = stuck_shop().await;
    let nameless = format!(
        "update blast_recipients set name = null, variables = variables - 'name' where blast_id = {blast} and phone_number = '+{}'",
        digits(3)
    );
    shop.execute(&nameless).await;
    let made = shop
        .json(&["blast", "follow-up", &blast, "--stuck-at", "read", "--older-than", "24h", "--message", "Hi {name}"])
        .await;
    assert_eq!(made["taken"], 1, "{made}");

    let plan = shop.json(&["blast", "plan", &made["id"].to_string()]).await;

    assert_eq!(plan["also_stuck"], 0);
}

#[tokio::test]
async fn a_follow_up_whose_filter_finds_its_people_again_has_nobody_to_name() {
    let (shop, blast) = stuck_shop().await;
    let made = shop.json(&["blast", "follow-up", &blast, "--from", "stuck:read older:24h", "--message", "Hi"]).await;
    let later = format!(
        "update blast_recipients set read_timestamp = now() - interval '30 hours' where blast_id = {blast} and phone_number = '+{}'",
        digits(4)
    );
    shop.execute(&later).await;

    let plan = shop.json(&["blast", "plan", &made["id"].to_string()]).await;

    assert_eq!((&plan["people"], &plan["also_stuck"]), (&json!(3), &json!(0)));
}
