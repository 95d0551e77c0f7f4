//! SKUs with a person's number in them: each is called the same again wherever it stands, and no two that differed are called alike.

use sqlx::PgConnection;

use crate::domain::forgotten::names_without;
use crate::store::StoreError;

/// Every SKU that the first parameter lets through, with what it is without the number.
const FOUND: &str = "
    select sku, regexp_replace(sku, $1, '(forgotten)', 'g') as without
      from (select sku from products union select sku from product_variants union select sku from order_items
             union select sku from cart_items
             union select item ->> 'sku' from order_edits e, jsonb_array_elements(e.items) item
                    where e.items::text ~ $2) known
     where sku ~ $1
     order by sku";

/// The SKUs that others were given for that.
const TAKEN: &str = "
    select sku from products where sku like '%(forgotten%' union select sku from product_variants where sku like '%(forgotten%'
     union select sku from order_items where sku like '%(forgotten%' union select sku from cart_items where sku like '%(forgotten%'";

/// Puts the new names in. `$1`: the old ones, `$2`: the new ones.
const RENAME: [&str; 4] = [
    "update products t set sku = n.new from unnest($1::text[], $2::text[]) n (old, new) where t.sku = n.old",
    "update product_variants t set sku = n.new from unnest($1::text[], $2::text[]) n (old, new) where t.sku = n.old",
    "update order_items t set sku = n.new from unnest($1::text[], $2::text[]) n (old, new) where t.sku = n.old",
    "update cart_items t set sku = n.new from unnest($1::text[], $2::text[]) n (old, new) where t.sku = n.old",
];

/// What an order was before it was edited: its items' SKUs and names. `$3`: the pattern of the number, `$4`: a quick one.
const RENAME_EDITS: &str = "
    update order_edits e
       set items = (select jsonb_agg(item || jsonb_strip_nulls(jsonb_build_object(
                               'sku', coalesce(n.new, item ->> 'sku'),
                               'name', regexp_replace(item ->> 'name', $3, '(forgotten)', 'g'))) order by place)
                      from jsonb_array_elements(e.items) with ordinality x (item, place)
                      left join unnest($1::text[], $2::text[]) n (old, new) on n.old = item ->> 'sku')
     where e.items::text ~ $4 and jsonb_array_length(e.items) > 0
       and exists (select from jsonb_array_elements(e.items) item where item ->> 'sku' ~ $3 or item ->> 'name' ~ $3)";

/// Takes a number out of every SKU. `pattern` finds it there, `near` does so quickly.
pub(super) async fn forget_skus(tx: &mut PgConnection, (pattern, near): (&str, &str)) -> Result<(), StoreError> {
    let found: Vec<(String, String)> = sqlx::query_as(FOUND).bind(pattern).bind(near).fetch_all(&mut *tx).await?;
    let taken: Vec<String> = sqlx::query_scalar(TAKEN).fetch_all(&mut *tx).await?;
    let (old, without): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    let new = names_without(without, taken);
    for statement in RENAME {
        sqlx::query(statement).bind(&old).bind(&new).execute(&mut *tx).await?;
    }
    sqlx::query(RENAME_EDITS).bind(&old).bind(&new).bind(pattern).bind(near).execute(tx).await?;
    Ok(())
}
