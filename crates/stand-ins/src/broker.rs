//! A stand-in's line to the broker: one connection with confirmed publishing and manual acknowledgement, opened
//! again whenever it is lost. Rule kept here: a delivery is settled only on the connection that brought it, and
//! a handler's publishes are confirmed before its delivery is.

mod address;
mod callbacks;
mod declare;
mod session;
mod station;
mod unconfirmed;

pub use address::{BrokerAddress, InvalidAddress};
pub use session::{ConnectionLost, Delivery, Outlet, Subscription, Verdict};
pub use station::{Handler, Station, StationSettings};
