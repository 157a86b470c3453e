//! Settings → state → the actix App. The table of routes reads like a table of contents, grouped by who calls them.

use std::sync::Arc;

use actix_web::dev::HttpServiceFactory;
use actix_web::middleware::from_fn;
use actix_web::{Handler, HttpRequest, Resource, Responder, web};

use crate::access::{self, Throttle};
use crate::cache::{Cache, Present};
use crate::catalogue::life::Clock;
use crate::catalogue::locale::Chain;
use crate::catalogue::past::Past;
use crate::catalogue::revision::Watch;
use crate::catalogue::{collection, complement, event, language, testimony, theme, translations, volume};
use crate::db::Store;
use crate::download;
use crate::error::Error;
use crate::http::manners::{Site, calm, manners};
use crate::operations::{docs, entry, health};
use crate::secret::Secret;
use crate::storage::Storage;

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
    /// Slows down who guesses keys.
    pub throttle: Arc<Throttle>,
}

impl State {
    /// The state of the server that handles `request`.
    ///
    /// # Errors
    /// Never in an app made by [`configure`].
    pub fn of(request: &HttpRequest) -> Result<web::Data<Self>, Error> {
        request.app_data::<web::Data<Self>>().cloned().ok_or_else(|| Error::internal("no state"))
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
    config.app_data(state).app_data(site).service(web::scope("").wrap(from_fn(manners)).configure(routes));
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
        .service(reads("/v1/collection", collection::find_collection))
        .service(reads("/v1/volumes", volume::routes::list_volumes))
        .service(reads("/v1/volumes/{volumeId}", volume::routes::find_volume))
        .service(reads("/v1/volumes/{volumeId}/editions", volume::routes::list_volume_editions))
        .service(reads("/v1/volumes/{volumeId}/editions/{languageCode}", volume::routes::find_volume_edition))
        .service(reads("/v1/complements", complement::routes::list_complements))
        .service(reads("/v1/complements/{complementId}", complement::routes::find_complement))
        .service(reads("/v1/complements/{complementId}/editions", complement::routes::list_complement_editions))
        .service(reads("/v1/complements/{complementId}/editions/{languageCode}", complement::routes::find_complement_edition))
        .service(reads("/v1/themes", theme::list_themes))
        .service(reads("/v1/themes/{themeId}", theme::find_theme))
        .service(reads("/v1/languages", language::list_languages))
        .service(reads("/v1/languages/{languageCode}", language::find_language))
        .service(reads("/v1/events", event::routes::list_events))
        .service(reads("/v1/events/{eventId}", event::routes::find_event))
        .service(reads("/v1/testimonies", testimony::list_testimonies))
        .service(reads("/v1/testimonies/{testimonyId}", testimony::find_testimony))
        // Editors
        .service(reads("/v1/translations", translations::routes::list_translations))
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
    resource(path, |it| it.route(web::get().to(handler.clone())).route(web::head().to(handler)))
}

/// A resource with its methods; any other method is 405 with `Allow`, and a panic is a 500.
fn resource(path: &str, methods: impl FnOnce(Resource) -> Resource) -> impl HttpServiceFactory + 'static {
    methods(web::resource(path)).wrap(from_fn(calm))
}
