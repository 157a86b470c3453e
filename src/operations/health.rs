//! Health, as the Belgif guide has it: a status and nothing that helps an attacker.

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::State;
use crate::catalogue::revision;
use crate::error::Error;
use crate::http::negotiate;
use crate::http::question::no_question;
use crate::openapi::HealthProblems;

/// How the server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schema(example = "UP")]
pub enum HealthStatus {
    /// All is well.
    Up,
    /// The catalogue is served, but files cannot be downloaded.
    Degraded,
    /// Nothing can be served.
    Down,
}

/// The health of the server.
#[derive(Serialize, ToSchema)]
pub struct Health {
    pub status: HealthStatus,
}

fn say(request: &HttpRequest, status: HealthStatus) -> Result<HttpResponse, Error> {
    negotiate(request, &["application/json"])?;
    no_question(request)?;
    let code = if status == HealthStatus::Down { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    let mut response = HttpResponse::build(code);
    if status == HealthStatus::Down {
        response.insert_header((header::RETRY_AFTER, "5"));
    }
    Ok(response.insert_header((header::CACHE_CONTROL, "no-store")).insert_header((header::VARY, "Accept")).json(Health { status }))
}

/// Whether the database answers, and whether the storage does.
pub async fn probe(state: &web::Data<State>) -> HealthStatus {
    let store = state.store.clone();
    let database = web::block(move || store.read(revision::current)).await;
    match database {
        Ok(Ok(_)) if state.storage.check().await.is_ok() => HealthStatus::Up,
        Ok(Ok(_)) => HealthStatus::Degraded,
        _ => HealthStatus::Down,
    }
}

/// Check health
///
/// `UP` when all is well, `DEGRADED` when the catalogue is served but files cannot be reached, `DOWN` (503) when the database cannot.
#[utoipa::path(get, path = "/health", tag = "Operations", operation_id = "checkHealth",
    responses((status = 200, description = "Up, or degraded.", body = Health), (status = 503, description = "Down.", body = Health), HealthProblems))]
pub async fn check_health(request: HttpRequest) -> Result<HttpResponse, Error> {
    let status = probe(&State::of(&request)?).await;
    say(&request, status)
}

/// Check that the process lives
///
/// `UP` as long as the process answers; asks nothing of the database.
#[utoipa::path(get, path = "/health/live", tag = "Operations", operation_id = "checkLiveness",
    responses((status = 200, description = "Alive.", body = Health), HealthProblems))]
pub async fn check_liveness(request: HttpRequest) -> Result<HttpResponse, Error> {
    say(&request, HealthStatus::Up)
}

/// Check that requests can be served
///
/// `UP` when database and storage answer; `DEGRADED` or `DOWN` as `/health`.
#[utoipa::path(get, path = "/health/ready", tag = "Operations", operation_id = "checkReadiness",
    responses((status = 200, description = "Ready, or degraded.", body = Health), (status = 503, description = "Not ready.", body = Health), HealthProblems))]
pub async fn check_readiness(request: HttpRequest) -> Result<HttpResponse, Error> {
    let status = probe(&State::of(&request)?).await;
    say(&request, status)
}
