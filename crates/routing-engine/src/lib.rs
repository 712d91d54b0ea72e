//! Decides where each task runs; stateless.
