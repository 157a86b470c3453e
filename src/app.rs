//! Settings → state → the actix App. The table of routes reads like a table of contents, grouped by who calls them.

use std::sync::Arc;
use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody, SizedStream};
use actix_web::dev::{HttpServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::{Next, from_fn};
use actix_web::{Handler, HttpRequest, HttpResponse, HttpResponseBuilder, Resource, Responder, web};
use bytes::Bytes;
use futures_util::stream;
use tokio::sync::watch;

use crate::access::{self, Throttle};
use crate::cache::{Cache, Present};
use crate::catalogue::edit::{editions, history_routes as history, routes as edit};
use crate::catalogue::life::Clock;
use crate::catalogue::locale::Chain;
use crate::catalogue::mirror::ahead::Ahead;
use crate::catalogue::past::Past;
use crate::catalogue::revision::Watch;
use crate::catalogue::{collection, complement, event, language, mirror, testimony, theme, translations, volume};
use crate::db::Store;
use crate::download;
use crate::error::Error;
use crate::http::manners::{Site, calm, is_api, manners};
use crate::http::outlet::{Outlet, Piece, SENDS_FILES};
use crate::http::reply::CATALOGUE_REVISION;
use crate::operations::{docs, edition_cover, edition_file, entry, health};
use crate::secret::Secret;
use crate::storage::{Found, Storage};

/// What every handler may use.
#[derive(Clone)]
pub struct State {
    pub store: Store,
    pub storage: Storage,
    pub secret: Secret,
    /// The order in which one language stands in for another.
    pub chain: Chain,
    pub in_flight: Arc<download::request::InFlight>,
    /// Where download requests are taken.
    pub desk: Arc<download::request::Desk>,
    /// Ready answers, and the moment they must hold true for.
    pub cache: Cache,
    pub present: Arc<Present>,
    pub watch: Arc<Watch>,
    /// Publishes and withdraws on time.
    pub clock: Arc<Clock>,
    /// The catalogue as it was, or would be.
    pub past: Arc<Past>,
    /// Which forms of the whole catalogue are made before they are asked for.
    pub ahead: Arc<Ahead>,
    /// Slows down who guesses keys.
    pub throttle: Arc<Throttle>,
    /// Tells those who wait for changes that the server ends.
    pub ending: Arc<watch::Sender<bool>>,
    /// The largest PDF that is taken, in bytes.
    pub max_file_bytes: u64,
    /// The largest image that is taken, in bytes.
    pub max_cover_bytes: u64,
}

impl State {
    /// The state of the server that handles `request`.
    ///
    /// # Errors
    /// Never in an app made by [`configure`].
    pub fn of(request: &HttpRequest) -> Result<web::Data<Self>, Error> {
        request.app_data::<web::Data<Self>>().cloned().ok_or_else(|| Error::internal("no state"))
    }

    /// Answers with some bytes of a stored file, in constant memory; what lies in a folder the kernel sends itself.
    ///
    /// # Errors
    /// When the file is not there or the storage cannot be reached: both are a fault of the server.
    pub async fn send(
        &self,
        request: &HttpRequest,
        mut response: HttpResponseBuilder,
        sha256: &str,
        bytes: std::ops::Range<u64>,
    ) -> Result<HttpResponse, Error> {
        let length = bytes.end - bytes.start;
        if request.method() == Method::HEAD {
            // The server would read the whole body, only to throw it away.
            return Ok(response.body(SizedStream::new(length, stream::empty::<Result<Bytes, Error>>())));
        }
        Ok(match (self.storage.find_range(sha256, bytes.clone()).await?, request.conn_data::<Outlet>()) {
            (Found::File(file), Some(outlet)) if SENDS_FILES => {
                response.no_chunking(length).body(outlet.place(Piece::File { file, bytes, name: sha256.into() }))
            }
            (found, _) => response.body(SizedStream::new(length, found.pieces(sha256, bytes)?)),
        })
    }
}

impl Site {
    /// The site of the server that handles `request`.
    ///
    /// # Errors
    /// Never in an app made by [`configure`].
    pub fn of(request: &HttpRequest) -> Result<web::Data<Self>, Error> {
        request.app_data::<web::Data<Self>>().cloned().ok_or_else(|| Error::internal("no site"))
    }
}

/// Puts state and routes into an App. The one builder of the App, for `main` and for tests.
pub fn configure(config: &mut web::ServiceConfig, state: web::Data<State>, site: web::Data<Site>) {
    config
        .app_data(state)
        .app_data(site)
        .service(web::scope("").wrap(from_fn(admitted)).wrap(from_fn(manners)).wrap(from_fn(revised)).configure(routes));
}

/// The middleware that tells the present revision of the catalogue where the answer itself does not say which one it shows: with problems, with what a
/// write answers, with files, with redirects, with what is no part of the catalogue. Whoever mirrors sees from any answer that there is something new.
async fn revised(request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let mut response = next.call(request).await?;
    let http = response.request();
    if !response.headers().contains_key(CATALOGUE_REVISION)
        && let Some(stamp) = http.app_data::<web::Data<State>>().and_then(|state| state.present.stamp(Instant::now()))
    {
        response.headers_mut().insert(CATALOGUE_REVISION, stamp.revision().into());
    }
    Ok(response)
}

/// The middleware that tells whoever sends a key that opens nothing so, even where none is needed; of a write it is too late.
async fn admitted(request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let response = next.call(request).await?.map_into_boxed_body();
    if response.request().method().is_safe()
        && is_api(response.request().path())
        && response.status().as_u16() < 400
        && let Err(error) = access::unneeded(response.request()).await
    {
        let (request, _) = response.into_parts();
        return Ok(ServiceResponse::new(request, HttpResponse::from_error(error)));
    }
    Ok(response)
}

fn routes(config: &mut web::ServiceConfig) {
    config
        // Visitors: asking for a handbook, and getting it. First, because paths with a parameter are slow to tell apart, and nobody waits in front of them here.
        .service(reads("/v1/downloadForm", download::form::find_download_form))
        .service(resource("/v1/downloadRequests", |it| it.route(web::post().to(download::request::create_download_request))))
        .service(resource("/v1/downloadRequests/{requestId}", |it| {
            it.route(web::get().to(download::request::find_download_request))
                .route(web::head().to(download::request::find_download_request))
                .route(web::delete().to(download::request::delete_download_request))
        }))
        .service(reads("/v1/downloads/{linkToken}", download::link::find_download))
        // Everybody: the catalogue
        .service(reads("/", entry::find_root))
        .service(reads("/v1", entry::find_entry))
        .service(resource("/v1/collection", |it| edit::collections::changes(read(it, collection::find_collection))))
        .service(resource("/v1/volumes", |it| read(it, volume::routes::list_volumes).route(web::post().to(edit::volumes_made::create))))
        .service(resource("/v1/volumes/{volumeId}", |it| {
            edit::volumes::changes(read(it, volume::routes::find_volume)).route(web::delete().to(edit::volumes_made::delete))
        }))
        .service(resource("/v1/volumes/{volumeId}/editions", |it| {
            read(it, volume::routes::list_volume_editions).route(web::post().to(editions::volumes::create))
        }))
        .service(resource("/v1/volumes/{volumeId}/editions/{languageCode}", |it| {
            read(it, volume::routes::find_volume_edition)
                .route(web::put().to(editions::volumes::put))
                .route(web::patch().to(editions::volumes::patch))
                .route(web::delete().to(editions::volumes::delete))
        }))
        .service(resource("/v1/complements", |it| {
            read(it, complement::routes::list_complements).route(web::post().to(edit::complements_made::create))
        }))
        .service(resource("/v1/complements/{complementId}", |it| {
            edit::complements::changes(read(it, complement::routes::find_complement)).route(web::delete().to(edit::complements_made::delete))
        }))
        .service(resource("/v1/complements/{complementId}/editions", |it| {
            read(it, complement::routes::list_complement_editions).route(web::post().to(editions::complements::create))
        }))
        .service(resource("/v1/complements/{complementId}/editions/{languageCode}", |it| {
            read(it, complement::routes::find_complement_edition)
                .route(web::put().to(editions::complements::put))
                .route(web::patch().to(editions::complements::patch))
                .route(web::delete().to(editions::complements::delete))
        }))
        .service(resource("/v1/themes", |it| read(it, theme::list_themes).route(web::post().to(edit::themes_made::create))))
        .service(resource("/v1/themes/{themeId}", |it| {
            edit::themes::changes(read(it, theme::find_theme)).route(web::delete().to(edit::themes_made::delete))
        }))
        .service(resource("/v1/languages", |it| read(it, language::list_languages).route(web::post().to(edit::languages_made::create))))
        .service(resource("/v1/languages/{languageCode}", |it| {
            edit::languages::changes(read(it, language::find_language)).route(web::delete().to(edit::languages_made::delete))
        }))
        .service(resource("/v1/events", |it| read(it, event::routes::list_events).route(web::post().to(edit::events_made::create))))
        .service(resource("/v1/events/{eventId}", |it| {
            edit::events::changes(read(it, event::routes::find_event)).route(web::delete().to(edit::events_made::delete))
        }))
        .service(resource("/v1/testimonies", |it| read(it, testimony::list_testimonies).route(web::post().to(edit::testimonies_made::create))))
        .service(resource("/v1/testimonies/{testimonyId}", |it| {
            edit::testimonies::changes(read(it, testimony::find_testimony)).route(web::delete().to(edit::testimonies_made::delete))
        }))
        // Editors
        .service(reads("/v1/collection/document", edit::collections::document))
        .service(reads("/v1/volumes/{volumeId}/document", edit::volumes::document))
        .service(reads("/v1/complements/{complementId}/document", edit::complements::document))
        .service(reads("/v1/themes/{themeId}/document", edit::themes::document))
        .service(reads("/v1/languages/{languageCode}/document", edit::languages::document))
        .service(reads("/v1/events/{eventId}/document", edit::events::document))
        .service(reads("/v1/testimonies/{testimonyId}/document", edit::testimonies::document))
        .service(reads("/v1/volumes/{volumeId}/editions/{languageCode}/document", editions::volumes::document))
        .service(reads("/v1/complements/{complementId}/editions/{languageCode}/document", editions::complements::document))
        .service(resource("/v1/volumes/{volumeId}/editions/{languageCode}/cover", |it| {
            read(it, edition_cover::volumes::find_cover)
                .route(web::put().to(edition_cover::volumes::put_cover))
                .route(web::delete().to(edition_cover::volumes::delete_cover))
        }))
        .service(resource("/v1/complements/{complementId}/editions/{languageCode}/cover", |it| {
            read(it, edition_cover::complements::find_cover)
                .route(web::put().to(edition_cover::complements::put_cover))
                .route(web::delete().to(edition_cover::complements::delete_cover))
        }))
        .service(resource("/v1/volumes/{volumeId}/editions/{languageCode}/file", |it| {
            it.route(web::put().to(edition_file::put_volume_file)).route(web::delete().to(edition_file::delete_volume_file))
        }))
        .service(resource("/v1/complements/{complementId}/editions/{languageCode}/file", |it| {
            it.route(web::put().to(edition_file::put_complement_file)).route(web::delete().to(edition_file::delete_complement_file))
        }))
        .service(resource("/v1/supporters", |it| it.route(web::post().to(edit::supporters_made::create))))
        .service(resource("/v1/supporters/{supporterId}", |it| edit::supporters::changes(it).route(web::delete().to(edit::supporters_made::delete))))
        .service(reads("/v1/supporters/{supporterId}/document", edit::supporters::document))
        .service(reads("/v1/collection/history", history::collections::list))
        .service(reads("/v1/collection/history/{version}", history::collections::version))
        .service(resource("/v1/collection/history/{version}/restore", |it| it.route(web::post().to(history::collections::restore))))
        .service(reads("/v1/volumes/{volumeId}/history", history::volumes::list))
        .service(reads("/v1/volumes/{volumeId}/history/{version}", history::volumes::version))
        .service(resource("/v1/volumes/{volumeId}/history/{version}/restore", |it| it.route(web::post().to(history::volumes::restore))))
        .service(reads("/v1/complements/{complementId}/history", history::complements::list))
        .service(reads("/v1/complements/{complementId}/history/{version}", history::complements::version))
        .service(resource("/v1/complements/{complementId}/history/{version}/restore", |it| it.route(web::post().to(history::complements::restore))))
        .service(reads("/v1/themes/{themeId}/history", history::themes::list))
        .service(reads("/v1/themes/{themeId}/history/{version}", history::themes::version))
        .service(resource("/v1/themes/{themeId}/history/{version}/restore", |it| it.route(web::post().to(history::themes::restore))))
        .service(reads("/v1/languages/{languageCode}/history", history::languages::list))
        .service(reads("/v1/languages/{languageCode}/history/{version}", history::languages::version))
        .service(resource("/v1/languages/{languageCode}/history/{version}/restore", |it| it.route(web::post().to(history::languages::restore))))
        .service(reads("/v1/events/{eventId}/history", history::events::list))
        .service(reads("/v1/events/{eventId}/history/{version}", history::events::version))
        .service(resource("/v1/events/{eventId}/history/{version}/restore", |it| it.route(web::post().to(history::events::restore))))
        .service(reads("/v1/testimonies/{testimonyId}/history", history::testimonies::list))
        .service(reads("/v1/testimonies/{testimonyId}/history/{version}", history::testimonies::version))
        .service(resource("/v1/testimonies/{testimonyId}/history/{version}/restore", |it| it.route(web::post().to(history::testimonies::restore))))
        .service(reads("/v1/supporters/{supporterId}/history", history::supporters::list))
        .service(reads("/v1/supporters/{supporterId}/history/{version}", history::supporters::version))
        .service(resource("/v1/supporters/{supporterId}/history/{version}/restore", |it| it.route(web::post().to(history::supporters::restore))))
        .service(reads("/v1/auditLog", history::list_audit_entries))
        .service(reads("/v1/translations", translations::routes::list_translations))
        // Mirrors
        .service(reads("/v1/changes", mirror::routes::list_changes))
        .service(reads("/v1/digest", mirror::routes::find_digest))
        .service(reads("/v1/catalogue", mirror::routes::find_catalogue))
        // Those who manage keys
        .service(resource("/v1/keys", |it| {
            it.route(web::get().to(access::routes::list_keys))
                .route(web::head().to(access::routes::list_keys))
                .route(web::post().to(access::routes::create_key))
        }))
        .service(resource("/v1/keys/{keyId}", |it| {
            it.route(web::get().to(access::routes::find_key))
                .route(web::head().to(access::routes::find_key))
                .route(web::delete().to(access::routes::delete_key))
        }))
        // Operators and developers
        .service(reads("/health", health::check_health))
        .service(reads("/health/live", health::check_liveness))
        .service(reads("/health/ready", health::check_readiness))
        .service(reads("/openapi.json", docs::find_openapi_json))
        .service(reads("/openapi.yaml", docs::find_openapi_yaml))
        .service(reads("/docs", docs::find_docs))
        .service(reads("/docs/problems/{problemName}", docs::find_problem))
        .service(reads("/docs/assets/{assetName}", docs::find_asset));
}

/// A resource that is read: GET, and HEAD, which is GET without the body.
fn reads<F, Args>(path: &str, handler: F) -> impl HttpServiceFactory + 'static
where
    F: Handler<Args>,
    Args: actix_web::FromRequest + 'static,
    F::Output: Responder + 'static,
{
    resource(path, |it| read(it, handler))
}

/// The methods that read.
fn read<F, Args>(it: Resource, handler: F) -> Resource
where
    F: Handler<Args>,
    Args: actix_web::FromRequest + 'static,
    F::Output: Responder + 'static,
{
    it.route(web::get().to(handler.clone())).route(web::head().to(handler))
}

/// A resource with its methods; any other method is 405 with `Allow`, and a panic is a 500.
fn resource(path: &str, methods: impl FnOnce(Resource) -> Resource) -> impl HttpServiceFactory + 'static {
    methods(web::resource(path)).wrap(from_fn(calm))
}
