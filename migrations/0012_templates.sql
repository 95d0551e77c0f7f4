-- A blast may send a template that Meta approved instead of a text. `message` then says in words which; the template, with the
-- columns in it, is what is sent.
-- Locks: one column without a default, for an instant.
alter table blasts add column template jsonb;

comment on column blasts.template is 'What is sent in place of a text, in the form of Meta''s own messages call; frozen from launch on';
