//! Routes for who keeps a copy of the catalogue.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use utoipa::openapi::path::{Parameter, ParameterIn};

use super::changes::{self, ChangesPage, Wanted};
use super::digest::{self, CatalogueDigest};
use super::place::{Feed, Place};
use super::stream;
use super::whole::{Catalogue, Whole};
use crate::app::State;
use crate::catalogue::answer;
use crate::catalogue::described::PlainQuestion;
use crate::catalogue::every;
use crate::error::{Error, Issue, IssueKind};
use crate::format::{csv, json, ndjson};
use crate::http::manners::Site;
use crate::http::negotiate;
use crate::http::question::{Declaration, Kind, Param, Question};
use crate::http::reply::{NO_STORE, Reply};
use crate::openapi::problem_responses;

problem_responses!(pub ChangesProblems: BadRequest, NotAcceptable, CursorLapsed, UriTooLong, HeaderTooLarge, InternalServerError, ServiceUnavailable);
problem_responses!(pub DigestProblems: BadRequest, NotAcceptable, UriTooLong, HeaderTooLarge, InternalServerError, ServiceUnavailable);
problem_responses!(pub CatalogueProblems: BadRequest, NotAcceptable, RangeNotSatisfiable, UriTooLong, HeaderTooLarge, InternalServerError, CatalogueTooLarge, ServiceUnavailable);

/// A copy may be kept, and is used only when the server says that it is the present one.
const ASK: &str = "no-cache";
const LAST_EVENT_ID: &str = "Last-Event-ID";

static CHANGES: LazyLock<Declaration> = LazyLock::new(|| Declaration {
    params: vec![
        Param::one(
            "after",
            Kind::Cursor,
            "The place to go on from: the `cursor` of a page or of a change. Without it, from the first change on.",
            "",
        ),
        Param::one("since", Kind::Code(&["now"]), "`now`: only what comes from here on; not together with `after`.", "now"),
        Param::one("pageSize", Kind::Integer { min: 1, max: 100 }, "How many changes a page has at most.", "20"),
        Param::many(
            "type",
            Kind::Code(every::PUBLIC),
            "Only changes of these types of records; all kinds of changes of them, deletions included.",
            "volume",
        ),
        Param::one(
            "embed",
            Kind::Code(&["record"]),
            "`record`: each change carries the record as it is now, in all languages, and its hash, unless it is gone.",
            "record",
        ),
        Param::one(
            "wait",
            Kind::Integer { min: 0, max: 30 },
            "When there is nothing yet, wait so many seconds for it (a long poll) before answering with an empty page.",
            "0",
        ),
    ],
    default_sort: &[],
    select: None,
});

static DIGEST: LazyLock<Declaration> = LazyLock::new(|| Declaration {
    params: vec![Param::one("bucket", Kind::Integer { min: 0, max: 255 }, "One part alone, with its records.", "63")],
    default_sort: &[],
    select: None,
});

/// The parameters of the changes.
struct ListChanges;

impl utoipa::IntoParams for ListChanges {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        CHANGES.parameters()
    }
}

/// The parameters of the digest.
struct FindDigest;

impl utoipa::IntoParams for FindDigest {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        DIGEST.parameters()
    }
}

/// The parameters of the whole catalogue.
struct FindCatalogue;

impl utoipa::IntoParams for FindCatalogue {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        PlainQuestion::declaration().parameters()
    }
}

/// The changes that are asked for.
fn asked(request: &HttpRequest, question: Result<Question, Vec<Issue>>, state: &State, streams: bool) -> Result<(Question, Wanted), Error> {
    let mut issues = Vec::new();
    let question = question.unwrap_or_else(|faults| {
        issues = faults;
        Question::default()
    });
    let mut place = Place::START;
    let header = request.headers().get(LAST_EVENT_ID).map(|value| value.to_str().unwrap_or_default());
    // Who comes back to a stream says what it has seen; the address is that of the first time.
    let given = header.map(|token| ("header", LAST_EVENT_ID, token)).or_else(|| question.one("after").map(|token| ("query", "after", token)));
    if let Some((at, name, token)) = given {
        match Place::decode(token, at, name, &state.secret) {
            Ok(found) => place = found,
            Err(issue) => issues.push(*issue),
        }
    }
    if question.one("after").is_some() && question.one("since").is_some() {
        let detail = "'since' and 'after' both name a place to begin; leave one.";
        issues.push(Issue::new(IssueKind::InvalidInput, "query", "since", detail));
    }
    for name in ["wait", "pageSize"].into_iter().filter(|_| streams) {
        if let Some(value) = question.one(name) {
            let detail = format!("A stream sends changes as they come; '{name}' is for pages. Leave it out, or ask for application/json.");
            issues.push(Issue::new(IssueKind::InvalidInput, "query", name, detail).value(value));
        }
    }
    if !issues.is_empty() {
        return Err(Error::bad_request(issues));
    }
    let wanted = Wanted {
        place,
        from_now: question.one("since").is_some() && header.is_none(),
        kinds: question.all("type").to_vec(),
        size: question.page_size(),
        embed: question.one("embed").is_some(),
    };
    Ok((question, wanted))
}

/// Follow the changes
///
/// Every public change in the order of commits: what was published, updated, unpublished in a language, withdrawn, deleted, renamed, and whose file
/// was replaced. Deletions stay for ever. A place never has anything added before it, so who follows `cursor` misses nothing and reads nothing twice.
/// From the first change on, the pages lead to everything that is public now.
///
/// A page has a `cursor` even when it is empty: keep it, and ask again with `after`; `wait` makes that a long poll. With `Accept: text/event-stream`
/// changes come as they happen (`event: change`, the change as `data`, its cursor as `id`); `Last-Event-ID` resumes. A `cursor` of a database that was
/// put back to an earlier state is 410 `cursorLapsed`.
///
/// With `embed=record` a copy is kept like this, change by change: forget `previousId` and `id`; if there is a `record`, keep it under its own `id`.
#[utoipa::path(get, path = "/v1/changes", tag = "Mirrors", operation_id = "listChanges",
    params(ListChanges, ("Last-Event-ID" = Option<String>, Header, pattern = "^[A-Za-z0-9_-]{16,1000}$", min_length = 16, max_length = 1000, description = "The last `id` of a stream that broke; wins over `after`.", example = "eyJ2IjpbMTIsMTc2NDAwMDAwMDAwMDAwMF0sInEiOiJ4In0")),
    responses((status = 200, description = "Changes, the oldest first.", content((ChangesPage = "application/json"), (String = "text/event-stream"))), ChangesProblems))]
pub async fn list_changes(request: HttpRequest) -> Result<HttpResponse, Error> {
    let state = State::of(&request)?;
    let site = Site::of(&request)?;
    let media_type = negotiate(&request, &[json::MEDIA_TYPE, stream::MEDIA_TYPE])?;
    let streams = media_type == stream::MEDIA_TYPE;
    let (question, mut wanted) = asked(&request, CHANGES.parse(request.query_string()), &state, streams)?;
    if streams {
        return stream::send(&request, state, site.base.clone(), wanted).await;
    }
    let wait = question.one("wait").and_then(|seconds| seconds.parse().ok()).unwrap_or(0);
    if wait > 0 {
        patient(&state, &mut wanted, Duration::from_secs(wait)).await?;
    }
    let (base, secret) = (site.base.clone(), state.secret.clone());
    // Who waits must come here each time, and what was true at one moment is for nobody else.
    let fresh = wait > 0 || question.one("since").is_some() || request.headers().contains_key(LAST_EVENT_ID);
    let keep = if fresh { NO_STORE } else { ASK };
    // What the header said is part of the question too.
    let canonical = format!("{keep} changes?{}&{}", question.canonical(&["wait"]), wanted.place.cursor(&state.secret));
    answer::present(&request, &state, &canonical, move |db| {
        let found = changes::find(db, &wanted, &base, &secret)?;
        let address = |query: String| if query.is_empty() { format!("{base}/v1/changes") } else { format!("{base}/v1/changes?{query}") };
        let cursor = found.after.cursor(&secret);
        let rest = question.canonical(&["after", "since", "wait"]);
        let next = found.more.then(|| address(if rest.is_empty() { format!("after={cursor}") } else { format!("{rest}&after={cursor}") }));
        let links = next.iter().map(|next| (header::LINK, format!("<{next}>; rel=\"next\""))).collect();
        // How long somebody was ready to wait says nothing of what the page shows.
        let page =
            ChangesPage { this: address(question.canonical(&["wait"])), items: found.items, cursor, next, revision: found.feed.revision.number };
        let body = serde_json::to_vec(&page).map_err(Error::internal)?;
        // The revision is in it, which moves without anything public.
        Ok(Reply { keep, modified: None, ..answer::about(found.feed.revision, body, json::MEDIA_TYPE, "Accept, Accept-Encoding", links) })
    })
    .await
}

/// Returns when there is something to tell, the time is over, or the server ends.
async fn patient(state: &web::Data<State>, wanted: &mut Wanted, time: Duration) -> Result<(), Error> {
    let (mut moves, mut ending) = (state.present.moves(), state.ending.subscribe());
    let until = Instant::now() + time;
    if wanted.from_now {
        let store = state.store.clone();
        let feed = web::block(move || store.read(Feed::read)).await.map_err(Error::unavailable)??;
        (wanted.from_now, wanted.place) = (false, feed.end);
    }
    loop {
        moves.borrow_and_update();
        let (store, wanted) = (state.store.clone(), wanted.clone());
        let any = web::block(move || store.read(|db| changes::any(db, &wanted))).await.map_err(Error::unavailable)??;
        let left = until.saturating_duration_since(Instant::now());
        if any || left.is_zero() || *ending.borrow() || !stream::moved(&mut moves, &mut ending, left).await {
            return Ok(());
        }
    }
}

/// Prove a copy
///
/// Count and hash over everything public. For each record there is a line `type`, space, `id`, space, `etag`, line feed; the lines are sorted as
/// bytes, and `sha256` is the SHA-256 of them all. `etag` is the base64url SHA-256 of the record as `/v1/changes?embed=record` gives it: JSON without
/// white space, members in the order given, characters not escaped. A record belongs to the bucket whose number is the first byte of the SHA-256
/// of `type/id`: where the hash of a bucket differs, `?bucket=` lists its records.
#[utoipa::path(get, path = "/v1/digest", tag = "Mirrors", operation_id = "findDigest", params(FindDigest),
    responses((status = 200, description = "Count and hash.", body = CatalogueDigest), DigestProblems))]
pub async fn find_digest(request: HttpRequest) -> Result<HttpResponse, Error> {
    let state = State::of(&request)?;
    let site = Site::of(&request)?;
    negotiate(&request, &[json::MEDIA_TYPE])?;
    let question = DIGEST.parse(request.query_string()).map_err(Error::bad_request)?;
    let bucket = question.one("bucket").and_then(|number| number.parse().ok());
    let query = question.canonical(&[]);
    let this = if query.is_empty() { format!("{}/v1/digest", site.base) } else { format!("{}/v1/digest?{query}", site.base) };
    let secret = state.secret.clone();
    answer::present(&request, &state, &format!("digest?{query}"), move |db| {
        let (feed, digest) = digest::read(db, bucket, this, &secret)?;
        let body = serde_json::to_vec(&digest).map_err(Error::internal)?;
        Ok(Reply { keep: ASK, modified: None, ..answer::about(feed.revision, body, json::MEDIA_TYPE, "Accept, Accept-Encoding", Vec::new()) })
    })
    .await
}

/// Read everything at once
///
/// Everything public in one answer, each record with all properties that it has at its own address. As JSON; as NDJSON with a line
/// `{"type","id","record"}` for each record; or as CSV (RFC 4180, UTF-8, names of the columns first) with a row for each edition of a volume, and one
/// for a volume without: `volumeId number year status title fullTitle subtitle summary textLanguage publishedOn expectedOn announcement sourceLanguage pageUrl themes authors contributors complements events testimonies contents figures href createdAt updatedAt`
/// of the volume (ids and names joined by `; `, contributors with their role in brackets, `contents` and `figures` as JSON),
/// `editionLanguage editionTitle editionPublishedOn pages pagesSource access isbn doi handle externalUrl available fileName bytes sha256 mediaType addedAt editionHref formHref coverHref`
/// of the edition. A cell holds the value itself, whatever a spreadsheet makes of it. CSV has one language, so no `lang=*`.
///
/// `Repr-Digest` (RFC 9530) is the SHA-256 of the representation as sent, its content coding included. `Range` takes one range of its bytes (`If-Range` with the `ETag` that the client has a part of).
#[utoipa::path(get, path = "/v1/catalogue", tag = "Mirrors", operation_id = "findCatalogue",
    params(FindCatalogue),
    responses(
        (status = 200, description = "Everything.", content((Catalogue = "application/json"), (String = "application/x-ndjson"), (String = "text/csv")),
            headers(("Repr-Digest" = String, description = "`sha-256=:…:`, of the whole representation."), ("Accept-Ranges" = String, description = "`bytes`"))),
        (status = 206, description = "The bytes that `Range` asked for, of the media type of the whole.",
            headers(("Content-Range" = String, description = "Which part."), ("Repr-Digest" = String, description = "`sha-256=:…:`, of the whole representation."))),
        CatalogueProblems))]
pub async fn find_catalogue(request: HttpRequest) -> Result<HttpResponse, Error> {
    let media_type = negotiate(&request, &[json::MEDIA_TYPE, ndjson::MEDIA_TYPE, csv::MEDIA_TYPE])?;
    let check = |question: &Question| {
        if media_type == csv::MEDIA_TYPE && question.one("lang") == Some("*") {
            let detail = "A CSV has texts in one language; name it, or ask for another media type.";
            return Err(Error::bad_request(vec![Issue::new(IssueKind::InvalidInput, "query", "lang", detail).value("*")]));
        }
        Ok(())
    };
    Whole::of(&request, media_type, check)?.answer(&request).await
}
