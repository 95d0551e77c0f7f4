//! Tests of the dashboard as a whole: updates, screens, bytes, storms of keys, the loop.
