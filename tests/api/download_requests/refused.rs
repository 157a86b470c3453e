//! `POST /v1/downloadRequests`: what is refused, with every fault named, and nothing stored.

use serde_json::{Value, json};

use crate::support::document::{self, Path};
use crate::support::downloads::{REQUESTS, least};
use crate::support::raw::{exchange, parse};
use crate::support::{Answer, App, both};

both!(
    refuses_what_is_no_form,
    refuses_values,
    refuses_what_is_not_json,
    refuses_what_it_refers_to,
    tells_all_faults_at_once,
    refuses_other_media_types,
    reads_a_media_type_with_white_space,
    refuses_what_is_too_large,
    knows_no_other_method,
);

/// The faults of an answer, each as `kind place`.
fn faults(answer: &Answer) -> Vec<String> {
    answer.issues().into_iter().map(|issue| format!("{} {}", issue.kind, issue.name)).collect()
}

/// Posts each body, which must be refused with exactly these faults (in any order) and leave nothing behind.
fn refused(app: &App, table: Vec<(Value, &[&str])>) {
    let before = app.rows();
    let mut wrong = Vec::new();
    for (body, wanted) in table {
        let answer = app.ask_for(&body);
        let mut found = faults(&answer);
        let mut wanted: Vec<String> = wanted.iter().map(|&fault| fault.to_owned()).collect();
        found.sort();
        wanted.sort();
        if answer.status != 400 || found != wanted || answer.problem() != "badRequest" {
            wrong.push(format!("{body}\n  answers {} {found:?}\n  instead of 400 {wanted:?}", answer.status));
        }
        if answer.issues().iter().any(|issue| issue.place != "body") {
            wrong.push(format!("{body}: a fault elsewhere than in the body"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(app.rows(), before, "something was stored");
}

/// The least form with a property.
fn with(name: &str, value: Value) -> Value {
    let mut body = least("mobility", "fr");
    body[name] = value;
    body
}

fn without(name: &str) -> Value {
    let mut body = least("mobility", "fr");
    body.as_object_mut().unwrap().remove(name);
    body
}

fn refuses_what_is_no_form(app: App) {
    let fr = json!({"volume": "mobility", "language": "fr"});
    let many: Vec<Value> = (0..21).map(|n| json!({"volume": format!("v-{n}"), "language": "fr"})).collect();
    let eleven: Vec<Value> = (0..11).map(|n| json!({"text": format!("t-{n}"), "given": true})).collect();
    refused(
        &app,
        vec![
            (json!([]), &["schemaViolation "]),
            (json!([least("mobility", "fr")]), &["schemaViolation "]),
            (json!("form"), &["schemaViolation "]),
            (json!(1), &["schemaViolation "]),
            (json!(true), &["schemaViolation "]),
            (json!(null), &["schemaViolation "]),
            (json!({}), &["schemaViolation /editions", "schemaViolation /privacyNotice"]),
            (without("editions"), &["schemaViolation /editions"]),
            (without("privacyNotice"), &["schemaViolation /privacyNotice"]),
            (with("editions", json!(null)), &["schemaViolation /editions"]),
            (with("editions", json!([])), &["schemaViolation /editions"]),
            (with("editions", json!({"0": fr})), &["schemaViolation /editions"]),
            (with("editions", json!("mobility")), &["schemaViolation /editions"]),
            (with("editions", json!(many)), &["schemaViolation /editions"]),
            (with("editions", json!([fr, fr])), &["schemaViolation /editions/1"]),
            (with("editions", json!([fr, {"language": "fr", "volume": "mobility"}])), &["schemaViolation /editions/1"]),
            (
                with("editions", json!([1, null, "mobility", []])),
                &["schemaViolation /editions/0", "schemaViolation /editions/1", "schemaViolation /editions/2", "schemaViolation /editions/3"],
            ),
            (with("editions", json!([{}])), &["schemaViolation /editions/0", "schemaViolation /editions/0/language"]),
            (
                with("editions", json!([{"volume": null, "language": null}])),
                &["schemaViolation /editions/0/volume", "schemaViolation /editions/0/language"],
            ),
            (
                with("editions", json!([{"volume": 4, "language": 1}])),
                &["schemaViolation /editions/0/volume", "schemaViolation /editions/0/language"],
            ),
            (
                with("editions", json!([{"volume": "Mobility", "language": "FR"}])),
                &["schemaViolation /editions/0/volume", "schemaViolation /editions/0/language"],
            ),
            (with("editions", json!([{"volume": "../etc", "language": "fr"}])), &["schemaViolation /editions/0/volume"]),
            (with("editions", json!([{"volume": "a\u{0}", "language": "fr"}])), &["schemaViolation /editions/0/volume"]),
            (with("editions", json!([{"volume": "x".repeat(81), "language": "fr"}])), &["schemaViolation /editions/0/volume"]),
            (with("editions", json!([{"volume": "mobility", "complement": "leadership", "language": "fr"}])), &["schemaViolation /editions/0"]),
            (with("editions", json!([{"volume": "mobility", "language": "fr", "format": "pdf"}])), &["unknownInput /editions/0/format"]),
            (with("privacyNotice", json!(null)), &["schemaViolation /privacyNotice"]),
            (with("privacyNotice", json!(1)), &["schemaViolation /privacyNotice"]),
            (with("privacyNotice", json!("")), &["schemaViolation /privacyNotice"]),
            (with("privacyNotice", json!("Privacy 1")), &["schemaViolation /privacyNotice"]),
            (with("consents", json!(null)), &["schemaViolation /consents"]),
            (with("consents", json!({})), &["schemaViolation /consents"]),
            (with("consents", json!(eleven)), &["schemaViolation /consents"]),
            (with("consents", json!([{}])), &["schemaViolation /consents/0/text", "schemaViolation /consents/0/given"]),
            (with("consents", json!([{"text": "news-1", "given": "true"}])), &["schemaViolation /consents/0/given"]),
            (with("consents", json!([{"text": "news-1", "given": null}])), &["schemaViolation /consents/0/given"]),
            (with("consents", json!([{"text": "news-1", "given": 1}])), &["schemaViolation /consents/0/given"]),
            (with("consents", json!([{"text": "news-1", "given": true}, {"text": "news-1", "given": false}])), &["invalidInput /consents/1/text"]),
            (with("consents", json!([{"text": "news-1", "given": true}, {"text": "news-1", "given": true}])), &["schemaViolation /consents/1"]),
            (with("consents", json!([{"text": "news-1", "given": true, "at": "now"}])), &["unknownInput /consents/0/at"]),
            (with("requester", json!(null)), &["schemaViolation /requester"]),
            (with("requester", json!("Anna")), &["schemaViolation /requester"]),
            (with("requester", json!([{"name": "Anna"}])), &["schemaViolation /requester"]),
            (with("requester", json!({"phone": "04", "Name": "Anna"})), &["unknownInput /requester/phone", "unknownInput /requester/Name"]),
            (with("newsletter", json!(true)), &["unknownInput /newsletter"]),
            (with("status", json!("fulfilled")), &["unknownInput /status"]),
            (with("id", json!("019aac3f-5c1e-7d3a-9b0f-3f1f2f6c7a11")), &["unknownInput /id"]),
            (with("a/b~c", json!(1)), &["unknownInput /a~1b~0c"]),
        ],
    );
    let near = app.ask_for(&with("purpos", json!("project")));
    assert!(near.text().contains("Did you mean 'purpose'?"), "{}", near.text());
}

fn refuses_values(app: App) {
    let mut table: Vec<(Value, &[&str])> = Vec::new();
    for name in ["name", "organization"] {
        let fault: &[&str] = if name == "name" { &["schemaViolation /requester/name"] } else { &["schemaViolation /requester/organization"] };
        for value in [
            json!(""),
            json!("   "),
            json!("\u{3000}\u{2003}"),
            json!("a\u{0}b"),
            json!("a\nb"),
            json!("a\tb"),
            json!("\u{1b}[31m"),
            json!("a\u{7f}"),
            json!("a\u{85}b"),
            json!("x".repeat(201)),
            json!("木".repeat(201)),
            json!(null),
            json!(7),
            json!(true),
            json!(["Anna"]),
            json!({"first": "Anna"}),
        ] {
            table.push((with("requester", json!({name: value})), fault));
        }
    }
    for (name, fault, values) in [
        ("email", &["schemaViolation /requester/email"][..], vec![json!(null), json!(1), json!(["a@example.org"])]),
        (
            "organizationType",
            &["schemaViolation /requester/organizationType"],
            vec![json!(null), json!(""), json!("Company"), json!("bakery"), json!(1)],
        ),
        ("role", &["schemaViolation /requester/role"], vec![json!(null), json!("mayor"), json!(["student"])]),
        (
            "municipality",
            &["schemaViolation /requester/municipality"],
            vec![json!(null), json!(62063), json!("6206"), json!("620633"), json!("06206"), json!("6206x"), json!("６２０６３")],
        ),
        ("country", &["schemaViolation /requester/country"], vec![json!(null), json!("be"), json!("BEL"), json!("XX"), json!("Belgium"), json!(32)]),
    ] {
        table.extend(values.into_iter().map(|value| (with("requester", json!({name: value})), fault)));
    }
    for value in [json!(null), json!("fun"), json!(1), json!(["project"]), json!("x".repeat(10_000))] {
        table.push((with("purpose", value), &["schemaViolation /purpose"]));
    }
    for value in [json!(null), json!("xx"), json!("FR"), json!("fr-BE"), json!("*"), json!(1)] {
        table.push((with("language", value), &["schemaViolation /language"]));
    }
    refused(&app, table);
    // What may be of a person is not quoted; what is not, is, cut short.
    let secret = app.ask_for(&with("requester", json!({"role": "Zoé-is-boss", "name": "Zoé\u{7}", "email": "zoé@x", "country": "Zoéland"})));
    assert_eq!(secret.status, 400);
    assert!(!secret.text().contains("Zoé") && !secret.text().contains("zoé"), "{}", secret.text());
    let public = app.ask_for(&with("purpose", json!("x".repeat(10_000))));
    assert!(public.text().contains("xxx…") && public.body.len() < 2_000, "{}", public.body.len());
}

fn refuses_what_is_not_json(app: App) {
    let before = app.rows();
    let good = least("mobility", "fr").to_string();
    let post = |body: &[u8]| app.call("POST", REQUESTS).header("Content-Type", "application/json").body(body).send();
    let deep = |open: &str, close: &str| format!("{{\"editions\":{}1{}}}", open.repeat(10_000), close.repeat(10_000));
    for (what, body) in [
        ("nothing", Vec::new()),
        ("white space", b"  \n".to_vec()),
        ("half", good.as_bytes()[..good.len() - 1].to_vec()),
        ("two", [good.as_bytes(), b" ", good.as_bytes()].concat()),
        ("a comment", [b"/* x */", good.as_bytes()].concat()),
        ("a comma too much", good.replace("\"privacy-1\"", "\"privacy-1\",").into_bytes()),
        ("single quotes", good.replace('"', "'").into_bytes()),
        ("a byte order mark", [&b"\xef\xbb\xbf"[..], good.as_bytes()].concat()),
        ("UTF-16", good.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("Latin-1", good.replace("mobility", "mobilit\u{1}").into_bytes().into_iter().map(|b| if b == 1 { 0xe9 } else { b }).collect()),
        ("a cut sequence", [good.as_bytes(), b"\xc3"].concat()),
        (
            "a surrogate in UTF-8",
            good.replace("mobility", "\u{1}").into_bytes().into_iter().flat_map(|b| if b == 1 { vec![0xed, 0xa0, 0x80] } else { vec![b] }).collect(),
        ),
        ("a lone high surrogate", good.replace("mobility", "\\ud800").into_bytes()),
        ("a lone low surrogate", good.replace("mobility", "\\udc00").into_bytes()),
        ("a half pair", good.replace("mobility", "\\ud83d\\u0041").into_bytes()),
        ("a bare control character", good.replace("mobility", "a\u{1}").into_bytes()),
        ("a bare NUL", good.replace("mobility", "a\u{0}").into_bytes()),
        ("not a number", good.replace("\"privacy-1\"", "NaN").into_bytes()),
        ("deep lists", deep("[", "]").into_bytes()),
        ("deep objects", deep("{\"a\":", "}").into_bytes()),
        ("a form", b"editions=mobility&language=fr".to_vec()),
        ("XML", b"<editions/>".to_vec()),
    ] {
        let answer = post(&body);
        assert_eq!(answer.status, 400, "{what}: {}", answer.text());
        assert_eq!(faults(&answer), ["schemaViolation "], "{what}");
        assert_eq!(answer.issues()[0].place, "body", "{what}");
        assert!(answer.body.len() < 2_000, "{what}");
    }
    // A key that stands twice, wherever, also when the second is spelled otherwise.
    for (body, wanted) in [
        (good.replace("\"privacyNotice\"", "\"privacyNotice\":\"privacy-0\",\"privacyNotice\""), &["schemaViolation /privacyNotice"][..]),
        (good.replace("\"language\"", "\"language\":\"nl\",\"language\""), &["schemaViolation /editions/0/language"]),
        (good.replace("\"language\"", "\"langu\\u0061ge\":\"nl\",\"language\""), &["schemaViolation /editions/0/language"]),
        (
            good.replace(
                "\"privacyNotice\"",
                "\"requester\":{\"name\":\"A\",\"name\":\"B\",\"email\":\"a@b.be\",\"email\":\"c@d.be\"},\"privacyNotice\"",
            ),
            &["schemaViolation /requester/name", "schemaViolation /requester/email"],
        ),
    ] {
        let answer = post(body.as_bytes());
        assert_eq!(answer.status, 400, "{body}");
        assert_eq!(faults(&answer), wanted, "{body}");
        assert!(answer.text().contains("twice"));
    }
    assert_eq!(app.rows(), before);
    // Numbers beyond all bounds are wrong types like others, and a NUL that is written as JSON may write it is a bad id.
    refused(
        &app,
        vec![(with("purpose", json!(1e300)), &["schemaViolation /purpose"]), (with("language", json!(u64::MAX)), &["schemaViolation /language"])],
    );
    let answer = post(good.replace("mobility", "\\u0000").as_bytes());
    assert_eq!(faults(&answer), ["schemaViolation /editions/0/volume"]);
    let answer = post(good.replace("\"privacy-1\"", "1e400").as_bytes());
    assert_eq!(answer.status, 400);
}

fn refuses_what_it_refers_to(app: App) {
    use handbooks::catalogue::volume::VolumeDocument;
    app.put::<VolumeDocument>("draft", &crate::support::records::volume(7, "draft", "Brouillon"));
    app.put::<VolumeDocument>("gone", &crate::support::records::volume(8, "withdrawn", "Retiré"));
    let edition = |volume: &str, language: &str| with("editions", json!([{"volume": volume, "language": language}]));
    refused(
        &app,
        vec![
            (edition("no-such-volume", "fr"), &["referencedResourceNotFound /editions/0/volume"]),
            (edition("mobility", "nl"), &["referencedResourceNotFound /editions/0/language"]),
            (edition("strategy", "de"), &["referencedResourceNotFound /editions/0/language"]),
            // A faulty item hides none of the others, each told in its place.
            (
                with("editions", json!([{"language": "fr"}, 3, {"volume": "no-such-volume", "language": "fr"}])),
                &["schemaViolation /editions/0", "schemaViolation /editions/1", "referencedResourceNotFound /editions/2/volume"],
            ),
            // Another noun's id.
            (edition("leadership", "fr"), &["referencedResourceNotFound /editions/0/volume"]),
            (edition("collection", "fr"), &["referencedResourceNotFound /editions/0/volume"]),
            // What the public does not see does not exist.
            (edition("draft", "fr"), &["referencedResourceNotFound /editions/0/volume"]),
            (edition("gone", "fr"), &["referencedResourceNotFound /editions/0/volume"]),
            (with("editions", json!([{"complement": "mobility", "language": "fr"}])), &["referencedResourceNotFound /editions/0/complement"]),
            (
                with("editions", json!([{"complement": "multidisciplinary-team", "language": "fr"}])),
                &["referencedResourceNotFound /editions/0/language"],
            ),
            (with("privacyNotice", json!("privacy-0")), &["referencedResourceNotFound /privacyNotice"]),
            (with("privacyNotice", json!("news-1")), &["invalidInput /privacyNotice"]),
            (with("consents", json!([{"text": "news-0", "given": true}])), &["referencedResourceNotFound /consents/0/text"]),
            (with("consents", json!([{"text": "privacy-1", "given": true}])), &["invalidInput /consents/0/text"]),
            // One of several is enough to refuse all.
            (
                json!({"editions": [{"volume": "mobility", "language": "fr"}, {"volume": "mobilty", "language": "fr"}, {"volume": "strategy", "language": "en"}],
                    "privacyNotice": "privacy-9", "consents": [{"text": "news-1", "given": true}, {"text": "news-9", "given": true}]}),
                &[
                    "referencedResourceNotFound /editions/1/volume",
                    "referencedResourceNotFound /editions/2/language",
                    "referencedResourceNotFound /privacyNotice",
                    "referencedResourceNotFound /consents/1/text",
                ],
            ),
        ],
    );
    for (body, said) in [
        (edition("mobilty", "fr"), "Did you mean 'mobility'?"),
        (edition("strategy", "de"), "it exists in: fr, nl"),
        (edition("draft", "fr"), "There is no volume 'draft'."),
    ] {
        let answer = app.ask_for(&body);
        assert!(answer.text().contains(said), "{}", answer.text());
        assert!(!answer.text().contains("Brouillon"));
    }
}

fn tells_all_faults_at_once(app: App) {
    let before = app.rows();
    let body = json!({
        "editions": [{"volume": "A", "language": "xx"}, {"volume": "mobility", "complement": "leadership", "language": "fr"}, 3],
        "requester": {"name": "", "email": "anna", "organizationType": "bakery", "municipality": "1", "country": "XX", "phone": "04"},
        "purpose": "fun",
        "consents": [{"text": "news-1"}, {"text": "news-1", "given": true}],
        "language": "xx",
        "newsletter": true,
    });
    let answer = app.call("POST", &format!("{REQUESTS}?volume=mobility")).header("Idempotency-Key", "short").json(&body).send().expect(400);
    let mut found: Vec<String> = answer.issues().into_iter().map(|issue| format!("{} {}", issue.place, issue.name)).collect();
    found.sort();
    let mut wanted = [
        "query volume",
        "header Idempotency-Key",
        "body /editions/0/volume",
        "body /editions/0/language",
        "body /editions/1",
        "body /editions/2",
        "body /requester/name",
        "body /requester/email",
        "body /requester/organizationType",
        "body /requester/municipality",
        "body /requester/country",
        "body /requester/phone",
        "body /purpose",
        "body /consents/0/given",
        "body /consents/1/text",
        "body /language",
        "body /newsletter",
        "body /privacyNotice",
    ];
    wanted.sort_unstable();
    assert_eq!(found, wanted);
    assert_eq!(answer.json()["detail"], "The request has 18 faults; see issues.");
    assert!(!answer.text().contains("anna") && !answer.text().contains("bakery"), "{}", answer.text());
    // A body that cannot be read hides neither the query's fault nor the header's.
    let answer = app
        .call("POST", &format!("{REQUESTS}?x=1"))
        .header("Idempotency-Key", "")
        .header("Content-Type", "application/json")
        .body("{")
        .send()
        .expect(400);
    let mut places: Vec<String> = answer.issues().into_iter().map(|issue| issue.place).collect();
    places.sort();
    assert_eq!(places, ["body", "header", "query"]);
    assert_eq!(app.rows(), before);
}

fn refuses_other_media_types(app: App) {
    let before = app.rows();
    let body = least("mobility", "fr").to_string();
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/json; charset=iso-8859-1",
        "application/merge-patch+json",
        "application/jsonp",
        "json",
        "",
    ] {
        let answer = app.call("POST", REQUESTS).header("Content-Type", kind).body(body.clone()).send();
        assert_eq!((answer.status, answer.problem().as_str()), (415, "unsupportedMediaType"), "{kind}");
    }
    assert_eq!(app.call("POST", REQUESTS).body(body.clone()).send().status, 415, "none");
    assert_eq!(app.rows(), before);
    for kind in ["application/json", "Application/JSON", "application/json;charset=UTF-8", "application/json; charset=\"utf-8\""] {
        assert_eq!(app.call("POST", REQUESTS).header("Content-Type", kind).body(body.clone()).send().status, 201, "{kind}");
    }
    let before = app.rows();
    let answer = app.call("POST", REQUESTS).header("Accept", "text/html").json(&least("mobility", "fr")).send();
    assert_eq!((answer.status, answer.problem().as_str()), (406, "notAcceptable"));
    assert_eq!(app.rows(), before);
}

/// RFC 9110 section 5.6.6: white space may stand on either side of the semicolon.
fn reads_a_media_type_with_white_space(app: App) {
    for kind in ["application/json ;charset=utf-8", "application/json ; charset=utf-8", "application/json;\tcharset=utf-8"] {
        assert_eq!(app.call("POST", REQUESTS).header("Content-Type", kind).body(least("mobility", "fr").to_string()).send().status, 201, "{kind}");
    }
}

/// Sends a whole request byte by byte.
fn post_raw(app: &App, head: &str, body: &[u8]) -> Answer {
    let mut request =
        format!("POST {REQUESTS} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Type: application/json\r\n{head}\r\n").into_bytes();
    request.extend_from_slice(body);
    let answer = parse(app, "POST", REQUESTS, &exchange(app.address, &request));
    document::check(&answer, Path::Documented);
    answer
}

fn refuses_what_is_too_large(app: App) {
    let before = app.rows();
    let mut body = least("mobility", "fr");
    body["requester"] = json!({"name": "x".repeat(1024 * 1024)});
    let body = body.to_string();
    let told = post_raw(&app, &format!("Content-Length: {}\r\n", body.len()), body.as_bytes());
    assert_eq!((told.status, told.problem().as_str()), (413, "payloadTooLarge"));
    assert_eq!(told.json()["limit"], 65_536);
    // The same without saying beforehand how much it is.
    let mut chunked = Vec::new();
    for piece in body.as_bytes().chunks(8192) {
        chunked.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        chunked.extend_from_slice(piece);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    assert_eq!(post_raw(&app, "Transfer-Encoding: chunked\r\n", &chunked).status, 413);
    // Who only says that it will be large is refused before sending it.
    assert_eq!(post_raw(&app, "Content-Length: 99999999999\r\n", b"").status, 413);
    assert_eq!(app.rows(), before);
    // In pieces, but not too large.
    let body = least("mobility", "fr").to_string();
    let chunked: String =
        body.as_bytes().chunks(7).map(|piece| format!("{:x}\r\n{}\r\n", piece.len(), std::str::from_utf8(piece).unwrap())).collect();
    assert_eq!(post_raw(&app, "Transfer-Encoding: chunked\r\n", format!("{chunked}0\r\n\r\n").as_bytes()).status, 201);
}

fn knows_no_other_method(app: App) {
    for method in ["GET", "HEAD", "PUT", "PATCH", "DELETE", "PROPFIND"] {
        let answer = app.call(method, REQUESTS).send();
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("allow"), Some("OPTIONS, POST"), "{method}");
    }
    let preflight =
        app.call("OPTIONS", REQUESTS).headers(&[("Origin", "https://portal.example"), ("Access-Control-Request-Method", "POST")]).send().expect(204);
    assert_eq!(preflight.header("access-control-allow-methods"), Some("OPTIONS, POST"));
    assert!(
        preflight.header("access-control-allow-headers").is_some_and(|names| names.contains("Idempotency-Key") && names.contains("Content-Type"))
    );
    // A trailing slash is another path.
    assert_eq!(app.call("POST", "/v1/downloadRequests/").undocumented().json(&least("mobility", "fr")).send().status, 404);
}
