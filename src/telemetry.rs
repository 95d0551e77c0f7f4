//! Logs: to stderr for verbs, to a file for the dashboard. Never a token.
