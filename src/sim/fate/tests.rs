use super::*;

fn people(seed: u64, count: u64) -> Vec<Fate> {
    let population = Population { seed, speed: 1.0 };
    (0..count)
        .map(|n| population.fate(NthMessage { phone: 60_100_000_000 + n, nth: 1, channel: Channel::Gateway }))
        .collect()
}

fn deliveries(fates: &[Fate]) -> Vec<&SimDelivery> {
    fates.iter().filter_map(|fate| if let Fate::Delivered(delivery) = fate { Some(delivery) } else { None }).collect()
}

fn replies(fates: &[Fate]) -> Vec<&PlannedReply> {
    fates.iter().filter_map(Fate::reply).collect()
}

#[test]
fn ten_thousand_people_fall_into_the_shares_that_were_promised() {
    let fates = people(7, 10_000);
    let count = |is: fn(&Fate) -> bool| fates.iter().filter(|fate| is(fate)).count();

    let delivered = deliveries(&fates);
    let read = delivered.iter().filter(|delivery| delivery.read.is_some()).count();
    let replies = replies(&fates);
    let buyers = replies.iter().filter(|reply| reply.buys.is_some()).count();
    let stops = replies.iter().filter(|reply| reply.text == "STOP").count();

    assert!((9_520..9_680).contains(&delivered.len()), "delivered {}", delivered.len());
    assert!((190..310).contains(&count(|fate| *fate == Fate::Unreachable)));
    assert!((110..190).contains(&count(|fate| matches!(fate, Fate::Refused { .. }))));
    assert!((72 * delivered.len() / 100..76 * delivered.len() / 100).contains(&read), "read {read}");
    assert!((720..920).contains(&replies.len()), "replies {}", replies.len());
    assert!((replies.len() * 28 / 100..replies.len() * 38 / 100).contains(&buyers), "buyers {buyers}");
    assert!((39..=40).contains(&stops), "stops {stops}");
}

#[test]
fn one_person_in_two_hundred_and_fifty_says_stop_under_nearly_every_seed() {
    let exactly_one = (0..1_000)
        .filter(|seed| replies(&people(*seed, 250)).iter().filter(|reply| reply.text == "STOP").count() == 1)
        .count();

    assert!(exactly_one >= 980, "{exactly_one} of 1000 seeds");
}

#[test]
fn everything_happens_in_its_time_and_order() {
    let fates = people(3, 10_000);

    for delivery in deliveries(&fates) {
        let delivered = delivery.delivered.as_secs_f64();
        assert!((1.0..=40.0).contains(&delivered) && delivery.server_ack < delivery.delivered);
        let Some(read) = delivery.read else {
            assert_eq!(delivery.reply, None, "a reply without a read");
            continue;
        };
        assert!((4.0..=2_701.0).contains(&(read.as_secs_f64() - delivered)));
        if let Some(reply) = &delivery.reply {
            assert!((14.9..=1_801.0).contains(&(reply.after.as_secs_f64() - read.as_secs_f64())));
        }
    }
}

#[test]
fn half_of_the_readers_read_within_five_minutes() {
    let fates = people(3, 10_000);
    let mut times: Vec<_> = deliveries(&fates)
        .iter()
        .filter_map(|delivery| Some(delivery.read?.saturating_sub(delivery.delivered).as_secs()))
        .collect();

    times.sort_unstable();

    assert!((270..330).contains(&times[times.len() / 2]), "median {} s", times[times.len() / 2]);
}

#[test]
fn buyers_spend_from_35_to_250_and_who_says_stop_does_not_buy() {
    let fates = people(11, 50_000);

    for reply in replies(&fates) {
        assert!(reply.buys.is_none_or(|cents| (3_500..=25_000).contains(&cents.0) && reply.text != "STOP"));
    }
    assert_eq!(Cents(12_005).to_string(), "120.05");
}

#[test]
fn speed_shortens_every_wait_and_changes_nothing_else() {
    let message = |n: u64| NthMessage { phone: 60_100_000_000 + n, nth: 1, channel: Channel::Gateway };
    for n in 0..1_000 {
        let slow = Population { seed: 5, speed: 1.0 }.fate(message(n));
        let fast = Population { seed: 5, speed: 60.0 }.fate(message(n));

        let shrunk = slow.last_event().map(|last| (last.as_secs_f64() / 60.0 * 1e6).round());
        assert_eq!(shrunk, fast.last_event().map(|last| (last.as_secs_f64() * 1e6).round()));
        assert_eq!(slow.reply().map(|reply| reply.text), fast.reply().map(|reply| reply.text));
    }
}

#[test]
fn another_seed_is_another_public_and_another_message_another_fate() {
    let first = people(1, 1_000);
    let population = Population { seed: 1, speed: 1.0 };
    let later: Vec<_> = (0..1_000)
        .map(|n| population.fate(NthMessage { phone: 60_100_000_000 + n, nth: 2, channel: Channel::Gateway }))
        .collect();

    assert_ne!(first, people(2, 1_000));
    assert_ne!(first, later);
    assert_eq!(first, people(1, 1_000));
}

#[test]
fn a_number_that_is_not_on_whatsapp_never_gets_a_message_except_to_say_stop() {
    let population = Population { seed: 1, speed: 1.0 };
    let person = (0..1_000).map(|n| 60_100_000_000 + n).find(|phone| {
        population.fate(NthMessage { phone: *phone, nth: 1, channel: Channel::Gateway }) == Fate::Unreachable
    });

    let fates: Vec<_> = (1..20)
        .map(|nth| population.fate(NthMessage { phone: person.unwrap(), nth, channel: Channel::Gateway }))
        .collect();

    assert!(
        fates.iter().all(|fate| *fate == Fate::Unreachable || fate.reply().is_some_and(|reply| reply.text == "STOP"))
    );
}

#[test]
fn the_words_go_from_pending_over_one_tick_and_two_to_read() {
    let fate = Fate::Delivered(SimDelivery {
        server_ack: Duration::from_millis(500),
        delivered: Duration::from_secs(10),
        read: Some(Duration::from_secs(60)),
        reply: None,
    });

    let statuses: Vec<_> =
        [0, 500, 9_999, 10_000, 59_999, 60_000].map(Duration::from_millis).map(|at| fate.status(at)).into();

    assert_eq!(
        statuses,
        [
            WireStatus::Pending,
            WireStatus::ServerAck,
            WireStatus::ServerAck,
            WireStatus::DeliveryAck,
            WireStatus::DeliveryAck,
            WireStatus::Read
        ]
    );
}

#[test]
fn a_refusal_is_pending_until_it_is_an_error() {
    let fate = Fate::Refused { after: Duration::from_secs(5), code: 463 };

    assert_eq!(fate.status(Duration::from_secs(4)), WireStatus::Pending);
    assert_eq!(fate.status(Duration::from_secs(5)), WireStatus::Error);
    assert_eq!(Fate::Unreachable.status(Duration::from_secs(1_000_000)), WireStatus::Pending);
}
