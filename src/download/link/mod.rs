//! Download links: signed, with an end, opening without an account. They stream the edition's present file.

pub mod query;
pub mod token;

use std::time::SystemTime;

use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_TYPE, Charset, ContentDisposition, ContentRange, ContentRangeSpec, DispositionParam, DispositionType, ETAG,
    EntityTag, ExtendedValue, HttpDate, LAST_MODIFIED,
};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use self::query::Behind;
use crate::app::State;
use crate::db::types::now;
use crate::error::{Code, Error, Issue, IssueKind};
use crate::http::conditional::not_modified;
use crate::http::negotiate;
use crate::http::question::no_question;
use crate::http::range::{self, Part};
use crate::openapi::problem_responses;

const MEDIA_TYPE: &str = "application/pdf";
/// The link is a visitor's own, so no shared cache keeps its file; the visitor's browser may, if it asks each time, because the file can change and the link ends.
const CACHE: &str = "private, no-cache";

problem_responses!(pub LinkProblems: BadRequest, LinkInvalid, NotAcceptable, LinkExpired, UriTooLong, RangeNotSatisfiable, HeaderTooLarge, InternalServerError, ServiceUnavailable);

/// Download a handbook
///
/// The PDF behind a link of a download request, without an account, until the link expires (seven days; reading the request gives a fresh one).
/// It is the edition's present file: when that was replaced, its `ETag` is another.
///
/// `Range` takes one range of bytes (206, or 416 when it lies beyond the end); several ranges, or one that cannot be understood, get the whole file with 200.
/// `If-Range` guards a download that is resumed. A link that was altered is 403; one that has expired, or whose request was erased, is 410.
/// `Cache-Control: private, no-cache`: a browser may keep the file, and asks with its `ETag` before using it again.
#[utoipa::path(get, path = "/v1/downloads/{linkToken}", tag = "Downloads", operation_id = "findDownload",
    params(
        ("linkToken" = String, Path, pattern = "^[A-Za-z0-9_-]{20,200}$", min_length = 20, max_length = 200,
            description = "The token of the link, as given in a download request.", example = "AQAAAAAAAAAqAAAAAGcAAAB0b3BzZWNyZXR0b3BzZWNy"),
        ("Range" = Option<String>, Header, description = "One range of bytes.", example = "bytes=0-1023"),
        ("If-Range" = Option<String>, Header, description = "The `ETag` or `Last-Modified` of the part that the client has: when it is another file now, the whole of it is sent.", example = "Sun, 22 Nov 2026 09:00:00 GMT"),
        ("If-None-Match" = Option<String>, Header, description = "ETags that the client has; 304 when one of them is the present one.", example = "\"67b036fefdf03455474258134fc2de18ac6bb5185705443c50af4e4033239339\""),
        ("If-Modified-Since" = Option<String>, Header, description = "304 when nothing changed since; not looked at when `If-None-Match` is given.", example = "Sun, 22 Nov 2026 09:00:00 GMT")),
    responses(
        (status = 200, description = "The whole file.", body = DownloadedFile, content_type = "application/pdf",
            headers(("ETag" = String, description = "Strong: the SHA-256 of the file."), ("Last-Modified" = String, description = "When this became the file of the edition."),
                ("Content-Length" = i64, description = "The size of the file."),
                ("Content-Disposition" = String, description = "`attachment`, with a readable file name in Unicode (RFC 6266) and in ASCII."),
                ("Accept-Ranges" = String, description = "`bytes`"), ("Cache-Control" = String, description = "`private, no-cache`"))),
        (status = 206, description = "A part of the file.", body = DownloadedFile, content_type = "application/pdf",
            headers(("Content-Range" = String, description = "Which part: `bytes 0-1023/5242880`."), ("ETag" = String, description = "Strong: the SHA-256 of the file."),
                ("Last-Modified" = String, description = "When this became the file of the edition."), ("Content-Length" = i64, description = "The size of the part."),
                ("Content-Disposition" = String, description = "`attachment`, with a readable file name in Unicode (RFC 6266) and in ASCII."),
                ("Accept-Ranges" = String, description = "`bytes`"), ("Cache-Control" = String, description = "`private, no-cache`"))),
        (status = 304, description = "The client has this file.",
            headers(("ETag" = String, description = "Strong: the SHA-256 of the file."), ("Cache-Control" = String, description = "`private, no-cache`"))),
        LinkProblems))]
pub async fn find_download(request: HttpRequest) -> Result<HttpResponse, Error> {
    let state = State::of(&request)?;
    let link = genuine(&request, &state)?;
    negotiate(&request, &[MEDIA_TYPE])?;
    let store = state.store.clone();
    let found = web::block(move || store.read(|db| query::behind(db, link.item))).await.map_err(Error::unavailable)??;
    let Some(file) = found else {
        return Err(Error::problem(
            Code::LinkExpired,
            "There is nothing behind this link any more: its download request was erased, or the edition is no longer offered.",
        ));
    };

    let etag = EntityTag::new_strong(file.sha256.clone());
    let modified: SystemTime = file.attached_at.and_utc().into();
    if not_modified(&request, &etag, Some(modified)) {
        return Ok(headed(StatusCode::NOT_MODIFIED, &etag, modified).finish());
    }
    let length = u64::try_from(file.bytes).map_err(Error::internal)?;
    match range::wanted(&request, length, &etag, modified) {
        Part::Beyond => Err(range::beyond(length)),
        Part::Whole => send(&request, &state, &file, headed(StatusCode::OK, &etag, modified), 0..length).await,
        Part::Bytes(first, last) => {
            let mut response = headed(StatusCode::PARTIAL_CONTENT, &etag, modified);
            response.insert_header(ContentRange(ContentRangeSpec::Bytes { range: Some((first, last)), instance_length: Some(length) }));
            send(&request, &state, &file, response, first..last + 1).await
        }
    }
}

/// The bytes of a PDF, for the description.
#[derive(utoipa::ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "its schema is what it is for")]
pub struct DownloadedFile(Vec<u8>);

/// The link in the path: one that was signed here and is not over.
fn genuine(request: &HttpRequest, state: &State) -> Result<token::Link, Error> {
    let text = request.match_info().get("linkToken").unwrap_or_default();
    let mut issues = Vec::new();
    if !token::is_shaped(text) {
        let detail = "This cannot be a download link: its last part is 20 to 200 letters, digits, '-' or '_'. Open it exactly as it was given.";
        // Not quoted: what is almost a link may be mended by who reads the log.
        issues.push(Issue::new(IssueKind::SchemaViolation, "path", "linkToken", detail));
    }
    if let Err(Error::Problem(problem)) = no_question(request) {
        issues.extend(problem.issues);
    }
    if !issues.is_empty() {
        return Err(Error::bad_request(issues));
    }
    let again = "Read the download request again for a fresh one, or fill in the form again.";
    match token::read(&state.secret, text) {
        None => {
            Err(Error::problem(Code::LinkInvalid, format!("This download link is not one that was given here: it was altered or cut off. {again}")))
        }
        Some(link) if link.expires <= now().and_utc() => Err(Error::problem(Code::LinkExpired, format!("This download link has expired. {again}"))),
        Some(link) => Ok(link),
    }
}

/// What an answer about the file has, with or without its bytes.
fn headed(status: StatusCode, etag: &EntityTag, modified: SystemTime) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response
        .insert_header((ETAG, etag.to_string()))
        .insert_header((LAST_MODIFIED, HttpDate::from(modified).to_string()))
        .insert_header((CACHE_CONTROL, CACHE))
        .insert_header((ACCEPT_RANGES, "bytes"));
    response
}

/// Sends some bytes of the file, in constant memory.
async fn send(
    request: &HttpRequest,
    state: &State,
    file: &Behind,
    mut response: HttpResponseBuilder,
    bytes: std::ops::Range<u64>,
) -> Result<HttpResponse, Error> {
    response.insert_header((CONTENT_TYPE, file.media_type.as_str())).insert_header(disposition(&file.file_name));
    state.send(request, response, &file.sha256, bytes).await
}

/// `attachment` with the name in Unicode, and in ASCII for old clients (RFC 6266 appendix D).
fn disposition(name: &str) -> ContentDisposition {
    let plain: String = name
        .nfkd()
        .filter(|c| !is_combining_mark(*c))
        .map(|c| match c {
            '’' | '‘' => '\'',
            // Not in the plain name: some clients undo percent-encoding there too.
            '%' | '"' | '\\' => '_',
            ' '..='~' => c,
            _ => '_',
        })
        .collect();
    let extended = ExtendedValue { charset: Charset::Ext("UTF-8".into()), language_tag: None, value: name.as_bytes().to_vec() };
    let mut parameters = vec![DispositionParam::Filename(plain.clone())];
    if plain != name {
        parameters.push(DispositionParam::FilenameExt(extended));
    }
    ContentDisposition { disposition: DispositionType::Attachment, parameters }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_headers() {
        assert_eq!(
            disposition("4 - La mobilité de demain (fr).pdf").to_string(),
            "attachment; filename=\"4 - La mobilite de demain (fr).pdf\"; filename*=UTF-8''4%20%2D%20La%20mobilit%C3%A9%20de%20demain%20%28fr%29.pdf"
        );
        assert_eq!(disposition("plain.pdf").to_string(), "attachment; filename=\"plain.pdf\"");
        assert_eq!(disposition("l’œuvre…100%.pdf").to_string().split(';').nth(1), Some(" filename=\"l'_uvre...100_.pdf\""));
    }
}
