//! Declares a topology on a channel, in the order exchanges, queues, bindings. Declaring what exists already with
//! the same arguments changes nothing, so every session does it.

use amqprs::channel::{Channel, ExchangeDeclareArguments, QueueBindArguments, QueueDeclareArguments};
use amqprs::{FieldTable, FieldValue};
use protocol::topology::{Argument, BindingSpec, ExchangeKind, ExchangeSpec, QueueSpec, Topology};
use thiserror::Error;

use crate::message::Headers;

/// Which declaration failed.
#[derive(Debug, Error)]
#[error("{what} could not be declared: {source}")]
pub struct DeclareError {
    /// Exchange, queue or binding.
    pub what: String,
    /// Why.
    #[source]
    pub source: amqprs::error::Error,
}

/// The channel is closed by the broker at the first one it refuses.
pub(crate) async fn declare(channel: &Channel, topology: &Topology) -> Result<(), DeclareError> {
    for exchange in &topology.exchanges {
        let declared = channel.exchange_declare(exchange_arguments(exchange)).await;
        declared.map_err(|source| DeclareError { what: format!("exchange {}", exchange.name), source })?;
    }
    for queue in &topology.queues {
        declare_queue(channel, queue).await?;
    }
    for binding in &topology.bindings {
        let BindingSpec { queue, exchange, routing_key } = binding;
        let bound = channel.queue_bind(QueueBindArguments::new(queue, exchange, routing_key)).await;
        let what = || format!("binding of {queue} to {exchange} with {routing_key:?}");
        bound.map_err(|source| DeclareError { what: what(), source })?;
    }
    Ok(())
}

/// Declares one queue and tells how many messages are ready in it and how many consumers it has.
pub(crate) async fn declare_queue(channel: &Channel, queue: &QueueSpec) -> Result<(u32, u32), DeclareError> {
    let declared = channel.queue_declare(queue_arguments(queue)).await;
    let declared =
        declared.map_err(|source| DeclareError { what: format!("queue {}", queue.name), source })?;
    Ok(declared.map_or((0, 0), |(_, messages, consumers)| (messages, consumers)))
}

fn exchange_arguments(exchange: &ExchangeSpec) -> ExchangeDeclareArguments {
    let kind = match exchange.kind {
        ExchangeKind::Topic => "topic",
        ExchangeKind::Direct => "direct",
        ExchangeKind::Fanout => "fanout",
    };
    let mut headers = Headers::default();
    if let Some(alternate) = exchange.alternate {
        headers.set_text("alternate-exchange", alternate);
    }
    let mut arguments = ExchangeDeclareArguments::new(exchange.name, kind);
    arguments.durable(exchange.durable).arguments(headers.into_table());
    arguments
}

fn queue_arguments(queue: &QueueSpec) -> QueueDeclareArguments {
    let mut arguments = QueueDeclareArguments::new(&queue.name);
    arguments.durable(queue.durable).arguments(table(&queue.arguments));
    arguments
}

pub(crate) fn table(arguments: &[(&'static str, Argument)]) -> FieldTable {
    let mut headers = Headers::default();
    for (name, value) in arguments {
        match value {
            Argument::Text(text) => headers.set_text(name, text),
            Argument::Number(number) => headers.set(name, FieldValue::l(*number)),
        }
    }
    headers.into_table()
}
