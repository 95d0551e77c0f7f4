-- With which token each engine sends, and which one of a sender's tokens its provider refused last: a few bytes of a hash,
-- enough to tell two tokens apart and too few to find one by.

alter table senders add column refused_token text;      -- stays when the stop is lifted: whoever has that token asks its provider first
alter table sender_leases add column token text;

create index senders_refused_token on senders (id) where refused_token is not null;
