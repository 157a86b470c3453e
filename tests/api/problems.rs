//! What is refused, by every layer, and in which words.

use std::time::Duration;

use handbooks::http::{MAX_BODY, MAX_HEADERS, MAX_URI};
use serde_json::{Value, json};

use crate::support::document::{DOCUMENT, Path, operations, reads};
use crate::support::process::within;
use crate::support::raw::{exchange, parse};
use crate::support::reads::readable;
use crate::support::{Answer, App, Database, at, both, run};

both!(
    all_faults_at_once,
    the_nearest_name_is_told,
    values_are_checked,
    a_fault_is_told_shortened,
    nothing_is_ignored_anywhere,
    impossible_ids_are_no_question,
    what_is_not_there,
    other_methods,
    what_is_asked_with_options,
    what_cannot_be_had,
    too_long,
    no_request_at_all,
    a_fault_of_the_database_is_the_servers,
    a_busy_database_says_so,
    a_lost_database_says_so,
);

/// The names of an answer's issues, in order, each with its kind.
fn told(answer: &Answer) -> Vec<(String, String)> {
    answer.issues().into_iter().map(|issue| (issue.kind, issue.name)).collect()
}

fn all_faults_at_once(app: App) {
    let answer = app.get("/v1/volumes?langage=fr&pageSize=0&theme=UPPER&theme=ok&sort=titel&embed=theme&q=%20&number=x&year=1899&lang=xx&after=short&updatedSince=yesterday&foo=1&foo=2").expect(400);
    assert_eq!(answer.problem(), "badRequest");
    let wanted = [
        ("unknownInput", "langage"),
        ("schemaViolation", "pageSize"),
        ("schemaViolation", "theme"),
        ("schemaViolation", "sort"),
        ("schemaViolation", "embed"),
        ("schemaViolation", "q"),
        ("schemaViolation", "number"),
        ("schemaViolation", "year"),
        ("schemaViolation", "lang"),
        ("schemaViolation", "after"),
        ("schemaViolation", "updatedSince"),
        // An unknown name is told once, however often it stands.
        ("unknownInput", "foo"),
    ];
    assert_eq!(told(&answer), wanted.map(|(kind, name)| (kind.to_owned(), name.to_owned())));
    assert_eq!(answer.json()["detail"], "The request has 12 faults; see issues.");
    assert!(answer.issues().iter().all(|issue| issue.place == "query"));
    // A single fault is told in the detail itself.
    let answer = app.get("/v1/volumes?langage=fr").expect(400);
    assert_eq!(answer.json()["detail"], "Unknown parameter 'langage'. Did you mean 'language'?");
    assert_eq!(answer.json()["issues"][0]["value"], "fr");
    // Those of `select` with those of everything else.
    let answer = app.get("/v1/volumes?select=(titel,editions(pags))&pageSize=0").expect(400);
    assert_eq!(told(&answer).iter().filter(|(_, name)| name == "select").count(), 2, "{}", answer.text());
    assert_eq!(told(&answer).iter().filter(|(_, name)| name == "pageSize").count(), 1, "{}", answer.text());
    // The faults of the path with those of the query.
    for (target, places) in [
        ("/v1/volumes/UPPER?langage=fr&select=(x)", &["path", "query", "query"][..]),
        ("/v1/volumes/UPPER/editions?langage=fr", &["path", "query"]),
        ("/v1/volumes/UPPER/editions/FR?langage=fr", &["path", "path", "query"]),
        ("/v1/volumes/mobility/editions/FR?langage=fr", &["path", "query"]),
        ("/v1/downloadRequests/1?x=1", &["path", "query"]),
        ("/v1/downloads/1?x=1", &["path", "query"]),
        ("/docs/problems/x?x=1", &["path", "query"]),
        ("/docs/assets/x?x=1", &["path", "query"]),
    ] {
        let answer = app.get(target).expect(400);
        assert_eq!(answer.issues().iter().map(|issue| issue.place.as_str()).collect::<Vec<_>>(), places, "{}", answer.text());
    }
}

fn the_nearest_name_is_told(app: App) {
    run(
        &app,
        [
            at("/v1/volumes?Theme=x").status(400).has(&["Unknown parameter 'Theme'. Did you mean 'theme'?"]),
            at("/v1/volumes?pagesize=1").status(400).has(&["Did you mean 'pageSize'?"]),
            at("/v1/volumes?updatedsince=x").status(400).has(&["Did you mean 'updatedSince'?"]),
            at("/v1/volumes?page=2").status(400).has(&["Unknown parameter 'page'."]),
            at("/v1/volumes?zzzzzzzz=2").status(400).has(&["There are: number, year, status, theme, language, q,"]).lacks(&["Did you mean"]),
            at("/v1/volumes?sort=titel").status(400).has(&["cannot sort by 'titel'. Did you mean 'title'?"]),
            at("/v1/volumes?sort=-titel").status(400).has(&["Did you mean 'title'?"]),
            at("/v1/volumes?sort=--title").status(400),
            at("/v1/volumes?sort=title,year").status(400),
            at("/v1/volumes?status=publishd").status(400).has(&["Did you mean 'published'?"]),
            at("/v1/volumes?embed=theme").status(400).has(&["Did you mean 'themes'?"]),
            at("/v1/volumes?select=(editions(file(bytes)),year)").status(400).has(&["'file' can only be selected whole"]),
            at("/v1/volumes?select=(editions(langage))").status(400).has(&["There is no property 'langage' to select. Did you mean 'language'?"]),
            at("/v1/volumes?=x").status(400),
            at("/v1/volumes?%74heme=mobility").ids(&["mobility"]),
            at("/v1/events?venue=x").status(400).has(&["Unknown parameter 'venue'."]),
            at("/v1/themes?theme=mobility").status(400),
        ],
    );
}

fn values_are_checked(app: App) {
    let bad = |name: &str, values: &[&str]| -> Vec<_> {
        values
            .iter()
            .map(|value| at(format!("/v1/volumes?{name}={value}")).status(400).has(&[format!("\"name\":\"{name}\""), "schemaViolation".into()]))
            .collect()
    };
    run(&app, bad("number", &["0", "-1", "1000001", "x", "", "4.0", "04", "4%20"]));
    run(&app, bad("year", &["1899", "3000", "20", "MMXX", "%2B2020"]));
    run(&app, bad("theme", &["", "-", "a--b", "A", "%C3%A9", "a%00", &"a".repeat(81), "mobility,strategy"]));
    run(&app, bad("language", &["", "FR", "fr-BE", "xx"]));
    run(&app, bad("status", &["", "draft", "PUBLISHED"]));
    run(&app, bad("q", &["", "%20", "%09", "a%00b", "a%0Ab", &"a".repeat(101), "%C2%A0", "%E3%80%80"]));
    run(
        &app,
        bad(
            "updatedSince",
            &[
                "",
                "2024",
                "2024-05-02",
                "2024-05-02T00:00:00",
                "2024-13-01T00:00:00Z",
                "2024-05-02T24:00:00Z",
                "2024-02-30T00:00:00Z",
                "2024-05-02T00:00:00+02:00",
                "now",
                "99999-01-01T00:00:00Z",
            ],
        ),
    );
    run(
        &app,
        bad(
            "select",
            &["", "id", "()", "(", "(id", "(id,)", "(id)x", "(id%20,title)", "(id(x))", "((id))", "(*)", &format!("({})", "id,".repeat(400))],
        ),
    );
    run(&app, bad("embed", &["", "themes,events", "volumes"]));
    // As the schema has them, the limits themselves are good.
    run(
        &app,
        [
            at("/v1/volumes?number=1000000&year=1900").ids(&[]),
            at("/v1/volumes?year=2999").ids(&[]),
            at(format!("/v1/volumes?theme={}", "a".repeat(80))).status(400).has(&["referencedResourceNotFound"]),
            at(format!("/v1/volumes?q={}", "%C3%A9".repeat(100))).ids(&[]),
            at("/v1/volumes?updatedSince=2024-05-02t00:00:00z").status(200),
            at("/v1/volumes?updatedSince=2024-05-02T00:00:00.123456%2B02:00").status(200),
            at("/v1/events?from=2022-02-28").status(200),
        ],
    );
    for value in ["2022-02-29", "2022", "2022-2-1", "20220201", "2022-02-01T00:00:00Z", "", "today"] {
        run(&app, ["from", "to"].map(|name| at(format!("/v1/events?{name}={value}")).status(400).has(&["it must be a day of the calendar"])));
    }
    // Once, or each value once.
    run(
        &app,
        [
            at("/v1/volumes?q=a&q=b").status(400).has(&["'q' stands more than once"]),
            at("/v1/volumes?q=a&q=a").status(400).has(&["'q' stands more than once"]),
            at("/v1/volumes?theme=mobility&theme=mobility").status(400).has(&["'theme' has the value 'mobility' twice"]),
            at(format!("/v1/volumes?{}", (1..=20).map(|n| format!("number={n}")).collect::<Vec<_>>().join("&"))).ids(super::volumes::ALL),
            at(format!("/v1/volumes?{}", (1..=30).map(|n| format!("number={n}")).collect::<Vec<_>>().join("&")))
                .status(400)
                .has(&["'number' stands more than 20 times, the limit."]),
        ],
    );
    // Percent-encoding that is broken, or no UTF-8, is not replaced in silence.
    for query in ["q=%", "q=%4", "q=%zz", "q=%ff", "q=%c3", "%ff=x", "q=%ed%a0%80"] {
        let answer = app.raw("GET", format!("/v1/volumes?{query}").as_bytes(), b"", Path::Documented);
        assert_eq!((answer.status, answer.problem().as_str()), (400, "badRequest"), "{query}");
        assert!(answer.issues().iter().any(|issue| issue.place == "query"), "{query}: {}", answer.text());
    }
}

fn a_fault_is_told_shortened(app: App) {
    let long = "é".repeat(900);
    let encoded = "%C3%A9".repeat(900);
    for target in [
        format!("/v1/volumes?q={encoded}"),
        format!("/v1/volumes?{encoded}=1"),
        format!("/v1/volumes/{encoded}"),
        format!("/docs/problems/{encoded}"),
        format!("/v1/volumes?lang={encoded}"),
        format!("/v1/volumes?select=({encoded})"),
    ] {
        let answer = app.get(&target).expect(400);
        assert!(!answer.text().contains(&long) && answer.body.len() < 4_000, "{}", answer.text());
        assert!(answer.text().contains('…'), "{}", answer.text());
    }
    // What a client sends comes back as text, whatever it holds.
    let answer = app.get("/v1/volumes?q=%3Cscript%3E%22%0A&%3Cb%3E=1").expect(400);
    assert_eq!(answer.json()["issues"][0]["value"], "<script>\"\n");
}

fn nothing_is_ignored_anywhere(app: App) {
    // An unknown parameter is refused by every operation that reads.
    for read in readable(&app) {
        let separator = if read.target.contains('?') { '&' } else { '?' };
        let answer = read.call_at(&app, "GET", &format!("{}{separator}nosuchparameter=1", read.target)).send().expect(400);
        assert!(told(&answer).contains(&("unknownInput".into(), "nosuchparameter".into())), "{}: {}", answer.what(), answer.text());
        assert!(answer.text().contains("Unknown parameter 'nosuchparameter'"), "{}", answer.text());
        // Unknown header fields are accepted.
        assert_eq!(read.call(&app, "GET").header("X-No-Such-Header", "1").send().status, 200, "{}", read.target);
    }
}

fn impossible_ids_are_no_question(app: App) {
    let long = "a".repeat(10_000);
    let impossible: Vec<&[u8]> = vec![
        b"Mobility",
        b"mobility%00",
        b"%00",
        b"mob%20ility",
        b"mob.ility",
        b"mob_ility",
        b"-mobility",
        b"mobility-",
        b"mob--ility",
        b"mob%2Fility",
        b"%2e%2e%2f",
        b"mobilit%C3%A9",
        b"mobilit%c3",
        b"%ff",
        b"%zz",
        b"%",
        b"%4",
        b"mobility%",
        b"'%20OR%201=1--",
        b"*",
        b"~",
        b"mobility;v=1",
        long.as_bytes(),
    ];
    for operation in reads().iter().filter(|operation| operation.path.contains('{')) {
        let names: Vec<String> =
            operation.parameters().iter().filter(|one| one["in"] == "path").map(|one| one["name"].as_str().unwrap().to_owned()).collect();
        let examples = operation.example_path();
        // Each parameter in turn, the others as the document shows them.
        for (index, name) in names.iter().enumerate() {
            let (shown, template): (Vec<&str>, Vec<&str>) = (examples.split('/').collect(), operation.path.split('/').collect());
            let place = template.iter().position(|segment| *segment == format!("{{{name}}}")).unwrap();
            for id in &impossible {
                let mut target: Vec<u8> = Vec::new();
                for (at, segment) in shown.iter().enumerate().skip(1) {
                    target.push(b'/');
                    target.extend_from_slice(if at == place { id } else { segment.as_bytes() });
                }
                let answer = app.raw("GET", &target, b"", Path::Documented);
                assert_eq!((answer.status, answer.problem().as_str()), (400, "badRequest"), "{}: {}", answer.what(), answer.text());
                let issues = answer.issues();
                assert!(
                    issues.iter().any(|issue| issue.place == "path" && issue.kind == "schemaViolation" && issue.name == *name),
                    "{index} {}: {}",
                    answer.what(),
                    answer.text()
                );
                assert!(answer.body.len() < 3_000, "{}", answer.what());
            }
        }
    }
    // It is refused before any query: even without a database.
    app.home.execute("ALTER TABLE record RENAME TO elsewhere");
    run(&app, [at("/v1/volumes/Mobility").status(400), at("/v1/volumes?theme=Mobility").status(400)]);
}

fn what_is_not_there(app: App) {
    for path in
        ["/v1/volumes/", "/v1/volumes/mobility/", "/v1/volumes/mobility/editions/", "/v1/collection/", "/health/", "/docs/problems/badRequest/"]
    {
        let answer = app.raw("GET", path.as_bytes(), b"", Path::Undocumented);
        assert_eq!((answer.status, answer.problem().as_str()), (404, "resourceNotFound"), "{path}");
        assert_eq!(answer.json()["detail"], "There is nothing here; paths have no trailing slash.", "{path}");
    }
    for path in [
        "/v1/nothing",
        "/v1/volumes/mobility/nothing",
        "/v1/volumes/mobility/editions/fr/nothing",
        "/v2/volumes",
        "/V1/volumes",
        "/v1/Volumes",
        "/metrics",
        "/v1%2Fvolumes",
    ] {
        let answer = app.call("GET", path).undocumented().send().expect(404);
        assert_eq!(answer.json()["detail"], "There is nothing at this address; /v1 links to everything there is.", "{path}");
        // Whatever the method.
        for method in ["POST", "DELETE", "PROPFIND", "HEAD"] {
            assert_eq!(app.call(method, path).undocumented().send().status, 404, "{method} {path}");
        }
    }
}

/// The methods of each path of the document, as `Allow` must tell them.
fn allowed(path: &str) -> Vec<String> {
    let mut methods: Vec<String> = DOCUMENT["paths"][path].as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
    if methods.contains(&"GET".to_owned()) {
        methods.push("HEAD".into());
    }
    methods.push("OPTIONS".into());
    methods.sort();
    methods
}

fn other_methods(app: App) {
    let mut seen = Vec::new();
    for operation in operations() {
        if seen.contains(&operation.path) {
            continue;
        }
        let (path, allow) = (operation.example_path(), allowed(&operation.path));
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "QUERY", "PROPFIND", "SEARCH", "FOO", "get", "X-1"] {
            if allow.contains(&method.to_owned()) {
                continue;
            }
            let answer = app.call(method, &path).send().expect(405);
            assert_eq!(answer.header("allow"), Some(allow.join(", ").as_str()), "{}", answer.what());
            if method != "HEAD" {
                assert_eq!(answer.problem(), "methodNotAllowed");
                assert!(answer.text().contains(&format!("{method} is not a method of this resource")), "{}", answer.text());
            }
        }
        // A body changes nothing, nor does a query.
        if !allow.contains(&"PUT".to_owned()) {
            assert_eq!(app.call("PUT", &format!("{path}?x=1")).json(&json!({"a": 1})).send().status, 405);
        }
        seen.push(operation.path);
    }
    assert!(seen.len() >= 25, "{seen:?}");
}

fn what_is_asked_with_options(app: App) {
    for operation in operations() {
        let (path, allow) = (operation.example_path(), allowed(&operation.path).join(", "));
        let answer = app.call("OPTIONS", &path).send().expect(204);
        assert_eq!(answer.header("allow"), Some(allow.as_str()), "{path}");
        // A preflight (Fetch standard): who asks may go on.
        let answer = app
            .call("OPTIONS", &path)
            .headers(&[
                ("Origin", "https://www.example.org"),
                ("Access-Control-Request-Method", &operation.method),
                ("Access-Control-Request-Headers", "content-type,idempotency-key"),
            ])
            .send()
            .expect(204);
        let list = |name: &str| -> Vec<String> { answer.header(name).unwrap_or_default().split(',').map(|one| one.trim().to_lowercase()).collect() };
        assert!(list("access-control-allow-methods").contains(&operation.method.to_lowercase()), "{path}: {:?}", answer.headers);
        for name in ["content-type", "idempotency-key", "authorization", "if-none-match", "accept-language", "range"] {
            assert!(list("access-control-allow-headers").contains(&name.to_owned()), "{path}: {name} in {:?}", answer.headers);
        }
        assert!(answer.header("access-control-max-age").is_some_and(|age| age.parse::<u32>().is_ok()), "{path}");
        // No cookie is ever wanted.
        assert_eq!(answer.header("access-control-allow-credentials"), None);
    }
    let answer = app.call("OPTIONS", "/v1/nothing").undocumented().send();
    assert_eq!(answer.status, 404);
}

fn what_cannot_be_had(app: App) {
    for read in readable(&app) {
        let content = read.operation.value["responses"]["200"]["content"].as_object().unwrap();
        let given = read.call(&app, "GET").send().expect(200).header("content-type").unwrap().split(';').next().unwrap().to_owned();
        assert!(content.keys().any(|media| media.starts_with(&given)), "{}: {given}", read.target);
        let group = given.split('/').next().unwrap();
        // Who refuses JSON alone is answered in the other form, where there is one.
        let other_form = if content.contains_key("application/json") && content.len() > 1 { 200 } else { 406 };
        for (accept, status) in [
            (given.clone(), 200),
            (given.to_uppercase(), 200),
            ("*/*".into(), 200),
            (format!("{group}/*"), 200),
            (format!("text/csv;q=0.1, {given};q=0.2"), 200),
            ("audio/basic, */*;q=0.01".into(), 200),
            (String::new(), 200),
            ("audio/basic".into(), 406),
            (format!("{given};q=0"), 406),
            (format!("*/*, {given};q=0"), other_form),
            ("audio/*".into(), 406),
            // What cannot be read is as good as nothing.
            ("nonsense".into(), 200),
        ] {
            // The other form of the changes is a stream, which has no end.
            if read.operation.id == "listChanges" && accept.starts_with("*/*,") {
                continue;
            }
            let answer = read.call(&app, "GET").header("Accept", &accept).send();
            assert_eq!(answer.status, status, "{} with Accept: {accept}: {}", read.target, answer.text());
            if status == 406 {
                assert_eq!(answer.problem(), "notAcceptable");
                assert!(
                    answer.json()["available"].as_array().is_some_and(|all| all.contains(&Value::from(given.clone()))),
                    "{}: {}",
                    read.target,
                    answer.text()
                );
            }
        }
    }
    // A language is never a reason.
    assert_eq!(app.call("GET", "/v1/volumes/mobility").header("Accept-Language", "zh, *;q=0").send().status, 200);
}

fn too_long(app: App) {
    let at_limit = |length: usize| format!("/v1/volumes?q={}", "a".repeat(length - "/v1/volumes?q=".len()));
    // The limit itself is read; that the value is too long for a search is another thing.
    assert_eq!(app.raw("GET", at_limit(MAX_URI).as_bytes(), b"", Path::Documented).status, 400);
    let answer = app.raw("GET", at_limit(MAX_URI + 1).as_bytes(), b"", Path::Documented);
    assert_eq!((answer.status, answer.problem().as_str(), &answer.json()["limit"]), (414, "uriTooLong", &json!(MAX_URI)));
    let answer = app.raw("GET", format!("/{}", "a".repeat(MAX_URI)).as_bytes(), b"", Path::Undocumented);
    assert_eq!(answer.status, 414);

    let field = |length: usize| format!("X-Filler: {}\r\n", "a".repeat(length));
    let answer = app.raw("GET", b"/v1", field(MAX_HEADERS - 200).as_bytes(), Path::Documented);
    assert_eq!(answer.status, 200);
    let answer = app.raw("GET", b"/v1", field(MAX_HEADERS).as_bytes(), Path::Documented);
    assert_eq!((answer.status, answer.problem().as_str(), &answer.json()["limit"]), (431, "headerTooLarge", &json!(MAX_HEADERS)));
    // Many small ones as well.
    let many: String = (0..90).map(|n| format!("X-Filler-{n}: {}\r\n", "a".repeat(200))).collect();
    assert_eq!(app.raw("GET", b"/v1", many.as_bytes(), Path::Documented).status, 431);
    // So large, or so many, that the request is never read to its end: the connection itself answers.
    let so_many: String = (0..500).map(|n| format!("X-{n}: a\r\n")).collect();
    for head in [field(300_000), so_many] {
        let request = format!("GET /v1 HTTP/1.1\r\nHost: x\r\n{head}\r\n");
        let answer = parse(&app, "GET", "/v1", &exchange(app.address, request.as_bytes()));
        crate::support::document::check(&answer, Path::Documented);
        assert!(matches!(answer.status, 400 | 431), "{}", answer.what());
    }

    // The body of a form.
    let body = |length: usize| format!("\"{}\"", "a".repeat(length - 2));
    let answer = app.call("POST", "/v1/downloadRequests").header("Content-Type", "application/json").body(body(MAX_BODY)).send().expect(400);
    assert_eq!(answer.issues()[0].place, "body");
    let answer = app.call("POST", "/v1/downloadRequests").header("Content-Type", "application/json").body(body(MAX_BODY + 1)).send().expect(413);
    assert_eq!((answer.problem().as_str(), &answer.json()["limit"]), ("payloadTooLarge", &json!(MAX_BODY)));
}

fn no_request_at_all(app: App) {
    for (what, request) in [
        ("no HTTP", &b"hello\r\n\r\n"[..]),
        ("no version", b"GET /v1\r\n\r\n"),
        ("another protocol", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
        ("raw bytes in the address", b"GET /v1/volumes/mobilit\xc3\xa9 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
        ("a space in the address", b"GET /v1/volumes?q=a b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
        ("a field without a colon", b"GET /v1 HTTP/1.1\r\nHost: x\r\nnonsense\r\nConnection: close\r\n\r\n"),
        ("a space before the colon", b"GET /v1 HTTP/1.1\r\nHost : x\r\nConnection: close\r\n\r\n"),
        ("a NUL in a field", b"GET /v1 HTTP/1.1\r\nHost: x\r\nX: a\0b\r\nConnection: close\r\n\r\n"),
        ("two lengths", b"POST /v1/downloadRequests HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\nConnection: close\r\n\r\nabc"),
        ("a length that is none", b"POST /v1/downloadRequests HTTP/1.1\r\nHost: x\r\nContent-Length: -3\r\nConnection: close\r\n\r\nabc"),
    ] {
        let answer = parse(&app, "GET", "/v1", &exchange(app.address, request));
        assert_eq!(answer.status, 400, "{what}");
        crate::support::document::check(&answer, Path::Documented);
        assert_eq!(answer.problem(), "badRequest", "{what}");
        assert_eq!(answer.header("connection"), Some("close"), "{what}");
    }
    // The server is well all the same.
    assert_eq!(app.get("/health").status, 200);
}

fn a_fault_of_the_database_is_the_servers(app: App) {
    app.home.execute("ALTER TABLE record RENAME TO elsewhere");
    for read in reads() {
        if !read.parameters().iter().any(|one| one["name"] == "lang") {
            continue;
        }
        let target = if read.id == "findDownloadForm" { "/v1/downloadForm?volume=strategy".to_owned() } else { read.example_path() };
        let answer = app.get(&target);
        assert_eq!((answer.status, answer.problem().as_str()), (500, "internalServerError"), "{}", answer.what());
        assert_eq!(answer.json()["detail"], "Something went wrong on the server; the operator finds the cause under this trace id.");
        // Also for what would not be there.
        if read.path.ends_with("Id}") {
            let parent = target.rsplit_once('/').unwrap().0.to_owned();
            assert_eq!(app.get(&format!("{parent}/no-such-thing")).status, 500, "{parent}");
        }
    }
    let answer = app.ask_for(&crate::support::downloads::least("mobility", "fr"));
    assert_eq!(answer.status, 500, "{}", answer.text());
    // What needs no database is there.
    for path in ["/", "/v1", "/openapi.json", "/docs", "/docs/problems/badRequest", "/health/live"] {
        assert_eq!(app.get(path).status, 200, "{path}");
    }
    app.home.execute("ALTER TABLE elsewhere RENAME TO record");
    assert_eq!(app.get("/v1/volumes").status, 200);
}

/// Asks for all of these at once.
fn at_once(app: &App, targets: &[&str]) -> Vec<Answer> {
    std::thread::scope(|scope| {
        let asking: Vec<_> = targets.iter().map(|target| scope.spawn(|| app.get(target))).collect();
        asking.into_iter().map(|asked| asked.join().expect("an answer")).collect()
    })
}

const NEED_THE_DATABASE: [&str; 5] =
    ["/v1/volumes", "/v1/volumes/mobility", "/v1/volumes/nothing", "/v1/collection", "/v1/downloadForm?volume=mobility"];

fn assert_unavailable(answers: &[Answer]) {
    for answer in answers {
        if answer.target.starts_with("/health") {
            assert_eq!((answer.status, answer.json()), (503, json!({"status": "DOWN"})), "{}", answer.what());
        } else {
            assert_eq!((answer.status, answer.problem().as_str()), (503, "serviceUnavailable"), "{}", answer.what());
        }
        assert!(answer.header("retry-after").is_some_and(|after| after.parse::<u32>().is_ok_and(|seconds| seconds > 0)), "{}", answer.what());
    }
}

/// All connections are in use, so that a request waits its time in vain.
fn a_busy_database_says_so(app: App) {
    let (readers, _) = app.home.target().pool_sizes();
    let barrier = std::sync::Barrier::new(readers as usize + 1);
    let release = std::sync::Barrier::new(readers as usize + 1);
    std::thread::scope(|scope| {
        for _ in 0..readers {
            scope.spawn(|| {
                let held = app.state.store.read(|_| {
                    barrier.wait();
                    release.wait();
                    Ok(())
                });
                held.unwrap();
            });
        }
        barrier.wait();
        let answers = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            at_once(&app, &[&NEED_THE_DATABASE[..], &["/health", "/health/ready"]].concat())
        }));
        release.wait();
        match answers {
            Ok(answers) => assert_unavailable(&answers),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    });
    assert!(at_once(&app, &NEED_THE_DATABASE[..2]).iter().all(|answer| answer.status == 200));
}

/// The database is out of reach, and comes back. A file cannot be: it is opened already.
fn a_lost_database_says_so(database: Database) {
    if database == Database::Sqlite {
        return a_file_that_is_no_database_is_refused();
    }
    let app = App::new(database);
    assert_eq!(app.get("/v1/volumes").status, 200);
    app.home.forbid();
    // What is ready is still sent while it is known to be true, which is a second at most.
    within(Duration::from_secs(3), "nothing is taken for true", || (app.get("/v1/volumes").status == 503).then_some(()));
    assert_unavailable(&at_once(&app, &[&NEED_THE_DATABASE[..], &["/health", "/health/ready"]].concat()));
    assert_eq!(app.get("/health/live").status, 200);
    app.home.allow();
    // Without a restart.
    assert_eq!(app.get("/v1/volumes").status, 200);
    assert_eq!(app.get("/health").ok(), json!({"status": "UP"}));
}

/// What stands for it with a file: one that cannot be read is never taken for an empty database.
fn a_file_that_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("handbooks.db");
    std::fs::write(&path, "this is no database, and long enough to be looked at twice ".repeat(100)).unwrap();
    let target = handbooks::db::Target::parse(&format!("sqlite:{}", path.display())).unwrap();
    let fault = handbooks::db::Store::create(&target).expect_err("a file of text is no database");
    assert!(fault.contains("file is not a database"), "{fault}");
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("this is no database"), "the file was overwritten");
}
