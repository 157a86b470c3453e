//! `GET /v1/volumes`

use handbooks::catalogue::volume::VolumeDocument;
use serde_json::{Value, json};

use super::ALL;
use crate::support::records::volume;
use crate::support::{App, at, both, encode, ids, run};

both!(lists_by_number, filters, sorts, sorts_by_several, searches, lists_what_changed_since, selects, embeds);

fn lists_by_number(app: App) {
    let list = app.get("/v1/volumes").ok();
    assert_eq!(ids(&list), ALL);
    assert_eq!(list["self"], format!("{}/v1/volumes", app.base));
    assert_eq!(list["first"], list["self"]);
    assert_eq!((&list["total"], &list["pageSize"]), (&json!(6), &json!(20)));
    assert_eq!((list.get("next"), list.get("prev"), list.get("embedded")), (None, None, None));
    let numbers: Vec<&Value> = list["items"].as_array().unwrap().iter().map(|item| &item["number"]).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
    for item in list["items"].as_array().unwrap() {
        assert_eq!(item["href"], format!("{}/v1/volumes/{}", app.base, item["id"].as_str().unwrap()));
    }
}

fn filters(app: App) {
    app.put::<VolumeDocument>("announced", &format!("themes = [\"mobility\", \"strategy\"]\n{}", volume(7, "announced", "Annoncé")));
    let with_announced: Vec<&str> = ALL.iter().copied().chain(["announced"]).collect();
    run(
        &app,
        [
            at("/v1/volumes?number=4").ids(&["mobility"]).lacks(&["/v1/volumes/strategy\""]),
            at("/v1/volumes?number=4&number=1").ids(&["strategy", "mobility"]),
            at("/v1/volumes?number=999").ids(&[]),
            at("/v1/volumes?year=2020").ids(&["mobility"]),
            at("/v1/volumes?year=2019&year=2021").ids(&["data-governance", "monitoring-and-evaluation"]),
            at("/v1/volumes?status=announced").ids(&["announced"]),
            at("/v1/volumes?status=published").ids(ALL),
            at("/v1/volumes?status=published&status=announced").ids(&with_announced),
            at("/v1/volumes?theme=mobility").ids(&["mobility", "announced"]).lacks(&["Votre stratégie"]),
            at("/v1/volumes?theme=strategy").ids(&["strategy", "announced"]),
            at("/v1/volumes?theme=strategy&theme=data-governance").ids(&["strategy", "data-governance", "announced"]),
            // An id that is well formed and names nothing is told, not ignored.
            at("/v1/volumes?theme=no-such-theme").status(400).has(&["'theme': there is no theme 'no-such-theme'."]),
            at("/v1/volumes?theme=mobilty&theme=strategy").status(400).has(&["Did you mean 'mobility'?"]),
            // The id of a volume is not that of a theme.
            at("/v1/volumes?theme=announced").status(400),
            at("/v1/volumes?language=nl").ids(&["strategy"]),
            at("/v1/volumes?language=fr").ids(&with_announced),
            at("/v1/volumes?language=en").ids(&[]),
            at("/v1/volumes?language=nl&language=fr").ids(&with_announced),
            // The language of an edition is not the language of the texts.
            at("/v1/volumes?language=nl&lang=en").ids(&["strategy"]).has(&["Your Smart City strategy"]).lacks(&["Uw Smart City-strategie"]),
            // Between filters: AND.
            at("/v1/volumes?theme=strategy&status=announced").ids(&["announced"]),
            at("/v1/volumes?theme=mobility&language=nl").ids(&[]),
            at("/v1/volumes?year=2017&year=2018&theme=strategy").ids(&["strategy"]),
            at("/v1/volumes?number=1&year=2017&language=nl&theme=strategy&status=published&q=smart").ids(&["strategy"]),
            at("/v1/volumes?number=1&year=2017&language=nl&theme=strategy&status=announced").ids(&[]),
        ],
    );
}

fn sorts(app: App) {
    let reversed: Vec<&str> = ALL.iter().rev().copied().collect();
    run(
        &app,
        [
            at("/v1/volumes?sort=number").ids(ALL),
            at("/v1/volumes?sort=-number").ids(&reversed),
            at("/v1/volumes?sort=year").ids(ALL),
            at("/v1/volumes?sort=-year").ids(&reversed),
            at("/v1/volumes?sort=id").ids(&[
                "citizen-participation",
                "data-governance",
                "mobility",
                "monitoring-and-evaluation",
                "public-private-partnerships",
                "strategy",
            ]),
            at("/v1/volumes?sort=-id").ids(&[
                "strategy",
                "public-private-partnerships",
                "monitoring-and-evaluation",
                "mobility",
                "data-governance",
                "citizen-participation",
            ]),
            // By the title as it is served, case and accents folded.
            at("/v1/volumes?sort=title&lang=fr").ids(&[
                "data-governance",
                "mobility",
                "citizen-participation",
                "monitoring-and-evaluation",
                "public-private-partnerships",
                "strategy",
            ]),
            at("/v1/volumes?sort=title&lang=en").ids(&[
                "citizen-participation",
                "data-governance",
                "monitoring-and-evaluation",
                "public-private-partnerships",
                "mobility",
                "strategy",
            ]),
            at("/v1/volumes?sort=-title&lang=en").ids(&[
                "strategy",
                "mobility",
                "public-private-partnerships",
                "monitoring-and-evaluation",
                "data-governance",
                "citizen-participation",
            ]),
            // All were written in one instant: the unique key decides, and the direction does not turn it round.
            at("/v1/volumes?sort=updatedAt").ids(&[
                "citizen-participation",
                "data-governance",
                "mobility",
                "monitoring-and-evaluation",
                "public-private-partnerships",
                "strategy",
            ]),
        ],
    );
    app.change::<VolumeDocument>("mobility", |volume| volume.0.page_url = Some("https://example.org/4".into()));
    app.change::<VolumeDocument>("data-governance", |volume| volume.0.page_url = Some("https://example.org/3".into()));
    run(&app, [at("/v1/volumes?sort=-updatedAt&sort=id&pageSize=2").ids(&["data-governance", "mobility"])]);
    let last = ids(&app.get("/v1/volumes?sort=updatedAt").ok());
    assert_eq!(last[4..], ["mobility", "data-governance"]);
}

fn sorts_by_several(app: App) {
    for (number, id, title) in [(7, "seven", "Zèbre"), (8, "eight", "abeille"), (9, "nine", "Écureuil")] {
        app.put::<VolumeDocument>(id, &volume(number, "published", title));
    }
    // The three of 2024 are tied by their year.
    let head = |list: Value| ids(&list)[..4].to_vec();
    assert_eq!(head(app.get("/v1/volumes?sort=-year&sort=title").ok()), ["eight", "nine", "seven", "public-private-partnerships"]);
    assert_eq!(head(app.get("/v1/volumes?sort=-year&sort=-title").ok()), ["seven", "nine", "eight", "public-private-partnerships"]);
    assert_eq!(head(app.get("/v1/volumes?sort=-year&sort=-number").ok()), ["nine", "eight", "seven", "public-private-partnerships"]);
    assert_eq!(head(app.get("/v1/volumes?sort=-year&sort=id").ok()), ["eight", "nine", "seven", "public-private-partnerships"]);
    // The order of the keys is the order of the question.
    assert_eq!(head(app.get("/v1/volumes?sort=title&sort=-year").ok()), ["eight", "nine", "data-governance", "mobility"]);
    // Paging follows the whole order.
    let mut crawled = Vec::new();
    let mut next = Some("/v1/volumes?sort=-year&sort=-title&pageSize=1".to_owned());
    while let Some(target) = next {
        let page = app.get(&target).ok();
        crawled.extend(ids(&page));
        next = page["next"].as_str().map(str::to_owned);
    }
    assert_eq!(crawled, ids(&app.get("/v1/volumes?sort=-year&sort=-title").ok()));
}

fn searches(app: App) {
    let q = |text: &str, rest: &str| format!("/v1/volumes?q={}{rest}", encode(text));
    run(
        &app,
        [
            at(q("mobilité", "")).ids(&["mobility"]),
            at(q("mobilite", "")).ids(&["mobility"]),
            at(q("MOBILITÉ", "")).ids(&["mobility"]),
            // Decomposed: e and an accent of its own.
            at(q("mobilite\u{301}", "")).ids(&["mobility"]),
            at(q("l'évaluation", "")).ids(&["monitoring-and-evaluation"]),
            at(q("l’evaluation", "")).ids(&["monitoring-and-evaluation"]),
            // All words, in any order, wherever they stand.
            at(q("demain mobilité", "")).ids(&["mobility"]),
            at(q("demain participation", "")).ids(&[]),
            at(q("  demain \t mobilité ".trim(), "")).status(400),
            at(q("demain   mobilité", "")).ids(&["mobility"]),
            // The beginning of a word is enough, as is the middle.
            at(q("hackath", "")).ids(&["citizen-participation"]),
            // The full title and the summary are searched too.
            at(q("smart city guide pratique", "")).ids(&["strategy"]),
            at(q("budget participatif", "")).ids(&["citizen-participation"]),
            // Only the language that is served.
            at(q("tomorrow", "&lang=en")).ids(&["mobility"]),
            at(q("tomorrow", "")).ids(&[]),
            at(q("demain", "&lang=en")).ids(&[]),
            at(q("kernstappen", "&lang=nl")).ids(&["strategy"]),
            // Those without Dutch are served, and searched, in French.
            at(q("mobilité", "&lang=nl")).ids(&["mobility"]),
            at(q("strategie", "&lang=nl")).ids(&["strategy"]),
            at(q("étapes clés", "&lang=nl")).ids(&[]),
            at(q("mobilité", "&lang=nl&fallback=none")).ids(&[]),
            // Nothing in it is an operator.
            at(q("%", "")).ids(&[]),
            at(q("m_bilité", "")).ids(&[]),
            at(q("mobil%", "")).ids(&[]),
            at(q("\\", "")).ids(&[]),
            at(q("'; DROP TABLE record; --", "")).ids(&[]),
            at(q("mobilité OR stratégie", "")).ids(&[]),
            // Sources and notes are for editors.
            at(q("cover title", "&lang=en")).ids(&[]),
            at(q("uliege", "")).ids(&[]),
        ],
    );
    app.put::<VolumeDocument>("percent", &volume(7, "published", "100 % lisible, a_b, c\\\\d"));
    run(
        &app,
        [
            at(q("100 %", "")).ids(&["percent"]),
            at(q("%", "")).ids(&["percent"]),
            at(q("a_b", "")).ids(&["percent"]),
            at(q("c\\d", "")).ids(&["percent"]),
            at(q("a%b", "")).ids(&[]),
        ],
    );
}

fn lists_what_changed_since(app: App) {
    let since = |instant: &str| format!("/v1/volumes?updatedSince={}", encode(instant));
    let seeded = app.get("/v1/volumes/mobility").ok()["updatedAt"].as_str().unwrap().to_owned();
    app.change::<VolumeDocument>("mobility", |volume| volume.0.page_url = Some("https://example.org/4".into()));
    let changed = app.get("/v1/volumes/mobility").ok()["updatedAt"].as_str().unwrap().to_owned();
    assert!(changed > seeded, "{changed} after {seeded}");
    run(
        &app,
        [
            at(since("2000-01-01T00:00:00Z")).ids(ALL),
            // At or after: the instant itself counts.
            at(since(&seeded)).ids(ALL),
            at(since(&changed)).ids(&["mobility"]),
            at(since("2999-01-01T00:00:00Z")).ids(&[]),
            at(format!("{}&theme=strategy", since(&changed))).ids(&[]),
        ],
    );
    // The same instant in another place.
    let instant = chrono::DateTime::parse_from_rfc3339(&changed).unwrap();
    let brussels = instant.with_timezone(&chrono::FixedOffset::east_opt(7200).unwrap()).to_rfc3339();
    run(&app, [at(since(&brussels)).ids(&["mobility"])]);
}

/// The names of an item's properties.
fn names(item: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = item.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

fn selects(app: App) {
    // What the schema requires is always kept.
    let item = app.get("/v1/volumes?number=1&select=(title)").ok()["items"][0].clone();
    assert_eq!(names(&item), ["href", "id", "language", "title"]);
    assert_eq!(item["title"], "Votre stratégie Smart City en 15 étapes clés");
    let item = app.get("/v1/volumes?number=1&select=(id,href)").ok()["items"][0].clone();
    assert_eq!(names(&item), ["href", "id", "language"]);
    // Nested, and a property without a value stays absent.
    let item = app.get("/v1/volumes?number=1&select=(year,subtitle,editions(pages),themes(title),language(served))").ok()["items"][0].clone();
    assert_eq!(names(&item), ["editions", "href", "id", "language", "themes", "year"]);
    assert_eq!(names(&item["editions"][0]), ["href", "language", "pages"]);
    assert_eq!(names(&item["editions"][1]), ["href", "language"]);
    assert_eq!(item["themes"], json!([{"href": format!("{}/v1/themes/strategy", app.base), "id": "strategy", "title": "Stratégie Smart City"}]));
    assert_eq!(item["language"]["served"], "fr");
    assert_eq!(item["language"].get("available"), None);
    // The same for an item by its own address.
    let alone = app.get("/v1/volumes/strategy?select=(year,subtitle,editions(pages),themes(title),language(served))").ok();
    assert_eq!(alone, item);
    // What is picked decides nothing else.
    let list = app.get("/v1/volumes?select=(year)&theme=mobility").ok();
    assert_eq!((&list["total"], &list["pageSize"]), (&json!(1), &json!(20)));
    assert!(list["self"].as_str().unwrap().contains("select="), "{list}");
}

fn embeds(app: App) {
    let href = |path: &str| format!("{}/v1/{path}", app.base);
    let list = app.get("/v1/volumes?embed=themes").ok();
    let embedded = list["embedded"].as_object().unwrap();
    assert_eq!(embedded.len(), 6);
    // What is embedded is what stands at its address.
    for (address, theme) in embedded {
        assert_eq!(*theme, app.get(address).ok());
    }
    let list = app.get("/v1/volumes?number=1&embed=complements&embed=events&embed=testimonies&embed=themes&lang=nl").ok();
    let mut found: Vec<&String> = list["embedded"].as_object().unwrap().keys().collect();
    found.sort_unstable();
    let mut wanted = [
        href("themes/strategy"),
        href("complements/ecosystem-dynamics"),
        href("complements/leadership"),
        href("complements/multidisciplinary-team"),
        href("events/strategy-presentation-2017"),
        href("events/strategy-video-capsules-2021"),
        href("testimonies/benoit-muller"),
        href("testimonies/filis-zumbultas"),
        href("testimonies/thomas-charlier"),
    ];
    wanted.sort_unstable();
    assert_eq!(found, wanted.iter().collect::<Vec<_>>());
    for (address, record) in list["embedded"].as_object().unwrap() {
        assert_eq!(*record, app.get(&format!("{address}?lang=nl")).ok());
    }
    // Nothing to embed is an empty object, not nothing: the question was understood.
    let list = app.get("/v1/volumes?number=4&embed=events").ok();
    assert_eq!(list["embedded"], json!({}));
    // `select` picks from the items, not from what is embedded.
    let list = app.get("/v1/volumes?number=4&embed=themes&select=(title)").ok();
    assert_eq!(
        list["embedded"][href("themes/mobility")]["summary"],
        "Comment on se déplacera demain, et ce que cela demande dès aujourd'hui aux villes et aux villages."
    );
    let item = app.get("/v1/volumes/mobility?embed=themes&select=(title)").ok();
    assert_eq!(names(&item), ["embedded", "href", "id", "language", "title"]);
    assert_eq!(item["embedded"], list["embedded"]);
}
