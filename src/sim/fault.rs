//! Faults on demand: their names, their rates, and which POST meets one.
//!
//! A fault is drawn by (seed, phone, nth POST to the phone), so that the order of sending does not matter.

use std::{fmt, str::FromStr};

use super::chance::{Chance, Draw};

/// What can go wrong with a send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// HTTP 429 with `Retry-After`; not accepted.
    Throttle,
    /// HTTP 200, `success:false` and a text; not accepted.
    Error,
    /// Accepted, then the connection is closed without a response.
    AcceptThenHangup,
    /// Accepted; the response comes after 40 simulated seconds, at least one real second.
    Slow,
    /// HTTP 200, `success:false`, the device is offline; not accepted. While its rate is above 0, so is it in the
    /// device list.
    Offline,
    /// An HTML page with 502; not accepted.
    Html,
}

impl FaultKind {
    /// In the order in which the rates are added up for the draw.
    pub const ALL: [Self; 6] =
        [Self::Throttle, Self::Error, Self::AcceptThenHangup, Self::Slow, Self::Offline, Self::Html];

    pub fn name(self) -> &'static str {
        match self {
            Self::Throttle => "throttle",
            Self::Error => "error",
            Self::AcceptThenHangup => "accept-then-hangup",
            Self::Slow => "slow",
            Self::Offline => "offline",
            Self::Html => "html",
        }
    }
}

/// One fault and its rate, written `NAME=RATE`; the rate is a share of the sends from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fault {
    kind: FaultKind,
    rate: f64,
}

/// Why a fault is invalid, and what would be valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    #[error("\"{0}\" is not NAME=RATE, such as throttle=0.1")]
    Form(String),
    #[error("\"{0}\" is not a fault: use one of {known}", known = known_names())]
    Name(String),
    #[error("the rate \"{0}\" is not a share of the sends from 0 to 1")]
    Rate(String),
    #[error("the fault rates add up to more than 1; each send meets at most one fault")]
    Sum,
}

fn known_names() -> String {
    FaultKind::ALL.map(FaultKind::name).join(", ")
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let (name, rate) = text.split_once('=').ok_or_else(|| FaultError::Form(text.to_owned()))?;
        let kind = FaultKind::ALL.into_iter().find(|kind| kind.name() == name.trim());
        let kind = kind.ok_or_else(|| FaultError::Name(name.trim().to_owned()))?;
        let known = rate.trim().parse().ok().filter(|rate| (0.0..=1.0).contains(rate));
        let rate = known.ok_or_else(|| FaultError::Rate(rate.trim().to_owned()))?;
        Ok(Self { kind, rate })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.kind.name(), self.rate)
    }
}

/// The rates in force, one per kind.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct FaultRates([f64; FaultKind::ALL.len()]);

impl FaultRates {
    /// A fault that occurs twice has its last rate. The sum must not exceed 1.
    pub fn new(faults: &[Fault]) -> Result<Self, FaultError> {
        let mut rates = Self::default();
        for fault in faults {
            rates.0[fault.kind as usize] = fault.rate;
        }
        // Ten times 0.1 is slightly above 1 in floating point.
        if rates.0.iter().sum::<f64>() > 1.0 + 1e-9 {
            return Err(FaultError::Sum);
        }
        Ok(rates)
    }

    pub fn rate(&self, kind: FaultKind) -> f64 {
        self.0[kind as usize]
    }

    /// The faults with a rate above 0, as they would be typed.
    pub fn in_force(&self) -> Vec<String> {
        let all = FaultKind::ALL.map(|kind| Fault { kind, rate: self.rate(kind) });
        all.iter().filter(|fault| fault.rate > 0.0).map(Fault::to_string).collect()
    }

    /// The fault that one POST meets, if any.
    pub fn draw(&self, chance: Chance) -> Option<FaultKind> {
        let mut left = chance.unit(Draw::Fault);
        for kind in FaultKind::ALL {
            if left < self.rate(kind) {
                return Some(kind);
            }
            left -= self.rate(kind);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_read_as_it_is_written() {
        for text in ["throttle=0.1", "accept-then-hangup=1", "html=0"] {
            assert_eq!(text.parse::<Fault>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn an_unknown_fault_names_the_known_ones() {
        let error = "trottle=0.1".parse::<Fault>().unwrap_err().to_string();

        assert!(
            error.contains("trottle") && error.contains("throttle, error, accept-then-hangup, slow, offline, html")
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
}
