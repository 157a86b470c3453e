//! Translations: what is missing, what is behind its source, what becomes of each text.

use chrono::TimeDelta;
use handbooks::catalogue::event::EventDocument;
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
        let all = self.ask(&format!("?type={kind}&language={language}")).ok();
        let found: Vec<&Value> = all["items"].as_array().unwrap().iter().filter(|item| item["id"] == id).collect();
        assert_eq!(found.len(), 1, "{all}");
        found[0].clone()
    }
}

fn tells_each_text_of_each_record(app: App) {
    let editor = Editor::of(&app);
    let all = editor.ask("").ok();
    let items = all["items"].as_array().unwrap();
    assert_eq!(all["total"], items.len());
    // Every record in each of the four languages.
    let records: usize = ["volumes", "complements", "events", "testimonies", "themes", "languages"]
        .iter()
        .map(|path| usize::try_from(app.get(&format!("/v1/{path}?pageSize=1")).ok()["total"].as_u64().unwrap()).unwrap())
        .sum();
    let supporters = app.get("/v1/collection").ok()["supporters"].as_array().unwrap().len();
    assert_eq!(items.len(), 4 * (records + supporters + 1));
    assert_eq!(all["self"], json!(format!("{}/v1/translations", app.base)));
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

fn is_narrowed_by_filters(app: App) {
    let editor = Editor::of(&app);
    let all = editor.ask("?state=missing&state=stale&language=nl&type=volume&type=theme").ok();
    let items = all["items"].as_array().unwrap();
    assert!(!items.is_empty());
    for item in items {
        assert!(["volume", "theme"].contains(&item["type"].as_str().unwrap()), "{item}");
        assert_eq!((&item["language"], &item["state"]), (&json!("nl"), &json!("missing")));
    }
    assert_eq!(all["self"], json!(format!("{}/v1/translations?state=missing&state=stale&language=nl&type=theme&type=volume", app.base)));
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
    let answer = editor.ask("?state=old&langage=nl&language=xx&type=volumes&pageSize=3").expect(400);
    assert_eq!(answer.issues().len(), 5, "{}", answer.text());
    assert!(answer.text().contains("Did you mean 'language'?") && answer.text().contains("Did you mean 'volume'?"), "{}", answer.text());
    let answer = app.call("GET", "/v1/translations").header("Authorization", &bearer(&editor.key)).header("Accept", "text/html").send().expect(406);
    assert_eq!(answer.json()["available"], json!(["application/json", "text/csv"]));
}
