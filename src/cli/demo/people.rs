//! Made-up people. Their numbers are in +60 10-0xx xxxx, a Malaysian range that is not allocated.

use std::fmt::Write;

const NAMES: [&str; 40] = [
    "Siti Aminah",
    "Muhammad Hafiz",
    "陈小明",
    "Kavitha a/p Raman",
    "Lim Ah Kow",
    "Aishah",
    "Tan Mei Ling",
    "Raj Kumar",
    "Nurul Izzah",
    "Wong Siew Fong",
    "Ahmad Faizal",
    "Priya",
    "Lee Chong Boon",
    "Zainab",
    "Hassan bin Ali",
    "Chan Wai Mun",
    "Devi",
    "Farah Nadia",
    "Ong Kah Hoe",
    "Ibrahim",
    "黄美玲",
    "Suresh",
    "Noraini",
    "Goh Li Ping",
    "Azlan Shah",
    "Meena",
    "Teo Swee Lan",
    "Rahim",
    "Ng Yoke Yin",
    "Salmah",
    "Vijay",
    "Rosnah binti Daud",
    "Chong Wei",
    "Halimah",
    "Ganesh",
    "Yap Sook Yee",
    "Khairul Anuar",
    "Letchumi",
    "Fatimah Zahra",
    "Koh Beng Huat",
];

const TOWNS: [&str; 8] = ["Shah Alam", "Klang", "Ipoh", "Melaka", "Kuantan", "Muar", "Seremban", "Kajang"];

/// The digits of person `n`'s number.
pub(super) fn digits(n: u32) -> String {
    // Spread out, so that consecutive people have unrelated numbers.
    let spread = (u64::from(n) * 7_919 + 12_345) % 1_000_000;
    format!("60100{spread:06}")
}

fn name(n: u32) -> &'static str {
    let at = (n.wrapping_mul(13).wrapping_add(n / 40)) as usize % NAMES.len();
    NAMES.get(at).copied().unwrap_or("Aina")
}

/// A list as a shop would have it: `count` people, starting with person `first`.
pub(super) fn csv(first: u32, count: u32) -> String {
    let mut list = String::from("Nama,No. Telefon,Bandar\n");
    for n in first..first.saturating_add(count) {
        let town = TOWNS.get(n as usize % TOWNS.len()).copied().unwrap_or("Klang");
        let _ = writeln!(list, "{},{},{town}", name(n), digits(n));
    }
    list
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::digits;

    #[test]
    fn no_two_people_share_a_number() {
        let numbers: HashSet<String> = (0..100_100).map(digits).collect();

        assert_eq!(numbers.len(), 100_100);
        assert!(numbers.iter().all(|number| number.starts_with("60100") && number.len() == 11));
    }
}
