//! The rows that are a person's own: they stay, without whose they are.

use sqlx::{PgConnection, Postgres, query::Query};

use super::PersonTraces;
use crate::store::StoreError;

type Statement<'q> = Query<'q, Postgres, sqlx::postgres::PgArguments>;

/// Takes a number's person out of every row that is their own. `$1`: the number's key, `$2`: the stand-in. `country`: by which messages to them
/// are charged, in two letters.
pub async fn forget_rows(
    tx: &mut PgConnection,
    person: &str,
    (stand_in, country): (&str, Option<&str>),
) -> Result<(), StoreError> {
    sqlx::query(CHARGED).bind(person).bind(country).execute(&mut *tx).await?;
    for statement in BY_NUMBER {
        let statement: Statement<'_> = sqlx::query(statement);
        statement.bind(person).bind(stand_in).execute(&mut *tx).await?;
    }
    Ok(())
}

/// What messages to a number were charged as, while their people's rows are still found by it.
const CHARGED: &str = "
    update message_pricing set message_id = 'forgotten-' || gen_random_uuid(), country = coalesce($2, country)
     where recipient_id in (select id from blast_recipients where person_key(phone_number) = $1)";

/// In this order: what is found by the people's rows comes before their number is gone.
const BY_NUMBER: [&str; 17] = [
    // An answer is a blast whose text is for one person.
    "update blasts set message = 'forgotten', template = null, template_text = null, description = null, blast_tag = 'Answer'
      where answers_recipient in (select id from blast_recipients where person_key(phone_number) = $1)
        and $2::text is not null",
    "update provider_message set body = '', message_id = null, flagged = null
      where recipient_id in (select id from blast_recipients where person_key(phone_number) = $1) and $2::text is not null",
    "update operator_actions
        set phone_number = $2, detail = detail - 'note' - 'note_before' - 'tags' - 'without'
      where recipient_id in (select id from blast_recipients where person_key(phone_number) = $1)
         or person_key(phone_number) = $1",
    // Raw answers of providers, with the text and the name, stand here too.
    "update status_history set metadata = null
      where recipient_id in (select id from blast_recipients where person_key(phone_number) = $1) and metadata is not null
        and $2::text is not null",
    "update orders
        set phone_number = $2, user_id = null, name = null, note = null, raw = null,
            message_id = case when message_id is not null then 'forgotten-' || gen_random_uuid() end
      where person_key(phone_number) = $1
         or user_id in (select user_id from user_ids where person_key(phone_number) = $1)
         or recipient_id in (select id from blast_recipients where person_key(phone_number) = $1)",
    "update carts set phone_number = $2, name = null, note = null, state = case when state = 'open' then 'abandoned' else state end
      where person_key(phone_number) = $1
         or recipient_id in (select id from blast_recipients where person_key(phone_number) = $1)",
    // Somebody may have written from a number that nothing here says is theirs, about a message to them.
    "update reply_media set state = 'dropped', digest = null, media_id = 'forgotten', reason = null
      where reply_id in (select id from replies where person_key(phone_number) = $1
                            or user_id in (select user_id from user_ids where person_key(phone_number) = $1)
                            or recipient_id in (select id from blast_recipients where person_key(phone_number) = $1))
        and $2::text is not null",
    "update replies
        set phone_number = $2, user_id = null, name = null, body = 'forgotten', payload = null, quoted_id = null,
            media_id = case when media_id is not null then 'forgotten' end, message_id = 'forgotten-' || gen_random_uuid()
      where person_key(phone_number) = $1
         or user_id in (select user_id from user_ids where person_key(phone_number) = $1)
         or recipient_id in (select id from blast_recipients where person_key(phone_number) = $1)",
    "update blast_recipients
        set phone_number = $2, name = null, variables = null, note = null, external_id = null, message_id = null,
            message_text = case when message_text is not null then 'forgotten' end
      where person_key(phone_number) = $1",
    "delete from nameless_wishes
      where user_id in (select user_id from user_ids where person_key(phone_number) = $1) and $2::text is not null",
    "delete from user_ids where person_key(phone_number) = $1 and $2::text is not null",
    "delete from number_aliases
      where (person_key(phone_number) = $1 or person_key(alias) = $1) and $2::text is not null",
    "delete from saved_list_people where person_key(phone_number) = $1 and $2::text is not null",
    "delete from lost_posts where person_key(phone_number) = $1 and $2::text is not null",
    "update deleted_attempts set phone_number = $2 where person_key(phone_number) = $1",
    "update opt_out_removals set phone_number = $2 where person_key(phone_number) = $1",
    "update marketing_wishes set phone_number = $2 where person_key(phone_number) = $1",
];

/// What operators and lists said of these people, and which of their numbers are one person's.
const SAID: [&str; 5] = [
    "delete from draft_opt_outs where person = any($1)",
    "delete from customer_tags where person = any($1)",
    "delete from customer_notes where person = any($1)",
    "delete from customer_consents where person = any($1)",
    "delete from customer_numbers where person = any($1) or customer = any($1)",
];

/// Puts the stand-in in the place of a number's opt-outs, and the keyed hash beside them: for every business, by the person's word.
pub async fn forget_opt_outs(
    tx: &mut PgConnection,
    (person, stand_in, hash): (&str, &str, &str),
    of: &PersonTraces,
) -> Result<(), StoreError> {
    sqlx::query(
        "update suppressions
            set phone_number = $2, reason = case when reason is not null then 'forgotten' end,
                operator_reason = case when operator_reason is not null then 'forgotten' end
          where person_key(phone_number) = $1",
    )
    .bind(person)
    .bind(stand_in)
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "insert into suppressions (business, phone_number, reason, source, created_by)
         select '*', phone, 'asked to be forgotten', 'person', 'the person' from unnest($1::text[]) as phone
             on conflict (business, person_key(phone_number)) do nothing",
    )
    .bind([stand_in, hash].map(str::to_owned))
    .execute(&mut *tx)
    .await?;
    sqlx::query("delete from opt_outs_to_remember where person_key(phone_number) = $1")
        .bind(person)
        .execute(&mut *tx)
        .await?;
    for statement in SAID {
        sqlx::query(statement).bind(&of.people).execute(&mut *tx).await?;
    }
    Ok(())
}
