//! The cover of an edition: an image that an editor sends, served in a few widths. Here, because it is both in the catalogue and in the storage.

use std::time::SystemTime;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, ETag, EntityTag, HttpDate, LAST_MODIFIED, VARY};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, rt, web};
use serde_json::Value;
use tokio::sync::Semaphore;
use utoipa::openapi::path::{Parameter, ParameterIn};

use super::edition_file::{asked_of, edition_parameters, hold_part_of, media_type_of, name_of, put_answer, write_parameters};
use super::file::{Kind, discard, hold_on_to};
use crate::access::{Scope, require};
use crate::app::State;
use crate::catalogue::answer::moved;
use crate::catalogue::complement::Complements;
use crate::catalogue::edit::precondition::Seen;
use crate::catalogue::edit::routes::WRITE;
use crate::catalogue::noun::moments;
use crate::catalogue::past::Moment;
use crate::catalogue::pen::{self, Action, Pen};
use crate::catalogue::publication::cover::{self, Cover, Size};
use crate::catalogue::publication::edition::load_rows;
use crate::catalogue::publication::file::find;
use crate::catalogue::publication::routes::{edition_in, visible};
use crate::catalogue::volume::Volumes;
use crate::catalogue::{every, record};
use crate::db::Db;
use crate::db::types::parse_rfc3339;
use crate::error::{Error, Issue, IssueKind};
use crate::format::json;
use crate::http::body::read_bytes;
use crate::http::conditional::not_modified;
use crate::http::manners::Site;
use crate::http::negotiate;
use crate::http::question::{Declaration, Kind as Of, Param};
use crate::http::reply::{CACHE, NO_STORE};
use crate::openapi::problem_responses;
use crate::storage::Storage;
use crate::storage::image::{self, Image};

problem_responses!(pub FindCoverProblems: BadRequest, ResourceNotFound, NotAcceptable, Gone, UriTooLong, HeaderTooLarge, InternalServerError, ServiceUnavailable);

/// A large image takes some hundred megabytes while it is looked at: one at a time.
static LOOKING: Semaphore = Semaphore::const_new(1);

static QUESTION: std::sync::LazyLock<Declaration> = std::sync::LazyLock::new(|| Declaration {
    params: [Param::one(
        "width",
        Of::Integer { min: 1, max: 8_000 },
        "The width that is wanted, in pixels: the smallest size that is at least so wide is sent, else the widest; the widest when nothing is said.",
        "320",
    )]
    .into_iter()
    .chain(moments())
    .collect(),
    default_sort: &[],
    select: None,
});

/// What is done with a cover.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Done {
    Read,
    Put,
    Deleted,
}

fn parameters(kind: Kind, done: Done) -> Vec<Parameter> {
    let mut all = edition_parameters(kind).to_vec();
    if done == Done::Read {
        all.extend(QUESTION.parameters());
    } else {
        all.extend(WRITE.parameters());
        all.extend(write_parameters("cover", " as it was sent", done == Done::Put));
    }
    all
}

macro_rules! described {
    ($($name:ident $kind:ident $done:ident;)*) => {
        $(
            /// The parameters, for the description.
            pub struct $name;

            impl utoipa::IntoParams for $name {
                fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
                    parameters(Kind::$kind, Done::$done)
                }
            }
        )*
    };
}
described! {
    FindOfVolume Volume Read;
    PutOfVolume Volume Put;
    DeleteOfVolume Volume Deleted;
    FindOfComplement Complement Read;
    PutOfComplement Complement Put;
    DeleteOfComplement Complement Deleted;
}

/// The bytes of an image, for the description.
#[derive(utoipa::ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "its schema is what it is for")]
pub struct CoverImage(Vec<u8>);

/// The operations on the covers of one kind of work.
macro_rules! covers_of {
    ($module:ident, $kind:ident, $tag:tt, $path:tt, $a:tt, $find_params:ident, $put_params:ident, $delete_params:ident, $find:tt $put:tt $delete:tt) => {
        #[doc = concat!("The covers of the editions of ", $a, ".")]
        pub mod $module {
            use super::*;
            use crate::operations::edition_file::{DeleteFileProblems, PutFileProblems};

            #[utoipa::path(get, path = $path, tag = $tag, operation_id = $find, params($find_params),
                summary = concat!("Read the cover of an edition of ", $a),
                description = "The image in one of the sizes that the edition lists (`cover.sizes`): JPEG, or PNG where it shines through. Other sites may embed it. A cover that is read with `at` or `preview` is had with the same `at` or `preview`.",
                responses(
                    (status = 200, description = "The image.", content((CoverImage = "image/jpeg"), (CoverImage = "image/png")), headers(
                        ("Last-Modified" = String, description = "When its work was last changed."), ("Content-Length" = i64, description = "Size in bytes."),
                        ("Content-Disposition" = String, description = "`inline`"))),
                    FindCoverProblems))]
            pub async fn find_cover(request: HttpRequest) -> Result<HttpResponse, Error> {
                read(request, Kind::$kind).await
            }

            #[utoipa::path(put, path = $path, tag = $tag, operation_id = $put, params($put_params), security(("accessKey" = [])),
                summary = concat!("Put the cover of an edition of ", $a),
                description = "The body is a PNG, JPEG or WebP image that stands still, of at most `HANDBOOKS_MAX_COVER_BYTES` (10 MiB), with sides of 200 to 8000 pixels. It is decoded and scaled once, to widths of 160, 320, 640 and 1280 pixels as far as it has them; what it says of camera and place is not in what is served. The same image again changes nothing.",
                request_body(content = CoverImage, content_type = "image/*", description = "The image: `image/png`, `image/jpeg` or `image/webp`, as `Content-Type` says."),
                responses((status = 200, description = "The cover that the edition has now.", body = Cover, headers(
                    ("ETag" = String, description = "The SHA-256 of the image that was sent."), ("Cache-Control" = String, description = "`no-store`"))),
                    (status = 204, description = "It is so; the client prefers not to be shown it.", headers(("ETag" = String, description = "The SHA-256 of the image that was sent."), ("Preference-Applied" = String, description = "`return=minimal`"))),
                    PutFileProblems))]
            pub async fn put_cover(request: HttpRequest, payload: web::Payload) -> Result<HttpResponse, Error> {
                put(request, payload, Kind::$kind).await
            }

            #[utoipa::path(delete, path = $path, tag = $tag, operation_id = $delete, params($delete_params), security(("accessKey" = [])),
                summary = concat!("Take the cover of an edition of ", $a, " away"),
                description = "The edition stays, without a cover.",
                responses((status = 204, description = "It has no cover."), DeleteFileProblems))]
            pub async fn delete_cover(request: HttpRequest) -> Result<HttpResponse, Error> {
                delete(request, Kind::$kind).await
            }
        }
    };
}

covers_of!(volumes, Volume, "Volumes", "/v1/volumes/{volumeId}/editions/{languageCode}/cover", "a volume", FindOfVolume, PutOfVolume,
    DeleteOfVolume,
    "findVolumeCover" "putVolumeCover" "deleteVolumeCover");
covers_of!(complements, Complement, "Complements", "/v1/complements/{complementId}/editions/{languageCode}/cover", "a complement", FindOfComplement,
    PutOfComplement, DeleteOfComplement, "findComplementCover" "putComplementCover" "deleteComplementCover");

/// The operations, for the OpenAPI document.
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    volumes::find_cover,
    volumes::put_cover,
    volumes::delete_cover,
    complements::find_cover,
    complements::put_cover,
    complements::delete_cover,
))]
pub struct Described;

async fn read(request: HttpRequest, kind: Kind) -> Result<HttpResponse, Error> {
    let asked = QUESTION.parse(request.query_string()).and_then(|question| Ok((Moment::of(&question)?, question)));
    let faults = asked.as_ref().err().cloned().unwrap_or_default();
    let (id, language) = edition_in(&request, name_of(kind), faults)?;
    let (moment, question) = asked.unwrap_or_default();
    let width = question.one("width").and_then(|text| text.parse().ok()).unwrap_or(i32::MAX);
    let state = State::of(&request)?;
    let keep = if moment == Some(Moment::Preview) { NO_STORE } else { CACHE };
    if moment == Some(Moment::Preview) {
        require(&request, Scope::CatalogueWrite).await?;
    }
    let store = state.store.clone();
    let past = match moment {
        Some(moment) => Some(state.past.open(&store, &moment).await?),
        None => None,
    };
    let look = move || past.as_deref().map_or(&store, |past| past).read(|db| size_of(db, kind, &id, &language, width));
    let found = web::block(look).await.map_err(Error::unavailable)?;
    let answer = match found {
        Ok((size, modified)) => send(&request, &state, size, modified, keep).await,
        Err(error) => Err(error),
    };
    moved(&request, answer, Some(name_of(kind)))
}

/// The size of a cover that is to be sent, and when the work was last changed.
fn size_of(db: &mut Db, kind: Kind, id: &str, language: &str, width: i32) -> Result<(Size, SystemTime), Error> {
    let key = match kind {
        Kind::Volume => visible::<Volumes>(db, id)?,
        Kind::Complement => visible::<Complements>(db, id)?,
    };
    // 404 with the languages that there are.
    let edition = find(db, kind, id, language)?;
    let sha256 = load_rows(db, &[key])?.into_iter().find(|row| row.key == edition).and_then(|row| row.cover);
    let mut sizes = match &sha256 {
        Some(sha256) => cover::load(db, [sha256.as_str()])?.remove(sha256).map(|whole| whole.sizes).unwrap_or_default(),
        None => Vec::new(),
    };
    let at = sizes.iter().position(|size| size.width >= width).unwrap_or(sizes.len().saturating_sub(1));
    if sizes.is_empty() {
        return Err(Error::not_found(format!("The edition '{language}' of the {} '{id}' has no cover.", kind.name())));
    }
    let changed = record::kept(db, &[key])?.remove(&key).and_then(|kept| parse_rfc3339(&kept.updated_at));
    Ok((sizes.swap_remove(at), changed.map_or(SystemTime::UNIX_EPOCH, |at| at.and_utc().into())))
}

async fn send(request: &HttpRequest, state: &State, size: Size, modified: SystemTime, keep: &'static str) -> Result<HttpResponse, Error> {
    negotiate(request, &[if size.media_type == "image/png" { "image/png" } else { "image/jpeg" }])?;
    let etag = EntityTag::new_strong(size.sha256.clone());
    let headed = |status: StatusCode| -> HttpResponseBuilder {
        let mut response = HttpResponse::build(status);
        response
            .insert_header(ETag(etag.clone()))
            .insert_header((LAST_MODIFIED, HttpDate::from(modified).to_string()))
            .insert_header((CACHE_CONTROL, keep))
            .insert_header((VARY, "Accept"));
        response
    };
    if not_modified(request, &etag, Some(modified)) {
        return Ok(headed(StatusCode::NOT_MODIFIED).finish());
    }
    let length = u64::try_from(size.bytes).map_err(Error::internal)?;
    let mut response = headed(StatusCode::OK);
    response.insert_header((CONTENT_TYPE, size.media_type.as_str())).insert_header((CONTENT_DISPOSITION, "inline"));
    state.send(request, response, &size.sha256, 0..length).await
}

/// Holds the precondition against the cover of the edition, or against the work while there is none.
fn hold(db: &mut Db, kind: Kind, id: &str, language: &str, seen: &Seen) -> Result<(), Error> {
    hold_part_of(db, kind, id, language, seen, cover::present)
}

async fn put(request: HttpRequest, payload: web::Payload, kind: Kind) -> Result<HttpResponse, Error> {
    negotiate(&request, &[json::MEDIA_TYPE])?;
    let (id, language, dry) = asked_of(&request, kind)?;
    let actor = require(&request, Scope::CatalogueWrite).await?;
    let seen = Seen::of_part(&request, "cover")?;
    let outcome = receive(&request, payload, actor.author(), Wanted { kind, id, language, seen, dry }).await;
    moved(&request, outcome, Some(name_of(kind)))
}

struct Wanted {
    kind: Kind,
    id: String,
    language: String,
    seen: Seen,
    /// Only to know what would come of it.
    dry: bool,
}

async fn receive(request: &HttpRequest, payload: web::Payload, author: pen::Author, wanted: Wanted) -> Result<HttpResponse, Error> {
    let Wanted { kind, id, language, seen, dry } = wanted;
    let state = State::of(request)?;
    // Whoever sends it for nothing is told before it is sent.
    let (its_id, its_language, its_seen) = (id.clone(), language.clone(), seen.clone());
    let store = state.store.clone();
    let look = move || store.read(|db| hold(db, kind, &its_id, &its_language, &its_seen));
    web::block(look).await.map_err(Error::unavailable)??;
    let types = image::TYPES.map(|(media_type, ..)| media_type);
    let said = media_type_of(request, &types)?;
    let limit = usize::try_from(state.max_cover_bytes).map_err(Error::internal)?;
    let bytes = read_bytes(request, payload, limit).await?;
    let fault = |sentence: String| Error::bad_request(vec![Issue::new(IssueKind::InvalidInput, "body", "", sentence)]);
    let turn = LOOKING.acquire().await.map_err(Error::internal)?;
    let (bytes, looked) = web::block(move || {
        let looked = image::inspect(&bytes, "The body");
        // Held until it is done, even when the client has gone.
        drop(turn);
        (bytes, looked)
    })
    .await
    .map_err(Error::internal)?;
    let image = looked.map_err(|sentence| fault(format!("{sentence}.")))?;
    if image.media_type != said {
        return Err(fault(format!("The body is {}, but Content-Type says {said}; send what it is.", image.media_type)));
    }
    let shown = Site::of(request)?.base.clone() + &format!("/v1/{}/{id}/editions/{language}", kind.path());
    let tag = image.sha256.clone();
    let write = move |pen: &mut Pen<'_>, image: &Image| {
        hold(pen.db, kind, &id, &language, &seen)?;
        cover::note(pen.db, image, pen.at)?;
        set(pen, kind, &id, &language, Some(&image.sha256))?;
        cover::load(pen.db, [image.sha256.as_str()])?.remove(&image.sha256).ok_or_else(|| Error::internal("the image is gone already"))
    };
    // A task of its own: a client that goes away now leaves no bytes in the storage that belong to nothing.
    let cover = rt::spawn(async move { store_and_write(&state, bytes, image, write, author, dry).await });
    let cover = cover.await.map_err(Error::internal)??;
    let view = Cover::new(&cover, &shown).ok_or_else(|| Error::internal("the cover is gone already"))?;
    Ok(put_answer(request, &tag, &view))
}

/// Puts an image and its sizes into the storage and has `write` write what comes of it. When that fails, nothing of it stays.
async fn store_and_write(
    state: &State,
    bytes: Vec<u8>,
    image: Image,
    write: impl FnOnce(&mut Pen<'_>, &Image) -> Result<cover::Whole, Error> + Send + 'static,
    author: pen::Author,
    dry: bool,
) -> Result<cover::Whole, Error> {
    let mut new = Vec::new();
    let stored = if dry { Ok(()) } else { keep(&state.storage, bytes, &image, &mut new).await };
    let store = state.store.clone();
    let done = match stored {
        Ok(()) => {
            let kept = state.storage.clone();
            let done = web::block(move || {
                pen::attempt(&store, &author, dry, |pen| {
                    if !dry {
                        hold_on_to(&kept, hashes(&image))?;
                    }
                    write(pen, &image)
                })
            });
            done.await.map_err(Error::unavailable).and_then(|done| done)
        }
        Err(error) => Err(error),
    };
    if done.is_err() {
        discard(&state.store, &state.storage, new).await;
    }
    done
}

/// Puts an image and its sizes into the storage, and tells which of them are new there.
///
/// # Errors
/// When the storage cannot take them.
pub async fn keep(storage: &Storage, bytes: Vec<u8>, image: &Image, new: &mut Vec<String>) -> Result<(), Error> {
    let sizes = image.sizes.iter().map(|size| (size.sha256.clone(), size.body.clone()));
    for (sha256, body) in sizes.chain([(image.sha256.clone(), bytes)]) {
        if storage.put_bytes(body, &sha256).await? {
            new.push(sha256);
        }
    }
    Ok(())
}

/// The hashes of all that is stored of an image.
pub fn hashes(image: &Image) -> impl Iterator<Item = &str> {
    std::iter::once(image.sha256.as_str()).chain(image.sizes.iter().map(|size| size.sha256.as_str()))
}

/// Gives an edition another cover, or none.
fn set(pen: &mut Pen<'_>, kind: Kind, id: &str, language: &str, sha256: Option<&str>) -> Result<(), Error> {
    let key = record::key_of(pen.db, kind.name(), id)?;
    let mut document = every::document(pen.db, kind.name(), key)?;
    let editions = document.get_mut("editions").and_then(Value::as_array_mut);
    let edition = editions.and_then(|all| all.iter_mut().find(|one| one["language"] == language)).and_then(Value::as_object_mut);
    let edition = edition.ok_or_else(|| Error::internal("an edition that its document lacks"))?;
    let action = match sha256 {
        Some(sha256) => {
            edition.insert("cover".into(), sha256.into());
            Action::CoverAdded
        }
        None => {
            if edition.shift_remove("cover").is_none() {
                return Err(Error::not_found(format!("The edition '{language}' of the {} '{id}' has no cover.", kind.name())));
            }
            Action::CoverRemoved
        }
    };
    every::write(pen, kind.name(), id, document, action)?;
    Ok(())
}

async fn delete(request: HttpRequest, kind: Kind) -> Result<HttpResponse, Error> {
    let (id, language, dry) = asked_of(&request, kind)?;
    let actor = require(&request, Scope::CatalogueWrite).await?;
    let seen = Seen::of_part(&request, "cover")?;
    let store = State::of(&request)?.store.clone();
    let done = web::block(move || {
        pen::attempt(&store, &actor.author(), dry, |pen| {
            hold(pen.db, kind, &id, &language, &seen)?;
            set(pen, kind, &id, &language, None)
        })
    });
    let done = done.await.map_err(Error::unavailable)?;
    moved(&request, done.map(|()| HttpResponse::NoContent().insert_header((CACHE_CONTROL, "no-store")).finish()), Some(name_of(kind)))
}
