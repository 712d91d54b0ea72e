//! Remembers where every artifact came from.
