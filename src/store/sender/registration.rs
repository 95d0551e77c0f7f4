//! The rows behind the configuration's senders: made, brought up to date, and held to the phone that each one is. However
//! many there are, it takes one statement when nothing changed and a dozen when something did.

use std::collections::HashMap;

use sqlx::{Connection, PgConnection, PgExecutor};

use crate::domain::ids::SenderId;
use crate::domain::sender::SenderDevice;
use crate::store::StoreError;
use crate::store::notify::ORDERS;

mod carry;

use carry::SenderMove;

/// A sender as the configuration has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SenderRegistration {
    pub name: String,
    pub business: String,
    pub rehearsal: bool,
    pub device: SenderDevice,
    /// Meta's business account.
    pub account: Option<String>,
    /// Replies that are an opt-out, as they are compared.
    pub stop_words: Vec<String>,
}

/// How a configured sender stands to its row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistrationOutcome {
    Ours(SenderId),
    /// There it is another phone: nothing may be sent by this configuration.
    Elsewhere {
        id: SenderId,
        device: SenderDevice,
    },
}

#[derive(Debug, sqlx::FromRow)]
struct RegisteredSender {
    id: SenderId,
    name: String,
    provider: String,
    business: String,
    rehearsal: bool,
    address: Option<String>,
    device: Option<String>,
    account: Option<String>,
    stop_words: Option<Vec<String>>,
}

impl RegisteredSender {
    fn device(&self) -> Option<SenderDevice> {
        let (address, id) = (self.address.clone()?, self.device.clone()?);
        Some(SenderDevice { provider: self.provider.clone(), address, id })
    }

    fn registration(&self, sender: &SenderRegistration) -> RegistrationOutcome {
        match self.device() {
            Some(device) if device != sender.device => RegistrationOutcome::Elsewhere { id: self.id, device },
            _ => RegistrationOutcome::Ours(self.id),
        }
    }

    /// Whether the configuration says something that the row does not, and may.
    fn is_behind(&self, sender: &SenderRegistration) -> bool {
        let is_same = self.business == sender.business
            && self.rehearsal == sender.rehearsal
            && self.account == sender.account
            && self.stop_words.as_ref() == Some(&sender.stop_words)
            && self.device().is_some_and(|device| device == sender.device);
        !is_same && self.registration(sender) == RegistrationOutcome::Ours(self.id)
    }
}

type RegisteredByName = HashMap<String, RegisteredSender>;

/// How these senders stand to their rows, by name; senders without a row are left out.
pub async fn look_up(
    executor: impl PgExecutor<'_>,
    senders: &[SenderRegistration],
) -> Result<HashMap<String, RegistrationOutcome>, StoreError> {
    Ok(outcomes(&rows(executor, senders).await?, senders))
}

fn outcomes(rows: &RegisteredByName, senders: &[SenderRegistration]) -> HashMap<String, RegistrationOutcome> {
    let outcome =
        |sender: &SenderRegistration| Some((sender.name.clone(), rows.get(&sender.name)?.registration(sender)));
    senders.iter().filter_map(outcome).collect()
}

/// Makes sure that each sender has a row, as configured now; one that is another phone there keeps its row as it is.
pub async fn register(
    connection: &mut PgConnection,
    senders: &[SenderRegistration],
) -> Result<HashMap<String, RegistrationOutcome>, StoreError> {
    let known = rows(&mut *connection, senders).await?;
    let is_behind = |sender: &&SenderRegistration| known.get(&sender.name).is_none_or(|row| row.is_behind(sender));
    let behind: Vec<SenderRegistration> = senders.iter().filter(is_behind).cloned().collect();
    if behind.is_empty() {
        return Ok(outcomes(&known, senders));
    }
    let mut tx = connection.begin().await?;
    bring_up_to_date(&mut tx, &behind).await?;
    tx.commit().await?;
    look_up(connection, senders).await
}

/// Makes the sender the phone that it is configured as, because an operator asked for it. Whoever sends for it under an older
/// configuration is fenced off, as by a takeover. Returns which phone it was, if that was known.
pub async fn move_to(tx: &mut PgConnection, sender: &SenderRegistration) -> Result<Option<SenderDevice>, StoreError> {
    let id: Option<SenderId> = sqlx::query_scalar("select id from senders where name = $1")
        .bind(&sender.name)
        .fetch_optional(&mut *tx)
        .await?;
    let Some(id) = id else {
        bring_up_to_date(tx, std::slice::from_ref(sender)).await?;
        return Ok(None);
    };
    fence_off(tx, id).await?;
    let before = lock(tx, std::slice::from_ref(sender)).await?;
    let Some(row) = before.get(&sender.name) else { return Err(sqlx::Error::RowNotFound.into()) };
    update(tx, &[(row, sender)]).await?;
    carry::over(tx, &[], &[moved(row, sender)]).await?;
    order(tx).await?;
    Ok(row.device())
}

/// The lease row is locked first, as by a takeover: claims in flight finish, and after the commit their epoch is over.
async fn fence_off(tx: &mut PgConnection, id: SenderId) -> Result<(), StoreError> {
    sqlx::query("select 1 from sender_leases where sender_id = $1 for update").bind(id).execute(&mut *tx).await?;
    sqlx::query(
        "update sender_leases set holder = null, host = null, epoch = epoch + 1, expires_at = now(), waiting = null
          where sender_id = $1",
    )
    .bind(id)
    .execute(tx)
    .await?;
    Ok(())
}

/// New rows, and old ones as configured now; opt-outs follow.
async fn bring_up_to_date(tx: &mut PgConnection, senders: &[SenderRegistration]) -> Result<(), StoreError> {
    let made = insert(tx, senders).await?;
    let locked = lock(tx, senders).await?;
    let pairs = senders.iter().filter_map(|sender| Some((locked.get(&sender.name)?, sender)));
    let behind: Vec<(&RegisteredSender, &SenderRegistration)> =
        pairs.filter(|(row, sender)| row.is_behind(sender)).collect();
    update(tx, &behind).await?;
    let moved: Vec<SenderMove> = behind.iter().map(|(row, sender)| moved(row, sender)).collect();
    carry::over(tx, &made, &moved).await?;
    order(tx).await
}

fn moved(row: &RegisteredSender, sender: &SenderRegistration) -> SenderMove {
    SenderMove { id: row.id, from: row.business.clone(), to: sender.business.clone() }
}

async fn rows(executor: impl PgExecutor<'_>, senders: &[SenderRegistration]) -> Result<RegisteredByName, StoreError> {
    if senders.is_empty() {
        return Ok(RegisteredByName::default());
    }
    let names: Vec<&str> = senders.iter().map(|sender| sender.name.as_str()).collect();
    let rows: Vec<RegisteredSender> = sqlx::query_as(
        "select id, name, provider, business, rehearsal, address, device, account, stop_words
           from senders where name = any($1)",
    )
    .bind(names)
    .fetch_all(executor)
    .await?;
    Ok(rows.into_iter().map(|row| (row.name.clone(), row)).collect())
}

/// The rows as they are, ours until the commit. Whoever notes an opt-out of one of these senders has done so, or waits.
async fn lock(tx: &mut PgConnection, senders: &[SenderRegistration]) -> Result<RegisteredByName, StoreError> {
    let names: Vec<&str> = senders.iter().map(|sender| sender.name.as_str()).collect();
    let rows: Vec<RegisteredSender> = sqlx::query_as(
        "select id, name, provider, business, rehearsal, address, device, account, stop_words from senders
          where name = any($1) order by id for no key update",
    )
    .bind(names)
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.name.clone(), row)).collect())
}

/// The senders that had no row yet. In the order of their names, so that two processes wait for each other in one order.
async fn insert(tx: &mut PgConnection, senders: &[SenderRegistration]) -> Result<Vec<SenderId>, StoreError> {
    let mut senders: Vec<&SenderRegistration> = senders.iter().collect();
    senders.sort_unstable_by_key(|sender| &sender.name);
    let ids = sqlx::query_scalar(
        "insert into senders (name, business, rehearsal, provider, address, device, account, stop_words, people_table)
         select name, business, rehearsal, provider, address, device, account, string_to_array(stop_words, chr(10)), d.people_table
           from unnest($1::text[], $2::text[], $3::boolean[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
                as x (name, business, rehearsal, provider, address, device, account, stop_words), database_id d
         on conflict (name) do nothing
         returning id",
    )
    .bind(senders.iter().map(|sender| sender.name.as_str()).collect::<Vec<_>>())
    .bind(senders.iter().map(|sender| sender.business.as_str()).collect::<Vec<_>>())
    .bind(senders.iter().map(|sender| sender.rehearsal).collect::<Vec<_>>())
    .bind(senders.iter().map(|sender| sender.device.provider.as_str()).collect::<Vec<_>>())
    .bind(senders.iter().map(|sender| sender.device.address.as_str()).collect::<Vec<_>>())
    .bind(senders.iter().map(|sender| sender.device.id.as_str()).collect::<Vec<_>>())
    .bind(senders.iter().map(|sender| sender.account.as_deref()).collect::<Vec<_>>())
    .bind(senders.iter().map(|sender| sender.stop_words.join("\n")).collect::<Vec<_>>())
    .fetch_all(tx)
    .await?;
    Ok(ids)
}

async fn update(tx: &mut PgConnection, rows: &[(&RegisteredSender, &SenderRegistration)]) -> Result<(), StoreError> {
    sqlx::query(
        "update senders s
            set business = x.business, rehearsal = x.rehearsal, provider = x.provider, address = x.address, device = x.device,
                account = x.account, stop_words = string_to_array(x.stop_words, chr(10))
           from unnest($1::bigint[], $2::text[], $3::boolean[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
                as x (id, business, rehearsal, provider, address, device, account, stop_words)
          where s.id = x.id",
    )
    .bind(rows.iter().map(|(row, _)| row.id.0).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, sender)| sender.business.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, sender)| sender.rehearsal).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, sender)| sender.device.provider.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, sender)| sender.device.address.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, sender)| sender.device.id.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, sender)| sender.account.as_deref()).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, sender)| sender.stop_words.join("\n")).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// Notifies every engine, with the commit.
async fn order(tx: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query("select pg_notify($1, '')").bind(ORDERS).execute(tx).await?;
    Ok(())
}
