//! How many requests a token may make: a bucket for each that fills evenly, and is full after a minute of rest.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);

/// The buckets of all tokens. A cache: a restart fills them.
pub(super) struct RequestLimits {
    per_minute: u32,
    buckets: Mutex<HashMap<i64, Bucket>>,
}

/// When the bucket of a token would be full if nothing more were asked: the whole state of it.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    full_at: Instant,
}

/// Whether a request is answered, and what is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Allowance {
    quota: u32,
    left: u32,
    /// When the whole quota is there again.
    full_in: Duration,
    /// `Some`: not answered; one is again after this.
    pub retry_after: Option<Duration>,
}

impl RequestLimits {
    pub(super) fn new(per_minute: u32) -> Self {
        Self { per_minute: per_minute.max(1), buckets: Mutex::default() }
    }

    /// Takes one request from the token's bucket, if it holds one.
    pub(super) fn take(&self, token: i64, now: Instant) -> Allowance {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(token).or_insert(Bucket { full_at: now });
        bucket.take(self.per_minute, now)
    }
}

impl Bucket {
    fn take(&mut self, quota: u32, now: Instant) -> Allowance {
        let each = MINUTE / quota;
        let missing = self.full_at.saturating_duration_since(now);
        if missing + each > MINUTE {
            let retry_after = Some((missing + each).saturating_sub(MINUTE));
            return Allowance { quota, left: 0, full_in: missing, retry_after };
        }
        let full_in = missing + each;
        self.full_at = now + full_in;
        let left = (MINUTE.saturating_sub(full_in).as_nanos() / each.as_nanos().max(1)).min(quota.into());
        Allowance { quota, left: u32::try_from(left).unwrap_or(quota), full_in, retry_after: None }
    }
}

impl Allowance {
    /// `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers).
    pub(super) fn write(self, headers: &mut HeaderMap) {
        let (quota, left, full_in) = (self.quota, self.left, seconds(self.full_in));
        let policy = format!("\"token\";q={quota};w=60");
        let limit = format!("\"token\";r={left};t={full_in}");
        for (name, value) in [("ratelimit-policy", policy), ("ratelimit", limit)] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
}

/// Whole seconds, rounded up.
pub(super) fn seconds(span: Duration) -> u64 {
    span.as_secs() + u64::from(span.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_its_quota_and_then_one_at_a_time() {
        let limits = RequestLimits::new(3);
        let now = Instant::now();
        let take = |after: u64| limits.take(7, now + Duration::from_secs(after));

        assert_eq!([take(0), take(0), take(0)].map(|allowed| allowed.left), [2, 1, 0]);
        assert_eq!(take(0).retry_after, Some(Duration::from_secs(20)));
        assert_eq!(take(15).retry_after, Some(Duration::from_secs(5)));
        assert_eq!((take(20).retry_after, take(20).retry_after), (None, Some(Duration::from_secs(20))));
        assert_eq!(limits.take(8, now).left, 2, "another token has its own");
        assert_eq!(take(1_000).left, 2, "never more than the quota");
    }
}
