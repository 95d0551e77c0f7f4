//! How much of its quota an app has used, as Meta says in two headers. A header that cannot be read says nothing.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use super::super::QuotaPressure;
use super::super::lenient::integer;

/// In percent of the quota; over 100 calls are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ApiUsage {
    /// Of the app.
    pub app: Option<u32>,
    /// Of the WhatsApp account.
    pub business: Option<u32>,
    /// How long calls will be refused.
    pub blocked_for: Option<Duration>,
}

/// The wait where Meta does not say how long.
const USED_UP: Duration = Duration::from_secs(60);
/// The longest wait that is believed.
const BLOCKED_MAX: Duration = Duration::from_secs(60 * 60);

static OF_APP: HeaderName = HeaderName::from_static("x-app-usage");
static OF_BUSINESS: HeaderName = HeaderName::from_static("x-business-use-case-usage");

/// The headers of the last answer that had any, and what they say. Each answer has them, and whole percents change seldom: they are
/// read when they differ.
#[derive(Debug, Default)]
pub struct LastUsage {
    app: Option<Vec<u8>>,
    business: Option<Vec<u8>>,
    pub usage: ApiUsage,
}

impl LastUsage {
    /// What the headers of a new answer say.
    pub fn read(&mut self, headers: &HeaderMap) -> ApiUsage {
        let of = |name| headers.get(name).map(HeaderValue::as_bytes);
        let (app, business) = (of(&OF_APP), of(&OF_BUSINESS));
        if app.is_none() && business.is_none() {
            return ApiUsage::default();
        }
        if app != self.app.as_deref() || business != self.business.as_deref() {
            *self = Self {
                app: app.map(<[u8]>::to_vec),
                business: business.map(<[u8]>::to_vec),
                usage: ApiUsage::of(headers),
            };
        }
        self.usage
    }
}

impl ApiUsage {
    /// From `X-App-Usage` and `X-Business-Use-Case-Usage`.
    pub fn of(headers: &HeaderMap) -> Self {
        let json = |name: &HeaderName| serde_json::from_slice::<Value>(headers.get(name)?.as_bytes()).ok();
        let app = json(&OF_APP).as_ref().and_then(percent);
        let businesses = json(&OF_BUSINESS);
        let cases: Vec<&Value> = businesses
            .as_ref()
            .and_then(Value::as_object)
            .map(|accounts| accounts.values().filter_map(Value::as_array).flatten().collect())
            .unwrap_or_default();
        Self {
            app,
            business: cases.iter().filter_map(|case| percent(case)).max(),
            blocked_for: cases.iter().filter_map(|case| blocked_for(case)).max(),
        }
    }

    /// What to do about it. Messages that are sent meanwhile use up more: slower from nine tenths on, and none at the end.
    pub fn pressure(&self) -> Option<QuotaPressure> {
        if let Some(wait) = self.blocked_for {
            return Some(QuotaPressure::Wait(wait));
        }
        match self.app.max(self.business)? {
            100.. => Some(QuotaPressure::Wait(USED_UP)),
            98.. => Some(QuotaPressure::Ease { steps: 3 }),
            95.. => Some(QuotaPressure::Ease { steps: 2 }),
            90.. => Some(QuotaPressure::Ease { steps: 1 }),
            _ => None,
        }
    }

    /// Whether the headers said anything.
    pub fn is_known(&self) -> bool {
        *self != Self::default()
    }
}

/// The largest of its percentages.
fn percent(usage: &Value) -> Option<u32> {
    let keys = ["call_count", "total_time", "total_cputime"];
    let percents = keys.iter().filter_map(|key| whole(usage.get(key)?));
    percents.max().and_then(|percent| u32::try_from(percent).ok())
}

/// A number or text, fractions cut off.
fn whole(value: &Value) -> Option<i64> {
    let fraction = |value: &Value| value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
    #[expect(clippy::cast_possible_truncation, reason = "percentages; casts saturate")]
    integer(value).or_else(|| fraction(value).map(|percent| percent as i64))
}

/// `estimated_time_to_regain_access`, in minutes.
fn blocked_for(usage: &Value) -> Option<Duration> {
    let minutes = u64::try_from(whole(usage.get("estimated_time_to_regain_access")?)?).ok()?;
    Some(Duration::from_secs(minutes.saturating_mul(60)).min(BLOCKED_MAX)).filter(|wait| !wait.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(app: &str, business: &str) -> ApiUsage {
        let mut headers = HeaderMap::new();
        headers.insert("x-app-usage", app.parse().unwrap());
        headers.insert("x-business-use-case-usage", business.parse().unwrap());
        ApiUsage::of(&headers)
    }

    #[test]
    fn the_headers_give_the_largest_share_and_how_long_it_lasts() {
        let read = usage(
            r#"{"call_count":28,"total_time":25,"total_cputime":"31.7"}"#,
            &serde_json::json!({ "102290129340398": [
                { "type": "whatsapp", "call_count": 97, "total_cputime": 3, "estimated_time_to_regain_access": 0 },
                { "type": "other", "call_count": 100, "estimated_time_to_regain_access": 19 } ] })
            .to_string(),
        );

        let minutes = Some(Duration::from_secs(19 * 60));
        assert_eq!(read, ApiUsage { app: Some(31), business: Some(100), blocked_for: minutes });
    }

    #[test]
    fn a_sender_slows_down_from_nine_tenths_on_and_waits_at_the_end() {
        let pressure = |percent: u32| usage(&format!(r#"{{"call_count":{percent}}}"#), "{}").pressure();

        assert_eq!([pressure(0), pressure(89)], [None, None]);
        let steps = [90, 95, 98].map(|percent| pressure(percent).unwrap());
        assert_eq!(steps, [1, 2, 3].map(|steps| QuotaPressure::Ease { steps }));
        assert_eq!(pressure(100), Some(QuotaPressure::Wait(USED_UP)));
        let blocked = usage("{}", r#"{"1":[{"call_count":3,"estimated_time_to_regain_access":2}]}"#);
        assert_eq!(blocked.pressure(), Some(QuotaPressure::Wait(Duration::from_secs(120))), "until access is regained");
        assert_eq!(ApiUsage::default().pressure(), None);
    }

    #[test]
    fn what_was_read_last_holds_for_the_same_headers_only() {
        let mut last = LastUsage::default();
        let mut read = |app: Option<&str>, business: Option<&str>| {
            let named = [(&OF_APP, app), (&OF_BUSINESS, business)];
            let named = named.into_iter().filter_map(|(name, text)| Some((name.clone(), text?.parse().unwrap())));
            let headers: HeaderMap = named.collect();
            let usage = last.read(&headers);
            assert_eq!(usage, ApiUsage::of(&headers));
            (usage.app, usage.business)
        };
        let (calm, busy) = (r#"{"call_count":3}"#, r#"{"call_count":97}"#);
        let account = r#"{"1":[{"call_count":95}]}"#;

        assert_eq!(read(Some(calm), None), (Some(3), None));
        assert_eq!(read(Some(calm), None), (Some(3), None));
        assert_eq!(read(Some(busy), None), (Some(97), None));
        assert_eq!(read(Some(busy), Some(account)), (Some(97), Some(95)));
        assert_eq!(read(None, Some(account)), (None, Some(95)));
        assert_eq!(read(None, None), (None, None));
        assert_eq!(read(Some(calm), None), (Some(3), None));
    }

    #[test]
    fn a_header_that_cannot_be_read_says_nothing() {
        for odd in
            ["", "{", "[]", "3", "null", r#"{"a":3}"#, r#"{"call_count":"many"}"#, r#"{"1":[{"call_count":-1}]}"#]
        {
            assert!(!usage(odd, odd).is_known(), "{odd}");
        }
        assert!(!ApiUsage::of(&HeaderMap::new()).is_known());
    }
}
