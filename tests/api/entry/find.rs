//! `GET /` and `GET /v1`

use serde_json::Value;

use crate::support::document::{operations, template_of};
use crate::support::{App, at, both, run};

both!(links_to_everything, refuses);

fn links_to_everything(app: App) {
    let root = app.get("/").ok();
    let entry = app.get("/v1").ok();
    assert_eq!((&root["self"], &entry["self"]), (&format!("{}/", app.base).into(), &format!("{}/v1", app.base).into()));
    let links: Vec<String> =
        entry.as_object().unwrap().values().filter_map(Value::as_str).filter(|link| link.starts_with("http")).map(str::to_owned).collect();
    for link in &links {
        let path = link.strip_prefix(&app.base).unwrap_or_else(|| panic!("{link} leads elsewhere"));
        assert!(template_of(path).is_some(), "{link} leads to no path of the document");
    }
    // Whatever the document has for everybody without a parameter in its path is linked, but for the parts of what is linked.
    let parts = ["/health/live", "/health/ready", "/openapi.yaml", "/"];
    for operation in
        operations().iter().filter(|operation| !operation.path.contains('{') && !parts.contains(&operation.path.as_str()) && !operation.keyed())
    {
        assert!(links.contains(&format!("{}{}", app.base, operation.path)), "/v1 does not link to {}", operation.path);
    }
    // The two differ in their own address only.
    let without_self = |mut value: Value| {
        value.as_object_mut().unwrap().remove("self");
        value
    };
    assert_eq!(without_self(root), without_self(entry));
}

fn refuses(app: App) {
    run(&app, [at("/v1?x=1").status(400).has(&["Unknown parameter 'x'"]), at("/?lang=fr").status(400)]);
    for path in ["/v2", "/v1/", "/V1", "//", "/v1/nope", "/index.html", "/robots.txt", "/.env", "/v1/../v1"] {
        let answer = app.raw("GET", path.as_bytes(), b"", crate::support::document::Path::Undocumented);
        assert_eq!(answer.status, 404, "{path}");
    }
}
