//! `GET /health`, `/health/live` and `/health/ready`

use serde_json::json;

use crate::support::{App, at, both, run};

both!(is_up, is_degraded_without_its_storage, is_down_without_its_database, refuses);

const ALL: [&str; 3] = ["/health", "/health/live", "/health/ready"];

fn is_up(app: App) {
    for path in ALL {
        let answer = app.get(path).expect(200);
        // A status, and nothing that helps an attacker.
        assert_eq!(answer.json(), json!({"status": "UP"}), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
    }
}

fn is_degraded_without_its_storage(app: App) {
    std::fs::remove_dir_all(app.home.folder.path().join("files")).unwrap();
    assert_eq!(app.get("/health").ok(), json!({"status": "DEGRADED"}));
    assert_eq!(app.get("/health/ready").ok(), json!({"status": "DEGRADED"}));
    assert_eq!(app.get("/health/live").ok(), json!({"status": "UP"}));
    // The catalogue is served all the same.
    run(&app, [at("/v1/volumes?number=4").ids(&["mobility"])]);
}

fn is_down_without_its_database(app: App) {
    app.home.execute("ALTER TABLE catalogue_revision RENAME TO elsewhere");
    for path in ["/health", "/health/ready"] {
        let answer = app.get(path).expect(503);
        assert_eq!(answer.json(), json!({"status": "DOWN"}));
        assert!(answer.header("retry-after").is_some_and(|after| after.parse::<u32>().is_ok()), "{path}");
    }
    // The process itself lives.
    assert_eq!(app.get("/health/live").ok(), json!({"status": "UP"}));
    app.home.execute("ALTER TABLE elsewhere RENAME TO catalogue_revision");
    assert_eq!(app.get("/health").ok(), json!({"status": "UP"}));
}

fn refuses(app: App) {
    for path in ALL {
        run(&app, [at(format!("{path}?verbose=1")).status(400).has(&["Unknown parameter 'verbose'"])]);
        assert_eq!(app.call("GET", path).header("Accept", "text/html").send().status, 406);
    }
}
