//! End-to-end, contract and fault tests: the real binaries, seen from outside.
