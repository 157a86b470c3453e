//! The OpenAPI document: title, servers, tags, security, and what all operations share. Assembled once, from the handlers' own descriptions.

use std::sync::LazyLock;

use include_dir::{Dir, include_dir};
use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use crate::catalogue::edit;
use crate::error::{Code, Entry, PROBLEMS};
use crate::http::SLUG_PATTERN;
use crate::http::manners::is_api;

/// The version of the API's description.
pub const VERSION: &str = "1.0.0";

/// Answers as they really are, one file an operation, kept true by a test.
static EXAMPLES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/openapi/examples");

/// Defines a type that documents some problems as responses of an operation.
macro_rules! problem_responses {
    ($visibility:vis $name:ident: $($code:ident),* $(,)?) => {
        #[doc = "The problems of some operations, for their description."]
        $visibility struct $name;

        impl utoipa::IntoResponses for $name {
            fn responses() -> std::collections::BTreeMap<String, utoipa::openapi::RefOr<utoipa::openapi::Response>> {
                $crate::openapi::responses(&[$($crate::error::Code::$code),*])
            }
        }
    };
}
pub(crate) use problem_responses;

problem_responses!(pub ReadProblems: BadRequest, ResourceNotFound, NotAcceptable, Gone, UriTooLong, HeaderTooLarge, InternalServerError, ServiceUnavailable);
problem_responses!(pub ListProblems: BadRequest, NotAcceptable, UriTooLong, HeaderTooLarge, InternalServerError, ServiceUnavailable);
problem_responses!(pub ConstantProblems: BadRequest, NotAcceptable, UriTooLong, HeaderTooLarge, InternalServerError);
problem_responses!(pub HealthProblems: BadRequest, NotAcceptable, UriTooLong, HeaderTooLarge, InternalServerError);

/// The responses of some problems; two problems with one status share a response.
pub fn responses(codes: &[Code]) -> std::collections::BTreeMap<String, utoipa::openapi::RefOr<utoipa::openapi::Response>> {
    use utoipa::openapi::{Content, Ref, RefOr, ResponseBuilder};
    let mut all = std::collections::BTreeMap::new();
    for code in codes {
        let entry = code.entry();
        let same: Vec<&Entry> = codes.iter().map(|code| code.entry()).filter(|other| other.status == entry.status).collect();
        let response = if same.len() == 1 {
            RefOr::Ref(Ref::from_response_name(component(entry)))
        } else {
            let description = same.iter().map(|entry| format!("`{}`: {}", entry.name, entry.meaning)).collect::<Vec<_>>().join(" ");
            RefOr::T(
                ResponseBuilder::new()
                    .description(description)
                    .content("application/problem+json", Content::new(Some(Ref::from_schema_name("Problem"))))
                    .build(),
            )
        };
        all.insert(entry.status.to_string(), response);
    }
    all
}

fn component(entry: &Entry) -> String {
    let mut name = entry.name.to_owned();
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    name
}

#[derive(OpenApi)]
#[openapi(
    paths(
        crate::operations::entry::find_root,
        crate::operations::entry::find_entry,
        crate::catalogue::collection::find_collection,
        crate::catalogue::volume::routes::list_volumes,
        crate::catalogue::volume::routes::find_volume,
        crate::catalogue::volume::routes::list_volume_editions,
        crate::catalogue::volume::routes::find_volume_edition,
        crate::catalogue::complement::routes::list_complements,
        crate::catalogue::complement::routes::find_complement,
        crate::catalogue::complement::routes::list_complement_editions,
        crate::catalogue::complement::routes::find_complement_edition,
        crate::catalogue::theme::list_themes,
        crate::catalogue::theme::find_theme,
        crate::catalogue::language::list_languages,
        crate::catalogue::language::find_language,
        crate::catalogue::event::routes::list_events,
        crate::catalogue::event::routes::find_event,
        crate::catalogue::testimony::list_testimonies,
        crate::catalogue::testimony::find_testimony,
        crate::catalogue::mirror::routes::list_changes,
        crate::catalogue::mirror::routes::find_digest,
        crate::catalogue::mirror::routes::find_catalogue,
        crate::catalogue::translations::routes::list_translations,
        crate::download::form::find_download_form,
        crate::download::request::create_download_request,
        crate::download::request::find_download_request,
        crate::download::request::delete_download_request,
        crate::download::link::find_download,
        crate::operations::edition_file::put_volume_file,
        crate::operations::edition_file::delete_volume_file,
        crate::operations::edition_file::put_complement_file,
        crate::operations::edition_file::delete_complement_file,
        crate::access::routes::list_keys,
        crate::access::routes::find_key,
        crate::access::routes::create_key,
        crate::access::routes::delete_key,
        crate::operations::health::check_health,
        crate::operations::health::check_liveness,
        crate::operations::health::check_readiness,
        crate::operations::docs::find_openapi_json,
        crate::operations::docs::find_openapi_yaml,
        crate::operations::docs::find_docs,
        crate::operations::docs::find_asset,
        crate::operations::docs::find_problem,
    ),
    tags(
        (name = "Entry", description = "Where to start."),
        (name = "Collection", description = "The collection itself."),
        (name = "Volumes", description = "The numbered handbooks."),
        (name = "Complements", description = "Short documents that deepen one notion of a volume."),
        (name = "Themes", description = "What the volumes are about."),
        (name = "Languages", description = "The languages of texts and editions."),
        (name = "Events", description = "Where the collection was or will be presented."),
        (name = "Testimonies", description = "What readers say."),
        (name = "Supporters", description = "Who funds, publishes or partners the collection; the public reads of them with it."),
        (name = "Downloads", description = "Asking for a handbook, and getting it."),
        (name = "Mirrors", description = "Keeping a copy of the catalogue, and proving it."),
        (name = "Editing", description = "For those who edit the collection."),
        (name = "Keys", description = "The keys of editors, operators and partners."),
        (name = "Operations", description = "Health and documentation."),
    )
)]
struct Described;

const DESCRIPTION: &str = "\
The home of a collection of free practical handbooks: volumes, themes, languages, complements, events, testimonies and download requests, as JSON.

**Conventions.** They follow the REST guide of the Belgian governments (Belgif), RFC 9110 and 9111 (HTTP, caching), RFC 9457 (problems) and RFC 8288 (links). \
Every answer is a JSON object; a property without a value is left out and never `null`. `href` is the absolute address of a resource. \
GET works as HEAD too; OPTIONS tells the methods of a path and answers CORS preflights; every other method is 405 with `Allow`. Paths have no trailing slash.

**Never silent.** Unknown query parameters and body properties, values out of range, repeated single values and foreign cursors are 400 with one issue for each fault, all at once. \
Unknown header fields are accepted. Every error, from every layer, is `application/problem+json`; its `href` leads to an explanation. \
Every answer has a fresh `BelGov-Trace-Id`; a `BelGov-Trace-Id` in the request comes back as `BelGov-Related-Trace-Id`.

**Lists** are paged by cursor: follow `next` (also in the `Link` header) until it is absent; never make a cursor. `total` counts what the filters leave. \
Filters are repeated for OR and combined for AND. A list item and the item resource have the same properties and values.

**Languages.** Texts are served in the language of `lang`, else of `Accept-Language` (`fr-BE`, `nl-BE` and `de-BE` match `fr`, `nl` and `de`), else along the declared chain (by default `fr`, `en`, `nl`, `de`). \
Every record tells what was done in `language`; the answer tells it in `Content-Language`. Sorting and searching use the texts as served.

**Dates** are as exact as they are known (EDTF level 0: `2017`, `2017-09` or `2018-09-25`); instants are RFC 3339 in UTC.

**Caching.** Public answers have a strong `ETag` (a hash of the bytes) and may be used for a minute; ask again with `If-None-Match`. \
They come in brotli or gzip for those who take it. A change of the catalogue is seen at once through the server that made it, and within a second through others on the same database. Answers that concern a person are `no-store`.

**Browsers.** Any origin may read; errors are readable too.";

static DOCUMENT: LazyLock<Value> = LazyLock::new(assemble);

/// The document, with `base` as the server's address.
pub fn document(base: &str) -> Value {
    let mut document = DOCUMENT.clone();
    document["servers"] = json!([{"url": base, "description": "This server"}]);
    if base != EXAMPLE_BASE {
        rebase(&mut document, base);
    }
    document
}

/// The address that examples are written with.
pub const EXAMPLE_BASE: &str = "http://127.0.0.1:8080";

/// Puts the server's own address into the examples, so that what is shown can be followed.
fn rebase(value: &mut Value, base: &str) {
    match value {
        Value::String(text) if text.starts_with(EXAMPLE_BASE) => *text = format!("{base}{}", &text[EXAMPLE_BASE.len()..]),
        Value::Array(items) => items.iter_mut().for_each(|item| rebase(item, base)),
        Value::Object(map) => map.values_mut().for_each(|item| rebase(item, base)),
        _ => {}
    }
}

fn assemble() -> Value {
    let mut document = serde_json::to_value(Described::openapi()).unwrap_or_default();
    add(&mut document, serde_json::to_value(edit::routes::Described::openapi()).unwrap_or_default());
    add(&mut document, serde_json::to_value(edit::editions::Described::openapi()).unwrap_or_default());
    add(&mut document, serde_json::to_value(crate::operations::edition_cover::Described::openapi()).unwrap_or_default());
    add(&mut document, serde_json::to_value(edit::history_routes::Described::openapi()).unwrap_or_default());
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        schemas.extend(edit::schema::components().clone());
        schemas.insert(
            "MergePatch".into(),
            json!({"type": "object", "description": "A JSON merge patch (RFC 7396).", "example": {"note": "To be looked at again"}}),
        );
        // An alias that nothing refers to any more.
        schemas.shift_remove("BTreeMap");
    }
    document["info"] = json!({
        "title": "handbooks",
        "version": VERSION,
        "summary": "A collection of free practical handbooks, as JSON.",
        "description": DESCRIPTION,
        "license": {"name": "MIT", "identifier": "MIT"},
        "contact": {"name": "The publisher of this collection"},
    });
    document["servers"] = json!([{"url": EXAMPLE_BASE, "description": "This server"}]);
    document["security"] = json!([]);
    let components = &mut document["components"];
    components["schemas"]["Problem"] = problem_schema();
    components["schemas"]["InputValidationIssue"] = issue_schema();
    components["schemas"]["PatchOperation"] = operation_schema();
    components["responses"] = problem_components();
    components["headers"] = headers();
    components["parameters"] = parameters();
    components["securitySchemes"] = json!({
        "requestToken": {"type": "http", "scheme": "bearer", "description": "The `accessToken` that the creation of a download request answered; it opens that request and no other."},
        (crate::access::SECURITY): {"type": "http", "scheme": "bearer", "bearerFormat": "hbk_…", "description": "A key of this server, from `handbooks key create` or `POST /v1/keys`. Its scopes say what it allows."}
    });
    sort_keys(&mut components["schemas"]);
    if let Some(paths) = document["paths"].as_object_mut() {
        for (path, operations) in paths.iter_mut() {
            for (method, operation) in operations.as_object_mut().into_iter().flatten() {
                complete(is_api(path), method, operation);
            }
        }
    }
    share_select(&mut document);
    without_nulls(&mut document);
    prune(&mut document, "responses");
    prune(&mut document, "securitySchemes");
    document
}

/// Adds the operations and schemas of another document.
fn add(document: &mut Value, other: Value) {
    let Value::Object(mut other) = other else { return };
    for (path, operations) in other.remove("paths").and_then(|paths| paths.as_object().cloned()).into_iter().flatten() {
        if let (Some(present), Value::Object(operations)) = (document["paths"][&path].as_object_mut(), &operations) {
            present.extend(operations.clone());
        } else {
            document["paths"][path] = operations;
        }
    }
    let schemas = other.get_mut("components").and_then(|components| components.get_mut("schemas")).map(Value::take);
    if let (Some(present), Some(Value::Object(schemas))) = (document["components"]["schemas"].as_object_mut(), schemas) {
        present.extend(schemas);
    }
}

/// The pattern of `select` is long; the operations of a noun share it.
fn share_select(document: &mut Value) {
    let mut shared = Map::new();
    if let Some(paths) = document["paths"].as_object_mut() {
        for operation in paths.values_mut().filter_map(Value::as_object_mut).flat_map(Map::values_mut) {
            let name = format!("{}Select", operation["tags"][0].as_str().unwrap_or_default());
            let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten();
            for parameter in parameters.filter(|parameter| parameter["name"] == "select") {
                let schema = std::mem::replace(&mut parameter["schema"], json!({"$ref": format!("#/components/schemas/{name}")}));
                shared.insert(name.clone(), schema);
            }
        }
    }
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        schemas.extend(shared);
    }
}

/// Takes components out that nothing refers to.
fn prune(document: &mut Value, kind: &str) {
    let text = document["paths"].to_string();
    if let Some(components) = document["components"][kind].as_object_mut() {
        components.retain(|name, _| text.contains(&format!("#/components/{kind}/{name}\"")) || text.contains(&format!("{{\"{name}\":[]}}")));
    }
}

fn sort_keys(value: &mut Value) {
    if let Value::Object(map) = value {
        map.sort_keys();
    }
}

/// Adds to an operation what all of its kind have: conditional requests, headers, the default response, a real example.
fn complete(limited: bool, method: &str, operation: &mut Value) {
    let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
    let names = |operation: &Value| -> Vec<String> {
        operation["parameters"]
            .as_array()
            .map(|all| all.iter().filter_map(|one| one["name"].as_str().map(str::to_owned)).collect())
            .unwrap_or_default()
    };
    let given = names(operation);
    let localized = given.iter().any(|name| name == "lang");
    let paged = given.iter().any(|name| name == "after");
    let personal = operation.get("security").is_some() || id == "findDownload" || id == "createDownloadRequest";
    let health = id.starts_with("check");
    if operation.get("security").is_none() {
        operation["security"] = json!([]);
    }
    if given.iter().any(|name| name == "preview") {
        // Only `preview=true` asks for a key.
        operation["security"] = json!([{}, {(crate::access::SECURITY): []}]);
        let keyed = responses(&[Code::NoAccessToken, Code::InvalidAccessToken, Code::ExpiredAccessToken, Code::MissingScope, Code::TooManyRequests]);
        if let (Some(present), Ok(Value::Object(more))) = (operation["responses"].as_object_mut(), serde_json::to_value(keyed)) {
            present.extend(more);
        }
    }
    // A key that opens nothing is refused where none is needed, too.
    if let (true, "get", Some(present), Ok(Value::Object(more))) = (
        limited,
        method,
        operation["responses"].as_object_mut(),
        serde_json::to_value(responses(&[Code::InvalidAccessToken, Code::ExpiredAccessToken])),
    ) {
        for (status, response) in more {
            present.entry(status).or_insert(response);
        }
    }
    if let (true, Some(present), Ok(Value::Object(more))) =
        (limited, operation["responses"].as_object_mut(), serde_json::to_value(responses(&[Code::TooManyRequests])))
    {
        present.extend(more);
    }
    let conditional = method == "get" && !personal && !health;
    if method == "get" && id.ends_with("Document") {
        // Nobody keeps it but its editor, who may ask whether it is still so.
        let mut all = operation["parameters"].as_array().cloned().unwrap_or_default();
        all.push(json!({"$ref": "#/components/parameters/IfNoneMatch"}));
        operation["parameters"] = all.into();
        operation["responses"]["304"] = json!({
            "description": "Not modified: the client has this representation already.",
            "headers": {"ETag": {"$ref": "#/components/headers/Etag"}}
        });
    }
    let reference = operation.pointer("/requestBody/content/application~1json/schema/$ref").and_then(Value::as_str).unwrap_or_default();
    if let Some(example) = reference.rsplit('/').next().and_then(|name| edit::schema::example(name, method == "post")) {
        operation["requestBody"]["content"]["application/json"]["example"] = example;
    }
    let located =
        operation["parameters"].as_array().is_some_and(|all| all.iter().any(|one| one["in"] == "path" && one["schema"]["pattern"] == SLUG_PATTERN));
    if located {
        operation["responses"]["308"] = json!({
            "description": "It has another id now; the same request is to be made there.",
            "headers": {"Location": {"description": "The present address, absolute.", "schema": {"type": "string", "format": "uri"}}}
        });
    }
    if conditional {
        let mut all = operation["parameters"].as_array().cloned().unwrap_or_default();
        all.push(json!({"$ref": "#/components/parameters/IfNoneMatch"}));
        all.push(json!({"$ref": "#/components/parameters/IfModifiedSince"}));
        operation["parameters"] = all.into();
        operation["responses"]["304"] = json!({"description": "Not modified: the client has this representation already."});
    }
    if let Some(responses) = operation["responses"].as_object_mut() {
        responses.insert("default".into(), json!({"$ref": "#/components/responses/Problem"}));
        for (status, response) in responses.iter_mut().filter(|(_, response)| response.get("$ref").is_none()) {
            let mut wanted = vec![("BelGov-Trace-Id", "TraceId"), ("Access-Control-Allow-Origin", "AccessControlAllowOrigin")];
            if status == "401" {
                wanted.push(("WWW-Authenticate", "WwwAuthenticate"));
            }
            if status == "503" || status == "429" {
                wanted.push(("Retry-After", "RetryAfter"));
            }
            if limited {
                wanted.extend([("RateLimit", "RateLimit"), ("RateLimit-Policy", "RateLimitPolicy")]);
            }
            // Whether the process lives is told without the database, which knows the revision.
            if status.starts_with(['2', '3']) && !health {
                wanted.push(("Catalogue-Revision", "CatalogueRevision"));
            }
            if conditional && (status == "200" || status == "304") {
                wanted.extend([("ETag", "Etag"), ("Cache-Control", "CacheControl"), ("Vary", "Vary")]);
            }
            if localized && status == "200" && conditional {
                wanted.extend([("Content-Language", "ContentLanguage"), ("Last-Modified", "LastModified")]);
            }
            if paged && status == "200" {
                wanted.push(("Link", "Link"));
            }
            if !response["headers"].is_object() {
                response["headers"] = json!({});
            }
            for (name, header) in wanted {
                if response["headers"].get(name).is_none() {
                    response["headers"][name] = json!({"$ref": format!("#/components/headers/{header}")});
                }
            }
        }
        responses.sort_keys();
    }
    for status in ["200", "201"] {
        let file = EXAMPLES.get_file(format!("{id}.json")).and_then(|file| serde_json::from_slice::<Value>(file.contents()).ok());
        if let (Some(example), Some(content)) = (file, operation.pointer_mut(&format!("/responses/{status}/content/application~1json"))) {
            content["example"] = example;
            break;
        }
    }
}

fn problem_schema() -> Value {
    json!({
        "type": "object",
        "description": "What went wrong (RFC 9457), with the members of the Belgif guide. Problems may have more members, such as `limit`.",
        "required": ["type", "href", "title", "status", "detail", "instance"],
        "properties": {
            "type": {"type": "string", "format": "uri", "description": "URN of the kind of problem.", "example": "urn:problem-type:belgif:badRequest"},
            "href": {"type": "string", "format": "uri", "description": "Where the kind of problem is explained."},
            "title": {"type": "string", "description": "Name of the kind of problem."},
            "status": {"type": "integer", "format": "int32", "minimum": 400, "maximum": 599, "description": "The HTTP status."},
            "detail": {"type": "string", "description": "What went wrong this time, and what would be right."},
            "instance": {"type": "string", "format": "uri", "pattern": "^urn:uuid:[0-9a-f-]{36}$", "description": "This occurrence: the trace id of the answer."},
            "issues": {"type": "array", "items": {"$ref": "#/components/schemas/InputValidationIssue"}, "description": "Every fault of the input."},
            "limit": {"type": "integer", "format": "int64", "description": "The limit that was passed, in bytes."},
            "languages": {"type": "array", "items": {"type": "string"}, "description": "The languages in which the resource exists."},
            "available": {"type": "array", "items": {"type": "string"}, "description": "The media types there are."},
            "tombstone": {"type": "object", "description": "What was withdrawn or deleted.", "properties": {"id": {"type": "string"}, "withdrawnAt": {"type": "string", "format": "date-time"}, "deletedAt": {"type": "string", "format": "date-time"}}},
            "requiredScopes": {"type": "array", "items": {"type": "string"}, "description": "The scopes one of which the key would need."},
            "etag": {"type": "string", "description": "The present ETag of what was to be changed."},
            "changed": {"type": "array", "items": {"$ref": "#/components/schemas/PatchOperation"}, "description": "What was changed since the version that `If-Match` names."},
            "users": {"type": "array", "items": {"type": "object", "properties": {"type": {"type": "string"}, "id": {"type": "string"}}}, "description": "The records that refer to what was to be deleted."},
            "renamedTo": {"type": "string", "description": "The present id of a resource whose id was changed."}
        }
    })
}

fn issue_schema() -> Value {
    json!({
        "type": "object",
        "description": "One fault of the input.",
        "required": ["type", "in", "name", "detail"],
        "properties": {
            "type": {"type": "string", "format": "uri", "example": "urn:problem-type:belgif:input-validation:unknownInput"},
            "in": {"type": "string", "enum": ["body", "header", "path", "query"], "description": "Where it stands."},
            "name": {"type": "string", "description": "The parameter, or the JSON pointer within the body.", "example": "langage"},
            "value": {"description": "What was given, shortened; left out for personal fields."},
            "detail": {"type": "string", "description": "What is wrong and what would be right.", "example": "Unknown parameter 'langage'. Did you mean 'language'?"}
        }
    })
}

fn operation_schema() -> Value {
    json!({
        "type": "object",
        "description": "An operation of JSON Patch (RFC 6902).",
        "required": ["op", "path"],
        "properties": {
            "op": {"type": "string", "enum": ["add", "remove", "replace"]},
            "path": {"type": "string", "description": "JSON pointer of the place (RFC 6901).", "example": "/texts/fr/title"},
            "value": {"description": "What stands there now."}
        }
    })
}

fn problem_components() -> Value {
    let example = |entry: &Entry| {
        let mut example = json!({
            "type": entry.urn(),
            "href": format!("{EXAMPLE_BASE}/docs/problems/{}", entry.name),
            "title": entry.title,
            "status": entry.status,
            "detail": entry.meaning,
            "instance": "urn:uuid:7f5c9a52-5a4e-4a8b-9c53-2f0a7c1f7f10",
        });
        if entry.code == Code::BadRequest {
            example["detail"] = json!("Unknown parameter 'langage'. Did you mean 'language'?");
            example["issues"] = json!([{
                "type": "urn:problem-type:belgif:input-validation:unknownInput", "in": "query", "name": "langage", "value": "nl",
                "detail": "Unknown parameter 'langage'. Did you mean 'language'?"
            }]);
        }
        example
    };
    let response = |description: String, example: Option<Value>, entry: Option<&Entry>| {
        let mut content = json!({"schema": {"$ref": "#/components/schemas/Problem"}});
        if let Some(example) = example {
            content["example"] = example;
        }
        let mut headers = json!({
            "BelGov-Trace-Id": {"$ref": "#/components/headers/TraceId"},
            "Access-Control-Allow-Origin": {"$ref": "#/components/headers/AccessControlAllowOrigin"},
        });
        if entry.is_some_and(|entry| matches!(entry.status, 503 | 429)) {
            headers["Retry-After"] = json!({"$ref": "#/components/headers/RetryAfter"});
        }
        if entry.is_some_and(|entry| entry.status == 401) {
            headers["WWW-Authenticate"] = json!({"$ref": "#/components/headers/WwwAuthenticate"});
        }
        json!({"description": description, "headers": headers, "content": {"application/problem+json": content}})
    };
    let mut all = Map::new();
    for entry in PROBLEMS {
        all.insert(component(entry), response(format!("{} {}", entry.meaning, entry.remedy), Some(example(entry)), Some(entry)));
    }
    all.insert("Problem".into(), response("Any other problem.".into(), None, None));
    all.into()
}

fn headers() -> Value {
    let header = |description: &str, schema: Value| json!({"description": description, "schema": schema});
    let text = || json!({"type": "string"});
    json!({
        "TraceId": header("The id of this answer, new and random; the server's log has it too.", json!({"type": "string", "format": "uuid"})),
        "AccessControlAllowOrigin": header("Any origin may read.", text()),
        "Etag": header("Strong: a hash of the bytes.", text()),
        "CacheControl": header("How long the answer may be used.", text()),
        "Vary": header("The header fields that chose this representation.", text()),
        "ContentLanguage": header("The languages of the texts, as served.", text()),
        "LastModified": header("When the catalogue last changed.", text()),
        "Link": header("`next` and `prev` pages (RFC 8288).", text()),
        "CatalogueRevision": header("The revision of the catalogue that the answer shows, or that it was made at; for `at=`.", json!({"type": "integer", "format": "int64", "minimum": 0})),
        "RateLimit": header("How many requests (`r`) are left to this address, and in how many seconds (`t`) they are whole again; there when the server has a limit (draft-ietf-httpapi-ratelimit-headers). A 304 costs nothing.", json!({"type": "string", "example": "\"address\";r=599;t=42"})),
        "RateLimitPolicy": header("How many requests (`q`) an address may make within so many seconds (`w`); there when the server has a limit.", json!({"type": "string", "example": "\"address\";q=600;w=60"})),
        "RetryAfter": header("Seconds to wait.", json!({"type": "integer", "format": "int32", "minimum": 0})),
        "WwwAuthenticate": header("How to authenticate.", text()),
    })
}

fn parameters() -> Value {
    json!({
        "IfNoneMatch": {
            "name": "If-None-Match", "in": "header", "required": false, "description": "ETags that the client has; 304 when one of them is the present one.",
            "schema": {"type": "string"}, "example": "\"Zq1rXb0uC0mYb2vK7yQm3Q\""
        },
        "IfModifiedSince": {
            "name": "If-Modified-Since", "in": "header", "required": false, "description": "304 when nothing changed since; not looked at when `If-None-Match` is given.",
            "schema": {"type": "string"}, "example": "Sun, 22 Nov 2026 09:00:00 GMT"
        }
    })
}

/// An optional property is left out when it has no value, never null; utoipa describes it as nullable.
pub(crate) fn without_nulls(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(without_nulls),
        Value::Object(map) => {
            if let Some(Value::Array(types)) = map.get_mut("type") {
                types.retain(|kind| kind != "null");
                if let [one] = types.as_slice() {
                    let one = one.clone();
                    map.insert("type".into(), one);
                }
            }
            if let Some(Value::Array(options)) = map.get_mut("oneOf") {
                options.retain(|option| option.get("type") != Some(&json!("null")));
                if let [one] = options.as_slice() {
                    let one = one.clone();
                    map.remove("oneOf");
                    if let Value::Object(one) = one {
                        map.extend(one);
                    }
                }
            }
            map.iter_mut().filter(|(name, _)| *name != "example").for_each(|(_, item)| without_nulls(item));
        }
        _ => {}
    }
}
