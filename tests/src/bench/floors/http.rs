//! An actix server that answers a constant, asked by the same load generator as the services.

use std::net::SocketAddr;
use std::sync::Arc;

use actix_web::{App, HttpResponse, HttpServer, web};
use tokio::sync::oneshot;

use crate::bench::load::{Load, get};
use crate::bench::scale::Scale;

/// Answers a second over 64 connections.
pub(super) async fn answer(scale: &Scale) -> f64 {
    let (ready, listening) = oneshot::channel();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let server = HttpServer::new(|| {
                App::new().default_service(web::to(|| async {
                    HttpResponse::Ok().content_type("application/json").body("{\"status\":\"healthy\"}")
                }))
            });
            let server = server.workers(2).disable_signals().bind(("127.0.0.1", 0)).expect("a free port");
            let address: SocketAddr = server.addrs()[0];
            let server = server.run();
            if ready.send((address, server.handle())).is_ok() {
                server.await.expect("a server");
            }
        });
    });
    let (address, server) = listening.await.expect("a server");
    let request = get("/");
    let load = Load::new(address, scale.connections as usize, 200, Arc::new(move |_, _| request.clone()));
    let rate = load.closed(scale.warm_up / 2, scale.floor_time).await.rate();
    server.stop(false).await;
    rate
}
