//! When a file was last changed by whoever keeps it, by its filesystem's clock: what another program writes into it comes
//! later, whatever it writes.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;

/// Sixteenths of a second since 1970, modulo 2^32: eight years. 0 where nobody noted it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ChangeStamp(pub u32);

impl ChangeStamp {
    pub const UNKNOWN: Self = Self(0);
    const NS_PER_UNIT: i64 = 1_000_000_000 / 16;
    /// A quarter of a second may lie between a file's last change and the one that notes when it was.
    const TOLERANCE: i32 = 4;

    /// When a file was last changed: its content, its mode, its owner or its name.
    pub fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let units = metadata.ctime() * 16 + metadata.ctime_nsec() / Self::NS_PER_UNIT;
        // The lower bits are what is kept.
        Ok(Self(u32::try_from(units & i64::from(u32::MAX)).unwrap_or(0).max(1)))
    }

    /// Whether this is the stamp of a file that was changed then.
    pub fn is_of(self, changed: Self) -> bool {
        let later = changed.0.wrapping_sub(self.0).cast_signed();
        self == Self::UNKNOWN || (-1..=Self::TOLERANCE).contains(&later)
    }

    /// Notes when a file was last changed, by writing that into it: a writer that was held up in between writes it once more.
    pub fn note(file: &File, write: impl Fn(Self) -> io::Result<()>) -> io::Result<()> {
        const TRIES: usize = 5;
        for _ in 0..TRIES {
            let stamp = Self::of(file)?;
            write(stamp)?;
            if stamp.is_of(Self::of(file)?) {
                return Ok(());
            }
        }
        write(Self::UNKNOWN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_counts_as_another_one_after_a_quarter_of_a_second_also_where_the_count_begins_anew() {
        for stamp in [1, 1_000, u32::MAX] {
            let after = |units: u32| ChangeStamp(stamp.wrapping_add(units));
            assert!(ChangeStamp(stamp).is_of(after(0)) && ChangeStamp(stamp).is_of(after(4)), "{stamp}");
            assert!(!ChangeStamp(stamp).is_of(after(5)) && !ChangeStamp(stamp).is_of(after(1 << 30)), "{stamp}");
            assert!(!ChangeStamp(stamp).is_of(ChangeStamp(stamp.wrapping_sub(16))), "{stamp}: a clock was set back");
        }
        assert!(ChangeStamp::UNKNOWN.is_of(ChangeStamp(7)), "an older version noted none");
    }
}
