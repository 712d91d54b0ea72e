//! The Agent Service's endpoints.

use actix_web::{HttpResponse, Responder, get, post, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answers;
use super::faults::{Fault, Faults};

pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.service(health).service(analyze).service(estimate).service(decompose);
}

#[derive(Deserialize)]
struct AnalyzeRequest {
    request: String,
}

#[derive(Deserialize)]
struct EstimateRequest {
    description: String,
    #[serde(default)]
    domain: String,
}

#[derive(Deserialize)]
struct DecomposeRequest {
    description: String,
}

#[get("/health")]
async fn health() -> impl Responder {
    web::Json(json!({ "status": "healthy" }))
}

#[post("/analyze")]
async fn analyze(body: web::Json<AnalyzeRequest>, faults: web::Data<Faults>) -> HttpResponse {
    answer(&faults, answers::analyze(&body.request)).await
}

#[post("/estimate")]
async fn estimate(body: web::Json<EstimateRequest>, faults: web::Data<Faults>) -> HttpResponse {
    answer(&faults, answers::estimate(&body.description, &body.domain)).await
}

#[post("/decompose")]
async fn decompose(body: web::Json<DecomposeRequest>, faults: web::Data<Faults>) -> HttpResponse {
    answer(&faults, answers::decompose(&body.description)).await
}

async fn answer(faults: &Faults, truth: Value) -> HttpResponse {
    let (fault, latency) = faults.for_request();
    tokio::time::sleep(latency).await;
    match fault {
        Fault::None => HttpResponse::Ok().json(truth),
        Fault::Errors => HttpResponse::InternalServerError().body("model host unreachable"),
        Fault::Garbage => HttpResponse::Ok().content_type("application/json").body("{\"mode\": \"fix_b"),
        Fault::WrongShape => HttpResponse::Ok().json(json!(["unexpected", 1])),
        Fault::UnknownWords => HttpResponse::Ok().json(json!({
            "mode": "conjure", "domain": "astrology", "needs_decomposition": false,
            "estimated_complexity": "cosmic", "qa_profile": "oracle", "recommended_tier": "galactic",
            "estimated_tokens": 100, "confidence": 0.5, "subtasks": [], "decomposition_depth": 0,
        })),
    }
}
