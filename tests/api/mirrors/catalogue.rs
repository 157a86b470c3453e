//! The whole catalogue: every record with every property, in three media types, in parts and with a digest.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use handbooks::catalogue::mirror::ahead;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::support::process::within;
use crate::support::records::volume;
use crate::support::{App, both, crawl};

both!(
    it_has_all_that_the_resources_have,
    as_lines_and_as_a_table,
    in_parts_and_with_its_digest,
    as_it_was,
    it_is_made_before_it_is_asked_for,
    what_was_asked_for_is_made_ahead_too
);

const LISTS: [&str; 6] = ["volumes", "complements", "themes", "languages", "events", "testimonies"];

fn it_has_all_that_the_resources_have(app: App) {
    for lang in ["fr", "nl", "*"] {
        let whole = app.get(&format!("/v1/catalogue?lang={lang}")).ok();
        for list in LISTS {
            let mut wanted: Vec<Value> = crawl(&app, &format!("/v1/{list}?lang={lang}&pageSize=100"))
                .iter()
                .flat_map(|page| page["items"].as_array().unwrap().clone())
                .collect();
            wanted.sort_by(|a, b| a["id"].as_str().cmp(&b["id"].as_str()));
            assert_eq!(whole[list], Value::Array(wanted), "{list} in {lang}");
        }
        assert_eq!(whole["collection"], app.get(&format!("/v1/collection?lang={lang}")).ok());
    }
}

fn as_lines_and_as_a_table(app: App) {
    app.pen("seven", &volume(7, "published", r#"Le \"septième\", enfin"#));
    let ask = |accept: &str, query: &str| app.call("GET", &format!("/v1/catalogue{query}")).header("Accept", accept).send();
    let whole = app.get("/v1/catalogue").ok();
    let lines = ask("application/x-ndjson", "").expect(200);
    assert_eq!(lines.header("content-type"), Some("application/x-ndjson"));
    let records: Vec<Value> = lines.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let count: usize = LISTS.iter().map(|list| whole[*list].as_array().unwrap().len()).sum();
    assert_eq!(records.len(), count + 1);
    for record in &records {
        let kind = record["type"].as_str().unwrap();
        let list = LISTS.into_iter().find(|list| *list == format!("{kind}s") || *list == format!("{}ies", kind.trim_end_matches('y')));
        match list {
            Some(list) => assert!(whole[list].as_array().unwrap().contains(&record["record"]), "{record}"),
            None => assert_eq!((kind, &record["record"]), ("collection", &whole["collection"])),
        }
    }
    let table = ask("text/csv", "?lang=fr").expect(200);
    assert_eq!(table.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
    let text = table.text();
    assert!(text.starts_with("volumeId,number,year,status,title,") && text.ends_with("\r\n") && !text.starts_with('\u{feff}'));
    assert!(text.contains("\"Le \"\"septième\"\", enfin\""), "{text}");
    let editions: usize = whole["volumes"].as_array().unwrap().iter().map(|one| one["editions"].as_array().unwrap().len().max(1)).sum();
    assert_eq!(text.matches("\r\n").count(), editions + 1);
    // Every property of a volume and of an edition is in a cell.
    let properties = |value: &Value, of: &str| -> Vec<String> {
        value
            .as_object()
            .unwrap()
            .keys()
            .filter(|name| !["language", "editions", "obtain", "file", "cover"].contains(&name.as_str()))
            .map(|name| format!("{of}{name}"))
            .collect()
    };
    let columns = text.lines().next().unwrap();
    let volumes = whole["volumes"].as_array().unwrap();
    let mut wanted: Vec<String> = volumes.iter().flat_map(|one| properties(one, "")).collect();
    wanted.extend(volumes.iter().flat_map(|one| one["editions"].as_array().unwrap()).flat_map(|one| properties(one, "edition")));
    for name in wanted {
        let plain = name.strip_prefix("edition").unwrap_or(&name);
        let known: Vec<&str> = columns.split(',').collect();
        let fits =
            |column: &&&str| **column == name || **column == plain || column.eq_ignore_ascii_case(&name) || (plain == "id" && **column == "volumeId");
        assert!(known.iter().any(|column| fits(&column)), "no column for {name}: {columns}");
    }
    ask("text/csv", "?lang=*").expect(400);
    ask("application/xml", "").expect(406);
}

fn in_parts_and_with_its_digest(app: App) {
    let digest = |bytes: &[u8]| format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(bytes)));
    for coding in ["identity", "gzip", "br"] {
        let ask = |more: &[(&str, &str)]| app.call("GET", "/v1/catalogue").header("Accept-Encoding", coding).headers(more).send();
        let whole = ask(&[]).expect(200);
        assert_eq!(whole.header("repr-digest"), Some(digest(&whole.body).as_str()), "{coding}");
        assert_eq!(whole.header("accept-ranges"), Some("bytes"));
        let tag = whole.header("etag").unwrap().to_owned();
        let part = ask(&[("Range", "bytes=10-99"), ("If-Range", &tag)]).expect(206);
        assert_eq!(part.body, whole.body[10..100]);
        assert_eq!(part.header("content-range"), Some(format!("bytes 10-99/{}", whole.body.len()).as_str()));
        assert_eq!(part.header("repr-digest"), whole.header("repr-digest"));
        ask(&[("Range", "bytes=10-99"), ("If-Range", "\"another\"")]).expect(200);
        ask(&[("Range", "bytes=99999999-")]).expect(416);
        ask(&[("If-None-Match", &tag)]).expect(304);
    }
}

fn as_it_was(app: App) {
    let before = app.get("/v1/catalogue").expect(200);
    let revision: i64 = before.header("catalogue-revision").unwrap().parse().unwrap();
    app.pen("seven", &volume(7, "published", "Sept"));
    assert!(app.get("/v1/catalogue").text().contains("/v1/volumes/seven"));
    let mut then = app.get(&format!("/v1/catalogue?at={revision}")).ok();
    then["self"] = before.json()["self"].clone();
    assert_eq!(then, before.json());
}

/// In each language and in all, in each media type and coding, without anybody having asked.
fn it_is_made_before_it_is_asked_for(app: App) {
    let wholes = ahead::usual(&app.state.chain);
    assert_eq!(
        (wholes.len(), ahead::CODINGS.len()),
        (9 + 9 + 8, 3),
        "4 languages negotiated, 4 named, all of them (not as a table); three media types"
    );
    let ready = |app: &App| {
        let stamp = app.state.present.stamp(Instant::now())?;
        let holds = |whole: &ahead::Whole| ahead::CODINGS.iter().all(|coding| app.state.cache.holds(stamp, &whole.canonical(), *coding));
        wholes.iter().all(holds).then_some(stamp)
    };
    let before = within(Duration::from_secs(60), "all forms are ready from the start", || ready(&app));
    app.pen("seven", &volume(7, "published", "Sept"));
    let after = within(Duration::from_secs(120), "all forms are ready again", || ready(&app).filter(|stamp| *stamp != before));
    assert!(after.revision() > before.revision());
    // What is asked in these ways is one of them: nothing is made for it.
    let made = app.state.cache.made();
    for (target, language, coding, accept) in [
        ("/v1/catalogue", "nl", "identity", "application/json"),
        ("/v1/catalogue", "en-GB, en", "br", "application/json"),
        ("/v1/catalogue?lang=*", "fr", "gzip", "application/json"),
        ("/v1/catalogue?lang=de", "fr", "br", "application/x-ndjson"),
        ("/v1/catalogue?lang=nl", "fr", "gzip", "text/csv"),
        ("/v1/catalogue", "fr", "br", "text/csv"),
    ] {
        let call = app.call("GET", target).header("Accept-Language", language).header("Accept-Encoding", coding);
        let answer = call.header("Accept", accept).send().expect(200);
        assert_eq!(answer.header("content-encoding").unwrap_or("identity"), coding, "{target}");
        assert!(coding != "identity" || answer.text().contains("Sept"));
    }
    assert_eq!(app.state.cache.made(), made);
}

/// From the first time on, in whatever form it was asked for.
fn what_was_asked_for_is_made_ahead_too(app: App) {
    let usual = ahead::usual(&app.state.chain);
    app.call("GET", "/v1/catalogue?fallback=none").header("Accept-Language", "nl").header("Accept-Encoding", "br").send().expect(200);
    let asked = app.state.ahead.forms();
    let [(whole, coding)] = asked.as_slice() else { panic!("{} forms were asked for", asked.len()) };
    assert!(!usual.contains(whole), "it is another one than those that are made anyway");
    app.pen("seven", &volume(7, "published", "Sept"));
    let revision = app.state.store.read(|db| Ok(handbooks::catalogue::revision::current(db)?.number)).unwrap();
    within(Duration::from_secs(120), "it is there before it is asked for again", || {
        let stamp = app.state.present.stamp(Instant::now()).filter(|stamp| stamp.revision() == revision)?;
        app.state.cache.holds(stamp, &whole.canonical(), *coding).then_some(())
    });
}
