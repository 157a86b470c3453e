//! Translations: what is missing, what is behind its source, what becomes of each text.

use chrono::TimeDelta;
use handbooks::catalogue::collection::CollectionDocument;
use handbooks::catalogue::event::EventDocument;
use handbooks::catalogue::parts;
use handbooks::catalogue::record::State;
use handbooks::catalogue::theme::ThemeDocument;
use handbooks::catalogue::volume::VolumeDocument;
use handbooks::db::types::{now, rfc3339};
use serde_json::{Value, json};

use crate::support::keys::{bearer, make_key};
use crate::support::records::volume;
use crate::support::{Answer, App, both};

both!(
    tells_each_text_of_each_record,
    a_text_is_stale_when_its_source_changed_after_it,
    what_a_work_contains_makes_its_translations_stale,
    pages_hold_while_records_are_written,
    is_narrowed_by_filters,
    is_a_sheet_too,
    is_for_editors_alone,
    wrong_questions_are_told
);

struct Editor<'a> {
    app: &'a App,
    key: String,
}

impl<'a> Editor<'a> {
    fn of(app: &'a App) -> Self {
        Self { app, key: make_key(app, &["catalogue:write"]) }
    }

    fn ask(&self, query: &str) -> Answer {
        self.app.call("GET", &format!("/v1/translations{query}")).header("Authorization", &bearer(&self.key)).send()
    }

    /// The one text of a record in a language.
    fn one(&self, kind: &str, id: &str, language: &str) -> Value {
        let all = self.crawl(&format!("?type={kind}&language={language}&pageSize=100"));
        let found: Vec<&Value> = all.iter().filter(|item| item["id"] == id).collect();
        assert_eq!(found.len(), 1, "{all:?}");
        found[0].clone()
    }

    /// All items of a list, page by page.
    fn crawl(&self, query: &str) -> Vec<Value> {
        let mut all = Vec::new();
        let mut query = Some(query.to_owned());
        while let Some(asked) = query {
            let page = self.ask(&asked).ok();
            all.extend(page["items"].as_array().unwrap().iter().cloned());
            query = page["next"].as_str().map(|next| format!("?{}", next.split_once('?').unwrap().1));
        }
        all
    }
}

fn tells_each_text_of_each_record(app: App) {
    let editor = Editor::of(&app);
    let first = editor.ask("").ok();
    let items = editor.crawl("");
    assert_eq!((&first["total"], &first["pageSize"], first.get("prev")), (&json!(items.len()), &json!(20), None));
    // Every record in each of the four languages.
    let records: usize = ["volumes", "complements", "events", "testimonies", "themes", "languages"]
        .iter()
        .map(|path| usize::try_from(app.get(&format!("/v1/{path}?pageSize=1")).ok()["total"].as_u64().unwrap()).unwrap())
        .sum();
    let supporters = app.get("/v1/collection").ok()["supporters"].as_array().unwrap().len();
    assert_eq!(items.len(), 4 * (records + supporters + 1));
    assert_eq!([&first["self"], &first["first"]], [&json!(format!("{}/v1/translations", app.base)); 2]);
    let mobility = editor.one("volume", "mobility", "nl");
    let source = editor.one("volume", "mobility", "fr");
    assert_eq!(
        mobility,
        json!({
            "href": format!("{}/v1/volumes/mobility", app.base), "type": "volume", "id": "mobility", "title": "La mobilité de demain",
            "language": "nl", "sourceLanguage": "fr", "state": "missing", "sourceUpdatedAt": source["updatedAt"]
        })
    );
    assert_eq!(source["state"], "published");

    let later = rfc3339(now() + TimeDelta::days(3));
    app.edit::<VolumeDocument>("seven", &format!("sourceLanguage = \"fr\"\npublishAt = \"{later}\"\n{}", volume(7, "draft", "Sept")));
    app.edit::<VolumeDocument>(
        "eight",
        &format!(
            "{}[texts.nl]\ntitle = \"Acht\"\nstate = \"draft\"\n[texts.de]\ntitle = \"Acht\"\nstate = \"draft\"\npublishAt = \"{later}\"\n",
            volume(8, "announced", "Huit")
        ),
    );
    app.edit::<VolumeDocument>("nine", &volume(9, "draft", "Neuf"));
    app.edit::<EventDocument>("quiet", "kind = \"workshop\"\nstartsOn = \"2025\"\n[texts.nl]\ntitle = \"Stil\"\nstate = \"draft\"\n");
    for (kind, id, language, state, at) in [
        ("volume", "seven", "fr", "scheduled", Some(&later)),
        ("volume", "seven", "nl", "missing", None),
        ("volume", "eight", "fr", "published", None),
        ("volume", "eight", "nl", "draft", None),
        ("volume", "eight", "de", "scheduled", Some(&later)),
        ("volume", "nine", "en", "draft", None),
        ("event", "quiet", "nl", "draft", None),
        ("event", "quiet", "fr", "missing", None),
    ] {
        let one = editor.one(kind, id, language);
        assert_eq!((one["state"].as_str().unwrap(), one["publishAt"].as_str()), (state, at.map(String::as_str)), "{one}");
    }
    // Who has no text in a language of the chain before has another source.
    assert_eq!(editor.one("event", "quiet", "fr")["sourceLanguage"], "nl");
    assert_eq!(editor.one("event", "quiet", "fr")["title"], "Stil");
    // A part of the collection has its address.
    assert_eq!(editor.one("supporter", "belfius", "de")["href"], json!(format!("{}/v1/collection", app.base)));
}

fn a_text_is_stale_when_its_source_changed_after_it(app: App) {
    let editor = Editor::of(&app);
    let state = |language: &str| editor.one("volume", "mobility", language)["state"].as_str().unwrap().to_owned();
    assert_eq!((state("fr"), state("en")), ("published".into(), "published".into()));
    // What is no word of the text makes nothing stale, nor does its publication.
    app.amend::<VolumeDocument>("mobility", |volume| volume.0.year = Some(2021));
    assert_eq!(state("en"), "published");
    app.amend::<VolumeDocument>("mobility", |volume| volume.0.texts.get_mut("fr").unwrap().title = Some("Bouger demain".into()));
    assert_eq!((state("fr"), state("en"), state("nl")), ("published".into(), "stale".into(), "missing".into()));
    let stale = editor.one("volume", "mobility", "en");
    assert_eq!(stale["publication"], "published");
    assert!(stale["sourceUpdatedAt"].as_str().unwrap() > stale["updatedAt"].as_str().unwrap(), "{stale}");
    // The public has heard nothing of that.
    assert!(!app.get("/v1/volumes/mobility?lang=en").expect(200).text().contains("stale"));
    // A draft can be behind as well.
    app.amend::<VolumeDocument>("mobility", |volume| {
        let mut dutch = volume.0.texts["fr"].clone();
        (dutch.state, dutch.title) = (Some("draft".into()), Some("Bewegen".into()));
        volume.0.texts.insert("nl".into(), dutch);
    });
    assert_eq!(state("nl"), "draft");
    app.amend::<VolumeDocument>("mobility", |volume| volume.0.texts.get_mut("fr").unwrap().summary = Some("Autrement".into()));
    assert_eq!((state("nl"), editor.one("volume", "mobility", "nl")["publication"].clone()), ("stale".into(), json!("draft")));
    app.amend::<VolumeDocument>("mobility", |volume| volume.0.texts.get_mut("en").unwrap().title = Some("Moving tomorrow".into()));
    assert_eq!(state("en"), "published");
    app.amend::<VolumeDocument>("mobility", |volume| volume.0.state = State::Withdrawn);
    assert_eq!(state("en"), "published");
}

fn what_a_work_contains_makes_its_translations_stale(app: App) {
    let editor = Editor::of(&app);
    let state = |kind: &str, id: &str| editor.one(kind, id, "en")["state"].as_str().unwrap().to_owned();
    let text = |title: &str| parts::PartText { title: Some(title.into()), summary: None };
    let part = parts::PartDocument {
        kind: "topic".into(),
        number: None,
        page: None,
        texts: [("fr".to_owned(), text("Le vélo"))].into(),
        contents: Vec::new(),
    };
    app.amend::<VolumeDocument>("mobility", |volume| volume.0.texts.get_mut("en").unwrap().title = Some("Moving tomorrow".into()));
    assert_eq!(state("volume", "mobility"), "published");
    app.amend::<VolumeDocument>("mobility", |volume| volume.0.contents.push(part.clone()));
    assert_eq!(state("volume", "mobility"), "stale");
    // The translation follows: its own part has words now.
    app.amend::<VolumeDocument>("mobility", |volume| {
        volume.0.contents.last_mut().unwrap().texts.insert("en".into(), text("The bicycle"));
    });
    assert_eq!(state("volume", "mobility"), "published");
    // Where the pieces stand, and what is no word of them, makes nothing stale.
    app.amend::<VolumeDocument>("mobility", |volume| {
        volume.0.contents.rotate_right(1);
        volume.0.contents[0].page = Some(12);
    });
    assert_eq!(state("volume", "mobility"), "published");
    assert_eq!(state("collection", "collection"), "published");
    app.amend::<CollectionDocument>("collection", |collection| {
        collection.figures[0].texts.get_mut("fr").unwrap().title = Some("Autrement mesuré".into());
    });
    assert_eq!(state("collection", "collection"), "stale");
}

fn pages_hold_while_records_are_written(app: App) {
    let editor = Editor::of(&app);
    let names = |page: &Value| -> Vec<String> {
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| format!("{}/{}", item["id"].as_str().unwrap(), item["language"].as_str().unwrap()))
            .collect()
    };
    let whole: Vec<String> = names(&json!({"items": editor.crawl("?type=theme&pageSize=100")}));
    let first = editor.ask("?type=theme&pageSize=3").ok();
    assert_eq!(names(&first), whole[..3]);
    let follow = |page: &Value, link: &str| editor.ask(&format!("?{}", page[link].as_str().unwrap().split_once('?').unwrap().1)).ok();
    // One that comes before the page, and one that goes.
    app.edit::<ThemeDocument>("early", "position = 0\n[texts.fr]\ntitle = \"Tôt\"\n");
    let second = follow(&first, "next");
    assert_eq!(names(&second), whole[3..6]);
    assert_eq!(names(&follow(&second, "prev")), whole[..3]);
    let elsewhere = second["next"].as_str().unwrap().split_once('?').unwrap().1.replace("theme", "volume");
    assert_eq!(editor.ask(&format!("?{elsewhere}")).expect(400).issues().len(), 1);
}

fn is_narrowed_by_filters(app: App) {
    let editor = Editor::of(&app);
    let all = editor.ask("?state=missing&state=stale&language=nl&type=volume&type=theme&pageSize=100").ok();
    let items = all["items"].as_array().unwrap();
    assert!(!items.is_empty() && all.get("next").is_none());
    for item in items {
        assert!(["volume", "theme"].contains(&item["type"].as_str().unwrap()), "{item}");
        assert_eq!((&item["language"], &item["state"]), (&json!("nl"), &json!("missing")));
    }
    assert_eq!(all["self"], json!(format!("{}/v1/translations?state=missing&state=stale&language=nl&type=theme&type=volume&pageSize=100", app.base)));
    assert_eq!(editor.ask("?state=scheduled").ok()["items"], json!([]));
}

fn is_a_sheet_too(app: App) {
    app.edit::<ThemeDocument>("odd", "[texts.fr]\ntitle = \"Un, \\\"deux\\\"\"\n");
    let editor = Editor::of(&app);
    let answer = app
        .call("GET", "/v1/translations?type=theme&language=nl")
        .header("Authorization", &bearer(&editor.key))
        .header("Accept", "text/csv")
        .send()
        .expect(200);
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
    assert_eq!((answer.header("cache-control"), answer.header("vary")), (Some("no-store"), Some("Accept")));
    let text = answer.text();
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(lines[0], "\u{feff}type,id,title,language,sourceLanguage,state,publication,updatedAt,sourceUpdatedAt,publishAt,href");
    assert_eq!(lines.len(), 2 + 7, "{text}");
    assert_eq!(lines.last(), Some(&""));
    let odd = lines.iter().find(|line| line.contains("odd")).unwrap();
    assert!(odd.starts_with("theme,odd,\"Un, \"\"deux\"\"\",nl,fr,missing,,,20"), "{odd}");
    // The sheet is one: what pages it is refused, not ignored.
    let paged = app.call("GET", "/v1/translations?pageSize=3").header("Authorization", &bearer(&editor.key)).header("Accept", "text/csv").send();
    assert_eq!(paged.expect(400).issues()[0].name, "pageSize");
    // The default stays JSON.
    assert_eq!(editor.ask("").header("content-type"), Some("application/json"));
}

fn is_for_editors_alone(app: App) {
    assert_eq!(app.get("/v1/translations").expect(401).problem(), "noAccessToken");
    let other = make_key(&app, &["partner", "downloads:read"]);
    let answer = app.call("GET", "/v1/translations").header("Authorization", &bearer(&other)).send().expect(403);
    assert_eq!(answer.problem(), "missingScope");
}

fn wrong_questions_are_told(app: App) {
    let editor = Editor::of(&app);
    let answer = editor.ask("?state=old&langage=nl&language=xx&type=volumes&pageSize=0").expect(400);
    assert_eq!(answer.issues().len(), 5, "{}", answer.text());
    assert!(answer.text().contains("Did you mean 'language'?") && answer.text().contains("Did you mean 'volume'?"), "{}", answer.text());
    let answer = app.call("GET", "/v1/translations").header("Authorization", &bearer(&editor.key)).header("Accept", "text/html").send().expect(406);
    assert_eq!(answer.json()["available"], json!(["application/json", "text/csv"]));
}
