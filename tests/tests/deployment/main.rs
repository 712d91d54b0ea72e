//! What `deploy/` holds, checked without a cluster: manifests and images fit each other and the services' real
//! binaries. Schemas and policies are checked by `make verify-deploy`, which needs more tools.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod compose;
mod image;
mod image_tree;
mod manifests;
mod migrations;
mod network;
mod observability;
mod pods;
mod references;
mod settings;

/// The services, by the names of their binaries, images and Deployments.
const SERVICES: [&str; 3] = ["api-gateway", "routing-engine", "provenance-store"];

/// A path in the checkout.
fn checkout(path: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the checkout").join(path)
}
