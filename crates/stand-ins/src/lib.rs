//! Worker, QA and Agent Service that speak the public contract, for demo, tests and load.
