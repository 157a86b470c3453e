//! `GET /v1/events`

use chrono::{Duration, Utc};
use handbooks::catalogue::event::EventDocument;

use crate::support::{App, at, both, run};

both!(lists_by_day, filters, touches_a_period, tells_what_is_upcoming, sorts, searches, embeds);

const ALL: &[&str] = &[
    "barometer-presentation-2017",
    "strategy-presentation-2017",
    "citizen-participation-presentation-2018",
    "strategy-video-capsules-2021",
    "monitoring-webinar-2021",
    "strategy-workshop-2022",
    "partnerships-presentation-2022",
    "citizen-participation-workshop-2023",
    "monitoring-workshop-2023",
];

fn lists_by_day(app: App) {
    run(&app, [at("/v1/events").ids(ALL)]);
}

fn filters(app: App) {
    app.change::<EventDocument>("monitoring-workshop-2023", |event| {
        event.complements = vec!["leadership".into()];
        event.languages = vec!["nl".into(), "fr".into()];
    });
    run(
        &app,
        [
            at("/v1/events?kind=webinar").ids(&["monitoring-webinar-2021"]),
            at("/v1/events?kind=webinar&kind=videoSeries").ids(&["strategy-video-capsules-2021", "monitoring-webinar-2021"]),
            at("/v1/events?kind=conference").ids(&[]),
            at("/v1/events?volume=strategy").ids(&["strategy-presentation-2017", "strategy-video-capsules-2021"]),
            at("/v1/events?volume=strategy&volume=public-private-partnerships").ids(&[
                "strategy-presentation-2017",
                "strategy-video-capsules-2021",
                "partnerships-presentation-2022",
            ]),
            at("/v1/events?volume=mobility").ids(&[]),
            at("/v1/events?complement=leadership").ids(&["monitoring-workshop-2023"]),
            // A complement is no volume.
            at("/v1/events?volume=leadership").status(400).has(&["there is no volume 'leadership'"]),
            at("/v1/events?language=fr").ids(&["citizen-participation-workshop-2023", "monitoring-workshop-2023"]),
            at("/v1/events?language=nl").ids(&["monitoring-workshop-2023"]),
            at("/v1/events?language=de").ids(&[]),
            at("/v1/events?kind=presentation&volume=strategy").ids(&["strategy-presentation-2017"]),
            at("/v1/events?kind=workshop&language=fr&from=2023-05-01").ids(&["monitoring-workshop-2023"]),
            at("/v1/events?kind=workshp").status(400).has(&["Did you mean 'workshop'?"]),
        ],
    );
}

fn touches_a_period(app: App) {
    run(
        &app,
        [
            // On its only day.
            at("/v1/events?from=2022-11-15&to=2022-11-15").ids(&["partnerships-presentation-2022"]),
            at("/v1/events?from=2022-11-16&to=2023-03-12").ids(&[]),
            // Each of its two days, and not the days around them.
            at("/v1/events?from=2022-09-15&to=2022-09-15").ids(&["strategy-workshop-2022"]),
            at("/v1/events?from=2022-09-16&to=2022-09-16").ids(&["strategy-workshop-2022"]),
            at("/v1/events?from=2022-09-17&to=2022-09-17").ids(&[]),
            at("/v1/events?from=2022-09-14&to=2022-09-14").ids(&[]),
            // In the midst of a series.
            at("/v1/events?from=2021-02-20&to=2021-02-20").ids(&["strategy-video-capsules-2021"]),
            // A month is known and no day: it may touch any day of it.
            at("/v1/events?from=2017-09-30&to=2017-09-30").ids(&["strategy-presentation-2017"]),
            at("/v1/events?from=2017-09-01&to=2017-09-01").ids(&["strategy-presentation-2017"]),
            at("/v1/events?from=2017-10-01&to=2018-09-24").ids(&[]),
            at("/v1/events?from=2023-01-01").ids(&["citizen-participation-workshop-2023", "monitoring-workshop-2023"]),
            at("/v1/events?to=2017-12-31").ids(&["barometer-presentation-2017", "strategy-presentation-2017"]),
            at("/v1/events?from=2017-01-01&to=2023-12-31").ids(ALL),
            // Nothing could ever be within it.
            at("/v1/events?from=2022-01-01&to=2021-01-01&kind=x")
                .status(400)
                .has(&["'from' is 2022-01-01 and 'to' is 2021-01-01", "The request has 2 faults"]),
        ],
    );
    app.put::<EventDocument>("sometime-2020", "kind = \"conference\"\nstartsOn = \"2020\"\n[texts.fr]\ntitle = \"En 2020\"\n");
    run(
        &app,
        [
            at("/v1/events?from=2020-06-01&to=2020-06-01").ids(&["sometime-2020"]).has(&["\"startsOn\":\"2020\""]),
            at("/v1/events?to=2019-12-31&from=2019-01-01").ids(&[]),
        ],
    );
}

fn tells_what_is_upcoming(app: App) {
    run(&app, [at("/v1/events?upcoming=true").ids(&[]), at("/v1/events?upcoming=false").ids(ALL)]);
    let today = Utc::now().date_naive();
    let event = |starts: chrono::NaiveDate, ends: chrono::NaiveDate| {
        format!("kind = \"workshop\"\nstartsOn = \"{starts}\"\nendsOn = \"{ends}\"\n[texts.fr]\ntitle = \"Atelier\"\n")
    };
    // Two days off, so that a test that runs at midnight is right as well.
    app.put::<EventDocument>("is-over", &event(today - Duration::days(9), today - Duration::days(2)));
    app.put::<EventDocument>("is-on", &event(today - Duration::days(8), today + Duration::days(2)));
    app.put::<EventDocument>("is-to-come", &event(today + Duration::days(2), today + Duration::days(2)));
    let past: Vec<&str> = ALL.iter().copied().chain(["is-over"]).collect();
    run(
        &app,
        [
            at("/v1/events?upcoming=true").ids(&["is-on", "is-to-come"]).lacks(&["is-over"]),
            at("/v1/events?upcoming=false").ids(&past),
            at("/v1/events?upcoming=true&kind=webinar").ids(&[]),
            at("/v1/events?upcoming=true&at=1").status(400).has(&["'upcoming' counts from today"]),
            at("/v1/events?upcoming=yes").status(400).has(&["it must be true or false"]),
            at("/v1/events?upcoming=").status(400),
        ],
    );
}

fn sorts(app: App) {
    let reversed: Vec<&str> = ALL.iter().rev().copied().collect();
    let mut by_id = ALL.to_vec();
    by_id.sort_unstable();
    run(
        &app,
        [
            at("/v1/events?sort=startsOn").ids(ALL),
            at("/v1/events?sort=-startsOn").ids(&reversed),
            at("/v1/events?sort=id").ids(&by_id),
            at("/v1/events?sort=-id").ids(&by_id.iter().rev().copied().collect::<Vec<_>>()),
            at("/v1/events?sort=updatedAt&sort=-startsOn").ids(&reversed),
            // "Five…", "Presentation of the first Belgian…", "…of the first handbook…", "…of the second…", "…of the sixth…", "Webinar…", "Workshop: …".
            at("/v1/events?sort=title&lang=en").ids(&[
                "strategy-video-capsules-2021",
                "barometer-presentation-2017",
                "strategy-presentation-2017",
                "citizen-participation-presentation-2018",
                "partnerships-presentation-2022",
                "monitoring-webinar-2021",
                "citizen-participation-workshop-2023",
                "monitoring-workshop-2023",
                "strategy-workshop-2022",
            ]),
        ],
    );
}

fn searches(app: App) {
    run(
        &app,
        [
            at("/v1/events?q=barcelone").ids(&["partnerships-presentation-2022"]),
            at("/v1/events?q=barcelona&lang=en").ids(&["partnerships-presentation-2022"]),
            at("/v1/events?q=atelier").ids(&["strategy-workshop-2022", "citizen-participation-workshop-2023", "monitoring-workshop-2023"]),
            at("/v1/events?q=atelier+liege").ids(&["strategy-workshop-2022", "citizen-participation-workshop-2023"]),
            at("/v1/events?q=workshop").ids(&[]),
        ],
    );
}

fn embeds(app: App) {
    app.change::<EventDocument>("monitoring-workshop-2023", |event| event.complements = vec!["leadership".into()]);
    let list = app.get("/v1/events?from=2022-11-01&embed=volumes&embed=complements").ok();
    let mut found: Vec<&String> = list["embedded"].as_object().unwrap().keys().collect();
    found.sort_unstable();
    assert_eq!(found, [&format!("{}/v1/complements/leadership", app.base), &format!("{}/v1/volumes/public-private-partnerships", app.base)]);
    for (address, record) in list["embedded"].as_object().unwrap() {
        assert_eq!(*record, app.get(address).ok());
    }
}
