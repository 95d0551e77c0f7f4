//! A filter's terms as conditions on `blast_recipients`. What people typed is bound and escaped, never pasted in.

use chrono::{DateTime, Utc};
use sqlx::{PgPool, Postgres, QueryBuilder};

use crate::domain::filter::{Fact, Sense, Side, Term, Test};
use crate::domain::ids::BlastId;
use crate::domain::phone;
use crate::domain::status::Status;
use crate::domain::text::without_accents;
use crate::store::StoreError;
use crate::store::in_flight::flights_of;

/// Adds ` and …` for one term. Who has nothing there does not match, and so is found by the negated term.
pub(super) fn push(sql: &mut QueryBuilder<Postgres>, term: &Term) {
    sql.push(" and (");
    push_test(sql, &term.test);
    sql.push(match term.sense {
        Sense::Is => ")",
        Sense::IsNot => ") is not true",
    });
}

fn push_test(sql: &mut QueryBuilder<Postgres>, test: &Test) {
    match test {
        Test::Stuck(Status::Sent) => _ = sql.push(STUCK_AT_SENT),
        Test::Status(status) | Test::Stuck(status) => push_statuses(sql, &[*status]),
        Test::StuckAtOneOf(stages) => push_stuck(sql, stages),
        Test::OneOf(statuses) => push_statuses(sql, statuses),
        Test::Phone(digits) => push_number(sql, digits),
        Test::PhoneEnd(digits) => push_patterns(sql, ending_patterns(digits)),
        Test::Name(words) => push_name(sql, words),
        Test::Note(words) => push_like(sql, "note", words),
        Test::Word(words) => push_word(sql, words),
        Test::Code(words) => push_same(sql, "error_code", words),
        Test::Provider(words) => push_same(sql, "provider_status", words),
        Test::Tag(tags) => push_tags(sql, tags),
        Test::List(name) => push_list(sql, name),
        Test::Has(Fact::Reply) => _ = sql.push(HAS_REPLIED),
        Test::Has(Fact::Note) => _ = sql.push("note <> ''"),
        Test::Has(Fact::Amount) => _ = sql.push("amount is not null"),
        Test::Has(Fact::Cart) => _ = sql.push(HAS_CART).push(")"),
        Test::Has(Fact::FirstTry) => _ = sql.push("status = 'queued' and attempt = 0 and not ").push(IN_FLIGHT),
        Test::Has(Fact::Retry) => _ = sql.push("status = 'queued' and attempt > 0 and not ").push(IN_FLIGHT),
        Test::Time { stage, side, at } => {
            sql.push(time_column(*stage)).push(if *side == Side::After { " >= " } else { " < " }).push_bind(*at);
        }
        Test::Older(at) => _ = sql.push(SINCE).push(" < ").push_bind(*at),
        Test::OlderCart(at) => _ = sql.push(HAS_CART).push(" and w.since < ").push_bind(*at).push(")"),
    }
}

fn push_stuck(sql: &mut QueryBuilder<Postgres>, stages: &[Status]) {
    let beyond_sent: Vec<_> = stages.iter().copied().filter(|stage| *stage != Status::Sent).collect();
    push_statuses(sql, &beyond_sent);
    if beyond_sent.len() < stages.len() {
        sql.push(" or ").push(STUCK_AT_SENT);
    }
}

/// By the numbers of those customers, which an index finds: people are many more than have a tag.
fn push_tags(sql: &mut QueryBuilder<Postgres>, tags: &[String]) {
    sql.push("person_key(phone_number) = any(array(with tagged as (");
    sql.push("select coalesce(n.customer, t.person) as customer from customer_tags t");
    sql.push(" left join customer_numbers n on n.person = t.person where lower(t.tag) = any(array(select lower(x) from unnest(")
        .push_bind(tags.to_vec());
    sql.push("::text[]) x))) select customer from tagged union");
    sql.push(" select n.person from customer_numbers n join tagged on tagged.customer = n.customer))");
}

/// By every number of the customers in a list that is kept.
fn push_list(sql: &mut QueryBuilder<Postgres>, name: &str) {
    sql.push("person_key(phone_number) = any(array(with listed as (");
    sql.push(
        "select coalesce(n.customer, person_key(p.phone_number)) as customer from saved_list_people p
           join saved_lists l on l.id = p.list_id left join customer_numbers n on n.person = person_key(p.phone_number)",
    );
    sql.push(" where lower(l.name) = lower(").push_bind(name.to_owned()).push("))");
    sql.push(" select customer from listed union");
    sql.push(" select n.person from customer_numbers n join listed on listed.customer = n.customer))");
}

/// Since when somebody is at their stage: by the stage's own time, as the screen shows it.
const SINCE: &str = "coalesce(case status when 'sent' then sent_at when 'delivered' then delivered_at
                                         when 'read' then read_timestamp when 'replied' then replied_at
                                         when 'closed' then closed_at when 'failed' then failed_at end, changed_at)";

/// At *sent*, not held back, and asked about; Meta reports by itself, and nobody can be asked about a message without an id.
const STUCK_AT_SENT: &str = "status = 'sent' and is_held(status, provider_status) is not true and (sent_at is null or message_id is null
    or exists (select 1 from blast_polls p where p.blast_id = blast_recipients.blast_id and p.asked @> blast_recipients.changed_at)
    or exists (select 1 from blasts b join senders s on s.id = b.sender_id
                where b.id = blast_recipients.blast_id and s.provider = 'meta'))";

/// How many people of a blast were sent to before a time and are still at *sent*, of whom nobody has asked the provider yet.
pub async fn unasked_before(pool: &PgPool, blast: BlastId, sent_before: DateTime<Utc>) -> Result<i64, StoreError> {
    let mut sql = QueryBuilder::new("select count(*) from blast_recipients where blast_id = ");
    sql.push_bind(blast).push(" and status = 'sent' and is_held(status, provider_status) is not true and sent_at < ");
    sql.push_bind(sent_before).push(" and not (").push(STUCK_AT_SENT).push(")");
    Ok(sql.build_query_scalar().fetch_one(pool).await?)
}

/// Also who wrote nothing but a stop, which is no reply of the funnel.
const HAS_REPLIED: &str =
    "replied_at is not null or exists (select 1 from replies p where p.recipient_id = blast_recipients.id)";

/// An open cart of theirs, and no order since; its parenthesis is open.
const HAS_CART: &str = "exists (select from waiting_carts w where w.recipient_id = blast_recipients.id";

/// The most digits that are looked for in names.
const NAME_DIGITS_MAX: usize = 6;

/// People in one of these statuses, as everybody reads them: of whoever is queued by their row, some are in flight.
pub(super) fn push_statuses(sql: &mut QueryBuilder<Postgres>, statuses: &[Status]) {
    let (queued, sending) = (statuses.contains(&Status::Queued), statuses.contains(&Status::Sending));
    if queued == sending {
        return push_words(sql, statuses);
    }
    let others: Vec<Status> =
        statuses.iter().copied().filter(|status| !matches!(status, Status::Queued | Status::Sending)).collect();
    sql.push("(");
    if !others.is_empty() {
        push_words(sql, &others);
        sql.push(" or ");
    }
    sql.push("status = 'queued' and ").push(if queued { "not " } else { "" }).push(IN_FLIGHT).push(")");
}

/// Somebody whose row says *queued* is in flight.
pub(super) const IN_FLIGHT: &str = concat!("exists (select from ", flights_of!("blast_recipients."), ")");

/// The words are ours, not typed: as literals the planner can count with them.
pub(super) fn push_words(sql: &mut QueryBuilder<Postgres>, statuses: &[Status]) {
    let words: Vec<_> = statuses.iter().map(|status| format!("'{}'", status.word())).collect();
    match words.as_slice() {
        [] => sql.push("false"),
        [one] => sql.push("status = ").push(one),
        _ => sql.push("status in (").push(words.join(", ")).push(")"),
    };
}

fn push_like(sql: &mut QueryBuilder<Postgres>, column: &'static str, text: &str) {
    sql.push(column).push(" ilike ").push_bind(containing(text));
}

fn push_same(sql: &mut QueryBuilder<Postgres>, column: &'static str, text: &str) {
    sql.push("lower(").push(column).push(") = lower(").push_bind(text.replace('\0', "")).push(")");
}

/// Part of a name, whatever its accents, in it or in the text: `zoe` finds Zoë, on a keyboard that has no ë.
pub(in crate::store) fn push_name(sql: &mut QueryBuilder<Postgres>, text: &str) {
    let folded = without_accents(text);
    push_like(sql, "name", &folded);
    // Of a name in ASCII that was all: most are, and the rest costs ten times as much.
    sql.push(" or octet_length(name) <> length(name) and ").push(WITHOUT_ACCENTS).push(" ilike ");
    sql.push_bind(containing(&folded));
}

/// The same as [`without_accents`].
const WITHOUT_ACCENTS: &str =
    r"translate(regexp_replace(normalize(name, NFD), '[\u0300-\u036f]', '', 'g'), 'łŁøØđĐħĦıŧŦ', 'lLoOdDhHitT')";

fn push_word(sql: &mut QueryBuilder<Postgres>, text: &str) {
    push_name(sql, text);
    sql.push(" or ");
    push_like(sql, "note", text);
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        sql.push(" or ");
        push_phone(sql, text);
    }
}

/// A few digits may be part of a name, too: `Fatimah 52`.
pub(in crate::store) fn push_number(sql: &mut QueryBuilder<Postgres>, digits: &str) {
    if digits.len() <= NAME_DIGITS_MAX {
        push_like(sql, "name", digits);
        sql.push(" or ");
    }
    push_phone(sql, digits);
}

fn push_phone(sql: &mut QueryBuilder<Postgres>, digits: &str) {
    push_patterns(sql, phone_patterns(digits));
}

fn push_patterns(sql: &mut QueryBuilder<Postgres>, patterns: Vec<String>) {
    for (i, pattern) in patterns.into_iter().enumerate() {
        sql.push(if i == 0 { "phone_number like " } else { " or phone_number like " }).push_bind(pattern);
    }
}

/// The digits anywhere. Opening with a 0 they are the end of a number, or, with one 0, its beginning as it is dialled at home:
/// the 0 stands for a country code of one to three digits. A whole number is also looked for in its other spelling, with or
/// without the country code of Brazil, whose numbers are spelled in two ways at home too.
fn phone_patterns(digits: &str) -> Vec<String> {
    let at_home = digits.trim_start_matches('0');
    let zeros = digits.len() - at_home.len();
    let mut patterns = vec![if zeros == 0 { containing(digits) } else { format!("%{}", escaped(digits)) }];
    let whole = [digits.to_owned(), format!("55{at_home}")];
    patterns.extend(whole.iter().filter_map(|digits| phone::other_spelling(digits)).map(|digits| format!("+{digits}")));
    if zeros == 1 && !at_home.is_empty() {
        patterns.extend(["_", "__", "___"].map(|code| format!("+{code}{}%", escaped(at_home))));
    }
    patterns
}

/// The digits at the end; or, opening with a 0 as dialled at home, without it as a whole number.
fn ending_patterns(digits: &str) -> Vec<String> {
    let mut patterns = vec![format!("%{}", escaped(digits))];
    let at_home = digits.trim_start_matches('0');
    if at_home.len() < digits.len() && !at_home.is_empty() {
        patterns.extend(["_", "__", "___"].map(|code| format!("+{code}{}", escaped(at_home))));
    }
    patterns
}

fn containing(text: &str) -> String {
    format!("%{}%", escaped(text))
}

/// A text in which LIKE sees no wildcard, and no NUL, which Postgres takes in no text.
fn escaped(text: &str) -> String {
    text.replace('\0', "").replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// What holds a stage's time. Stages without a column of their own have the time of their change. Who got further and was never
/// reported there was there at that later time at the latest.
pub(in crate::store) const fn time_column(stage: Status) -> &'static str {
    match stage {
        Status::Sent => "sent_at",
        Status::Delivered => "coalesce(delivered_at, read_timestamp, replied_at)",
        Status::Read => "coalesce(read_timestamp, replied_at)",
        Status::Replied => "replied_at",
        Status::Closed => "closed_at",
        Status::Failed => "failed_at",
        Status::OptedOut => "opted_out_at",
        Status::Queued | Status::Sending | Status::Uncertain | Status::Skipped => "changed_at",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_that_people_type_are_plain_characters() {
        assert_eq!(containing("50%_off\\\0"), "%50\\%\\_off\\\\%");
    }

    #[test]
    fn a_leading_zero_is_also_looked_for_behind_a_country_code() {
        assert_eq!(phone_patterns("3456"), ["%3456%"]);
        assert_eq!(phone_patterns("0100123456"), ["%0100123456", "+_100123456%", "+__100123456%", "+___100123456%"]);
    }

    #[test]
    fn zeros_that_lead_are_read_off_the_end_of_a_number() {
        assert_eq!(phone_patterns("0000"), ["%0000"]);
        assert_eq!(phone_patterns("0012"), ["%0012"]);
    }

    #[test]
    fn a_whole_number_is_also_looked_for_in_its_other_spelling() {
        assert_eq!(phone_patterns("5548987654321"), ["%5548987654321%", "+554887654321"]);
        assert_eq!(phone_patterns("525512345678"), ["%525512345678%", "+5215512345678"]);
        assert_eq!(phone_patterns("48987654321"), ["%48987654321%", "+554887654321"]);
        assert_eq!(phone_patterns("4887654321"), ["%4887654321%", "+5548987654321"]);
        assert_eq!(phone_patterns("60123456789"), ["%60123456789%"]);
    }

    #[test]
    fn digits_at_the_end_are_looked_for_nowhere_else() {
        assert_eq!(ending_patterns("6789"), ["%6789"]);
        assert_eq!(ending_patterns("0456"), ["%0456", "+_456", "+__456", "+___456"]);
    }

    #[test]
    fn a_few_digits_are_looked_for_in_names_too() {
        let statement = |digits: &str| {
            let mut sql = QueryBuilder::new("");
            push(&mut sql, &Term { sense: Sense::Is, test: Test::Phone(digits.into()) });
            sql.sql().as_str().to_owned()
        };

        assert!(statement("52").contains("name ilike $1 or phone_number like $2"), "{}", statement("52"));
        assert!(!statement("60123456789").contains("name"));
    }

    #[test]
    fn typed_text_is_bound_and_never_part_of_the_statement() {
        let mut sql = QueryBuilder::new("");

        push(&mut sql, &Term { sense: Sense::IsNot, test: Test::Word("'; drop".into()) });

        assert_eq!(
            sql.sql().as_str(),
            format!(
                " and (name ilike $1 or octet_length(name) <> length(name) and {WITHOUT_ACCENTS} ilike $2 or note ilike $3) is not true"
            )
        );
    }
}
