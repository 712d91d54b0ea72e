//! Declares objects at the broker, for stand-ins of those who do so themselves.

use amqprs::channel::{Channel, ExchangeDeclareArguments, QueueBindArguments, QueueDeclareArguments};
use amqprs::error::Error;
use amqprs::{FieldTable, FieldValue};
use protocol::topology::{Argument, ExchangeKind, QueueSpec, Topology};

/// In the order exchanges, queues, bindings. The broker closes the channel at the first that exists in another form.
pub(super) async fn declare(channel: &Channel, topology: &Topology) -> Result<(), Error> {
    for exchange in &topology.exchanges {
        let kind = match exchange.kind {
            ExchangeKind::Topic => "topic",
            ExchangeKind::Direct => "direct",
            ExchangeKind::Fanout => "fanout",
        };
        let arguments = ExchangeDeclareArguments::new(exchange.name, kind).durable(exchange.durable).finish();
        channel.exchange_declare(arguments).await?;
    }
    for queue in &topology.queues {
        let mut arguments = QueueDeclareArguments::new(&queue.name);
        arguments.durable(queue.durable).arguments(arguments_of(queue));
        channel.queue_declare(arguments).await?;
    }
    for binding in &topology.bindings {
        let arguments = QueueBindArguments::new(&binding.queue, binding.exchange, &binding.routing_key);
        channel.queue_bind(arguments).await?;
    }
    Ok(())
}

fn arguments_of(queue: &QueueSpec) -> FieldTable {
    let mut table = FieldTable::new();
    for (name, value) in &queue.arguments {
        if let Ok(name) = (*name).try_into() {
            let value = match value {
                Argument::Text(text) => FieldValue::from(text.clone()),
                Argument::Number(number) => FieldValue::l(*number),
            };
            table.insert(name, value);
        }
    }
    table
}
