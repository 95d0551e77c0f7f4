//! Paces in words: ranges as operators write them, averages, and whose limit binds. The numbers are the domain's.

use chrono_tz::Tz;

use super::format::number;
use crate::app::view::SenderView;
use crate::domain::pace::{BindingLimit, Gap, Limits, Rate, binding, per_hour};

/// `40 s on average, 90/h`; `None` of a gap that makes no pause.
pub fn average_of(gap: Gap) -> Option<String> {
    let hourly = per_hour(&no_limits(), &Limits { gap: Some(gap), ..no_limits() })?;
    Some(format!("{} s on average, {}/h", tenths(3_600.0 / hourly), number(whole(hourly))))
}

/// What holds all the same where a blast's own pace is faster than its sender's: a blast's own only tightens it.
pub fn sender_binds((gap, rate): (Option<Gap>, Option<Rate>), sender: &SenderView) -> Option<String> {
    let usage = &sender.usage;
    let of_sender = Limits { rate: usage.rate, gap: usage.gap, ..no_limits() };
    let own = Limits { rate: rate.unwrap_or(Rate::Unlimited), gap, ..no_limits() };
    let wanted = per_hour(&no_limits(), &own);
    let (allowed, limit) = per_hour(&of_sender, &no_limits()).zip(binding(&of_sender, &no_limits()))?;
    let has_own = gap.is_some() || rate.is_some();
    let is_faster = has_own && wanted.is_none_or(|wanted| wanted > allowed);
    let limit = match limit {
        BindingLimit::Gap(gap) => format!("gap {}", gap.words()),
        BindingLimit::Rate(rate) => format!("rate {rate}"),
    };
    // In a rehearsal time goes faster.
    let (name, allowed) = (&sender.name, number(usage.per_hour.unwrap_or_else(|| whole(allowed))));
    is_faster.then(|| format!("{name} sends at most {allowed}/h ({limit}): that stays the limit"))
}

/// The key of a sender's configuration that sets its pace: of several limits the one that binds.
pub fn binding_key(sender: &SenderView) -> &'static str {
    let of_sender = Limits { rate: sender.usage.rate, gap: sender.usage.gap, ..no_limits() };
    if matches!(binding(&of_sender, &no_limits()), Some(BindingLimit::Gap(_))) { "gap" } else { "rate" }
}

fn no_limits() -> Limits {
    Limits::none(Tz::UTC)
}

#[expect(clippy::cast_possible_truncation, reason = "messages an hour")]
fn whole(hourly: f64) -> i64 {
    hourly.round() as i64
}

/// `40`, `1.5`.
fn tenths(seconds: f64) -> String {
    let words = format!("{seconds:.1}");
    words.strip_suffix(".0").unwrap_or(&words).to_owned()
}

#[cfg(test)]
mod tests {
    use super::{average_of, binding_key, sender_binds};
    use crate::tui::tests::support::senders;

    #[test]
    fn an_average_is_the_domains_pace() {
        assert_eq!(average_of("20s..60s".parse().unwrap()).as_deref(), Some("40 s on average, 90/h"));
        assert_eq!(average_of("1s..2s".parse().unwrap()).as_deref(), Some("1.5 s on average, 2,400/h"));
        assert_eq!(average_of("0s".parse().unwrap()), None);
    }

    #[test]
    fn a_gap_that_makes_no_pause_sets_no_pace() {
        let mut sender = senders().remove(0);
        for (gap, rate, key) in [("0s..0s", "30/min", "rate"), ("20s..60s", "30/min", "gap"), ("1s", "30/min", "rate")]
        {
            (sender.usage.gap, sender.usage.rate) = (Some(gap.parse().unwrap()), rate.parse().unwrap());
            assert_eq!(binding_key(&sender), key, "{gap} {rate}");
        }
    }

    #[test]
    fn a_faster_pace_than_the_senders_says_that_the_senders_holds() {
        let sender = senders().remove(0);
        let says = |gap: Option<&str>, rate: Option<&str>| {
            let pace = (gap.map(|gap| gap.parse().unwrap()), rate.map(|rate| rate.parse().unwrap()));
            sender_binds(pace, &sender)
        };
        let binds = Some("sales sends at most 90/h (gap 20-60 s): that stays the limit".to_owned());

        assert_eq!(says(Some("1s..2s"), None), binds);
        assert_eq!(says(None, Some("80/s")), binds);
        assert_eq!(says(Some("1s..2s"), Some("1/min")), None, "its own rate is slower");
        assert_eq!(says(Some("40s..80s"), None), None);
        assert_eq!(says(None, None), None);
    }
}
