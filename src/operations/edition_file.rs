//! The PDF of an edition, as editors send it and take it away. Here, because what waits for a file is fulfilled with it.

use std::path::Path;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETag, EntityTag};
use actix_web::{HttpRequest, HttpResponse, rt, web};
use futures_util::StreamExt;
use tokio::io::AsyncWriteExt;
use utoipa::openapi::path::{Parameter, ParameterIn};

use super::file::{self, AddFile, Kind, Manner};
use crate::access::{Actor, Scope, require};
use crate::app::State;
use crate::catalogue::answer::moved;
use crate::catalogue::described::{code_parameter, path_parameter};
use crate::catalogue::edit::precondition::{Seen, with_id};
use crate::catalogue::edit::routes::{DRY_RUN, WRITE, header_parameter, prefer_parameter};
use crate::catalogue::edit::write;
use crate::catalogue::locale::LANGUAGES;
use crate::catalogue::publication::edition::File;
use crate::catalogue::publication::file::{LONGEST_NAME, find, present};
use crate::catalogue::publication::routes::edition_in;
use crate::catalogue::{every, pen};
use crate::db::Db;
use crate::error::{Code, Error, Issue, IssueKind, quote};
use crate::format::json;
use crate::http::negotiate;
use crate::http::prefer::preferred;
use crate::http::question::{Declaration, Kind as Of, Param};
use crate::openapi::problem_responses;

problem_responses!(pub PutFileProblems: BadRequest, NoAccessToken, InvalidAccessToken, ExpiredAccessToken, MissingScope, ResourceNotFound, NotAcceptable, PreconditionFailed, PayloadTooLarge, UriTooLong, UnsupportedMediaType, PreconditionRequired, TooManyRequests, HeaderTooLarge, InternalServerError, ServiceUnavailable);
problem_responses!(pub DeleteFileProblems: BadRequest, NoAccessToken, InvalidAccessToken, ExpiredAccessToken, MissingScope, ResourceNotFound, PreconditionFailed, UriTooLong, PreconditionRequired, TooManyRequests, HeaderTooLarge, InternalServerError, ServiceUnavailable);

const PDF: &str = "application/pdf";

static QUESTION: std::sync::LazyLock<Declaration> = std::sync::LazyLock::new(|| Declaration {
    params: vec![
        Param::one(
            "fileName",
            Of::Words(LONGEST_NAME),
            "The name that readers get the file under, ending in `.pdf`; made of series, number and title when it is not given.",
            "handbook-4-fr.pdf",
        ),
        Param::one("dryRun", Of::Flag, DRY_RUN, "false"),
    ],
    default_sort: &[],
    select: None,
});

/// The bytes of a PDF, for the description.
#[derive(utoipa::ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "its schema is what it is for")]
pub struct PdfFile(Vec<u8>);

fn parameters(kind: Kind, puts: bool) -> Vec<Parameter> {
    let mut all = edition_parameters(kind).to_vec();
    all.extend(if puts { QUESTION.parameters() } else { WRITE.parameters() });
    all.extend(write_parameters("file", "", puts));
    all
}

/// The parameters of an edition's path, for the description.
pub(super) fn edition_parameters(kind: Kind) -> [Parameter; 2] {
    let (id, language) = if kind == Kind::Volume { ("strategy", "nl") } else { ("leadership", "fr") };
    [path_parameter(name_of(kind), "Id of the work.", id), code_parameter("languageCode", "Language of the edition (BCP 47).", LANGUAGES, language)]
}

/// The header fields of a write of what an edition has one of.
pub(super) fn write_parameters(what: &str, of: &str, puts: bool) -> Vec<Parameter> {
    let doc = format!(
        "The `ETag` of the present {what}, which is its SHA-256{of}; while there is none, that of the work's document; `*` for whatever is there."
    );
    let mut all = vec![header_parameter("If-Match", true, &doc, "*")];
    if puts {
        all.push(prefer_parameter());
    }
    all
}

macro_rules! described {
    ($($name:ident $kind:ident $puts:literal;)*) => {
        $(
            /// The parameters, for the description.
            pub struct $name;

            impl utoipa::IntoParams for $name {
                fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
                    parameters(Kind::$kind, $puts)
                }
            }
        )*
    };
}
described! {
    PutVolume Volume true;
    DeleteVolume Volume false;
    PutComplement Complement true;
    DeleteComplement Complement false;
}

/// Put the PDF of an edition of a volume
///
/// The body is the PDF. It is checked (a whole PDF with pages that opens without a password) and becomes the file of the edition; requests that wait for it are fulfilled. While the work is no more than announced, or the text in the language of the edition a draft, readers neither see nor get it, and requests wait until then. The same file again changes nothing but its name, if `fileName` gives another.
#[utoipa::path(put, path = "/v1/volumes/{volumeId}/editions/{languageCode}/file", tag = "Volumes", operation_id = "putVolumeFile",
    params(PutVolume), security(("accessKey" = [])), request_body(content = PdfFile, content_type = "application/pdf", description = "The PDF."),
    responses((status = 200, description = "The file that the edition has now.", body = File, headers(("ETag" = String, description = "Of the file: its SHA-256."), ("Cache-Control" = String, description = "`no-store`"))),
        (status = 204, description = "It is so; the client prefers not to be shown it.", headers(("ETag" = String, description = "Of the file: its SHA-256."), ("Preference-Applied" = String, description = "`return=minimal`"))),
        PutFileProblems))]
pub async fn put_volume_file(request: HttpRequest, payload: web::Payload) -> Result<HttpResponse, Error> {
    put(request, payload, Kind::Volume).await
}

/// Take the PDF of an edition of a volume away
///
/// The edition stays, without a file; links to it open nothing from then on.
#[utoipa::path(delete, path = "/v1/volumes/{volumeId}/editions/{languageCode}/file", tag = "Volumes", operation_id = "deleteVolumeFile",
    params(DeleteVolume), security(("accessKey" = [])), responses((status = 204, description = "It has no file."), DeleteFileProblems))]
pub async fn delete_volume_file(request: HttpRequest) -> Result<HttpResponse, Error> {
    delete(request, Kind::Volume).await
}

/// Put the PDF of an edition of a complement
///
/// As for a volume.
#[utoipa::path(put, path = "/v1/complements/{complementId}/editions/{languageCode}/file", tag = "Complements", operation_id = "putComplementFile",
    params(PutComplement), security(("accessKey" = [])), request_body(content = PdfFile, content_type = "application/pdf", description = "The PDF."),
    responses((status = 200, description = "The file that the edition has now.", body = File, headers(("ETag" = String, description = "Of the file: its SHA-256."), ("Cache-Control" = String, description = "`no-store`"))),
        (status = 204, description = "It is so; the client prefers not to be shown it.", headers(("ETag" = String, description = "Of the file: its SHA-256."), ("Preference-Applied" = String, description = "`return=minimal`"))),
        PutFileProblems))]
pub async fn put_complement_file(request: HttpRequest, payload: web::Payload) -> Result<HttpResponse, Error> {
    put(request, payload, Kind::Complement).await
}

/// Take the PDF of an edition of a complement away
///
/// As for a volume.
#[utoipa::path(delete, path = "/v1/complements/{complementId}/editions/{languageCode}/file", tag = "Complements", operation_id = "deleteComplementFile",
    params(DeleteComplement), security(("accessKey" = [])), responses((status = 204, description = "It has no file."), DeleteFileProblems))]
pub async fn delete_complement_file(request: HttpRequest) -> Result<HttpResponse, Error> {
    delete(request, Kind::Complement).await
}

pub(super) fn name_of(kind: Kind) -> &'static str {
    if kind == Kind::Volume { "volumeId" } else { "complementId" }
}

/// Path and query of a write of anything that an edition has one of, all doubt finished: work, language, whether it is a dry run.
pub(super) fn asked_of(request: &HttpRequest, kind: Kind) -> Result<(String, String, bool), Error> {
    let question = WRITE.parse(request.query_string());
    let faults = question.as_ref().err().cloned().unwrap_or_default();
    let (id, language) = edition_in(request, name_of(kind), faults)?;
    Ok((id, language, question.is_ok_and(|question| question.one("dryRun") == Some("true"))))
}

/// Holds the precondition against the file of the edition, or against the work while there is none.
fn hold(db: &mut Db, kind: Kind, id: &str, language: &str, seen: &Seen) -> Result<(), Error> {
    hold_part_of(db, kind, id, language, seen, present)
}

/// The same of anything that an edition has one of, named by its SHA-256.
pub(super) fn hold_part_of(
    db: &mut Db,
    kind: Kind,
    id: &str,
    language: &str,
    seen: &Seen,
    present: impl FnOnce(&mut Db, i64) -> Result<Option<String>, Error>,
) -> Result<(), Error> {
    let key = write::find(db, kind.name(), id)?;
    let edition_key = find(db, kind, id, language)?;
    if let Some(sha256) = present(db, edition_key)? {
        return seen.hold_file(&sha256);
    }
    let present = with_id(kind.name(), id, every::document(db, kind.name(), key)?);
    seen.hold(db, key, kind.name(), &present)
}

async fn put(request: HttpRequest, payload: web::Payload, kind: Kind) -> Result<HttpResponse, Error> {
    negotiate(&request, &[json::MEDIA_TYPE])?;
    let question = QUESTION.parse(request.query_string());
    let mut faults = Vec::new();
    let (mut file_name, mut dry) = (None, false);
    match question {
        Err(issues) => faults = issues,
        Ok(question) => {
            dry = question.one("dryRun") == Some("true");
            file_name = question.one("fileName").map(str::to_owned);
            if let Some(name) = file_name.as_deref().filter(|name| !fits(name)) {
                let detail = "'fileName' must be a plain name that ends in .pdf, without / \\ : * ? \" < > | and not beginning with a dot.";
                faults.push(Issue::new(IssueKind::SchemaViolation, "query", "fileName", detail).value(name));
            }
        }
    }
    let (id, language) = edition_in(&request, name_of(kind), faults)?;
    let actor = require(&request, Scope::CatalogueWrite).await?;
    let seen = Seen::of_part(&request, "file")?;
    let outcome = receive(&request, payload, &actor, Wanted { kind, id, language, file_name, seen, dry }).await;
    let answer = outcome.map(|file| put_answer(&request, &file.sha256, &file));
    moved(&request, answer, Some(name_of(kind)))
}

/// The answer to who put what an edition has one of.
pub(super) fn put_answer(request: &HttpRequest, sha256: &str, view: &impl serde::Serialize) -> HttpResponse {
    let tag = ETag(EntityTag::new_strong(sha256.to_owned()));
    preferred(request, HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).insert_header(tag).json(view))
}

fn fits(name: &str) -> bool {
    let plain = !name.contains(['/', '\\', ':', '*', '?', '"', '<', '>', '|']) && !name.starts_with('.') && name.trim() == name;
    let invisible = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    plain && name.to_ascii_lowercase().ends_with(".pdf") && name.len() > 4 && !name.contains(invisible)
}

struct Wanted {
    kind: Kind,
    id: String,
    language: String,
    file_name: Option<String>,
    seen: Seen,
    /// Only to know what would come of it.
    dry: bool,
}

async fn receive(request: &HttpRequest, payload: web::Payload, actor: &Actor, wanted: Wanted) -> Result<File, Error> {
    let state = State::of(request)?;
    let Wanted { kind, id, language, file_name, seen, dry } = wanted;
    // Whoever sends it for nothing is told before it is sent.
    let (its_id, its_language, its_seen) = (id.clone(), language.clone(), seen.clone());
    let store = state.store.clone();
    let look = move || store.read(|db| hold(db, kind, &its_id, &its_language, &its_seen));
    web::block(look).await.map_err(Error::unavailable)??;
    media_type_of(request, &[PDF])?;
    let temporary = state.storage.temporary()?;
    write_to(request, payload, temporary.path(), state.max_file_bytes).await?;

    let add = AddFile { kind, id: id.clone(), language: language.clone(), path: temporary.path().to_owned() };
    let allowed = move |db: &mut Db| hold(db, kind, &id, &language, &seen);
    let author = actor.author();
    // A task of its own: a client that goes away now leaves no bytes in the storage that belong to nothing.
    let done = rt::spawn(async move {
        let manner = Manner { called: "The file", name: file_name, dry };
        let done = file::attach(&state.store, &state.storage, add, author, manner, allowed).await;
        drop(temporary);
        done
    });
    Ok(done.await.map_err(Error::internal)??.file)
}

/// Which of some media types the body is said to be of.
pub(super) fn media_type_of<'a>(request: &HttpRequest, types: &[&'a str]) -> Result<&'a str, Error> {
    let given = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = given.and_then(|text| text.split(';').next()).map(str::trim);
    if let Some(known) = types.iter().find(|known| essence.is_some_and(|essence| essence.eq_ignore_ascii_case(known))) {
        return Ok(known);
    }
    let wanted = types.join(" or ");
    let detail = match given {
        None => format!("The request has no Content-Type; send {wanted}."),
        Some(text) => format!("'{}' is not read here; send {wanted}.", quote(text)),
    };
    Err(Error::problem(Code::UnsupportedMediaType, detail))
}

/// Takes the body into a file, which whoever made it removes whatever comes of it.
async fn write_to(request: &HttpRequest, mut payload: web::Payload, path: &Path, limit: u64) -> Result<(), Error> {
    let too_large = || Error::problem(Code::PayloadTooLarge, format!("The file is larger than {limit} bytes.")).with("limit", limit);
    let declared = request.headers().get("content-length").and_then(|value| value.to_str().ok()).and_then(|text| text.parse::<u64>().ok());
    if declared.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let mut file = tokio::fs::File::create(path).await.map_err(Error::unavailable)?;
    let mut length = 0;
    while let Some(chunk) = payload.next().await {
        let cut = |_| Error::bad_request(vec![Issue::new(IssueKind::SchemaViolation, "body", "", "The body ended before it was complete.")]);
        let chunk = chunk.map_err(cut)?;
        length += chunk.len() as u64;
        if length > limit {
            return Err(too_large());
        }
        file.write_all(&chunk).await.map_err(Error::unavailable)?;
    }
    file.flush().await.map_err(Error::unavailable)
}

async fn delete(request: HttpRequest, kind: Kind) -> Result<HttpResponse, Error> {
    let (id, language, dry) = asked_of(&request, kind)?;
    let actor = require(&request, Scope::CatalogueWrite).await?;
    let seen = Seen::of_part(&request, "file")?;
    let store = State::of(&request)?.store.clone();
    let outcome = web::block(move || {
        pen::attempt(&store, &actor.author(), dry, |pen| {
            hold(pen.db, kind, &id, &language, &seen)?;
            if pen.detach(kind, &id, &language)? {
                return Ok(());
            }
            Err(Error::not_found(format!("The edition '{language}' of the {} '{id}' has no file.", kind.name())))
        })
    });
    let outcome = outcome.await.map_err(Error::unavailable)?;
    moved(&request, outcome.map(|()| HttpResponse::NoContent().insert_header((CACHE_CONTROL, "no-store")).finish()), Some(name_of(kind)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files() {
        for good in ["a.pdf", "Guide 4 (fr).PDF", "été.pdf"] {
            assert!(fits(good), "{good}");
        }
        for bad in [".pdf", "a.zip", "../a.pdf", "a\\b.pdf", " a.pdf", "a\u{202e}fdp.pdf", "a:b.pdf"] {
            assert!(!fits(bad), "{bad}");
        }
    }
}
