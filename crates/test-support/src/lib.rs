//! Databases, brokers and bounded waiting for tests.
