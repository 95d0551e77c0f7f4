-- Of a stored answer also its headers: the answer to a repeated request has the ETag and the Location of the first.
-- Why: whoever repeats a request because its answer was lost needs both of them as much as the body.
-- Locks: api_requests for an instant.

alter table api_requests add column headers jsonb;
