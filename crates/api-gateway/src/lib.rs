//! REST and WebSocket for the outside world; owns the tasks.
