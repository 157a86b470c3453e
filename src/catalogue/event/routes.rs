//! Routes of events: what is asked, and where the answer comes from.

use actix_web::{HttpRequest, HttpResponse};

use super::{Event, Events};
use crate::catalogue::answer;
use crate::error::Error;
use crate::openapi::{ListProblems, ReadProblems};

crate::catalogue::described::documented!(Events, Event, EventsPage, ListEvents, FindEvents);

/// List the events
///
/// The events of the collection, earliest first. `from` and `to` ask for those that touch a period, `upcoming=true` for those that are not over.
#[utoipa::path(get, path = "/v1/events", tag = "Events", operation_id = "listEvents", params(ListEvents),
    responses((status = 200, description = "A page of events.", body = EventsPage), ListProblems))]
pub async fn list_events(request: HttpRequest) -> Result<HttpResponse, Error> {
    answer::list::<Events>(request).await
}

/// Read an event
///
/// One event, at the precision its dates are known.
#[utoipa::path(get, path = "/v1/events/{eventId}", tag = "Events", operation_id = "findEvent", params(FindEvents),
    responses((status = 200, description = "The event.", body = Event), ReadProblems))]
pub async fn find_event(request: HttpRequest) -> Result<HttpResponse, Error> {
    answer::item::<Events>(request).await
}
