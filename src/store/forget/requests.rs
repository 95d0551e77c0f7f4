//! Keys and ids that programs gave their requests: one that names somebody goes, and the request is known by a hash of its key from then on.

use sqlx::PgConnection;

use super::PersonTraces;
use crate::domain::forgotten::ForgetKey;
use crate::domain::request_fingerprint::RequestFingerprint;
use crate::store::StoreError;

/// Whether a text names a person, in letters and digits alone: by a number within it, or a name or an id. `$1`: the pattern of the
/// number, `$2`: the words. What is taken for a name and is none costs nothing: the request stays known.
macro_rules! names_them {
    ($column:literal) => {
        concat!(
            "(",
            $column,
            " ~ $1 or exists (select from unnest($2::text[]) word,
                                     regexp_replace(lower(word), '[^[:alnum:]]', '', 'g') as letters
                               where length(letters) > 2
                                 and strpos(regexp_replace(lower(",
            $column,
            "), '[^[:alnum:]]', '', 'g'), letters) > 0))"
        )
    };
}

/// Requests of programs; those of this program's own jobs name nobody.
const FOUND: &str = concat!(
    "select token_id, key from api_requests
      where token_id >= 0 and key !~ '^forgotten:[0-9a-f]{8}:[0-9a-f]{64}$' and ",
    names_them!("key")
);

const RENAME: &str = "
    update api_requests r set key = n.new
      from unnest($1::bigint[], $2::text[], $3::text[]) n (token, old, new) where r.token_id = n.token and r.key = n.old";

const IDS: &str = concat!(
    "update api_requests set request_id = 'forgotten-' || gen_random_uuid() where token_id >= 0 and ",
    names_them!("request_id")
);

/// What requests were, as far as they are kept without a key: which of them named somebody cannot be seen.
const FINGERPRINTS: &str =
    "select token_id, key, fingerprint from api_requests where token_id >= 0 and octet_length(fingerprint) <= 32";

const HIDE: &str = "
    update api_requests r set fingerprint = n.hidden
      from unnest($1::bigint[], $2::text[], $3::bytea[]) n (token, key, hidden) where r.token_id = n.token and r.key = n.key";

/// Puts a keyed hash in the place of each request's key that names a person, and a stand-in in that of each request's id. What any
/// request was is kept as a keyed hash: a plain one would confirm a guess of the number.
pub async fn forget_requests(tx: &mut PgConnection, of: &PersonTraces, own: &ForgetKey) -> Result<(), StoreError> {
    let found = sqlx::query_as(FOUND).bind(&of.patterns.near).bind(&of.words);
    let found: Vec<(i64, String)> = found.fetch_all(&mut *tx).await?;
    let (tokens, old): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    let new: Vec<_> = old.iter().map(|key| own.request(key)).collect();
    sqlx::query(RENAME).bind(tokens).bind(old).bind(new).execute(&mut *tx).await?;
    sqlx::query(IDS).bind(&of.patterns.near).bind(&of.words).execute(&mut *tx).await?;
    hide_fingerprints(tx, own).await
}

async fn hide_fingerprints(tx: &mut PgConnection, own: &ForgetKey) -> Result<(), StoreError> {
    let plain: Vec<(i64, String, Vec<u8>)> = sqlx::query_as(FINGERPRINTS).fetch_all(&mut *tx).await?;
    let (mut tokens, mut keys, mut hidden) = (Vec::new(), Vec::new(), Vec::new());
    for (token, key, fingerprint) in plain {
        tokens.push(token);
        keys.push(key);
        let hash = <[u8; 32]>::try_from(fingerprint).ok();
        hidden.push(hash.map(|hash| RequestFingerprint::new(hash, Some(own)).as_bytes().to_vec()));
    }
    sqlx::query(HIDE).bind(tokens).bind(keys).bind(hidden).execute(tx).await?;
    Ok(())
}
