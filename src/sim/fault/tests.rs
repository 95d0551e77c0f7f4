use super::*;

#[test]
fn a_fault_is_read_as_it_is_written() {
    for name in Fault::names().split(", ") {
        let text = format!("{name}=0.25");
        let fault: Fault = text.parse().unwrap();

        assert_eq!((fault.to_string(), FaultRates::new(&[fault]).unwrap().in_force()), (text.clone(), vec![text]));
    }
}

#[test]
fn an_unknown_fault_names_the_known_ones() {
    let error = "trottle=0.1".parse::<Fault>().unwrap_err().to_string();

    assert!(
        error.contains("trottle")
            && error.contains("throttle, error, accept-then-hangup, slow, offline, html, throttle-429")
    );
}

#[test]
fn a_rate_outside_0_to_1_is_refused_with_the_range() {
    for text in ["slow=1.5", "slow=-0.1", "slow=NaN", "slow=", "slow=often"] {
        let error = text.parse::<Fault>().unwrap_err();

        assert!(error.to_string().contains("from 0 to 1"), "{text}: {error}");
    }
    assert!("slow".parse::<Fault>().unwrap_err().to_string().contains("NAME=RATE"));
}

#[test]
fn rates_that_pass_1_together_are_refused() {
    let faults = ["slow=0.6", "html=0.6"].map(|text| text.parse().unwrap());

    assert_eq!(FaultRates::new(&faults), Err(FaultError::Sum));
}

#[test]
fn each_fault_comes_as_often_as_asked() {
    let faults = ["throttle=0.1", "slow=0.2", "html=0.3"].map(|text| text.parse().unwrap());
    let rates = FaultRates::new(&faults).unwrap();

    let drawn: Vec<_> = (0..10_000).map(|phone| rates.draw(Chance::of(7, phone, 1))).collect();

    let count = |kind| drawn.iter().filter(|fault| **fault == kind).count();
    assert!((900..1_100).contains(&count(Some(FaultKind::Throttle))));
    assert!((1_850..2_150).contains(&count(Some(FaultKind::Slow))));
    assert!((2_800..3_200).contains(&count(Some(FaultKind::Html))));
    assert!((3_800..4_200).contains(&count(None)));
    assert_eq!(count(Some(FaultKind::Error)), 0);
}

#[test]
fn a_fault_that_always_comes_always_comes() {
    let rates = FaultRates::new(&["html=1".parse().unwrap()]).unwrap();

    assert!((0..1_000).all(|phone| rates.draw(Chance::of(7, phone, 1)) == Some(FaultKind::Html)));
}
