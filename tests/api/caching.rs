//! What may be kept of an answer, for how long and for whom: one line for each route that is read.

use std::io::Read;

use crate::support::document::reads;
use crate::support::reads::{Readable, readable};
use crate::support::{Answer, App, both};

both!(
    every_route_says_what_may_be_kept,
    who_has_it_is_not_sent_it_again,
    an_etag_is_of_the_bytes,
    a_change_is_a_new_etag,
    a_date_will_do,
    each_coding_is_another_representation,
    refusals_are_not_kept,
);

/// May be used for a minute, and five more while it is asked for anew.
const PUBLIC: &str = "max-age=60, stale-while-revalidate=300";
/// Of a person, or of this moment.
const NO_STORE: &str = "no-store";
const REVALIDATED: &str = "no-cache";
/// A file behind a personal link: to be asked for each time, by its one reader.
const PRIVATE: &str = "private, no-cache";

/// What a route's answers vary by.
const LANGUAGES: &str = "Accept, Accept-Encoding, Accept-Language";
const PLAIN: &str = "Accept, Accept-Encoding";

/// Path, `Cache-Control`, whether there is a strong `ETag`, `Vary`, whether there is `Last-Modified`.
#[rustfmt::skip]
const ROUTES: &[(&str, &str, bool, &str, bool)] = &[
    ("/",                                                     PUBLIC,   true,  PLAIN,     false),
    ("/v1",                                                   PUBLIC,   true,  PLAIN,     false),
    ("/v1/collection",                                        PUBLIC,   true,  LANGUAGES, true),
    ("/v1/volumes",                                           PUBLIC,   true,  LANGUAGES, true),
    ("/v1/volumes/{volumeId}",                                PUBLIC,   true,  LANGUAGES, true),
    ("/v1/volumes/{volumeId}/editions",                       PUBLIC,   true,  LANGUAGES, true),
    ("/v1/volumes/{volumeId}/editions/{languageCode}",        PUBLIC,   true,  LANGUAGES, true),
    ("/v1/volumes/{volumeId}/editions/{languageCode}/cover",  PUBLIC,   true,  "Accept",  true),
    ("/v1/complements/{complementId}/editions/{languageCode}/cover", PUBLIC, true, "Accept", true),
    ("/v1/complements",                                       PUBLIC,   true,  LANGUAGES, true),
    ("/v1/complements/{complementId}",                        PUBLIC,   true,  LANGUAGES, true),
    ("/v1/complements/{complementId}/editions",               PUBLIC,   true,  LANGUAGES, true),
    ("/v1/complements/{complementId}/editions/{languageCode}", PUBLIC,  true,  LANGUAGES, true),
    ("/v1/themes",                                            PUBLIC,   true,  LANGUAGES, true),
    ("/v1/themes/{themeId}",                                  PUBLIC,   true,  LANGUAGES, true),
    ("/v1/languages",                                         PUBLIC,   true,  LANGUAGES, true),
    ("/v1/languages/{languageCode}",                          PUBLIC,   true,  LANGUAGES, true),
    ("/v1/events",                                            PUBLIC,   true,  LANGUAGES, true),
    ("/v1/events/{eventId}",                                  PUBLIC,   true,  LANGUAGES, true),
    ("/v1/testimonies",                                       PUBLIC,   true,  LANGUAGES, true),
    ("/v1/testimonies/{testimonyId}",                         PUBLIC,   true,  LANGUAGES, true),
    ("/v1/translations",                                      NO_STORE, false, "Accept",  false),
    ("/v1/downloadForm",                                      PUBLIC,   true,  LANGUAGES, true),
    ("/v1/changes",                                           REVALIDATED,   true,  PLAIN,     false),
    ("/v1/digest",                                            REVALIDATED,   true,  PLAIN,     false),
    ("/v1/catalogue",                                         PUBLIC,   true,  LANGUAGES, true),
    ("/v1/keys",                                              NO_STORE, false, "",        false),
    ("/v1/keys/{keyId}",                                      NO_STORE, false, "",        false),
    ("/v1/downloadRequests/{requestId}",                      NO_STORE, false, "",        false),
    ("/v1/downloads/{linkToken}",                             PRIVATE,  true,  "",        true),
    ("/v1/collection/document", NO_STORE, true,  "",        false),
    ("/v1/volumes/{volumeId}/editions/{languageCode}/document", NO_STORE, true,  "",        false),
    ("/v1/complements/{complementId}/editions/{languageCode}/document", NO_STORE, true,  "",        false),
    ("/v1/volumes/{volumeId}/document", NO_STORE, true,  "",        false),
    ("/v1/complements/{complementId}/document", NO_STORE, true,  "",        false),
    ("/v1/themes/{themeId}/document", NO_STORE, true,  "",        false),
    ("/v1/languages/{languageCode}/document", NO_STORE, true,  "",        false),
    ("/v1/events/{eventId}/document", NO_STORE, true,  "",        false),
    ("/v1/testimonies/{testimonyId}/document", NO_STORE, true,  "",        false),
    ("/v1/supporters/{supporterId}/document", NO_STORE, true,  "",        false),
    ("/v1/collection/history", NO_STORE, false, "", false),
    ("/v1/collection/history/{version}", NO_STORE, false, "", false),
    ("/v1/volumes/{volumeId}/history", NO_STORE, false, "", false),
    ("/v1/volumes/{volumeId}/history/{version}", NO_STORE, false, "", false),
    ("/v1/complements/{complementId}/history", NO_STORE, false, "", false),
    ("/v1/complements/{complementId}/history/{version}", NO_STORE, false, "", false),
    ("/v1/themes/{themeId}/history", NO_STORE, false, "", false),
    ("/v1/themes/{themeId}/history/{version}", NO_STORE, false, "", false),
    ("/v1/languages/{languageCode}/history", NO_STORE, false, "", false),
    ("/v1/languages/{languageCode}/history/{version}", NO_STORE, false, "", false),
    ("/v1/events/{eventId}/history", NO_STORE, false, "", false),
    ("/v1/events/{eventId}/history/{version}", NO_STORE, false, "", false),
    ("/v1/testimonies/{testimonyId}/history", NO_STORE, false, "", false),
    ("/v1/testimonies/{testimonyId}/history/{version}", NO_STORE, false, "", false),
    ("/v1/supporters/{supporterId}/history", NO_STORE, false, "", false),
    ("/v1/supporters/{supporterId}/history/{version}", NO_STORE, false, "", false),
    ("/v1/auditLog", NO_STORE, false, "", false),
    ("/health",                                               NO_STORE, false, "Accept",  false),
    ("/health/live",                                          NO_STORE, false, "Accept",  false),
    ("/health/ready",                                         NO_STORE, false, "Accept",  false),
    ("/openapi.json",                                         PUBLIC,   true,  PLAIN,     false),
    ("/openapi.yaml",                                         PUBLIC,   true,  PLAIN,     false),
    ("/docs",                                                 PUBLIC,   true,  PLAIN,     false),
    ("/docs/problems/{problemName}",                          PUBLIC,   true,  PLAIN,     false),
    ("/docs/assets/{assetName}",                              PUBLIC,   true,  PLAIN,     false),
];

/// What can be kept, and so can be asked for again; the ETag of a document is for those who change it.
fn kept(app: &App) -> Vec<Readable> {
    readable(app)
        .into_iter()
        .filter(|read| ROUTES.iter().any(|(path, cache, etag, ..)| *path == read.operation.path && *etag && *cache != NO_STORE))
        .collect()
}

fn every_route_says_what_may_be_kept(app: App) {
    let mut listed: Vec<&str> = ROUTES.iter().map(|(path, ..)| *path).collect();
    let mut documented: Vec<String> = reads().into_iter().map(|operation| operation.path).collect();
    listed.sort_unstable();
    documented.sort();
    assert_eq!(listed, documented, "this table has a line for each documented GET");
    for read in readable(&app) {
        let (path, cache, etag, vary, modified) = ROUTES.iter().find(|(path, ..)| *path == read.operation.path).unwrap();
        let answer = read.call(&app, "GET").send().expect(200);
        assert_eq!(answer.header("cache-control"), Some(*cache), "{path}");
        assert_eq!(answer.header("vary").unwrap_or_default(), *vary, "{path}");
        assert_eq!(answer.header("last-modified").is_some_and(|date| httpdate::parse_http_date(date).is_ok()), *modified, "{path}");
        let strong = answer.header("etag").is_some_and(|tag| tag.len() > 20 && tag.starts_with('"') && tag.ends_with('"'));
        assert_eq!((answer.header("etag").is_some(), strong), (*etag, *etag), "{path}: {:?}", answer.header("etag"));
        assert_eq!((answer.header("expires"), answer.header("pragma")), (None, None), "{path}");
    }
}

/// 304 has what a cache must know (RFC 9110 section 15.4.5), and nothing of the content.
fn assert_not_modified(full: &Answer, answer: &Answer) {
    let what = answer.what();
    assert_eq!(answer.status, 304, "{what}");
    for name in ["etag", "cache-control", "vary", "last-modified"] {
        assert_eq!(answer.header(name), full.header(name), "{what}: {name}");
    }
    for absent in ["content-type", "content-encoding", "content-language", "link"] {
        assert_eq!(answer.header(absent), None, "{what}: {absent}");
    }
}

fn who_has_it_is_not_sent_it_again(app: App) {
    for read in kept(&app) {
        let full = read.call(&app, "GET").send().expect(200);
        let etag = full.header("etag").unwrap();
        let ask = |condition: &str| read.call(&app, "GET").header("If-None-Match", condition).send();
        for had in [etag.to_owned(), format!("\"other\", {etag}"), format!("\"a\",\"b\" ,{etag}, \"c\""), format!("W/{etag}"), "*".into()] {
            assert_not_modified(&full, &ask(&had));
        }
        let cut = format!("\"{}", &etag[2..]);
        for not in ["\"other\"", "W/\"other\"", &cut, "\"*\"", "", "nonsense", etag.trim_matches('"'), &etag.to_uppercase()] {
            let answer = ask(not);
            assert_eq!((answer.status, answer.body == full.body), (200, true), "{} with If-None-Match: {not}", read.target);
        }
        // A tag wins over a date.
        let answer = read.call(&app, "GET").header("If-None-Match", "\"other\"").header("If-Modified-Since", "Tue, 31 Dec 2999 23:59:59 GMT").send();
        assert_eq!(answer.status, 200, "{}", read.target);
    }
    // A refusal is a refusal, whatever the client has.
    assert_eq!(app.call("GET", "/v1/volumes?x=1").header("If-None-Match", "*").send().status, 400);
    assert_eq!(app.call("GET", "/v1/volumes/nothing").header("If-None-Match", "*").send().status, 404);
}

fn an_etag_is_of_the_bytes(app: App) {
    let etag = |target: &str| app.get(target).expect(200).header("etag").unwrap().to_owned();
    for read in kept(&app) {
        let (a, b) = (read.call(&app, "GET").send(), read.call(&app, "GET").send());
        assert_eq!((a.body == b.body, a.header("etag")), (true, b.header("etag")), "{} changes by itself", read.target);
    }
    // Another language is another representation.
    let tags = ["fr", "nl", "en", "*"].map(|lang| etag(&format!("/v1/volumes?lang={lang}")));
    assert!((1..tags.len()).all(|n| !tags[..n].contains(&tags[n])), "{tags:?}");
    let by_header = |accept: &str| app.call("GET", "/v1/volumes/strategy").header("Accept-Language", accept).send().expect(200);
    assert_ne!(by_header("nl").header("etag"), by_header("en").header("etag"));
    // The same bytes are the same, however they were asked for.
    assert_eq!((by_header("nl").body, by_header("nl").header("etag")), (by_header("nl-BE").body, by_header("nl;q=0.1").header("etag")));
    assert_eq!(etag("/v1/volumes/strategy"), etag("/v1/volumes/strategy?lang=fr"));
    assert_eq!(etag("/v1/volumes?lang=fr&pageSize=2"), etag("/v1/volumes?pageSize=2&lang=fr"));
    // Also after a restart.
    let before = etag("/v1/volumes/strategy").len();
    assert!(before > 20);
}

fn a_change_is_a_new_etag(app: App) {
    use handbooks::catalogue::theme::ThemeDocument;
    let ask = |target: &str| app.get(target).expect(200);
    let unconcerned = ["/v1/events", "/v1/volumes/strategy", "/v1/themes/strategy", "/v1/collection"];
    let concerned = ["/v1/themes", "/v1/themes/mobility", "/v1/volumes", "/v1/volumes/mobility", "/v1/volumes?embed=themes&number=4"];
    let before: Vec<Answer> = concerned.iter().chain(&unconcerned).map(|target| ask(target)).collect();
    app.change::<ThemeDocument>("mobility", |theme| theme.texts.get_mut("fr").unwrap().title = Some("Se déplacer".into()));
    for old in before {
        let new = ask(&old.target);
        let same = old.header("etag") == new.header("etag");
        assert_eq!(same, old.body == new.body, "{}", old.target);
        assert_eq!(same, unconcerned.contains(&old.target.as_str()), "{}", old.target);
        let again = app.call("GET", &old.target).header("If-None-Match", old.header("etag").unwrap()).send();
        assert_eq!(again.status, if same { 304 } else { 200 }, "{}", old.target);
    }
}

fn a_date_will_do(app: App) {
    for target in ["/v1/volumes", "/v1/volumes/mobility", "/v1/collection"] {
        let full = app.get(target).expect(200);
        let modified = full.header("last-modified").unwrap().to_owned();
        let since = |date: &str| app.call("GET", target).header("If-Modified-Since", date).send();
        assert_not_modified(&full, &since(&modified));
        assert_not_modified(&full, &since("Tue, 31 Dec 2999 23:59:59 GMT"));
        for older in ["Sat, 01 Jan 2000 00:00:00 GMT", "yesterday", "", "2999-12-31T23:59:59Z"] {
            assert_eq!(since(older).status, 200, "{target} since {older}");
        }
    }
    // What has no date is sent.
    assert_eq!(app.call("GET", "/v1").header("If-Modified-Since", "Tue, 31 Dec 2999 23:59:59 GMT").send().status, 200);
}

fn each_coding_is_another_representation(app: App) {
    let ask = |target: &str, coding: &str| app.call("GET", target).header("Accept-Encoding", coding).send().expect(200);
    let codings: [(&str, &[&str]); 2] = [
        ("gzip", &["gzip", "gzip, deflate", "GZIP", "br;q=0.5, gzip;q=1", "br;q=0, *", "identity;q=0.5, gzip;q=1.0", "x-gzip, gzip"]),
        ("br", &["br", "gzip, deflate, br, zstd", "BR", "gzip;q=0.5, br;q=1", "*", "gzip;q=0, *", "identity;q=0.5, br"]),
    ];
    for target in ["/v1/volumes", "/v1/collection?lang=nl", "/openapi.json", "/docs/assets/swagger-ui.css"] {
        let plain = app.get(target).expect(200);
        assert_eq!(plain.header("content-encoding"), None);
        for (coding, takes) in codings.iter().flat_map(|(coding, all)| all.iter().map(move |takes| (*coding, *takes))) {
            let packed = ask(target, takes);
            assert_eq!(packed.header("content-encoding"), Some(coding), "{target} with {takes}");
            let mut unpacked = Vec::new();
            match coding {
                "gzip" => drop(flate2::read::GzDecoder::new(packed.body.as_slice()).read_to_end(&mut unpacked).unwrap()),
                _ => brotli::BrotliDecompress(&mut packed.body.as_slice(), &mut unpacked).unwrap(),
            }
            assert!(unpacked == plain.body, "{target}: other bytes");
            assert!(packed.body.len() < plain.body.len(), "{target}: nothing won");
            assert_ne!(packed.header("etag"), plain.header("etag"), "{target}");
            assert_eq!(packed.header("etag"), ask(target, coding).header("etag"), "{target}");
            assert!(packed.header("vary").is_some_and(|vary| vary.contains("Accept-Encoding")) && packed.header("vary") == plain.header("vary"));
            // Each coding is asked for again by its own tag.
            let again = |tag: &Answer, coding: &str| {
                app.call("GET", target).header("Accept-Encoding", coding).header("If-None-Match", tag.header("etag").unwrap()).send()
            };
            assert_not_modified(&packed, &again(&packed, takes));
            assert_eq!(again(&plain, takes).status, 200, "{target} with {takes}");
        }
        assert_ne!(ask(target, "gzip").header("etag"), ask(target, "br").header("etag"), "{target}");
        for does_not in ["identity", "gzip;q=0", "br;q=0", "*;q=0", "deflate", "identity;q=1, gzip;q=0.5", "", "gzip;q=0, br;q=0, *"] {
            let answer = ask(target, does_not);
            assert_eq!((answer.header("content-encoding"), answer.header("etag")), (None, plain.header("etag")), "{target} with {does_not}");
        }
    }
    // What is small is sent as it is.
    assert_eq!(ask("/v1/themes/mobility", "gzip, br").header("content-encoding"), None);
    // Refusals as well.
    assert_eq!(app.call("GET", "/v1/volumes?x=1").header("Accept-Encoding", "gzip").send().header("content-encoding"), None);
}

fn refusals_are_not_kept(app: App) {
    for target in ["/v1/volumes?x=1", "/v1/volumes/nothing", "/v1/volumes/UPPER", "/docs/problems/x"] {
        let answer = app.get(target);
        assert!(answer.status >= 400);
        assert_eq!((answer.header("cache-control"), answer.header("etag")), (Some("no-store"), None), "{target}");
    }
}
