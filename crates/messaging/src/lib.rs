//! RabbitMQ for every service: connections, confirming publisher, batching consumer, request/reply, outbox and inbox.
