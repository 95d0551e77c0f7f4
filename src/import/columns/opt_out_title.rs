//! What a title says of opt-outs, be it of a column or of a whole list.

use unicode_normalization::UnicodeNormalization;

/// What such a column may be called.
const NAMES: &[&str] = &[
    "optout",
    "optedout",
    "optouts",
    "stop",
    "unsubscribe",
    "unsubscribed",
    "donotcontact",
    "donotmessage",
    "dnc",
    "nomessages",
    "dncflag",
    "donotcall",
    "unsub",
    "blacklist",
    "blacklisted",
    "berhenti",
    "henti",
    "berhentimelanggan",
    "berhentiberlangganan",
    "janganhubungi",
    "jangandihubungi",
    "janganmesej",
    "sudahberhenti",
    "berhentilangganan",
    "hentimesej",
    "取消订阅",
    "取消訂閱",
    "不要联系",
    "不要聯繫",
    "已退订",
    "已退訂",
    "退订",
    "是否退订",
    "退訂",
    "是否退訂",
    "拒收",
    "dontcontact",
    "dnd",
    "donotdisturb",
    "senaraihitam",
    "daftarhitam",
    "黑名单",
    "黑名單",
];

/// With what in it a longer title names such a column: `Opt-out (Y/N)`, `unsubscribed_at`, `WhatsApp opt-out`.
const PARTS: &[&str] = &[
    "optout",
    "optedout",
    "unsubscribe",
    "donotcontact",
    "donotmessage",
    "donotcall",
    "janganhubungi",
    "jangandihubungi",
    "berhentimelanggan",
    "berhentilangganan",
    "berhentiberlangganan",
    "退订",
    "退訂",
    "dontcontact",
    "unsubscription",
    "取消订阅",
    "取消訂閱",
];

/// Which words name such a column beside others: `DNC (WhatsApp)`, `UNSUB_TIME`.
const NAME_WORDS: &[&str] = &["dnc", "dnd", "unsub", "blacklist", "blacklisted"];
/// These: a check, a form or an hour of it is another thing.
const BESIDE_NAME_WORDS: &[&str] = &[
    "is",
    "has",
    "status",
    "flag",
    "whatsapp",
    "wa",
    "sms",
    "time",
    "date",
    "at",
    "on",
    "since",
    "registered",
    "customer",
    "customers",
    "number",
    "phone",
    "promo",
    "marketing",
];

/// Names that may be another thing as well: a bus stop.
const STOPS: &[&str] = &["stop", "henti", "berhenti"];

/// Right before which of a name's words it says the opposite: *belum berhenti melanggan*.
const NEGATIONS: &[&str] = &["not", "didn", "didnt", "tidak", "tak", "belum", "bukan"];
/// What may stand in between.
const BEHIND_NEGATIONS: &[&str] = &["t", "yet", "ever", "pernah", "lagi", "been", "have", "mahu", "nak"];

/// With what in it a title without blanks says the opposite.
const OPPOSITE_PARTS: &[&str] = &["未退", "没退", "沒退", "不退", "非退", "未拒", "回t", "回复", "回覆", "链接"];

/// With which words, or their plural, such a title says the opposite, or is about what belongs to an opt-out. At the end of a longer word they
/// count as well: `unsubscribecount`.
const OTHER_WORDS: &[&str] = &[
    "never",
    "removed",
    "sent",
    "link",
    "url",
    "code",
    "token",
    "remind",
    "reminder",
    "reminded",
    "count",
    "reason",
    "id",
    "key",
    "keyword",
    "group",
    "reply",
    "replie",
    "balas",
    "without",
    "except",
    "minus",
    "exclude",
    "excluded",
    "excluding",
    "deadline",
    "notice",
    "can",
    "cancelled",
    "canceled",
    "lifted",
    "tanpa",
    "kecuali",
];

/// A title about mail or fax is about messages as well where it names one of these, or has one of the words.
const CHANNELS_OF_MESSAGES: &[&str] = &["whatsapp", "sms", "phone", "call", "telefon", "telepon"];
const WORDS_OF_MESSAGES: &[&str] = &["wa", "text", "texts", "mobile"];

/// What stands behind a title to say what belongs in its cells: `Stop (Y/N)`.
const ANSWER_WORDS: &[&[&str]] = &[
    &["y", "n"],
    &["yn"],
    &["yes", "no"],
    &["ya", "tidak"],
    &["ya", "tak"],
    &["yes"],
    &["ya"],
    &["y", "t"],
    &["true", "false"],
    &["1", "0"],
    &["0", "1"],
    &["是", "否"],
];

/// So many words such a name has at most.
const NAME_WORDS_MAX: usize = 4;

/// Whether a column may be called so that says who wants no messages.
pub(super) fn names_opt_outs(key: &str) -> bool {
    NAMES.contains(&key)
}

/// A title that names a column of those who want no messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OptOutTitle {
    /// A day below it may be another one, such as a subscription's last day.
    pub is_stop: bool,
}

impl OptOutTitle {
    /// Of a title that is such a name and nothing else.
    pub(super) fn of_name(key: &str) -> Option<Self> {
        names_opt_outs(key).then_some(Self { is_stop: key == "stop" })
    }

    /// Of one that may be longer.
    pub(super) fn of(title: &str) -> Option<Self> {
        let words = words(title);
        let words = without_answers(&words);
        let key = words.concat();
        Self::of_name(&key)
            .or_else(|| names(words).map(|names| Self { is_stop: names.iter().all(|name| name == "stop") }))
            .or_else(|| is_longer(words, &key).then_some(Self { is_stop: false }))
    }
}

/// Whether a title speaks of opt-outs, and does not say that there are none below it.
pub(super) fn mentions_opt_outs(title: &str) -> bool {
    let words = words(title);
    let is_named = words.iter().any(|word| NAME_WORDS.contains(&word.as_str()));
    let is_other = is_opposite(&words, &words.concat()) || words.iter().any(|word| is_other(word));
    OptOutTitle::of(title).is_some() || is_named && !is_other
}

/// The words of a title, also of one such as `optedOutAt`, in small ordinary letters.
pub(super) fn words(title: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_small = false;
    // The one name with a capital in it.
    let title: String = title.nfkc().collect::<String>().replace("WhatsApp", "Whatsapp");
    for letter in title.chars() {
        if !letter.is_alphanumeric() || was_small && letter.is_uppercase() {
            words.push(String::new());
        }
        was_small = letter.is_lowercase();
        if letter.is_alphanumeric() {
            words.last_mut().into_iter().for_each(|word| word.extend(letter.to_lowercase()));
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Without what says which answers belong below it.
pub(super) fn without_answers(words: &[String]) -> &[String] {
    let is_end = |end: &&&[&str]| words.len() > end.len() && words[words.len() - end.len()..].iter().eq(end.iter());
    ANSWER_WORDS.iter().find(is_end).map_or(words, |end| &words[..words.len() - end.len()])
}

/// The names that these words are, one behind the other: `DNC / Blacklist`. `None`: something else is among them.
pub(super) fn names(words: &[String]) -> Option<Vec<String>> {
    let (mut names, mut rest) = (Vec::new(), words);
    while !rest.is_empty() {
        let longest = rest.len().min(NAME_WORDS_MAX);
        let name = (1..=longest).rev().find(|count| names_opt_outs(&rest[..*count].concat()))?;
        names.push(rest[..name].concat());
        rest = &rest[name..];
    }
    Some(names).filter(|names| !names.is_empty())
}

/// Whether all of these names may be another thing.
pub(super) fn are_stops(names: &[String]) -> bool {
    names.iter().all(|name| STOPS.contains(&name.as_str()))
}

/// Whether such a name stands among other words that do not change what it is about.
fn is_longer(words: &[String], key: &str) -> bool {
    let has = |parts: &[&str]| parts.iter().any(|part| key.contains(part));
    let is_name = |word: &&String| NAME_WORDS.contains(&word.as_str());
    let is_beside = |word: &String| is_name(&word) || BESIDE_NAME_WORDS.contains(&word.as_str());
    let is_named = has(PARTS) || words.iter().any(|word| is_name(&word)) && words.iter().all(is_beside);
    let is_mail = key.contains("mail") || words.iter().any(|word| word.starts_with("fax"));
    let is_of_messages =
        has(CHANNELS_OF_MESSAGES) || words.iter().any(|word| WORDS_OF_MESSAGES.contains(&word.as_str()));
    is_named && !is_opposite(words, key) && (!is_mail || is_of_messages) && !words.iter().any(|word| is_other(word))
}

/// Whether a word says that the title is about what belongs to an opt-out.
fn is_other(word: &str) -> bool {
    let word = word.trim_end_matches('s');
    let is_in_one = PARTS.iter().any(|part| word.contains(part));
    OTHER_WORDS.iter().any(|other| word == *other || is_in_one && other.len() > 2 && word.ends_with(other))
}

/// Whether a title says that somebody has not opted out.
fn is_opposite(words: &[String], key: &str) -> bool {
    let has = |parts: &[&str]| parts.iter().any(|part| key.contains(part));
    // `Opt-in / opt-out` has either below it.
    let is_opt_in = key.contains("optin") && !PARTS.iter().any(|part| key.replace("optin", "").contains(part));
    let is_negated = |at: usize| {
        let behind = words[at + 1..].iter().find(|word| !BEHIND_NEGATIONS.contains(&word.as_str()));
        let begins_one = |negation: &&str| words[at].strip_prefix(negation).is_some_and(begins_name);
        NEGATIONS.contains(&words[at].as_str()) && behind.is_some_and(|word| begins_name(word))
            || NEGATIONS.iter().any(begins_one)
    };
    // *Phone No. opted out* is a number's.
    let is_number = |word: &str| {
        CHANNELS_OF_MESSAGES.contains(&word)
            || matches!(word, "app" | "mobile" | "contact" | "tel" | "telephone" | "hp" | "p" | "wa")
    };
    let is_no = |at: usize| {
        words[at] == "no"
            && !(at > 0 && is_number(&words[at - 1]))
            && words.get(at + 1).is_some_and(|word| begins_name(word))
    };
    has(OPPOSITE_PARTS) || is_opt_in || (0..words.len()).any(|at| is_negated(at) || is_no(at))
}

/// Whether a name may begin with this word.
fn begins_name(word: &str) -> bool {
    let begins = |name: &&str| word.get(..3).is_some_and(|head| name.starts_with(head));
    PARTS.iter().chain(NAME_WORDS).chain(&["berhenti"]).any(begins)
}
