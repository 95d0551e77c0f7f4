//! Configuration: defaults, then the file, then the environment, then flags. Every problem is found at once.
