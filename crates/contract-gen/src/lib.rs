//! Writes proto-events/ from the protocol types.
