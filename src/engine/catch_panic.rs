//! Panics that are expected and caught: of parsers, which read what strangers wrote. Whoever handles panics for the whole process,
//! as the dashboard does to give the terminal back, leaves these alone.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static IS_CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic on this thread is caught by [`catch`] now.
pub fn is_panic_caught() -> bool {
    IS_CAUGHT.get()
}

/// The result of `work`; `None`: it panicked, which is logged with `what` and goes no further.
pub(super) fn catch<T>(what: &str, work: impl FnOnce() -> T) -> Option<T> {
    let before = IS_CAUGHT.replace(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    IS_CAUGHT.set(before);
    done.inspect_err(|_| tracing::error!(what, "this version fails at it, which is a fault of it")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_panics_within_is_caught() {
        let within = catch("a test", is_panic_caught);

        assert_eq!((within, is_panic_caught()), (Some(true), false));
        assert_eq!(catch("a test", || -> u8 { panic!("by the test") }), None);
        assert!(!is_panic_caught(), "what comes after is not");
    }
}
