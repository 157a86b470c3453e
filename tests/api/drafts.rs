//! What the public may see: announced and published records, published texts; of the rest, nothing anywhere.

use handbooks::catalogue::complement::ComplementDocument;
use handbooks::catalogue::event::EventDocument;
use handbooks::catalogue::record::State;
use handbooks::catalogue::testimony::TestimonyDocument;
use handbooks::catalogue::theme::ThemeDocument;
use handbooks::catalogue::volume::VolumeDocument;
use serde_json::{Value, json};

use crate::support::document::reads;
use crate::support::records::volume;
use crate::support::{App, at, both, crawl, ids, run};

both!(
    a_draft_does_not_exist,
    a_draft_text_does_not_exist,
    a_record_of_draft_texts_alone_does_not_exist,
    an_announced_one_is_public,
    a_withdrawn_one_leaves_a_tombstone,
    a_life,
);

/// Everything that can be read without knowing an id, in every language, and every item of it.
fn everything_public(app: &App) -> String {
    let mut all = String::new();
    for operation in reads() {
        let lists = operation.parameters().iter().any(|one| one["name"] == "after");
        let localized = operation.parameters().iter().any(|one| one["name"] == "lang");
        if !localized || operation.path.contains('{') {
            continue;
        }
        for lang in ["fr", "nl", "en", "de", "*"] {
            let first = format!("{}?lang={lang}{}", operation.path, if lists { "&pageSize=100" } else { "" });
            // The download form names a work.
            if operation.path == "/v1/downloadForm" {
                continue;
            }
            for page in crawl(app, &first) {
                all.push_str(&page.to_string());
                for item in page["items"].as_array().into_iter().flatten() {
                    let href = item["href"].as_str().unwrap();
                    let embeds = ["themes", "volumes", "complements", "events", "testimonies"].iter().filter(|name| item.get(**name).is_some());
                    // Languages and themes have nothing to embed.
                    let embeds: String = embeds.map(|name| format!("&embed={name}")).collect();
                    all.push_str(&app.get(&format!("{href}?lang={lang}{embeds}")).ok().to_string());
                    for edition in item["editions"].as_array().into_iter().flatten() {
                        all.push_str(&app.get(&format!("{}?lang={lang}", edition["href"].as_str().unwrap())).ok().to_string());
                    }
                }
            }
        }
    }
    all
}

fn a_draft_does_not_exist(app: App) {
    let totals = |app: &App| -> Vec<Value> {
        ["volumes", "complements", "events", "testimonies", "themes"]
            .iter()
            .map(|path| app.get(&format!("/v1/{path}")).ok()["total"].clone())
            .collect()
    };
    let (before, events, testimonies) = (totals(&app), app.get("/v1/events").ok()["total"].clone(), app.get("/v1/testimonies").ok()["total"].clone());
    // A draft of each kind that can be one, tied to what is public from both sides.
    app.put::<VolumeDocument>("secret-volume", &format!("themes = [\"mobility\"]\n{}", volume(7, "draft", "Brouillon secret")));
    app.put::<ComplementDocument>(
        "secret-complement",
        "number = 8\nstate = \"draft\"\nvolumes = [\"strategy\", \"secret-volume\"]\nthemes = [\"strategy\"]\n[texts.fr]\ntitle = \"Brouillon secret\"\n[[editions]]\nlanguage = \"nl\"\naccess = \"form\"\n",
    );
    // Public records that refer to drafts.
    app.put::<ComplementDocument>("open-complement", "number = 9\nvolumes = [\"secret-volume\", \"mobility\"]\n[texts.fr]\ntitle = \"Public\"\n");
    app.put::<EventDocument>(
        "open-event",
        "kind = \"workshop\"\nstartsOn = \"2024-01-01\"\nvolumes = [\"secret-volume\", \"mobility\"]\ncomplements = [\"secret-complement\"]\n[texts.fr]\ntitle = \"Public\"\n",
    );
    app.put::<TestimonyDocument>(
        "open-testimony",
        "person = \"P\"\norganization = \"O\"\nvolumes = [\"secret-volume\", \"mobility\"]\n[texts.fr]\nrole = \"R\"\n",
    );

    let all = everything_public(&app);
    for word in ["secret-volume", "secret-complement", "Brouillon secret"] {
        assert!(!all.contains(word), "'{word}' is told");
    }
    // The public ones are there, without what they must not tell.
    assert_eq!(ids(&json!({"items": app.get("/v1/complements/open-complement").ok()["volumes"]})), ["mobility"]);
    let event = app.get("/v1/events/open-event").ok();
    assert_eq!((ids(&json!({"items": event["volumes"]})), &event["complements"]), (vec!["mobility".to_owned()], &json!([])));
    assert_eq!(ids(&json!({"items": app.get("/v1/testimonies/open-testimony").ok()["volumes"]})), ["mobility"]);
    assert_eq!(ids(&json!({"items": app.get("/v1/volumes/strategy").ok()["complements"]})).len(), 3);

    // Like something that never was: same status, same problem, same words.
    for (path, never) in [
        ("volumes/secret-volume", "volumes/never-volume0"),
        ("complements/secret-complement", "complements/never-complement0"),
        ("volumes/secret-volume/editions", "volumes/never-volume0/editions"),
        ("volumes/secret-volume/editions/fr", "volumes/never-volume0/editions/fr"),
        ("complements/secret-complement/editions/nl", "complements/never-complement0/editions/nl"),
        ("volumes/secret-volume?lang=de&fallback=none", "volumes/never-volume0?lang=de&fallback=none"),
    ] {
        let id = |path: &str| path.split(['/', '?']).nth(1).unwrap().to_owned();
        let said = |path: &str| {
            let mut problem = app.get(&format!("/v1/{path}")).expect(404).json();
            problem.as_object_mut().unwrap().remove("instance");
            problem.to_string().replace(&id(path), "ID")
        };
        assert_eq!(said(path), said(never));
    }
    // Neither counted nor found.
    let after = totals(&app);
    assert_eq!(after[0], before[0]);
    assert_eq!(after[1], before[1].as_i64().unwrap() + 1);
    assert_eq!((&after[2], &after[3]), (&json!(events.as_i64().unwrap() + 1), &json!(testimonies.as_i64().unwrap() + 1)));
    run(
        &app,
        [
            at("/v1/volumes?q=brouillon").ids(&[]),
            at("/v1/volumes?number=7").ids(&[]),
            at("/v1/volumes?year=2024").ids(&[]),
            at("/v1/volumes?theme=mobility").ids(&["mobility"]),
            at("/v1/complements?language=nl").ids(&[]),
            at("/v1/complements?q=secret").ids(&[]),
            at("/v1/volumes?status=draft").status(400),
            at("/v1/volumes?status=withdrawn").status(400),
        ],
    );
    // A filter by a draft's id must not tell that it is there.
    run(
        &app,
        [
            at("/v1/complements?volume=secret-volume").status(400).has(&["there is no volume 'secret-volume'."]),
            at("/v1/events?volume=secret-volume").status(400).has(&["there is no volume 'secret-volume'."]),
            at("/v1/events?complement=secret-complement").status(400).has(&["there is no complement 'secret-complement'."]),
            at("/v1/testimonies?volume=secret-volume").status(400).has(&["there is no volume 'secret-volume'."]),
        ],
    );
}

fn a_draft_text_does_not_exist(app: App) {
    app.put::<VolumeDocument>(
        "half",
        "number = 7\nyear = 2024\n[texts.fr]\ntitle = \"Publié\"\n[texts.nl]\nstate = \"draft\"\ntitle = \"Geheim ontwerp\"\nsummary = \"Nog niet\"\n[texts.en]\nstate = \"published\"\ntitle = \"Public\"\n",
    );
    app.put::<ThemeDocument>("half-theme", "[texts.fr]\ntitle = \"Thème\"\n[texts.nl]\nstate = \"draft\"\ntitle = \"Geheim thema\"\n");
    app.change::<VolumeDocument>("mobility", |volume| volume.0.themes.push("half-theme".into()));
    let volume = app.get("/v1/volumes/half?lang=nl").ok();
    assert_eq!(volume["language"], json!({"requested": "nl", "served": "fr", "fallback": true, "available": ["en", "fr"]}));
    assert_eq!(app.get("/v1/volumes/half?lang=*").ok()["title"], json!({"en": "Public", "fr": "Publié"}));
    assert_eq!(app.get("/v1/volumes/half?lang=nl&fallback=none").expect(404).json()["languages"], json!(["en", "fr"]));
    let all = everything_public(&app);
    assert!(!all.contains("Geheim") && !all.contains("Nog niet"), "a draft is told");
    run(
        &app,
        [
            at("/v1/volumes?q=geheim&lang=nl").ids(&[]),
            at("/v1/volumes?lang=nl&fallback=none").ids(&["strategy"]),
            at("/v1/themes?lang=nl&fallback=none").ids(&["strategy"]),
            at("/v1/themes?q=geheim&lang=nl").ids(&[]),
            at("/v1/volumes/mobility?lang=nl").has(&["Thème"]),
        ],
    );
    // Publishing it is enough.
    app.change::<VolumeDocument>("half", |volume| volume.0.texts.get_mut("nl").unwrap().state = None);
    assert_eq!(app.get("/v1/volumes/half?lang=nl").ok()["title"], "Geheim ontwerp");
}

fn a_record_of_draft_texts_alone_does_not_exist(app: App) {
    let draft = "[texts.fr]\nstate = \"draft\"\ntitle = \"Rien encore\"\n";
    app.put::<VolumeDocument>(
        "silent",
        &format!("number = 7\nyear = 2024\nthemes = [\"silent-theme\"]\n{draft}").replace("themes = [\"silent-theme\"]\n", ""),
    );
    app.put::<ThemeDocument>("silent-theme", draft);
    app.change::<VolumeDocument>("mobility", |volume| volume.0.themes.push("silent-theme".into()));
    assert!(!everything_public(&app).contains("silent"), "it is told");
    run(
        &app,
        [
            at("/v1/volumes").ids(super::volumes::ALL),
            at("/v1/volumes/silent").status(404).lacks(&["in:"]),
            at("/v1/volumes/silent/editions").status(404),
            at("/v1/themes/silent-theme").status(404),
            at("/v1/volumes?theme=silent-theme").status(400).has(&["there is no theme 'silent-theme'."]),
        ],
    );
}

fn an_announced_one_is_public(app: App) {
    app.put::<VolumeDocument>(
        "coming",
        "number = 7\nyear = 2027\nstate = \"announced\"\nexpectedOn = \"2027-11\"\nthemes = [\"mobility\"]\n[texts.fr]\ntitle = \"À venir\"\nannouncement = \"À découvrir mi-novembre 2027\"\n[[editions]]\nlanguage = \"fr\"\naccess = \"form\"\n",
    );
    let volume = app.get("/v1/volumes/coming").ok();
    assert_eq!(
        (&volume["status"], &volume["expectedOn"], &volume["announcement"]),
        (&json!("announced"), &json!("2027-11"), &json!("À découvrir mi-novembre 2027"))
    );
    assert_eq!(volume["editions"][0]["obtain"]["available"], false);
    assert_eq!(ids(&app.get("/v1/volumes").ok()).last().unwrap(), "coming");
    run(&app, [at("/v1/volumes/coming/editions/fr").has(&["À venir"]), at("/v1/volumes?q=venir").ids(&["coming"])]);
}

fn a_withdrawn_one_leaves_a_tombstone(app: App) {
    app.change::<VolumeDocument>("mobility", |volume| volume.0.state = State::Withdrawn);
    for path in [
        "/v1/volumes/mobility",
        "/v1/volumes/mobility?lang=nl",
        "/v1/volumes/mobility/editions",
        "/v1/volumes/mobility/editions/fr",
        "/v1/volumes/mobility/editions/nl",
    ] {
        let answer = app.get(path).expect(410);
        assert_eq!(answer.problem(), "gone", "{path}");
        let tombstone = &answer.json()["tombstone"];
        assert_eq!(tombstone["id"], "mobility", "{path}");
        let at = tombstone["withdrawnAt"].as_str().unwrap_or_else(|| panic!("{tombstone}"));
        assert!(chrono::DateTime::parse_from_rfc3339(at).is_ok(), "{at}");
    }
    assert_eq!(app.call("HEAD", "/v1/volumes/mobility").send().status, 410);
    // The question is looked at first.
    assert_eq!(app.get("/v1/volumes/mobility?x=1").status, 400);
    // Nothing of it is anywhere else.
    let all = everything_public(&app);
    for word in ["/v1/volumes/mobility", "La mobilité de demain", "Tomorrow's mobility"] {
        assert!(!all.contains(word), "'{word}' is told");
    }
    run(&app, [at("/v1/volumes?number=4").ids(&[]), at("/v1/volumes?theme=mobility").ids(&[]), at("/v1/themes/mobility").status(200)]);
}

fn a_life(app: App) {
    let text = |state: &str| volume(7, state, "Une vie");
    let etag = |app: &App| app.get("/v1/volumes").expect(200).header("etag").unwrap().to_owned();
    app.put::<VolumeDocument>("life", &text("draft"));
    let draft = etag(&app);
    run(&app, [at("/v1/volumes/life").status(404)]);
    app.put::<VolumeDocument>("life", &text("announced"));
    assert_eq!(app.get("/v1/volumes/life").ok()["status"], "announced");
    let announced = etag(&app);
    app.put::<VolumeDocument>("life", &text("published"));
    assert_eq!(app.get("/v1/volumes/life").ok()["status"], "published");
    let published = etag(&app);
    app.put::<VolumeDocument>("life", &text("withdrawn"));
    run(&app, [at("/v1/volumes/life").status(410)]);
    app.put::<VolumeDocument>("life", &text("published"));
    run(&app, [at("/v1/volumes/life").status(200)]);
    assert!(draft != announced && announced != published, "a list changed and its ETag did not");
}
