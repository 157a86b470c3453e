//! `GET /openapi.json`, `GET /openapi.yaml`, `GET /docs` and what lies below it

use handbooks::error::PROBLEMS;
use serde_json::Value;

use crate::support::{App, at, both, run};

both!(gives_the_document, shows_a_page_that_needs_no_network, explains_every_problem, refuses);

fn gives_the_document(app: App) {
    let document = app.get("/openapi.json").ok();
    assert_eq!(document, handbooks::openapi::document(&app.base));
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["servers"][0]["url"], app.base);
    // Examples can be followed: none leads to the address the document was written with.
    assert!(!document.to_string().contains(handbooks::openapi::EXAMPLE_BASE), "an example leads elsewhere");
    let yaml = app.get("/openapi.yaml").expect(200);
    let from_yaml: Value = yaml_serde::from_str(&yaml.text()).unwrap();
    assert_eq!(from_yaml, document);
}

/// The addresses that a page loads.
fn loaded(page: &str) -> Vec<String> {
    ["src=\"", "href=\""]
        .iter()
        .flat_map(|attribute| page.split(attribute).skip(1).map(|rest| rest.split('"').next().unwrap_or_default().to_owned()))
        .collect()
}

fn shows_a_page_that_needs_no_network(app: App) {
    let answer = app.get("/docs").expect(200);
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    let assets = loaded(&answer.text());
    assert!(assets.len() >= 6, "{assets:?}");
    for asset in assets {
        assert!(asset.starts_with("docs/"), "{asset} is not beside the page");
        let file = app.get(&format!("/{asset}")).expect(200);
        assert!(!file.body.is_empty(), "{asset}");
        let kind = file.header("content-type").unwrap().to_owned();
        let wanted = match asset.rsplit('.').next().unwrap() {
            "css" => "text/css",
            "js" => "text/javascript",
            _ => "image/png",
        };
        assert!(kind.starts_with(wanted), "{asset} is {kind}");
    }
    // It shows this server's document, found from the page's own address so that a proxy's prefix does no harm.
    assert!(app.get("/docs/assets/swagger-initializer.js").expect(200).text().contains("\"openapi.json\""));
    // The page may load from the server alone.
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self'") && !policy.contains("http"), "{policy}");
}

fn explains_every_problem(app: App) {
    for entry in PROBLEMS {
        let answer = app.get(&format!("/docs/problems/{}", entry.name)).expect(200);
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
        let page = answer.text();
        for wanted in [entry.title.to_owned(), entry.urn(), format!("Status {}", entry.status), "What to do".to_owned()] {
            assert!(page.contains(&wanted), "{} lacks {wanted:?}: {page}", entry.name);
        }
        assert_eq!(page.matches("<code>").count(), page.matches("</code>").count());
        assert!(!page.contains('`'), "{}: {page}", entry.name);
    }
}

fn refuses(app: App) {
    run(
        &app,
        [
            at("/docs/problems/badRequst").status(400).has(&["Did you mean 'badRequest'?", "\"name\":\"problemName\""]),
            at("/docs/problems/x").status(400),
            at("/docs/assets/swagger-ui.cs").status(400).has(&["Did you mean 'swagger-ui.css'?", "\"name\":\"assetName\""]),
            at("/docs/assets/..%2f..%2fCargo.toml").status(400),
            at("/openapi.json?x").status(400),
            at("/docs?url=https://evil.example").status(400),
        ],
    );
    for path in ["/docs/", "/docs/problems", "/docs/problems/", "/docs/assets", "/docs/assets/", "/docs/index.html", "/openapi", "/openapi.yml"] {
        assert_eq!(app.call("GET", path).undocumented().send().status, 404, "{path}");
    }
}
