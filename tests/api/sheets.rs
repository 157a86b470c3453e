//! Volumes and events from a spreadsheet.

use std::fs;
use std::process::Output;

use handbooks::catalogue::revision;
use handbooks::catalogue::seed::Everything;
use serde_json::json;

use crate::support::database::Content;
use crate::support::process::handbooks;
use crate::support::{Database, Home, both};

both!(
    new_volumes_are_drafts,
    of_what_is_there_only_the_columns_change,
    events_from_a_french_spreadsheet,
    people_editions_and_the_life_of_texts,
    every_fault_is_told_and_nothing_written
);

fn import(home: &Home, name: &str, text: impl AsRef<[u8]>, more: &[&str]) -> Output {
    fs::write(home.folder.path().join(name), text).unwrap();
    handbooks(home, &[&["import", name], more].concat())
}

#[track_caller]
fn said(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[track_caller]
fn refused(output: &Output, code: i32) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{}{stderr}", String::from_utf8_lossy(&output.stdout));
    stderr
}

fn all(home: &Home) -> Everything {
    home.open().read(Everything::of).unwrap()
}

fn revision_of(home: &Home) -> i64 {
    home.open().read(revision::current).unwrap().number
}

fn new_volumes_are_drafts(database: Database) {
    let home = Home::new(database, Content::Seeded);
    let text = "\u{feff}id,number,year,title.fr,title.nl,summary.fr,themes,editions,publishedOn,state\r\n\
                seven,7,2026,\"Le \"\"sept\"\"\",Zeven,\"Une ligne\r\nune autre\",mobility|strategy,fr;nl,2026-11,\r\n\
                eight,8,2027,Huit,,,,,,announced\r\n,,,,,,,,,\r\n";
    let dry = said(&import(&home, "volumes.csv", text, &["--dry-run"]));
    assert!(dry.ends_with("2 differences would change; nothing was written (--dry-run)\n"), "{dry}");
    assert_eq!(all(&home).volumes.len(), 6);
    let told = said(&import(&home, "volumes.csv", text, &[]));
    assert_eq!(told, "volumes/eight: is new\nvolumes/seven: is new\n2 differences imported\n");
    let volumes = all(&home).volumes;
    assert_eq!(volumes.len(), 8, "nothing is removed");
    assert_eq!(
        serde_json::to_value(&volumes["seven"]).unwrap(),
        json!({
            "number": 7, "year": 2026, "state": "draft", "publishedOn": "2026-11", "themes": ["mobility", "strategy"],
            "texts": {"fr": {"title": "Le \"sept\"", "summary": "Une ligne\nune autre"}, "nl": {"title": "Zeven"}},
            "editions": [{"language": "fr", "access": "form"}, {"language": "nl", "access": "form"}]
        })
    );
    assert_eq!(serde_json::to_value(&volumes["eight"]).unwrap()["state"], "announced");
    let before = revision_of(&home);
    assert_eq!(said(&import(&home, "volumes.csv", text, &[])), "nothing to change\n");
    assert_eq!(revision_of(&home), before);
}

fn of_what_is_there_only_the_columns_change(database: Database) {
    let home = Home::new(database, Content::Seeded);
    let before = all(&home);
    // A title in Dutch is added to one, and a summary taken from another.
    let told = said(&import(&home, "sheet.csv", "id;title.nl;summary.en\nmobility;De mobiliteit van morgen;\n", &["--as", "volumes"]));
    assert!(told.contains("volumes/mobility: texts.nl: {\"title\":\"De mobiliteit van morgen\"} is added"), "{told}");
    let mut wanted = before;
    let texts = &mut wanted.volumes.get_mut("mobility").unwrap().0.texts;
    texts.entry("nl".into()).or_default().title = Some("De mobiliteit van morgen".into());
    texts.get_mut("en").unwrap().summary = None;
    assert!(all(&home) == wanted, "something else changed");
    // An instant of another zone is the same instant.
    let later = "id,withdrawAt\nmobility,2031-01-01T01:00:00+01:00\n";
    assert!(said(&import(&home, "volumes.csv", later, &[])).contains("volumes/mobility: withdrawAt: \"2031-01-01T00:00:00Z\" is added"));
    assert_eq!(said(&import(&home, "volumes.csv", later, &[])), "nothing to change\n");
}

fn events_from_a_french_spreadsheet(database: Database) {
    let home = Home::new(database, Content::Seeded);
    let text = "id;kind;startsOn;city;languages;volumes;title.fr;title.nl;state\n\
                atelier-2026;workshop;2026-12-03;Liège;\"fr;nl\";mobility;Atelier;Workshop;\n\
                salon-2027;conference;2027;Mons;fr;;Salon;;published\n";
    said(&import(&home, "events 2026.csv", text, &[]));
    let events = all(&home).events;
    let draft = serde_json::to_value(&events["atelier-2026"]).unwrap();
    assert_eq!(draft["texts"], json!({"fr": {"title": "Atelier", "state": "draft"}, "nl": {"title": "Workshop", "state": "draft"}}));
    assert_eq!((&draft["languages"], &draft["volumes"]), (&json!(["fr", "nl"]), &json!(["mobility"])));
    assert_eq!(serde_json::to_value(&events["salon-2027"]).unwrap()["texts"], json!({"fr": {"title": "Salon"}}));
    said(&import(&home, "events.csv", "id,state\natelier-2026,published\n", &[]));
    assert!(all(&home).events["atelier-2026"].texts.values().all(|text| text.state.is_none()));
}

fn people_editions_and_the_life_of_texts(database: Database) {
    let home = Home::new(database, Content::Seeded);
    // The columns stand as somebody likes them.
    let text = "id,isbn.nl,state.nl,publishAt.nl,access.fr,externalUrl.fr,number,year,title.fr,title.nl,editions,contributors\n\
                seven,978-2-930772-00-4,draft,2099-01-01T00:00:00Z,open,https://example.org/7.pdf,7,2026,Sept,Zeven,fr;nl,Audrey Lebas (author); A (B) (design)\n";
    said(&import(&home, "volumes.csv", text, &[]));
    let seven = |home: &Home| serde_json::to_value(&all(home).volumes["seven"]).unwrap();
    assert_eq!(
        seven(&home),
        json!({
            "number": 7, "year": 2026, "state": "draft",
            "texts": {"fr": {"title": "Sept"}, "nl": {"title": "Zeven", "state": "draft", "publishAt": "2099-01-01T00:00:00Z"}},
            "editions": [{"language": "fr", "access": "open", "externalUrl": "https://example.org/7.pdf"}, {"language": "nl", "access": "form", "isbn": "978-2-930772-00-4"}],
            "contributors": [{"name": "Audrey Lebas", "role": "author"}, {"name": "A (B)", "role": "design"}]
        })
    );
    assert_eq!(said(&import(&home, "volumes.csv", text, &[])), "nothing to change\n");
    // An empty cell takes a value away, but no state and no access, which there always is.
    said(&import(&home, "volumes.csv", "id,isbn.nl,state.nl,publishAt.nl,access.nl,contributors\nseven,,,,,\n", &[]));
    let now = seven(&home);
    assert_eq!((&now["texts"]["nl"], now.get("contributors")), (&json!({"title": "Zeven", "state": "draft"}), None));
    assert_eq!(now["editions"][1], json!({"language": "nl", "access": "form"}));
    // An edition that goes is told as that.
    let dry = said(&import(&home, "volumes.csv", "id,editions\nstrategy,fr\n", &["--dry-run"]));
    assert!(dry.starts_with("volumes/strategy: editions.nl: {") && dry.contains("is taken away"), "{dry}");
    // What a sheet cannot say of a person stays.
    let before = serde_json::to_value(&all(&home).events["monitoring-webinar-2021"]).unwrap()["participants"].clone();
    let people: Vec<String> =
        before.as_array().unwrap().iter().map(|one| format!("{} ({})", one["name"].as_str().unwrap(), one["role"].as_str().unwrap())).collect();
    assert!(people.len() > 1 && before.to_string().contains("organization"), "{before}");
    let rows = format!("id,participants\nmonitoring-webinar-2021,\"{} | Zoé (guest)\"\n", people.join("; "));
    said(&import(&home, "events.csv", rows, &[]));
    let after = serde_json::to_value(&all(&home).events["monitoring-webinar-2021"]).unwrap()["participants"].clone();
    assert_eq!(after.as_array().unwrap()[..people.len()], *before.as_array().unwrap());
    assert_eq!(after.as_array().unwrap().last().unwrap(), &json!({"name": "Zoé", "role": "guest"}));
    // Of a new event, the texts that say nothing of themselves are drafts.
    let rows = "id,kind,startsOn,state.fr,title.fr,title.nl\nnew,webinar,2027,published,Un,Een\n";
    said(&import(&home, "events.csv", rows, &[]));
    let texts = serde_json::to_value(&all(&home).events["new"]).unwrap()["texts"].clone();
    assert_eq!(texts, json!({"fr": {"title": "Un"}, "nl": {"title": "Een", "state": "draft"}}));

    let wrong = "id,contributors,state.de,state.fr,isbn.de,isbn.nl,publishAt.nl\n\
                 seven,Audrey Lebas,draft,gone,1,978-2-930772-00-5,2020-01-01T00:00:00Z\nstrategy,A (writer),,,,,\n";
    let refusal = refused(&import(&home, "volumes.csv", wrong, &[]), 1);
    for wanted in [
        "volumes.csv:2: contributors: 'Audrey Lebas' has no role; write it in brackets, as in 'Name (role)'",
        "volumes.csv:2: state.de: there is no text in 'de'",
        "volumes.csv:2: state.fr: 'gone' is none of draft, published",
        "volumes.csv:2: isbn.de: there is no edition in 'de'; name it in the column 'editions'",
        "volumes.csv:2: isbn.nl: '978-2-930772-00-5' is no ISBN",
        "volumes.csv:2: publishAt.nl: this moment has passed.",
        "volumes.csv:3: contributors: 'writer' is none of author",
    ] {
        assert!(refusal.contains(wanted), "{wanted}\nis not in\n{refusal}");
    }
}

fn every_fault_is_told_and_nothing_written(database: Database) {
    let home = Home::new(database, Content::Seeded);
    let before = revision_of(&home);
    let refusal = refused(
        &import(
            &home,
            "volumes.csv",
            "id,number,year,title.fr,themes,publishedOn,state\nseven,seven,2026,Sept,mobility,,\nEight,8,20,Huit,mobilty,15/11/2022,\n\
             nine,9,2026,,strategy,,gone\nten,10,2026,Dix,strategy,,\n",
            &[],
        ),
        1,
    );
    for wanted in [
        "volumes.csv:2: number: 'seven' is not a whole number",
        "volumes.csv:3: id: an id is lower-case letters",
        "volumes.csv:3: year: a year is 1900 to 2999",
        "volumes.csv:3: publishedOn: '15/11/2022' is not a date such as",
        "volumes.csv:3: themes: there is no theme 'mobilty'",
        "volumes.csv:4: state: 'gone' is none of draft, announced, published, withdrawn",
        "faults, nothing was imported",
    ] {
        assert!(refusal.contains(wanted), "{wanted}\nis not in\n{refusal}");
    }
    for (text, wanted) in [
        (
            &b"id,titel.fr,x\na,b,c\n"[..],
            vec!["volumes.csv:1: unknown column 'titel.fr'; did you mean 'title.fr'?", "unknown column 'x'; columns are id, number"],
        ),
        (b"number,number\n1,2\n", vec!["the column 'number' is there twice", "the column 'id' is missing"]),
        (b"id,number\na\n", vec!["volumes.csv:2: this row has 1 cells, and the header 2"]),
        // Whatever is wrong with one row, the others are looked at.
        (
            b"id,number,year,title.fr\na\nb,x,20,T\nb,2,2026,T\n",
            vec![
                "volumes.csv:2: this row has 1 cells",
                "volumes.csv:3: number: 'x' is not a whole number",
                "volumes.csv:3: year: a year is 1900 to 2999",
                "volumes.csv:4: id: 'b' stands on line 3 already",
            ],
        ),
        (b"id,number\na,1\na,2\n", vec!["volumes.csv:3: id: 'a' stands on line 2 already"]),
        (b"id,title.fr\na,\"b\n", vec!["volumes.csv:2: a quote is opened here and never closed"]),
        (b"id,title.fr\na,caf\xe9\n", vec!["volumes.csv:2: this is not UTF-8"]),
        (b"", vec!["volumes.csv:1: there is no row here"]),
        (b"id,title.fr\na,b\n", vec!["volumes.csv:2: number: a volume has a number", "volumes.csv:2: year: a volume has a year"]),
    ] {
        let refusal = refused(&import(&home, "volumes.csv", text, &[]), 1);
        for wanted in wanted {
            assert!(refusal.contains(wanted), "{wanted}\nis not in\n{refusal}");
        }
    }
    let slips = "id,number,year,title.fr,state,publishAt\nseven,7,2026,Sept,draft,2020-01-01T00:00:00Z\neight,8,2026,Huit,withdrawn,\n";
    let refusal = refused(&import(&home, "volumes.csv", slips, &[]), 1);
    for wanted in ["volumes.csv:2: publishAt: this moment has passed.", "volumes.csv:3: state: it never was public"] {
        assert!(refusal.contains(wanted), "{wanted}\nis not in\n{refusal}");
    }
    let refusal = refused(&import(&home, "events.csv", "id,title.fr\nx,X\n", &[]), 1);
    assert!(refusal.contains("events.csv:2: kind: an event needs one") && refusal.contains("startsOn: an event needs one"), "{refusal}");
    // What the API refuses of an event, a sheet is refused too.
    let times = "id,kind,startsOn,startTime,endTime,timeZone,title.fr\nx,workshop,2027-03-01,17:00,09:30,Europe/Brusels,X\n\
                 y,workshop,2027,17:00,,Europe/Brussels,Y\n";
    let refusal = refused(&import(&home, "events.csv", times, &[]), 1);
    for wanted in [
        "events.csv:2: timeZone: there is no time zone 'Europe/Brusels'. Did you mean 'Europe/Brussels'?",
        "events.csv:2: endTime:",
        "events.csv:3: startTime:",
    ] {
        assert!(refusal.contains(wanted), "{wanted}\nis not in\n{refusal}");
    }
    assert!(refused(&import(&home, "things.csv", "id\nx\n", &[]), 2).contains("--as volumes or --as events"));
    assert!(refused(&import(&home, "things.csv", "id\nx\n", &["--as", "themes"]), 2).contains("themes"));
    assert_eq!(revision_of(&home), before);
}
