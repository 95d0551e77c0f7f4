//! The command tree: arguments as typed, turned into what is meant. One verb a file.
