//! `GET /v1/testimonies`

use handbooks::catalogue::testimony::TestimonyDocument;

use crate::support::{App, at, both, run};

both!(lists_in_their_order, filters, sorts, searches, embeds);

const ALL: &[&str] = &["filis-zumbultas", "benoit-muller", "thomas-charlier"];

fn lists_in_their_order(app: App) {
    run(&app, [at("/v1/testimonies").ids(ALL).lacks(&["cut off", "\"title\":\"Filis"])]);
}

fn filters(app: App) {
    app.put::<TestimonyDocument>(
        "jane-doe",
        "person = \"Élodie Doe\"\norganization = \"City of Namur\"\nvolumes = [\"mobility\", \"strategy\"]\n[texts.en]\nrole = \"Reader\"\n",
    );
    run(
        &app,
        [
            at("/v1/testimonies?volume=mobility").ids(&["jane-doe"]),
            at("/v1/testimonies?volume=strategy").ids(&["filis-zumbultas", "benoit-muller", "thomas-charlier", "jane-doe"]),
            at("/v1/testimonies?volume=mobility&volume=data-governance").ids(&["jane-doe"]),
            at("/v1/testimonies?volume=data-governance").ids(&[]),
            at("/v1/testimonies?person=x").status(400).has(&["Unknown parameter 'person'"]),
        ],
    );
}

fn sorts(app: App) {
    app.put::<TestimonyDocument>("elodie", "position = 9\nperson = \"Élodie\"\norganization = \"Namur\"\n[texts.en]\nrole = \"Reader\"\n");
    run(
        &app,
        [
            at("/v1/testimonies?sort=position").ids(&["filis-zumbultas", "benoit-muller", "thomas-charlier", "elodie"]),
            at("/v1/testimonies?sort=-position").ids(&["elodie", "thomas-charlier", "benoit-muller", "filis-zumbultas"]),
            at("/v1/testimonies?sort=person").ids(&["benoit-muller", "elodie", "filis-zumbultas", "thomas-charlier"]),
            at("/v1/testimonies?sort=-person").ids(&["thomas-charlier", "filis-zumbultas", "elodie", "benoit-muller"]),
            at("/v1/testimonies?sort=id").ids(&["benoit-muller", "elodie", "filis-zumbultas", "thomas-charlier"]),
            at("/v1/testimonies?sort=updatedAt&sort=-id").ids(&["thomas-charlier", "filis-zumbultas", "benoit-muller", "elodie"]),
            at("/v1/testimonies?sort=title").status(400).has(&["cannot sort by 'title'"]),
        ],
    );
}

fn searches(app: App) {
    run(
        &app,
        [
            at("/v1/testimonies?q=muller").ids(&["benoit-muller"]),
            at("/v1/testimonies?q=coordination").ids(&["filis-zumbultas"]),
            at("/v1/testimonies?q=coordinator&lang=en").ids(&["filis-zumbultas"]),
            at("/v1/testimonies?q=coordinator").ids(&[]),
        ],
    );
}

fn embeds(app: App) {
    let list = app.get("/v1/testimonies?embed=volumes&lang=nl").ok();
    let address = format!("{}/v1/volumes/strategy", app.base);
    assert_eq!(list["embedded"].as_object().unwrap().keys().collect::<Vec<_>>(), [&address]);
    assert_eq!(list["embedded"][&address], app.get("/v1/volumes/strategy?lang=nl").ok());
}
