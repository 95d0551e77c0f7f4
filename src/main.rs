//! Parse, telemetry, dispatch, exit code.

fn main() {}
