//! What every service needs and no business: settings, telemetry, database pool, health, shutdown, clock, backoff.
