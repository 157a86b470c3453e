//! Documentation: the OpenAPI document, Swagger UI and the pages of problems, all from the binary, with no network.

use std::fmt::Write;
use std::sync::{Arc, LazyLock};

use actix_web::http::header::{self, HeaderName};
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine;
use sha2::{Digest, Sha256};
use utoipa_swagger_ui::{Config, SwaggerFile};

use crate::catalogue::answer::unchanging;
use crate::catalogue::described::code_parameter;
use crate::error::{Entry, Error, Issue, IssueKind, PROBLEMS};
use crate::http::manners::Site;
use crate::http::question::no_question;
use crate::http::reply::{CACHE, Reply};
use crate::http::{negotiate, suggestion};
use crate::openapi::{self, ConstantProblems, problem_responses};

const JSON: &str = "application/json";
const YAML: &str = "application/yaml";
const HTML: &str = "text/html; charset=utf-8";
/// Swagger UI runs from our own files; it sets styles and shows inline pictures.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The files that Swagger UI's page asks for.
const ASSETS: &[&str] = &[
    "swagger-ui.css",
    "index.css",
    "swagger-ui-bundle.js",
    "swagger-ui-standalone-preset.js",
    "swagger-initializer.js",
    "favicon-16x16.png",
    "favicon-32x32.png",
];

problem_responses!(NamedProblems: BadRequest, NotAcceptable, UriTooLong, HeaderTooLarge, InternalServerError);

/// The document of a server at the example's address, for people and for git.
pub fn pretty() -> String {
    let mut text = serde_json::to_string_pretty(&openapi::document(openapi::EXAMPLE_BASE)).unwrap_or_default();
    text.push('\n');
    text
}

/// The same as YAML.
pub fn yaml() -> String {
    as_yaml(openapi::EXAMPLE_BASE)
}

fn as_yaml(base: &str) -> String {
    yaml_serde::to_string(&openapi::document(base)).unwrap_or_default()
}

/// Sends what `make` makes once.
async fn send(
    request: &HttpRequest,
    name: &str,
    media_type: &'static str,
    policy: Option<String>,
    make: impl FnOnce() -> Result<Vec<u8>, Error> + Send + 'static,
) -> Result<HttpResponse, Error> {
    negotiate(request, &[media_type.split(';').next().unwrap_or(media_type)])?;
    no_question(request)?;
    unchanging(request, name, move || {
        let headers: Vec<(HeaderName, String)> = policy.into_iter().map(|policy| (header::CONTENT_SECURITY_POLICY, policy)).collect();
        Ok(Reply { body: make()?, media_type, modified: None, vary: "Accept, Accept-Encoding", headers, revision: None, large: false, keep: CACHE })
    })
    .await
}

/// Read the OpenAPI document
///
/// This description as JSON, with this server's address in it.
#[utoipa::path(get, path = "/openapi.json", tag = "Operations", operation_id = "findOpenapiJson",
    responses((status = 200, description = "The OpenAPI document.", body = Object, content_type = "application/json"), ConstantProblems))]
pub async fn find_openapi_json(request: HttpRequest) -> Result<HttpResponse, Error> {
    let site = Site::of(&request)?;
    send(&request, "openapi.json", JSON, None, move || serde_json::to_vec(&openapi::document(&site.base)).map_err(Error::internal)).await
}

/// Read the OpenAPI document as YAML
///
/// This description as YAML, with this server's address in it.
#[utoipa::path(get, path = "/openapi.yaml", tag = "Operations", operation_id = "findOpenapiYaml",
    responses((status = 200, description = "The OpenAPI document.", body = Object, content_type = "application/yaml"), ConstantProblems))]
pub async fn find_openapi_yaml(request: HttpRequest) -> Result<HttpResponse, Error> {
    let site = Site::of(&request)?;
    send(&request, "openapi.yaml", YAML, None, move || Ok(as_yaml(&site.base).into_bytes())).await
}

fn swagger(name: &str) -> Result<SwaggerFile<'static>, Error> {
    // Addresses are relative to the page, so that a path prefix of a proxy does no harm.
    static CONFIG: LazyLock<Arc<Config<'static>>> =
        LazyLock::new(|| Arc::new(Config::from("openapi.json").display_operation_id(true).try_it_out_enabled(true)));
    utoipa_swagger_ui::serve(name, CONFIG.clone()).map_err(Error::internal)?.ok_or_else(|| Error::internal(format!("Swagger UI has no {name}")))
}

/// Read the documentation
///
/// Swagger UI, from the server itself: every operation, to read and to try.
#[utoipa::path(get, path = "/docs", tag = "Operations", operation_id = "findDocs",
    responses((status = 200, description = "A page for people.", body = String, content_type = "text/html; charset=utf-8"), ConstantProblems))]
pub async fn find_docs(request: HttpRequest) -> Result<HttpResponse, Error> {
    send(&request, "docs", HTML, Some(PAGE_POLICY.to_owned()), || {
        let page = swagger("index.html")?;
        let page = String::from_utf8_lossy(&page.bytes)
            .replace("\"./", "\"docs/assets/")
            .replace("\"index.css\"", "\"docs/assets/index.css\"")
            .replace("<title>Swagger UI</title>", "<title>handbooks: the API</title>");
        Ok(page.into_bytes())
    })
    .await
}

/// The path of an asset.
struct AssetName;

impl utoipa::IntoParams for AssetName {
    fn into_params(_: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>) -> Vec<utoipa::openapi::path::Parameter> {
        vec![code_parameter("assetName", "A file of the documentation page.", ASSETS, "swagger-ui.css")]
    }
}

/// Read a file of the documentation page
///
/// Styles, scripts and pictures of the documentation page.
#[utoipa::path(get, path = "/docs/assets/{assetName}", tag = "Operations", operation_id = "findDocsAsset", params(AssetName),
    responses((status = 200, description = "The file.", content(
        (String = "text/css"), (String = "text/javascript"), (String = "image/png")
    )), NamedProblems))]
pub async fn find_asset(request: HttpRequest) -> Result<HttpResponse, Error> {
    let name = request.match_info().get("assetName").unwrap_or_default();
    let Some(asset) = ASSETS.iter().copied().find(|asset| *asset == name) else {
        return Err(unknown(&request, "assetName", name, ASSETS));
    };
    let media_type = match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        _ => "image/png",
    };
    send(&request, &format!("docs/assets/{name}"), media_type, None, move || Ok(swagger(asset)?.bytes.into_owned())).await
}

fn unknown(request: &HttpRequest, parameter: &'static str, name: &str, names: &[&str]) -> Error {
    let detail = format!("There is no '{}' here. {}", crate::error::quote(name), suggestion(name, names.iter().copied()));
    let mut issues = vec![Issue::new(IssueKind::SchemaViolation, "path", parameter, detail).value(name)];
    // Those of the query with it.
    if let Err(Error::Problem(problem)) = no_question(request) {
        issues.extend(problem.issues);
    }
    Error::bad_request(issues)
}

static NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| PROBLEMS.iter().map(|entry| entry.name).collect());

/// The path of a problem's page.
struct ProblemName;

impl utoipa::IntoParams for ProblemName {
    fn into_params(_: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>) -> Vec<utoipa::openapi::path::Parameter> {
        vec![code_parameter("problemName", "Last part of the problem's `type`.", &NAMES, "badRequest")]
    }
}

/// Read about a problem
///
/// What a kind of problem means and what to do: the page that the `href` of a problem leads to.
#[utoipa::path(get, path = "/docs/problems/{problemName}", tag = "Operations", operation_id = "findProblem", params(ProblemName),
    responses((status = 200, description = "A page for people.", body = String, content_type = "text/html; charset=utf-8"), NamedProblems))]
pub async fn find_problem(request: HttpRequest) -> Result<HttpResponse, Error> {
    let name = request.match_info().get("problemName").unwrap_or_default();
    let Some(entry) = PROBLEMS.iter().find(|entry| entry.name == name) else {
        return Err(unknown(&request, "problemName", name, &NAMES));
    };
    // The page's own style, named by its hash (CSP level 3), and nothing else.
    let style = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    let policy = format!("default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; frame-ancestors 'none'");
    send(&request, &format!("docs/problems/{}", entry.name), HTML, Some(policy), || Ok(page_of(entry).into_bytes())).await
}

const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem}code{background:#eee;padding:0 .2em}";

fn page_of(entry: &Entry) -> String {
    let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    // Code spans of the table's texts.
    let coded = |text: &str| {
        escape(text).split('`').enumerate().fold(String::new(), |mut out, (index, part)| {
            let _ = if index % 2 == 1 { write!(out, "<code>{part}</code>") } else { write!(out, "{part}") };
            out
        })
    };
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n\
         <h1>{title}</h1>\n<p>Status {status}, type <code>{urn}</code></p>\n<h2>What it means</h2>\n<p>{meaning}</p>\n<h2>What to do</h2>\n<p>{remedy}</p>\n\
         <p>Every problem has its trace id in <code>instance</code>; tell it to the operator when you ask for help.</p>\n</body>\n</html>\n",
        title = escape(entry.title),
        status = entry.status,
        urn = entry.urn(),
        meaning = coded(entry.meaning),
        remedy = coded(entry.remedy),
    )
}
