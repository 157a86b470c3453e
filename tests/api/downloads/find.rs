//! `GET /v1/downloads/{linkToken}`

use chrono::TimeDelta;
use diesel::prelude::*;
use handbooks::db::schema::download_item;
use handbooks::db::types::now;
use handbooks::download::link::token;
use handbooks::operations::file::Kind;
use sha2::{Digest, Sha256};

use crate::support::downloads::{least, text};
use crate::support::pdf::pdf;
use crate::support::{Answer, App, both};

both!(
    gives_the_file,
    gives_parts,
    resumes,
    asks_before_sending,
    names_the_file,
    refuses_what_was_altered,
    expires,
    ends_with_its_request,
    follows_the_edition,
    lacks_its_file
);

/// A server with the French edition of volume 4, its link and its bytes.
fn ready(app: &App) -> (String, Vec<u8>) {
    let bytes = pdf(3, 200_000);
    app.add_file(Kind::Volume, "mobility", "fr", &bytes);
    (app.link("mobility", "fr"), bytes)
}

fn gives_the_file(app: App) {
    let (link, bytes) = ready(&app);
    let answer = app.get(&link).expect(200);
    assert!(answer.body == bytes, "other bytes");
    let sha256: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let (length, etag) = (bytes.len().to_string(), format!("\"{sha256}\""));
    let headers = [
        ("content-type", "application/pdf"),
        ("content-length", length.as_str()),
        ("etag", etag.as_str()),
        ("accept-ranges", "bytes"),
        ("cache-control", "private, no-cache"),
        ("x-content-type-options", "nosniff"),
    ];
    let head = app.call("HEAD", &link).send().expect(200);
    for (name, value) in headers {
        assert_eq!(answer.header(name), Some(value), "{name}");
        assert_eq!(head.header(name), Some(value), "HEAD: {name}");
    }
    for name in ["content-disposition", "last-modified"] {
        assert!(answer.header(name).is_some() && answer.header(name) == head.header(name), "{name}");
    }
    for absent in ["content-range", "content-encoding", "location", "set-cookie"] {
        assert_eq!(answer.header(absent), None, "{absent}");
    }
    // No compression, which would make other bytes of the ranges.
    assert_eq!(app.call("GET", &link).header("Accept-Encoding", "gzip, br").send().expect(200).header("content-encoding"), None);
    for accept in ["application/pdf", "*/*", "application/*", "text/html, */*;q=0.1"] {
        assert_eq!(app.call("GET", &link).header("Accept", accept).send().status, 200, "{accept}");
    }
    assert_eq!(app.call("GET", &link).header("Accept", "application/json").send().expect(406).problem(), "notAcceptable");
    let refused = app.call("POST", &link).send().expect(405);
    assert_eq!(refused.header("allow"), Some("GET, HEAD, OPTIONS"));
}

fn range(app: &App, link: &str, range: &str) -> Answer {
    app.call("GET", link).header("Range", range).send()
}

fn gives_parts(app: App) {
    let (link, bytes) = ready(&app);
    let size = bytes.len();
    let last = size - 1;
    for (asked, from, to) in [
        ("bytes=0-0".to_owned(), 0, 0),
        ("bytes=0-99".into(), 0, 99),
        ("bytes=100-199".into(), 100, 199),
        ("bytes=65535-65536".into(), 65_535, 65_536),
        ("bytes=60000-140000".into(), 60_000, 140_000),
        (format!("bytes={last}-"), last, last),
        (format!("bytes={}-", size - 10), size - 10, last),
        ("bytes=0-".into(), 0, last),
        ("bytes=-1".into(), last, last),
        ("bytes=-70000".into(), size - 70_000, last),
        (format!("bytes=-{}", size * 2), 0, last),
        (format!("bytes=10-{}", size * 2), 10, last),
        ("Bytes=5-6".into(), 5, 6),
    ] {
        let answer = range(&app, &link, &asked).expect(206);
        assert!(answer.body == bytes[from..=to], "{asked}: other bytes");
        assert_eq!(answer.header("content-range"), Some(format!("bytes {from}-{to}/{size}").as_str()), "{asked}");
        assert_eq!(answer.header("content-length"), Some((to - from + 1).to_string().as_str()));
        assert!(answer.header("etag").is_some() && answer.header("content-disposition").is_some());
    }
    // Several, and what cannot be understood: the whole, as documented.
    for asked in [
        "bytes=0-1,5-6",
        "bytes=0-1, 5-6",
        "bytes=5-2",
        "bytes=x-y",
        "bytes=",
        "bytes=-",
        "bytes",
        "lines=1-2",
        "bytes=+1-2",
        "bytes=1-2,",
        "0-1",
        "",
    ] {
        let answer = range(&app, &link, asked);
        assert_eq!(answer.status, 200, "{asked}");
        assert!(answer.body == bytes && answer.header("content-range").is_none(), "{asked}");
    }
    let twice = app.call("GET", &link).headers(&[("Range", "bytes=0-1"), ("Range", "bytes=2-3")]).send().expect(200);
    assert_eq!(twice.body.len(), size);
    // Beyond the end.
    for asked in [format!("bytes={size}-"), format!("bytes={}-{}", size + 5, size + 9), "bytes=-0".into(), format!("bytes={}-", u64::MAX)] {
        let answer = range(&app, &link, &asked).expect(416);
        assert_eq!(answer.problem(), "rangeNotSatisfiable");
        assert_eq!(answer.header("content-range"), Some(format!("bytes */{size}").as_str()), "{asked}");
        assert_eq!(answer.header("etag"), None);
    }
    // A range is of GET alone.
    let head = app.call("HEAD", &link).header("Range", "bytes=0-1").send().expect(200);
    assert_eq!(head.header("content-length"), Some(size.to_string().as_str()));
}

fn resumes(app: App) {
    let (link, bytes) = ready(&app);
    let whole = app.get(&link).expect(200);
    let (etag, modified) = (whole.header("etag").unwrap().to_owned(), whole.header("last-modified").unwrap().to_owned());
    // Piece by piece, as a client goes on that was cut off, each time asking for what it lacks.
    let mut have: Vec<u8> = Vec::new();
    while have.len() < bytes.len() {
        let asked = format!("bytes={}-{}", have.len(), have.len() + 69_999);
        let part = app.call("GET", &link).headers(&[("Range", &asked), ("If-Range", &etag)]).send().expect(206);
        have.extend_from_slice(&part.body);
    }
    assert!(have == bytes, "other bytes");
    let if_range = |condition: &str| app.call("GET", &link).headers(&[("Range", "bytes=0-9"), ("If-Range", condition)]).send().status;
    for (condition, wanted) in [
        (etag.clone(), 206),
        (modified, 206),
        ("\"other\"".into(), 200),
        // Weak, and so not good enough.
        (format!("W/{etag}"), 200),
        ("Sun, 06 Nov 1994 08:49:37 GMT".into(), 200),
        ("Sun, 06 Nov 2094 08:49:37 GMT".into(), 200),
        ("nonsense".into(), 200),
        ("*".into(), 200),
    ] {
        assert_eq!(if_range(&condition), wanted, "{condition}");
    }
    // Another file now: who goes on gets all of the new one.
    let other = pdf(4, 250_000);
    app.add_file(Kind::Volume, "mobility", "fr", &other);
    let answer = app.call("GET", &link).headers(&[("Range", "bytes=1000-"), ("If-Range", &etag)]).send().expect(200);
    assert!(answer.body == other, "other bytes");
    assert_ne!(answer.header("etag"), Some(etag.as_str()));
}

fn asks_before_sending(app: App) {
    let (link, _) = ready(&app);
    let whole = app.get(&link).expect(200);
    let (etag, modified) = (whole.header("etag").unwrap(), whole.header("last-modified").unwrap());
    for (name, value, wanted) in [
        ("If-None-Match", etag.to_owned(), 304),
        ("If-None-Match", format!("W/{etag}"), 304),
        ("If-None-Match", format!("\"a\", {etag}"), 304),
        ("If-None-Match", "*".into(), 304),
        ("If-None-Match", "\"other\"".into(), 200),
        ("If-Modified-Since", modified.to_owned(), 304),
        ("If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT".into(), 200),
        ("If-Modified-Since", "nonsense".into(), 200),
    ] {
        for method in ["GET", "HEAD"] {
            let answer = app.call(method, &link).header(name, &value).send();
            assert_eq!(answer.status, wanted, "{method} {name}: {value}");
            assert_eq!(answer.header("etag"), Some(etag), "{method} {name}: {value}");
        }
    }
    // The tag counts more than the date, and both more than the range.
    let answer = app.call("GET", &link).headers(&[("If-None-Match", "\"other\""), ("If-Modified-Since", modified)]).send();
    assert_eq!(answer.status, 200);
    assert_eq!(app.call("GET", &link).headers(&[("If-None-Match", etag), ("Range", "bytes=0-1")]).send().status, 304);
}

/// The two names of a Content-Disposition (RFC 6266): the plain one, and the extended one undone.
fn names(answer: &Answer) -> (String, Option<String>) {
    let field = answer.header("content-disposition").expect("Content-Disposition");
    assert!(field.is_ascii());
    let rest = field.strip_prefix("attachment; filename=\"").unwrap_or_else(|| panic!("{field}"));
    let (plain, rest) = rest.split_once('"').unwrap_or_else(|| panic!("{field}"));
    assert!(!plain.contains(['%', '\\', '/']), "{field}");
    let extended = rest.strip_prefix("; filename*=UTF-8''").map(|value| {
        assert!(value.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&+-.^_`|~%".contains(&b)), "{field}");
        // Everything that is not encoded stands for itself, the plus sign too.
        String::from_utf8(form_urlencoded::parse(format!("v={}", value.replace('+', "%2B")).as_bytes()).next().unwrap().1.into_owned().into_bytes())
            .unwrap()
    });
    assert!(rest.is_empty() || extended.is_some(), "{field}");
    (plain.to_owned(), extended)
}

fn names_the_file(app: App) {
    for (kind, id, language, plain, name) in [
        (
            Kind::Volume,
            "mobility",
            "fr",
            "Guides Pratiques de la Smart City 4 - La mobilite de demain (fr).pdf",
            "Guides Pratiques de la Smart City 4 - La mobilité de demain (fr).pdf",
        ),
        (Kind::Volume, "strategy", "nl", "", ""),
        (Kind::Complement, "leadership", "fr", "", ""),
    ] {
        app.add_file(kind, id, language, &pdf(1, id.len()));
        let body = serde_json::json!({"editions": [{kind.name(): id, "language": language}], "privacyNotice": "privacy-1"});
        let link = text(&app.ask_for(&body).expect(201).json(), "/editions/0/link/href");
        let answer = app.get(&link).expect(200);
        let (fallback, extended) = names(&answer);
        let edition = app.get(&format!("/v1/{}/{id}/editions/{language}", kind.path())).ok();
        // The name is the one that the catalogue gives.
        assert_eq!(extended.as_ref().unwrap_or(&fallback), &text(&edition, "/file/fileName"));
        assert!(fallback.ends_with(&format!(" ({language}).pdf")), "{fallback}");
        if !plain.is_empty() {
            assert_eq!((fallback.as_str(), extended.as_deref()), (plain, Some(name)));
        }
        assert_eq!(names(&app.call("GET", &link).header("Range", "bytes=0-1").send().expect(206)).0, fallback);
    }
}

fn refuses_what_was_altered(app: App) {
    let (link, _) = ready(&app);
    let (path, token) = link.rsplit_once('/').unwrap();
    let status = |token: &str| app.get(&format!("{path}/{token}")).status;
    assert_eq!(status(token), 200);
    for at in 0..token.len() {
        // Another character, and at some places all others.
        let others: &[u8] = if at % 11 == 0 { b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" } else { b"Ax" };
        for &other in others.iter().filter(|&&other| other != token.as_bytes()[at]) {
            let mut altered = token.as_bytes().to_vec();
            altered[at] = other;
            assert_eq!(status(std::str::from_utf8(&altered).unwrap()), 403, "{} at {at}", char::from(other));
        }
    }
    for altered in [&token[..token.len() - 1], &token[1..], &format!("{token}A"), &format!("A{token}"), &token.to_lowercase(), &"A".repeat(44)] {
        assert_eq!(status(altered), 403, "{altered}");
    }
    let problem = app.get(&format!("{path}/{}", "A".repeat(44))).expect(403);
    assert_eq!(problem.problem(), "linkInvalid");
    assert!(problem.text().contains("Read the download request again"), "{}", problem.text());
    // No token at all.
    for no_token in
        ["x", "%C3%A9%C3%A9%C3%A9%C3%A9%C3%A9%C3%A9%C3%A9%C3%A9%C3%A9%C3%A9", &format!("{token}="), &format!("{token}%00"), &"A".repeat(201)]
    {
        let answer = app.get(&format!("{path}/{no_token}")).expect(400);
        assert_eq!(answer.issues()[0].name, "linkToken");
        // What is almost a link is not quoted.
        assert!(!answer.text().contains(&token[..20]), "{}", answer.text());
    }
    assert_eq!(app.get(&format!("{link}?download=1")).expect(400).issues()[0].name, "download");
    assert_eq!(app.call("GET", &format!("{link}/")).undocumented().send().status, 404);
    assert_eq!(app.call("GET", "/v1/downloads").undocumented().send().status, 404);
}

/// The key of the only item there is.
fn item(app: &App) -> i64 {
    app.state.store.read(|db| Ok(download_item::table.select(download_item::key).first(db)?)).unwrap()
}

fn expires(app: App) {
    let (_, bytes) = ready(&app);
    let item = item(&app);
    let link = |seconds: i64| format!("/v1/downloads/{}", token::sign(&app.state.secret, item, (now() + TimeDelta::seconds(seconds)).and_utc()));
    assert!(app.get(&link(60)).expect(200).body == bytes);
    for past in [-1, -3600, -8 * 24 * 3600] {
        for method in ["GET", "HEAD"] {
            let answer = app.call(method, &link(past)).send().expect(410);
            assert!(
                method == "HEAD" || answer.problem() == "linkExpired" && answer.text().contains("has expired. Read the download request again"),
                "{}",
                answer.text()
            );
        }
    }
    // Over is over, also for who has the file.
    assert_eq!(app.call("GET", &link(-1)).header("If-None-Match", "*").send().status, 410);
    // An item that never was.
    let never = token::sign(&app.state.secret, item + 1, (now() + TimeDelta::hours(1)).and_utc());
    assert_eq!(app.get(&format!("/v1/downloads/{never}")).status, 410);
}

fn ends_with_its_request(app: App) {
    app.add_file(Kind::Volume, "mobility", "fr", &pdf(1, 0));
    let made = app.ask_for(&least("mobility", "fr")).expect(201).json();
    let other = app.link("mobility", "fr");
    let link = text(&made, "/editions/0/link/href");
    assert_eq!(app.get(&link).status, 200);
    assert_eq!(app.opened("DELETE", &made).status, 204);
    let answer = app.get(&link).expect(410);
    assert_eq!(answer.problem(), "linkExpired");
    assert!(answer.text().contains("erased"), "{}", answer.text());
    assert_eq!(app.call("GET", &link).header("Range", "bytes=0-1").send().status, 410);
    assert_eq!(app.get(&other).status, 200);
}

fn follows_the_edition(app: App) {
    let (link, first) = ready(&app);
    let etag = app.get(&link).expect(200).header("etag").unwrap().to_owned();
    let second = pdf(9, 10);
    app.add_file(Kind::Volume, "mobility", "fr", &second);
    let answer = app.call("GET", &link).header("If-None-Match", &etag).send().expect(200);
    assert!(answer.body == second, "not the present file");
    // And back again: the file was kept.
    assert!(app.add_file(Kind::Volume, "mobility", "fr", &first).contains("takes the place"));
    let answer = app.get(&link).expect(200);
    assert!(answer.body == first && answer.header("etag") == Some(etag.as_str()));
}

fn lacks_its_file(app: App) {
    let (link, _) = ready(&app);
    // Somebody emptied the storage: a fault of the server, not of the link.
    std::fs::remove_dir_all(app.home.folder.path().join("files/sha256")).unwrap();
    let answer = app.get(&link).expect(503);
    assert_eq!(answer.problem(), "serviceUnavailable");
    assert!(answer.header("retry-after").is_some());
}
