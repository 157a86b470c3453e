//! The verb `serve`: everything made ready, then the server until it is told to stop.

use std::io::Write;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_http::{HttpService, Protocol};
use actix_server::Server;
use actix_service::{ServiceFactoryExt, fn_service, map_config};
use actix_web::body::BoxBody;
use actix_web::dev::{AppConfig, ServiceResponse};
use actix_web::rt::net::TcpStream;
use actix_web::{App, Error, web};
use tokio::sync::watch;

use crate::access::Throttle;
use crate::app::{State, configure};
use crate::cache::{Cache, Lane};
use crate::catalogue::history;
use crate::catalogue::life::Clock;
use crate::catalogue::mirror::ahead::keep_ready;
use crate::catalogue::revision::{self, Watch};
use crate::catalogue::seed::{self, Outcome};
use crate::db::{Store, Target};
use crate::download::request::store::fulfil_published;
use crate::download::request::{Desk, InFlight};
use crate::http::front::Front;
use crate::http::limit::Limit;
use crate::http::manners::Site;
use crate::secret::Secret;
use crate::settings::{Seed, Settings};
use crate::storage::Storage;

/// How a verb fails: with wrong settings, or at run time. Each with one sentence.
#[derive(Debug)]
pub enum Failure {
    /// Exit code 2.
    Settings(String),
    /// Exit code 1.
    Run(String),
}

impl From<crate::error::Error> for Failure {
    fn from(error: crate::error::Error) -> Self {
        // The sentence alone: the names of problems are for clients of the API.
        Self::Run(match error {
            crate::error::Error::Problem(problem) if problem.issues.len() <= 1 => problem.detail,
            other => other.to_string(),
        })
    }
}

/// Requests in flight get this long to end when the server is told to stop.
const GRACE: Duration = Duration::from_secs(30);

/// Threads of a worker for what blocks: about as many as there are connections that read. More would only wait for those, each with memory of its own.
const BLOCKING: usize = 8;

/// Makes, migrates and opens the database.
///
/// # Errors
/// Wrong settings, or a database that cannot be had.
pub fn open(settings: &Settings) -> Result<Store, Failure> {
    let target = placed(settings)?;
    let (store, ran) = Store::create(&target).map_err(Failure::Run)?;
    for migration in &ran {
        log::info!("migrated: {migration}");
    }
    Ok(store)
}

/// The database's place, which must be there: nothing is made by a typo.
fn placed(settings: &Settings) -> Result<Target, Failure> {
    let target = settings.target().map_err(Failure::Settings)?;
    match target.folder().filter(|folder| !folder.is_dir()) {
        Some(folder) => Err(Failure::Settings(format!("DATABASE_URL names a file in {}, which is not a folder", folder.display()))),
        None => Ok(target),
    }
}

/// Loads the seed into an empty database.
fn fill(store: &Store, settings: &Settings) -> Result<(), Failure> {
    if settings.seed == Seed::None || store.read(revision::current)?.number > 0 {
        return Ok(());
    }
    let everything = seed::embedded().map_err(|faults| Failure::Run(faults.join("; ")))?;
    if let Outcome::Loaded(records) = seed::load(store, &everything, false)? {
        log::info!("loaded the Smart City Practical Handbooks: {records} records");
    }
    Ok(())
}

/// The database and the storage that are there already, for commands that work on them: a typo makes neither.
///
/// # Errors
/// Wrong settings, or something that is not there or not up to date.
pub fn tools(settings: &Settings) -> Result<(Store, Storage), Failure> {
    let target = settings.target().map_err(Failure::Settings)?;
    let store = Store::open(&target).map_err(Failure::Run)?;
    let pending = store.pending().map_err(Failure::Run)?;
    if !pending.is_empty() {
        return Err(Failure::Run(format!("{target} is not up to date; run `handbooks migrate` first")));
    }
    let storage = Storage::open(&settings.storage_url(&target)).map_err(Failure::Settings)?;
    Ok((store, storage))
}

/// The database, made when it is missing, and the storage: for what fills them.
///
/// # Errors
/// Wrong settings, or something that cannot be had.
pub fn filled(settings: &Settings) -> Result<(Store, Storage), Failure> {
    let target = placed(settings)?;
    let storage = Storage::open(&settings.storage_url(&target)).map_err(Failure::Settings)?;
    Ok((open(settings)?, storage))
}

/// What a server needs of the settings.
///
/// # Errors
/// Wrong settings, or something that cannot be opened.
pub fn state(settings: &Settings) -> Result<State, Failure> {
    let target = placed(settings)?;
    // A wrong secret, or one that is missing where none can be kept, is found out before anything is made.
    if target.file().is_none() || settings.secret.as_deref().is_some_and(|secret| !secret.is_empty()) {
        Secret::of(settings.secret.as_deref(), &target).map_err(Failure::Settings)?;
    }
    let storage = Storage::open(&settings.storage_url(&target)).map_err(Failure::Settings)?;
    let store = open(settings)?.grouping(settings.write_batch, settings.write_queue);
    let secret = Secret::of(settings.secret.as_deref(), &target).map_err(Failure::Settings)?;
    fill(&store, settings)?;
    history::begin(&store)?;
    let (watch, present) = Watch::start(&store).map_err(Failure::Run)?;
    let (cache, watch) = (Cache::of(settings.cache_bytes), Arc::new(watch));
    // What waited for a file is fulfilled once its work is public.
    let clock = Clock::start(&store, |store| fulfil_published(store).map(drop));
    let clock = Arc::new(clock.map_err(Failure::Run)?);
    let desk = Arc::new(Desk::new(settings.write_batch, settings.write_queue));
    Ok(State {
        cache,
        present,
        watch,
        clock,
        past: Arc::default(),
        ahead: Arc::default(),
        ending: Arc::new(watch::Sender::new(false)),
        throttle: Arc::new(Throttle::new(settings.wrong_keys.0)),
        max_file_bytes: settings.max_file_bytes,
        max_cover_bytes: settings.max_cover_bytes,
        desk,
        store,
        storage,
        secret,
        chain: settings.fallback_languages.clone(),
        in_flight: Arc::new(InFlight::default()),
    })
}

/// Serves until SIGTERM or SIGINT; then no new connection is taken and those in flight end in peace.
///
/// # Errors
/// What cannot be made ready.
pub async fn run(settings: &Settings) -> Result<(), Failure> {
    let state = state(settings)?;
    let listener = TcpListener::bind(settings.bind).map_err(|e| Failure::Run(format!("cannot listen on {}: {e}", settings.bind)))?;
    let address = listener.local_addr().map_err(|e| Failure::Run(e.to_string()))?;
    let reachable = if address.ip().is_unspecified() { format!("http://127.0.0.1:{}", address.port()) } else { format!("http://{address}") };
    if settings.public_url.is_none() && address.ip().is_unspecified() {
        log::warn!("listening on all addresses without HANDBOOKS_PUBLIC_URL: links will start with {reachable}");
    }
    let base = settings.public_url.clone().unwrap_or_else(|| reachable.clone());
    let limit = Arc::new(Limit::new(settings.rate_limit.0));
    let site = Site { base: base.clone(), trusted_proxies: settings.trusted_proxies.clone(), limit };
    let server = server(listener, state, site, None).map_err(|e| Failure::Run(format!("cannot start: {e}")))?;

    let told = writeln!(std::io::stdout(), "listening on {reachable}\nthe collection: {base}/v1/volumes\nthe documentation: {base}/docs")
        .and_then(|()| std::io::stdout().flush());
    if let Err(e) = told {
        log::warn!("cannot tell on standard output that the server listens: {e}");
    }
    server.await.map_err(|e| Failure::Run(e.to_string()))?;
    log::info!("stopped");
    Ok(())
}

/// The one maker of the server, for the verb and for tests. HTTP/1.1 over connections whose bare answers are completed ([`Front`]).
///
/// # Errors
/// When the listener cannot be used.
pub fn server(listener: TcpListener, state: State, site: Site, workers: Option<usize>) -> std::io::Result<Server> {
    let base: Arc<str> = site.base.as_str().into();
    let site = Arc::new(site);
    let lane = Lane { cache: state.cache.clone(), present: Arc::clone(&state.present), site: Arc::clone(&site) };
    let state = web::Data::new(state);
    let site = web::Data::from(site);
    let builder = Server::build().shutdown_timeout(GRACE.as_secs()).worker_max_blocking_threads(BLOCKING);
    let stopping = builder.graceful_shutdown_signal();
    // Who waits for changes is told first: they would wait longer than the grace is.
    let (ending, told) = (Arc::clone(&state.ending), stopping.clone());
    actix_web::rt::spawn(async move {
        told.notified().await;
        ending.send_replace(true);
    });
    if state.cache.keeps() {
        actix_web::rt::spawn(keep_ready(state.get_ref().clone(), site.base.clone()));
    }
    let builder = builder.listen("http", listener, move || {
        let (state, site, base, stopping, lane) = (state.clone(), site.clone(), base.clone(), stopping.clone(), lane.clone());
        let app = App::new().configure(move |config| configure(config, state, site));
        let app = actix_service::IntoServiceFactory::into_factory(app)
            .map_err(|error: Error| error.error_response())
            .map(|response: ServiceResponse<BoxBody>| actix_http::Response::from(response));
        let app = lane.before(map_config(app, |()| AppConfig::default()));
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .keep_alive(Duration::from_secs(75))
            .client_request_timeout(Duration::from_secs(10))
            .on_connect_ext(|connection: &Front, data| {
                data.insert(connection.outlet().clone());
            })
            .finish(app);
        fn_service(move |io: TcpStream| {
            let peer = io.peer_addr().ok();
            // Small answers must not wait for more to come.
            let ready = io.set_nodelay(true).map(|()| (Front::new(io, base.clone()), Protocol::Http1, peer));
            async move { ready.map_err(actix_http::error::DispatchError::Io) }
        })
        .and_then(http)
    })?;
    Ok(match workers {
        // A test's server is stopped by its handle, never by a signal to the whole test run.
        Some(workers) => builder.workers(workers).disable_signals().run(),
        None => builder.run(),
    })
}

/// The verb `check`: asks the server at the bound address for `/health/ready`. For the HEALTHCHECK of a container, which has no curl.
///
/// # Errors
/// A sentence when it is not ready.
pub fn check(settings: &Settings) -> Result<(), String> {
    use std::io::Read;
    let mut address = settings.bind;
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv6() { std::net::Ipv6Addr::LOCALHOST.into() } else { std::net::Ipv4Addr::LOCALHOST.into() });
    }
    let fault = |e: std::io::Error| format!("no answer from {address}: {e}");
    let mut stream = std::net::TcpStream::connect_timeout(&address, Duration::from_secs(3)).map_err(fault)?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).map_err(fault)?;
    stream.write_all(format!("GET /health/ready HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes()).map_err(fault)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(fault)?;
    if answer.starts_with("HTTP/1.1 200") {
        println!("{address} is ready");
        return Ok(());
    }
    Err(format!("{address} is not ready: {}", answer.lines().next().unwrap_or("no answer")))
}
