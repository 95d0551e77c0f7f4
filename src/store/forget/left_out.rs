//! The rows that drafts were made without, and the cells of lists that were corrected: each has the number of whose row it is.

use sqlx::PgConnection;

use super::PersonTraces;
use crate::store::StoreError;

/// `$1`: the pattern of their numbers, `$2`: a quick one. What is no object was written by hand, and is searched as any text.
const LEFT_OUT: &str = "
    update blasts
       set left_out = left_out || jsonb_build_object(
               'rows', (select coalesce(jsonb_agg(case when jsonb_typeof(x.item) = 'object' and x.item::text ~ $1
                                                       then x.item - 'name' - 'phone' - 'digest' || '{\"value\": \"\"}'::jsonb
                                                       else x.item end order by x.place), '[]'::jsonb)
                          from jsonb_array_elements(case when jsonb_typeof(left_out -> 'rows') = 'array'
                                                         then left_out -> 'rows' else '[]'::jsonb end)
                               with ordinality x (item, place)),
               'mends', (select coalesce(jsonb_agg(x.item order by x.place), '[]'::jsonb)
                           from jsonb_array_elements(case when jsonb_typeof(left_out -> 'mends') = 'array'
                                                          then left_out -> 'mends' else '[]'::jsonb end)
                                with ordinality x (item, place)
                          where x.item::text !~ $1))
     where left_out::text ~ $2 and left_out::text ~ $1";

/// Of a person's row it stays that there was one, and why it was left out; a correction of it goes. A hash of the whole row would show whose it
/// was to whoever tries all numbers.
pub(super) async fn forget_left_out(tx: &mut PgConnection, of: &PersonTraces) -> Result<(), StoreError> {
    sqlx::query(LEFT_OUT).bind(&of.patterns.text).bind(&of.patterns.near).execute(tx).await?;
    Ok(())
}
