//! One integration binary: one throwaway Postgres for all of it, one link.

mod layers;
mod local_postgres;
mod support;
