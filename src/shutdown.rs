//! How a stop reaches every task: one token, cancelled by a signal or by the work being done.
