-- The rows that drafts were made without, and the cells of their lists that were corrected, have the number of whose row it is, so that whoever
-- asks to be forgotten is found there, whichever cell is wrong.
-- Why: a row was recognized by a plain hash of all its cells. In a list of numbers alone that is a hash of the number, and all numbers of a
-- country are tried in seconds; and where another cell was wrong, nothing but the name said whose row it was, so that it stayed.
-- Whose row it is cannot be read any more of those that are there: they lose the hash, and the name where no number stands beside it. A list
-- is read again before one of them is corrected. A correction that somebody in the blast came in by gets their number, and another one goes.
-- Locks: the blasts that were made of lists, until the end.

set local statement_timeout = 0;

update blasts b
   set left_out = b.left_out || jsonb_build_object(
           'rows', (select coalesce(jsonb_agg(case when jsonb_typeof(x.item) <> 'object' or x.item ? 'phone' then x.item
                                                   when length(regexp_replace(x.item ->> 'value', '[^0-9]', '', 'g')) >= 7
                                                   then x.item - 'digest'
                                                   else x.item - 'digest' - 'name' end order by x.place), '[]'::jsonb)
                      from jsonb_array_elements(case when jsonb_typeof(b.left_out -> 'rows') = 'array'
                                                     then b.left_out -> 'rows' else '[]'::jsonb end)
                           with ordinality x (item, place)),
           'mends', (select coalesce(jsonb_agg(x.item || jsonb_build_object('phone', r.phone_number) order by x.place), '[]'::jsonb)
                       from jsonb_array_elements(case when jsonb_typeof(b.left_out -> 'mends') = 'array'
                                                      then b.left_out -> 'mends' else '[]'::jsonb end)
                            with ordinality x (item, place)
                      cross join lateral (select phone_number from blast_recipients
                                           where blast_id = b.id and list_row::text = x.item ->> 'row'
                                             and starts_with(phone_number, '+') limit 1) r
                      where jsonb_typeof(x.item) = 'object'))
 where jsonb_typeof(b.left_out) = 'object' and (b.left_out -> 'rows' <> '[]' or b.left_out -> 'mends' <> '[]');
