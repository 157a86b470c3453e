//! The short way: a service in front of the router that sends what is ready for a spelling it has seen before. All else goes on to the router.

use std::cell::RefCell;
use std::future::{Ready as Done, ready};
use std::sync::Arc;
use std::time::Instant;

use actix_http::body::{BoxBody, EitherBody};
use actix_http::{HttpMessage, Method, Request, Response, StatusCode};
use actix_service::{Service, ServiceFactory};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{Either, LocalBoxFuture, Map};

use super::{Cache, Present, Stamp};
use crate::http::manners::{self, Site};
use crate::http::outlet::{Outlet, Piece, Placed};
use crate::http::reply::{CATALOGUE_REVISION, write_field};

/// What the short way needs to know.
#[derive(Clone)]
pub struct Lane {
    pub cache: Cache,
    pub present: Arc<Present>,
    pub site: Arc<Site>,
}

/// The router, with the short way around it.
pub struct Short<S> {
    router: S,
    lane: Lane,
    /// The spelling of the request at hand; a worker has one thread.
    buffer: RefCell<Vec<u8>>,
}

impl Lane {
    /// Puts the short way before the routers that a factory makes, one for each worker.
    pub fn before<F>(self, routers: F) -> Before<F> {
        Before { routers, lane: self }
    }
}

/// Makes routers with the short way before them.
pub struct Before<F> {
    routers: F,
    lane: Lane,
}

impl<F> ServiceFactory<Request> for Before<F>
where
    F: ServiceFactory<Request, Response = Response<BoxBody>>,
    F::Future: 'static,
{
    type Response = Response<Body>;
    type Error = F::Error;
    type Config = F::Config;
    type Service = Short<F::Service>;
    type InitError = F::InitError;
    type Future = LocalBoxFuture<'static, Result<Self::Service, F::InitError>>;

    fn new_service(&self, config: F::Config) -> Self::Future {
        let (router, lane) = (self.routers.new_service(config), self.lane.clone());
        Box::pin(async move { Ok(Short { router: router.await?, lane, buffer: RefCell::new(Vec::with_capacity(512)) }) })
    }
}

/// What is ready, or whatever the router sends.
pub type Body = EitherBody<Placed, BoxBody>;

impl<S> Short<S> {
    fn ready(&self, request: &Request) -> Option<Response<Body>> {
        if *request.method() != Method::GET || manners::over_limit(request.uri(), request.headers()).is_some() {
            return None;
        }
        let started = Instant::now();
        let outlet = request.conn_data::<Outlet>()?;
        let present = self.lane.present.stamp(started)?;
        let ready = self.lane.cache.recall(request.uri(), request.headers(), present, &mut self.buffer.borrow_mut())?;
        let fresh = ready.prepared.is_fresh(request);
        // Whose requests are used up is told so by the routes; what is not modified costs nothing.
        let standing = |costs| self.lane.site.standing(request.path(), request.headers(), request.peer_addr(), costs);
        let mut stands = standing(false);
        if stands.is_some_and(|stands| matches!(stands.left, None | Some(0))) {
            return None;
        }
        if !fresh && stands.is_some() {
            stands = standing(true);
        }
        let trace = manners::TraceId::new();
        let mut own = Vec::with_capacity(128);
        manners::own(request.headers(), request.peer_addr(), &self.lane.site, &trace, stands, |name, value| write_field(&mut own, &name, value));
        // What holds true for ever shows no revision of its own.
        if ready.stamp == Stamp::FOREVER {
            write_field(&mut own, &CATALOGUE_REVISION, present.revision().to_string().as_bytes());
        }
        let (status, body) = if fresh { (StatusCode::NOT_MODIFIED, Bytes::new()) } else { (StatusCode::OK, ready.prepared.body.clone()) };
        manners::log_access(request.method(), &manners::shortened(request.path()), status, body.len() as u64, started, &trace);
        let piece = Piece::Answer { own, fields: ready.prepared.lines(fresh), body };
        let mut response = Response::with_body(status, EitherBody::left(outlet.place(piece)));
        response.head_mut().no_chunking(true);
        if ready.prepared.changed_lately() {
            manners::date(response.headers_mut());
        }
        Some(response)
    }
}

type Routed<B, E> = fn(Result<Response<B>, E>) -> Result<Response<Body>, E>;

impl<S> Service<Request> for Short<S>
where
    S: Service<Request, Response = Response<BoxBody>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Either<Done<Result<Self::Response, S::Error>>, Map<S::Future, Routed<BoxBody, S::Error>>>;

    actix_service::forward_ready!(router);

    fn call(&self, request: Request) -> Self::Future {
        match self.ready(&request) {
            Some(response) => Either::Left(ready(Ok(response))),
            None => {
                let widen: Routed<BoxBody, S::Error> = |routed| routed.map(|response| response.map_body(|_, body| EitherBody::right(body)));
                Either::Right(self.router.call(request).map(widen))
            }
        }
    }
}
