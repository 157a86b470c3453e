//! What all lists have in common: items, orders, pages, cursors.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::DateTime;
use handbooks::catalogue::pen::{self, Author};
use handbooks::catalogue::record::{self, fold};
use handbooks::catalogue::revision;
use handbooks::catalogue::volume::VolumeDocument;
use handbooks::db::types::now;
use serde_json::{Value, json};

use crate::support::document::{Operation, reads};
use crate::support::keys::{bearer, make_key};
use crate::support::records::{change_in, document, volume};
use crate::support::{App, at, both, crawl, ids, local, run};

both!(
    every_item_equals_its_own_resource,
    every_order_is_true_and_turns_round,
    pages_lead_there_and_back,
    pages_have_bounds,
    links_are_told_twice,
    addresses_have_one_spelling,
    a_cursor_is_good_for_its_question_only,
    a_cursor_survives_a_restart,
    a_cursor_survives_a_change_of_the_secret,
    a_cursor_survives_its_record,
    a_crawl_between_writes_misses_nothing,
    a_crawl_during_writes_misses_nothing,
    a_filter_by_id_finds_what_was_renamed,
    a_filter_by_an_unknown_id_is_refused,
);

/// The lists that are paged.
fn lists() -> Vec<Operation> {
    let lists: Vec<Operation> = reads()
        .into_iter()
        .filter(|operation| operation.parameters().iter().any(|one| one["name"] == "after") && operation.id != "listChanges" && !operation.keyed())
        .collect();
    assert!(lists.len() >= 6, "there were more lists");
    lists
}

/// The names a list can be sorted by.
fn sorts(list: &Operation) -> Vec<String> {
    let parameters = list.parameters();
    let sort = parameters.iter().find(|one| one["name"] == "sort").expect("a list can be sorted");
    sort["schema"]["items"]["enum"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap().to_owned())
        .filter(|name| !name.starts_with('-'))
        .collect()
}

fn every_item_equals_its_own_resource(app: App) {
    for list in lists() {
        for lang in ["fr", "nl", "en", "de", "*"] {
            let page = app.get(&format!("{}?pageSize=100&lang={lang}", list.path)).ok();
            let items = page["items"].as_array().unwrap();
            assert!(!items.is_empty(), "{} is empty", list.path);
            assert_eq!(page["total"], items.len());
            for item in items {
                let alone = app.get(&format!("{}?lang={lang}", item["href"].as_str().unwrap())).ok();
                assert_eq!(alone, *item, "{} in {lang}", item["href"]);
            }
        }
    }
}

/// What an item is sorted by; nothing for a place that is not shown.
fn sort_value(item: &Value, name: &str) -> Option<(i64, String)> {
    let text = |name: &str| item[name].as_str().unwrap_or_else(|| panic!("{name}: {item}")).to_owned();
    Some(match name {
        "position" => return None,
        // Those without one stand last.
        "number" => (item["number"].as_i64().unwrap_or(i64::MAX), String::new()),
        "year" => (item["year"].as_i64().unwrap(), String::new()),
        "title" | "person" => (0, fold(&text(name))),
        "updatedAt" => (DateTime::parse_from_rfc3339(&text(name)).unwrap().timestamp_micros(), String::new()),
        "id" | "startsOn" => (0, text(name)),
        _ => panic!("the test does not know the order by {name}"),
    })
}

fn every_order_is_true_and_turns_round(app: App) {
    for list in lists() {
        for name in sorts(&list) {
            for lang in ["fr", "nl", "en"] {
                let ask =
                    |sort: &str| app.get(&format!("{}?pageSize=100&lang={lang}&sort={sort}", list.path)).ok()["items"].as_array().unwrap().clone();
                let (up, down) = (ask(&name), ask(&format!("-{name}")));
                let what = format!("{} by {name} in {lang}", list.path);
                let values = |items: &[Value]| items.iter().filter_map(|item| sort_value(item, &name)).collect::<Vec<_>>();
                assert!(values(&up).is_sorted(), "{what}: {:?}", values(&up));
                assert!(values(&down).is_sorted_by(|a, b| a >= b), "{what}, descending: {:?}", values(&down));
                let set = |items: &[Value]| items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>();
                assert_eq!(set(&up), set(&down), "{what}");
                if name == "position" {
                    let mut turned = down;
                    turned.reverse();
                    assert_eq!(ids(&json!({"items": up})), ids(&json!({"items": turned})), "{what}");
                }
            }
        }
    }
}

fn pages_lead_there_and_back(app: App) {
    for list in lists() {
        for question in [
            "pageSize=1".to_owned(),
            "pageSize=2&lang=en".to_owned(),
            format!("pageSize=3&sort=-{}", sorts(&list)[0]),
            "pageSize=2&sort=updatedAt&sort=-id&lang=nl".to_owned(),
        ] {
            let target = format!("{}?{question}", list.path);
            let whole = app.get(&target.replace(&question[..10], "pageSize=100")).ok();
            let forth = crawl(&app, &target);
            let size = usize::try_from(forth[0]["pageSize"].as_u64().unwrap()).unwrap();
            // Every record once, in the order of the whole.
            assert_eq!(forth.iter().flat_map(ids).collect::<Vec<_>>(), ids(&whole), "{target}");
            let (last, full) = forth.split_last().unwrap();
            assert!(full.iter().all(|page| ids(page).len() == size) && (1..=size).contains(&ids(last).len()), "{target}");
            for page in &forth {
                assert_eq!((&page["total"], &page["first"]), (&whole["total"], &forth[0]["self"]), "{target}");
                // Items do not depend on the page they stand on.
                for item in page["items"].as_array().unwrap() {
                    assert!(whole["items"].as_array().unwrap().contains(item), "{target}: {item}");
                }
            }
            assert_eq!(forth[0].get("prev"), None, "{target}");
            // And back: the same pages, to the start.
            let mut back = vec![last.clone()];
            while let Some(prev) = back.last().unwrap().get("prev") {
                back.push(app.get(prev.as_str().unwrap()).ok());
            }
            back.reverse();
            let set = |pages: &[Value]| pages.iter().flat_map(ids).collect::<Vec<_>>();
            assert_eq!(set(&back), set(&forth), "{target}, backwards");
            assert_eq!(back.len(), forth.len(), "{target}, backwards");
            // From the middle it goes on in both directions.
            if let Some(next) = back[0].get("next") {
                assert_eq!(ids(&app.get(next.as_str().unwrap()).ok()), ids(&forth[1]), "{target}");
            }
        }
    }
}

fn pages_have_bounds(app: App) {
    for list in lists() {
        let path = &list.path;
        run(
            &app,
            ["0", "101", "-1", "", "abc", "1.5", "1e1", "+5", "007", "99999999999999999999", "0x10", "%20"].into_iter().map(|size| {
                at(format!("{path}?pageSize={size}")).status(400).has(&[
                    "schemaViolation",
                    "\"name\":\"pageSize\"",
                    "it must be a whole number from 1 to 100",
                ])
            }),
        );
        run(&app, [at(format!("{path}?pageSize=5&pageSize=5")).status(400).has(&["'pageSize' stands more than once"])]);
    }
    // More than a page of the largest size.
    app.write(|db| {
        for number in 101..=300 {
            let id = format!("many-{number}");
            record::write(db, &id, &document::<VolumeDocument>(&id, &volume(number, "published", "Volume")), now())?;
        }
        Ok(())
    });
    let pages = crawl(&app, "/v1/volumes?pageSize=100&select=(number)");
    assert_eq!(pages.iter().map(|page| ids(page).len()).collect::<Vec<_>>(), [100, 100, 6]);
    assert!(pages.iter().all(|page| page["total"] == 206 && page["pageSize"] == 100));
    assert_eq!(ids(&app.get("/v1/volumes").ok()).len(), 20, "the size when nothing is said");
}

fn links_are_told_twice(app: App) {
    let mut target = "/v1/themes?pageSize=2".to_owned();
    let mut seen = Vec::new();
    loop {
        let answer = app.get(&target).expect(200);
        let page = answer.json();
        let wanted: Vec<String> =
            ["next", "prev"].iter().filter_map(|relation| Some(format!("<{}>; rel=\"{relation}\"", page.get(*relation)?.as_str()?))).collect();
        let told: Vec<&str> = answer.header_all("link");
        assert_eq!(told, wanted, "{target}");
        seen.push((page.get("prev").is_some(), page.get("next").is_some()));
        match page.get("next").and_then(Value::as_str) {
            Some(next) => target = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, [(false, true), (true, true), (true, false)]);
}

fn addresses_have_one_spelling(app: App) {
    // The same question in another order and another encoding.
    let a = app.get("/v1/volumes?language=nl&language=fr&pageSize=2&lang=en").ok();
    let b = app.get("/v1/volumes?lang=%65n&pageSize=2&language=fr&language=nl").ok();
    assert_eq!(a, b);
    // Each page can be asked for again by its own address.
    let page = app.get(a["next"].as_str().unwrap()).ok();
    assert_eq!(app.get(page["self"].as_str().unwrap()).ok(), page);
    // The order of sort keys is not the same question.
    assert_ne!(app.get("/v1/volumes?sort=year&sort=-id").ok()["self"], app.get("/v1/volumes?sort=-id&sort=year").ok()["self"]);
    // Spaces and signs come back as they were meant.
    let page = app.get("/v1/volumes?q=a%2Bb+%26c&pageSize=1").ok();
    assert_eq!(app.get(page["self"].as_str().unwrap()).ok(), page);
    assert!(page["self"].as_str().unwrap().contains("q=a%2Bb+%26c"), "{page}");
}

/// The cursor of a page's `next`.
fn cursor(page: &Value) -> String {
    let url = url::Url::parse(page["next"].as_str().expect("a next page")).unwrap();
    url.query_pairs().find(|(name, _)| name == "after").expect("a cursor").1.into_owned()
}

fn a_cursor_is_good_for_its_question_only(app: App) {
    let page = app.get("/v1/volumes?pageSize=2&theme=strategy&theme=mobility&theme=data-governance&status=published").ok();
    let good = cursor(&page);
    assert!(good.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{good} is not URL-safe");
    let question = "theme=strategy&theme=mobility&theme=data-governance&status=published";
    run(
        &app,
        [
            at(format!("/v1/volumes?{question}&after={good}")).ids(&["mobility"]),
            // What is shown of the items and how many at a time is no part of the question, nor is the order of alternatives.
            at(format!("/v1/volumes?{question}&after={good}&pageSize=1&select=(title)&embed=themes")).has(&["La mobilité de demain"]),
            at(format!("/v1/volumes?after={good}&status=published&theme=mobility&theme=data-governance&theme=strategy")).has(&["mobility"]),
            // Who asks for nothing gets French: the same list.
            at(format!("/v1/volumes?{question}&after={good}&lang=fr")).has(&["mobility"]),
        ],
    );
    let foreign = "This cursor belongs to another question";
    run(
        &app,
        [
            at(format!("/v1/volumes?after={good}")),
            at(format!("/v1/volumes?theme=strategy&after={good}")),
            at(format!("/v1/volumes?{question}&year=2020&after={good}")),
            at(format!("/v1/volumes?{question}&q=smart&after={good}")),
            at(format!("/v1/volumes?{question}&sort=-number&after={good}")),
            at(format!("/v1/volumes?{question}&updatedSince=2020-01-01T00:00:00Z&after={good}")),
            at(format!("/v1/volumes?{question}&lang=nl&after={good}")),
            at(format!("/v1/volumes?{question}&lang=*&after={good}")),
            at(format!("/v1/volumes?{question}&fallback=none&after={good}")),
            at(format!("/v1/volumes?{question}&after={good}")).speaking("nl"),
            at(format!("/v1/complements?{question}&after={good}")),
            at(format!("/v1/themes?after={good}")),
        ]
        .map(|row| row.status(400).has(&[foreign, "\"name\":\"after\"", "schemaViolation"])),
    );
    let mut bytes = URL_SAFE_NO_PAD.decode(&good).expect("base64");
    let at_key = bytes.iter().position(u8::is_ascii_digit).expect("a number in the cursor");
    bytes[at_key] = if bytes[at_key] == b'9' { b'8' } else { bytes[at_key] + 1 };
    let altered = URL_SAFE_NO_PAD.encode(&bytes);
    let turned: String = good.chars().rev().collect();
    let broken = [
        good[..good.len() - 1].to_owned(),
        good[..good.len() / 2].to_owned(),
        good[1..].to_owned(),
        format!("{good}A"),
        format!("{good}{good}"),
        format!("x{}", &good[1..]),
        good.to_lowercase(),
        turned,
        altered,
        URL_SAFE_NO_PAD.encode(br#"{"v":[2,11],"q":"XhbPaFjy7gr"}............"#),
        "A".repeat(16),
        "A".repeat(1000),
    ];
    run(
        &app,
        broken.iter().map(|token| {
            at(format!("/v1/volumes?{question}&after={token}")).status(400).has(&["This cursor is broken", "\"name\":\"after\"", "schemaViolation"])
        }),
    );
    let impossible = [
        "",
        "short",
        "%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00",
        "....................",
        &"A".repeat(1001),
        "mit%20Leerzeichen%20drin",
        "AAAAAAAAAAAAAAAAAAAA%3D%3D",
    ];
    run(
        &app,
        impossible
            .iter()
            .map(|token| at(format!("/v1/volumes?{question}&after={token}")).status(400).has(&["'after': this is no cursor", "schemaViolation"])),
    );
    run(&app, [at(format!("/v1/volumes?{question}&after={good}&after={good}")).status(400).has(&["stands more than once"])]);
}

fn a_cursor_survives_a_restart(mut app: App) {
    let page = app.get("/v1/volumes?pageSize=2&lang=en&sort=-title").ok();
    let rest = crawl(&app, page["next"].as_str().unwrap()).iter().flat_map(ids).collect::<Vec<_>>();
    app.restart();
    assert_eq!(crawl(&app, &local(&page["next"])).iter().flat_map(ids).collect::<Vec<_>>(), rest);
}

fn a_cursor_survives_a_change_of_the_secret(mut app: App) {
    let page = app.get("/v1/volumes?pageSize=2").ok();
    let new = "another secret that is quite long enough";
    app.restart_with(&[format!("--secret={new},{}", crate::support::app::SECRET)]);
    run(&app, [at(local(&page["next"])).has(&["data-governance"])]);
    // Once the old one is gone, its cursors are.
    app.restart_with(&[format!("--secret={new}")]);
    run(&app, [at(local(&page["next"])).status(400).has(&["This cursor is broken"])]);
}

fn a_cursor_survives_its_record(app: App) {
    let page = app.get("/v1/volumes?pageSize=2").ok();
    assert_eq!(ids(&page), ["strategy", "citizen-participation"]);
    // The record the page ended with is withdrawn; the crawl goes on behind its place.
    app.change::<VolumeDocument>("citizen-participation", |volume| volume.0.state = record::State::Withdrawn);
    let rest = crawl(&app, page["next"].as_str().unwrap());
    assert_eq!(
        rest.iter().flat_map(ids).collect::<Vec<_>>(),
        ["data-governance", "mobility", "monitoring-and-evaluation", "public-private-partnerships"]
    );
    // And so does the way back.
    assert_eq!(ids(&app.get(rest[0]["prev"].as_str().unwrap()).ok()), ["strategy"]);
    // Behind the end there is nothing, and a way back.
    for id in ["data-governance", "mobility", "monitoring-and-evaluation", "public-private-partnerships"] {
        app.change::<VolumeDocument>(id, |volume| volume.0.state = record::State::Withdrawn);
    }
    let end = app.get(page["next"].as_str().unwrap()).ok();
    assert_eq!((ids(&end).len(), end.get("next"), &end["total"]), (0, None, &json!(1)));
    assert_eq!(ids(&app.get(end["prev"].as_str().unwrap()).ok()), ["strategy"]);
}

/// Every volume that was there from the beginning, each exactly once.
fn assert_complete(crawled: &[String], what: &str) {
    for id in super::volumes::ALL {
        assert_eq!(crawled.iter().filter(|crawled| crawled == id).count(), 1, "{what}: {id} in {crawled:?}");
    }
    let mut once = crawled.to_vec();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), crawled.len(), "{what}: something came twice: {crawled:?}");
}

/// One thing a busy editor does: a volume that comes (or comes back) before, among or behind the present ones, one taken away, one corrected.
/// There are thirty of them, so that a crawl ends however fast the editor is.
fn edit(db: &mut handbooks::db::Db, step: u32) -> Result<(), handbooks::error::Error> {
    let name = |step: u32| (format!("{}-{}", ["a", "m", "z"][step as usize % 3], step % 30), 1_000 + step % 30);
    let (id, number) = name(step);
    record::write(db, &id, &document::<VolumeDocument>(&id, &volume(number, "published", ["Aaa", "La moitié", "Zzz"][step as usize % 3])), now())?;
    if step > 2 {
        change_in::<VolumeDocument>(db, &name(step - 2).0, |volume| volume.0.state = record::State::Withdrawn)?;
    }
    let corrected = super::volumes::ALL[step as usize % super::volumes::ALL.len()];
    change_in::<VolumeDocument>(db, corrected, |volume| volume.0.page_url = Some(format!("https://example.org/{step}")))?;
    revision::advance(db)?;
    Ok(())
}

const ORDERS: [&str; 6] = ["", "&sort=-number", "&sort=title", "&sort=-title&lang=en", "&sort=id", "&sort=-year&sort=title"];

fn a_crawl_between_writes_misses_nothing(app: App) {
    let mut step = 0;
    for order in ORDERS {
        for size in [1, 3] {
            let (mut crawled, mut edits) = (Vec::new(), 0);
            let mut next = Some(format!("/v1/volumes?pageSize={size}{order}"));
            while let Some(target) = next {
                let page = app.get(&target).ok();
                crawled.extend(ids(&page));
                next = page["next"].as_str().map(str::to_owned);
                // The editor rests at last, or new volumes at the end would keep the crawl from ever ending.
                edits += 1;
                if edits <= 20 {
                    step += 1;
                    app.state.store.write(|db| edit(db, step)).unwrap();
                }
            }
            assert_complete(&crawled, &format!("{size}{order}"));
        }
    }
}

fn a_crawl_during_writes_misses_nothing(app: App) {
    let (done, written) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut step = 0;
            // Bounded: an editor faster than the crawl would keep it from ever ending.
            while !done.load(Ordering::Relaxed) && step < 300 {
                step += 1;
                let outcome = app.state.store.write(|db| edit(db, step));
                // Counted in any case: the crawler must not wait for a writer that has failed.
                written.fetch_add(if outcome.is_ok() { 1 } else { 1_000 }, Ordering::Relaxed);
                outcome.unwrap();
            }
        });
        // A panic here must not leave the writer writing for ever.
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            // Until the writer has had its turns, however slow it is.
            while written.load(Ordering::Relaxed) < 20 {
                for order in ORDERS {
                    let pages = crawl(&app, &format!("/v1/volumes?pageSize=2{order}"));
                    assert_complete(&pages.iter().flat_map(ids).collect::<Vec<_>>(), order);
                }
            }
        }));
        done.store(true, Ordering::Relaxed);
        if let Err(panic) = outcome {
            std::panic::resume_unwind(panic);
        }
    });
}

/// Filters by id, one for each noun and relation: the list, the parameter, an id of the seed with what it finds.
const BY_ID: &[(&str, &str, &str)] = &[
    ("volumes", "theme", "mobility"),
    ("complements", "theme", "data-governance"),
    ("complements", "volume", "strategy"),
    ("events", "volume", "strategy"),
    ("events", "complement", "leadership"),
    ("testimonies", "volume", "strategy"),
];

fn a_filter_by_id_finds_what_was_renamed(app: App) {
    let found: Vec<Vec<String>> = BY_ID.iter().map(|(list, by, id)| ids(&app.get(&format!("/v1/{list}?{by}={id}")).ok())).collect();
    assert!(found.iter().filter(|found| !found.is_empty()).count() >= 5, "{found:?}");
    let first = app.state.store.read(|db| Ok(revision::current(db)?.number)).expect("a revision");
    let rename = |kind: &str, id: &str| {
        pen::with(&app.state.store, &Author::command("test"), |pen| pen.rename(kind, id, &format!("new-{id}"))).expect("a rename");
    };
    rename("complement", "leadership");
    let editor = make_key(&app, &["catalogue:write"]);
    let preview = |query: &str| app.call("GET", &format!("/v1/events?{query}&preview=true")).header("Authorization", &bearer(&editor)).send();
    preview("complement=leadership").expect(200);
    preview("complement=leaders").expect(400);
    for (kind, id) in [("theme", "mobility"), ("theme", "data-governance"), ("volume", "strategy")] {
        rename(kind, id);
    }
    for ((list, by, id), found) in BY_ID.iter().zip(found) {
        let found: Vec<String> = found.into_iter().map(|one| if renamed_too(list, &one) { format!("new-{one}") } else { one }).collect();
        // Twice: made, and ready.
        for _ in 0..2 {
            let old = app.get(&format!("/v1/{list}?{by}={id}")).ok();
            assert_eq!(ids(&old), found, "{list} by {by} '{id}'");
            assert_eq!(old["self"], format!("{}/v1/{list}?{by}={id}", app.base), "as it was asked");
        }
        let both = app.get(&format!("/v1/{list}?{by}={id}&{by}=new-{id}")).ok();
        assert_eq!((ids(&both), &both["total"]), (found.clone(), &json!(found.len())));
        assert_eq!(ids(&app.get(&format!("/v1/{list}?{by}=new-{id}")).ok()), found);
        // In the past its present id named nothing yet.
        app.get(&format!("/v1/{list}?{by}={id}&at={first}")).expect(200);
        app.get(&format!("/v1/{list}?{by}=new-{id}&at={first}")).expect(400);
    }
}

/// Whether an item of a list is one of those that were renamed: `complements` of `complement`, for example.
fn renamed_too(list: &str, id: &str) -> bool {
    BY_ID.iter().any(|(_, by, renamed)| *renamed == id && list == format!("{by}s"))
}

fn a_filter_by_an_unknown_id_is_refused(app: App) {
    app.put::<VolumeDocument>("mobilities", &volume(7, "draft", "Brouillon"));
    for (list, by, _) in BY_ID {
        for _ in 0..2 {
            let answer = app.get(&format!("/v1/{list}?{by}=no-such-thing&{by}=nothing-either")).expect(400);
            let issues = answer.issues();
            assert_eq!(issues.len(), 2, "{}", answer.text());
            for issue in issues {
                assert_eq!((issue.kind.as_str(), issue.place.as_str(), issue.name.as_str()), ("referencedResourceNotFound", "query", *by));
            }
            assert_eq!(answer.header("cache-control"), Some("no-store"));
        }
    }
    // The draft is not found, and not suggested.
    let hidden = app.get("/v1/events?volume=mobilities").expect(400);
    assert!(hidden.text().contains("Did you mean 'mobility'?"), "{}", hidden.text());
    let near = app.get("/v1/events?volume=mobilitie").expect(400);
    assert!(!near.text().contains("mobilities"), "{}", near.text());
    // Who may see drafts finds those that were written as all are.
    let editor = make_key(&app, &["catalogue:write"]);
    let draft = json!({"id": "eight", "number": 8, "year": 2027, "state": "draft", "texts": {"fr": {"title": "Huit"}}});
    app.call("POST", "/v1/volumes").header("Authorization", &bearer(&editor)).json(&draft).send().expect(201);
    let preview = app.call("GET", "/v1/events?volume=eight&preview=true").header("Authorization", &bearer(&editor)).send().expect(200);
    assert_eq!(preview.json()["total"], 0);
    app.get("/v1/events?volume=eight").expect(400);
    // Published, it is known at once.
    app.change::<VolumeDocument>("mobilities", |document| document.0.state = record::State::Published);
    assert_eq!(app.get("/v1/events?volume=mobilities").ok()["total"], 0);
}
