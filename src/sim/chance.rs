//! Stateless randomness: every draw is a hash of seed, phone, count and what is drawn.
//!
//! Implemented here because the standard hashers may change between compilers, and the meaning of a seed must not.

/// What is drawn; each is an independent number.
#[derive(Debug, Clone, Copy)]
pub enum Draw {
    Reachable = 1,
    Refused,
    Delivery,
    EarlyAck,
    Ack,
    Receipts,
    ReadsSoon,
    ReadTime,
    Reply,
    ReplyTime,
    Buys,
    Amount,
    Text,
    Stop,
    Fault,
    IdHigh,
    IdLow,
    Shape,
    C2sUnit,
    Secret,
    Ending,
    FailureCode,
    Hold,
    NewsFault,
    NewsDelay,
    ReplyShape,
    StatusShape,
    Preference,
}

/// The source of all draws about one (seed, phone, count).
#[derive(Debug, Clone, Copy)]
pub struct Chance(u64);

impl Chance {
    pub fn of(seed: u64, phone: u64, count: u32) -> Self {
        Self(mix(mix(mix(seed) ^ phone) ^ u64::from(count)))
    }

    /// 64 uniform bits.
    pub fn bits(self, draw: Draw) -> u64 {
        self.nth_bits(draw, 0)
    }

    /// The nth of any number of independent draws of 64 uniform bits.
    pub fn nth_bits(self, draw: Draw, n: u64) -> u64 {
        mix(self.0 ^ mix(draw as u64 + (n << 8)))
    }

    /// True with the given probability (0 never, 1 always).
    pub fn happens(self, draw: Draw, probability: f64) -> bool {
        self.unit(draw) < probability
    }

    /// 0 up to but excluding 1.
    pub fn unit(self, draw: Draw) -> f64 {
        self.nth_unit(draw, 0)
    }

    /// The nth of any number of independent draws from 0 up to but excluding 1.
    pub fn nth_unit(self, draw: Draw, n: u64) -> f64 {
        let upper = u32::try_from(self.nth_bits(draw, n) >> 32).unwrap_or(u32::MAX);
        f64::from(upper) / (f64::from(u32::MAX) + 1.0)
    }

    /// Uniform between two bounds.
    pub fn between(self, draw: Draw, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit(draw)
    }

    /// Log-uniform between two positive bounds: many soon, few late.
    pub fn skewed(self, draw: Draw, low: f64, high: f64) -> f64 {
        low * (high / low).powf(self.unit(draw))
    }

    /// A whole number below `bound` (above 0).
    pub fn below(self, draw: Draw, bound: u64) -> u64 {
        self.bits(draw) % bound
    }

    pub fn pick<T: Copy, const N: usize>(self, draw: Draw, from: &[T; N]) -> T {
        let index = usize::try_from(self.below(draw, N as u64)).unwrap_or(0);
        from[index]
    }
}

/// The finaliser of `SplitMix64`: every input bit reaches every output bit.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}
