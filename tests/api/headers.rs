//! Headers that all answers have, or that only some may have.

use uuid::{Uuid, Version};

use crate::support::database::Content;
use crate::support::document::Path;
use crate::support::reads::readable;
use crate::support::{Answer, App, Database, Home, both};

both!(
    every_answer_can_be_read_by_any_page,
    every_answer_is_harmless,
    every_answer_has_its_own_trace,
    a_callers_trace_comes_back_when_it_is_sane,
    head_is_get_without_its_body,
    https_is_insisted_on_behind_a_trusted_proxy_only
);

/// Answers of all kinds: what is there, what is not, what is refused by each layer.
fn answers(app: &App) -> Vec<Answer> {
    let mut all: Vec<Answer> = readable(app).iter().map(|read| read.call(app, "GET").send().expect(200)).collect();
    let etag = all.iter().find(|answer| answer.target == "/v1/volumes").and_then(|answer| answer.header("etag")).unwrap().to_owned();
    all.push(app.call("GET", "/v1/volumes").header("If-None-Match", &etag).send().expect(304));
    all.push(app.call("HEAD", "/v1/volumes").send().expect(200));
    all.push(app.call("OPTIONS", "/v1/volumes").send().expect(204));
    all.push(app.get("/v1/volumes?x=1").expect(400));
    all.push(app.get("/v1/volumes/nothing").expect(404));
    all.push(app.call("GET", "/v1/nothing").undocumented().send().expect(404));
    all.push(app.call("POST", "/v1/volumes").send().expect(405));
    all.push(app.call("GET", "/v1/volumes").header("Accept", "text/csv").send().expect(406));
    all.push(app.raw("GET", format!("/v1?{}", "a".repeat(20_000)).as_bytes(), b"", Path::Documented).expect(414));
    all.push(app.call("POST", "/v1/downloadRequests").header("Content-Type", "text/plain").body("x").send().expect(415));
    app.home.execute("ALTER TABLE record RENAME TO elsewhere");
    // Not what is ready already.
    all.push(app.get("/v1/volumes?number=3").expect(500));
    all
}

fn every_answer_can_be_read_by_any_page(app: App) {
    for answer in answers(&app) {
        let what = answer.what();
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{what}");
        assert_eq!(answer.header("access-control-allow-credentials"), None, "{what}");
        assert_eq!(answer.header("cross-origin-resource-policy"), Some("cross-origin"), "{what}");
        let exposed: Vec<&str> = answer.header("access-control-expose-headers").unwrap().split(", ").collect();
        for name in ["ETag", "Link", "Location", "Content-Language", "Retry-After", "RateLimit", "RateLimit-Policy", "BelGov-Trace-Id"] {
            assert!(exposed.contains(&name), "{what}: {name}");
        }
    }
}

fn every_answer_is_harmless(app: App) {
    for answer in answers(&app) {
        let what = answer.what();
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{what}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{what}");
        let policy = answer.header("content-security-policy").unwrap();
        if answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html")) {
            assert!(policy.starts_with("default-src 'none'; ") && policy.contains("frame-ancestors 'none'"), "{what}: {policy}");
            assert!(!policy.contains("unsafe-eval") && !policy.contains("script-src 'self' 'unsafe-inline'"), "{what}: {policy}");
        } else {
            assert_eq!(policy, "default-src 'none'; frame-ancestors 'none'", "{what}");
        }
        // Nothing tells what the server is made of, and nobody gets a cookie.
        for absent in ["server", "x-powered-by", "via", "set-cookie", "strict-transport-security"] {
            assert_eq!(answer.header(absent), None, "{what}: {absent}");
        }
        assert!(answer.header("date").is_some_and(|date| httpdate::parse_http_date(date).is_ok()), "{what}");
    }
}

fn every_answer_has_its_own_trace(app: App) {
    let mut traces: Vec<String> = answers(&app).iter().map(|answer| answer.header("belgov-trace-id").unwrap().to_owned()).collect();
    traces.extend((0..10).map(|_| app.get("/v1").header("belgov-trace-id").unwrap().to_owned()));
    for trace in &traces {
        let id = Uuid::parse_str(trace).unwrap();
        assert_eq!((id.get_version(), id.hyphenated().to_string()), (Some(Version::Random), trace.clone()));
    }
    let count = traces.len();
    traces.sort_unstable();
    traces.dedup();
    assert_eq!(traces.len(), count, "a trace id was used twice");
}

fn a_callers_trace_comes_back_when_it_is_sane(app: App) {
    for (target, status) in [("/v1/volumes", 200), ("/v1/volumes?x=1", 400), ("/v1/volumes/nothing", 404)] {
        for sane in ["3f2504e0-4f89-41d3-9a0c-0305e82c3301", "req-1", "a/b+c=", &"x".repeat(100)] {
            let answer = app.call("GET", target).header("BelGov-Trace-Id", sane).send().expect(status);
            assert_eq!(answer.header("belgov-related-trace-id"), Some(sane));
            // Never for its own.
            assert_ne!(answer.header("belgov-trace-id"), Some(sane));
        }
        for insane in ["", "a b", "tab\tbed", &"x".repeat(101)] {
            let answer = app.call("GET", target).header("BelGov-Trace-Id", insane).send().expect(status);
            assert_eq!(answer.header("belgov-related-trace-id"), None, "{insane}");
        }
    }
    let answer = app.raw("GET", b"/v1/volumes", b"BelGov-Trace-Id: caf\xc3\xa9\r\n", Path::Documented);
    assert_eq!((answer.status, answer.header("belgov-related-trace-id")), (200, None));
    // Without one there is nothing to echo.
    assert_eq!(app.get("/v1").header("belgov-related-trace-id"), None);
}

fn head_is_get_without_its_body(app: App) {
    let compare = |get: Answer, head: Answer| {
        let fields = |answer: &Answer| -> Vec<(String, String)> {
            let mut fields: Vec<_> =
                answer.headers.iter().filter(|(name, _)| !matches!(name.as_str(), "date" | "belgov-trace-id" | "connection")).cloned().collect();
            fields.sort();
            fields
        };
        assert_eq!((head.status, fields(&head)), (get.status, fields(&get)), "{}", get.what());
        assert!(get.header("content-length").is_some_and(|length| length.parse() == Ok(get.body.len())), "{}", get.what());
        assert!(head.body.is_empty());
    };
    for read in readable(&app) {
        // Also compressed: the length is that of what GET would send.
        for coding in ["identity", "gzip"] {
            let ask = |method: &str| read.call(&app, method).header("Accept-Encoding", coding).send();
            let get = ask("GET");
            // The access token is given out anew each time? Then its length at least stays.
            compare(get, ask("HEAD"));
        }
        // No byte follows the head, whatever a client library makes of it.
        if read.operation.id != "findDownloadRequest" && !read.operation.keyed() {
            let path = read.target.as_bytes();
            assert_eq!(app.raw("HEAD", path, b"", Path::Documented).status, 200);
        }
    }
    for target in ["/v1/volumes?x=1", "/v1/volumes/nothing", "/v1/volumes?lang=nl&fallback=none&pageSize=1", "/v1/volumes?pageSize=2"] {
        let get = app.get(target);
        let mut head = app.call("HEAD", target).send();
        // The trace id stands in the body of a problem, and has one length.
        if get.status >= 400 {
            assert_eq!(head.header("content-length"), get.header("content-length"), "{target}");
            head.headers = get.headers.clone();
        }
        compare(get, head);
    }
    let etag = app.get("/v1/volumes").header("etag").unwrap().to_owned();
    assert_eq!(app.call("HEAD", "/v1/volumes").header("If-None-Match", &etag).send().status, 304);
}

fn https_is_insisted_on_behind_a_trusted_proxy_only(database: Database) {
    let strict = |app: &App, headers: &[(&str, &str)]| {
        app.call("GET", "/v1").headers(headers).send().expect(200).header("strict-transport-security").map(str::to_owned)
    };
    let insisted = Some("max-age=31536000; includeSubDomains".to_owned());
    let mut app = App::with(Home::new(database, Content::Seeded), &["--trusted-proxies=127.0.0.0/8,10.0.0.1"]);
    assert_eq!(strict(&app, &[("X-Forwarded-Proto", "https")]), insisted);
    assert_eq!(
        app.call("GET", "/v1/volumes?x=1")
            .header("X-Forwarded-Proto", "https")
            .send()
            .expect(400)
            .header("strict-transport-security")
            .map(str::to_owned),
        insisted
    );
    // The last proxy's word counts.
    assert_eq!(strict(&app, &[("X-Forwarded-Proto", "http, https")]), insisted);
    assert_eq!(strict(&app, &[("X-Forwarded-Proto", "https, http")]), None);
    assert_eq!(strict(&app, &[("X-Forwarded-Proto", "http")]), None);
    assert_eq!(strict(&app, &[]), None);
    // A stranger's word counts for nothing.
    app.restart_with(&["--trusted-proxies=10.0.0.0/8"]);
    assert_eq!(strict(&app, &[("X-Forwarded-Proto", "https")]), None);
    app.restart_with::<&str>(&[]);
    assert_eq!(strict(&app, &[("X-Forwarded-Proto", "https")]), None);
}
