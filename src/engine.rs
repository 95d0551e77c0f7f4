//! Use cases, sending and timing. Knows no terminal.
