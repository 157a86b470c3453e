//! Keys: made once, known by their hash, and good for what their scopes say.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use handbooks::access::{Scope, key::id_of};
use handbooks::db::schema::{access_key, audit_entry};
use handbooks::operations::key;
use serde_json::{Value, json};

use crate::support::downloads::{by_person, least};
use crate::support::keys::{bearer, key_by_command, make_key};
use crate::support::process::{Process, handbooks, within};
use crate::support::records::volume;
use crate::support::{Answer, App, Database, Home, both};

both!(
    a_key_is_shown_once_and_managed,
    the_list_of_keys_is_paged,
    every_wrong_key_is_told_what_it_is,
    a_form_with_faults_makes_no_key,
    guessing_is_slowed_down,
    drafts_are_previewed_with_a_key_alone,
    operators_read_and_erase_requests,
    by_the_command_line_and_nowhere_in_log_or_database,
);

impl App {
    fn with_key(&self, method: &str, target: &str, key: &str) -> Answer {
        self.call(method, target).header("Authorization", &bearer(key)).send()
    }

    fn post_key(&self, body: &Value, key: &str) -> Answer {
        self.call("POST", "/v1/keys").header("Authorization", &bearer(key)).json(body).send()
    }
}

fn a_key_is_shown_once_and_managed(app: App) {
    let manager = make_key(&app, &["keys:manage"]);
    let ends = (Utc::now() + TimeDelta::days(30)).format("%Y-%m-%dT00:00:00Z").to_string();
    let made = app
        .post_key(
            &json!({"name": "Editors' site", "owner": " Smart City Institute ", "scopes": ["downloads:read", "catalogue:write"], "expiresAt": ends}),
            &manager,
        )
        .expect(201);
    let body = made.json();
    let (id, key) = (body["id"].as_str().unwrap().to_owned(), body["key"].as_str().unwrap().to_owned());
    assert_eq!(id_of(&key), Some(id.as_str()));
    assert_eq!(made.header("location"), body["href"].as_str());
    assert_eq!(made.header("cache-control"), Some("no-store"));
    assert_eq!(body["scopes"], json!(["catalogue:write", "downloads:read"]));
    assert_eq!(body["expiresAt"], json!(ends));
    assert_eq!(body["owner"], "Smart City Institute");
    assert_eq!(body["createdBy"], json!(format!("key:{} (A test)", id_of(&manager).unwrap())));

    let item = app.with_key("GET", &format!("/v1/keys/{id}"), &manager).ok();
    assert_eq!((&item["id"], item.get("key")), (&json!(id), None));
    let list = app.with_key("GET", "/v1/keys", &manager).ok();
    assert_eq!(list["total"], 2);
    assert!(!list.to_string().contains(&key) && !list.to_string().contains("hash"), "{list}");

    // It is used, and its use is noted.
    app.with_key("GET", "/v1/volumes?preview=true", &key).expect(200);
    within(std::time::Duration::from_secs(10), "the use is noted", || {
        app.with_key("GET", &format!("/v1/keys/{id}"), &manager).ok().get("lastUsedAt").is_some().then_some(())
    });
    app.with_key("DELETE", &format!("/v1/keys/{id}"), &manager).expect(204);
    app.with_key("DELETE", &format!("/v1/keys/{id}"), &manager).expect(204);
    let refused = app.with_key("GET", "/v1/volumes?preview=true", &key).expect(401);
    assert!(refused.json()["detail"].as_str().unwrap().contains("revoked"));
    assert!(app.with_key("GET", &format!("/v1/keys/{id}"), &manager).ok().get("revokedAt").is_some());
    app.with_key("GET", "/v1/keys/zzzzzzzzzz", &manager).expect(404);
    app.with_key("GET", "/v1/keys/no-key", &manager).expect(400);

    let noted: Vec<(String, String)> = app
        .state
        .store
        .read(|db| {
            Ok(audit_entry::table
                .filter(audit_entry::subject.eq(&id))
                .order(audit_entry::key)
                .select((audit_entry::action, audit_entry::kind))
                .load(db)?)
        })
        .unwrap();
    assert_eq!(noted, [("keyCreated", "key"), ("keyRevoked", "key")].map(|(a, b)| (a.to_owned(), b.to_owned())));
}

fn the_list_of_keys_is_paged(app: App) {
    let manager = make_key(&app, &["keys:manage"]);
    let made: Vec<String> = (0..5)
        .map(|number| {
            let form = json!({"name": format!("Key {number}"), "scopes": ["partner"]});
            app.post_key(&form, &manager).expect(201).json()["id"].as_str().unwrap().to_owned()
        })
        .collect();
    let read = |target: &str| app.with_key("GET", target.strip_prefix(app.base.as_str()).unwrap_or(target), &manager).expect(200);
    let ids =
        |page: &Value| -> Vec<String> { page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect() };
    let answer = read("/v1/keys?pageSize=4");
    let first = answer.json();
    assert_eq!((&first["total"], &first["pageSize"], first.get("prev")), (&json!(6), &json!(4), None));
    assert_eq!((&first["self"], &first["first"]), (&json!(format!("{}/v1/keys?pageSize=4", app.base)), &first["self"]));
    assert_eq!(answer.header("link"), Some(format!("<{}>; rel=\"next\"", first["next"].as_str().unwrap()).as_str()));
    let second = read(first["next"].as_str().unwrap()).json();
    assert_eq!([ids(&first)[1..].to_vec(), ids(&second)].concat(), made);
    assert_eq!(second.get("next"), None);
    let back = read(second["prev"].as_str().unwrap()).json();
    assert_eq!((ids(&back), back.get("prev"), &back["next"]), (ids(&first), None, &first["next"]));
    app.with_key("GET", "/v1/keys?pageSize=101", &manager).expect(400);
    app.with_key("GET", "/v1/keys?after=AAAAAAAAAAAAAAAAAAAA", &manager).expect(400);
}

fn every_wrong_key_is_told_what_it_is(app: App) {
    let good = make_key(&app, &["keys:manage"]);
    let realm = "Bearer realm=\"handbooks\"";
    let check = |answer: Answer, status: u16, problem: &str, challenge: &str| {
        let answer = answer.expect(status);
        assert_eq!(answer.problem(), problem);
        assert_eq!(answer.header("www-authenticate"), Some(challenge));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    };
    check(app.get("/v1/keys"), 401, "noAccessToken", realm);
    check(app.call("GET", "/v1/keys").header("Authorization", "Basic aGI6aGI=").send(), 401, "noAccessToken", realm);
    let invalid = format!("{realm}, error=\"invalid_token\"");
    let mut other = good.clone().into_bytes();
    // Always another letter, whichever the key has there.
    other[20] = if other[20] == b'a' { b'b' } else { b'a' };
    for wrong in [&good[1..], &good[..good.len() - 1], "hbk_", "nothing", &String::from_utf8(other).unwrap(), &good.to_uppercase()] {
        check(app.with_key("GET", "/v1/keys", wrong), 401, "invalidAccessToken", &invalid);
    }
    // A whole key that this server never made.
    let stranger = handbooks::access::key::make().unwrap().key;
    check(app.with_key("GET", "/v1/keys", &stranger), 401, "invalidAccessToken", &invalid);
    app.state
        .store
        .write(|db| {
            let past = handbooks::db::types::now() - TimeDelta::days(1);
            diesel::update(access_key::table).set(access_key::expires_at.eq(past)).execute(db)?;
            Ok(())
        })
        .unwrap();
    check(app.with_key("GET", "/v1/keys", &good), 401, "expiredAccessToken", &invalid);
    let editor = make_key(&app, &["catalogue:write", "partner"]);
    let answer = app.with_key("GET", "/v1/keys", &editor);
    assert_eq!(answer.json()["requiredScopes"], json!(["keys:manage"]));
    check(answer, 403, "missingScope", &format!("{realm}, error=\"insufficient_scope\""));
    // Nor where none is needed is one that opens nothing passed over; other tokens are of others.
    check(app.with_key("GET", "/v1/volumes", &stranger), 401, "invalidAccessToken", &invalid);
    check(app.with_key("GET", "/v1/volumes/mobility?lang=nl", &good), 401, "expiredAccessToken", &invalid);
    app.with_key("HEAD", "/v1/catalogue", &stranger).expect(401);
    app.with_key("GET", "/v1/volumes", &editor).expect(200);
    app.call("GET", "/v1/volumes").header("Authorization", "Basic aGI6aGI=").send().expect(200);
    // The scheme's name has no case.
    app.call("GET", "/v1/keys").header("Authorization", &format!("bearer {}", make_key(&app, &["keys:manage"]))).send().expect(200);
}

fn a_form_with_faults_makes_no_key(app: App) {
    let manager = make_key(&app, &["keys:manage"]);
    let answer = app
        .post_key(
            &json!({"name": " ", "scopes": ["catalogue:wirte", 7], "expiresAt": "2020-01-01T00:00:00Z", "owner": "\u{7}", "owned": "x"}),
            &manager,
        )
        .expect(400);
    let names: Vec<String> = answer.issues().into_iter().map(|issue| issue.name).collect();
    assert_eq!(names, ["/name", "/owner", "/expiresAt", "/scopes/0", "/scopes/1", "/owned"]);
    assert!(answer.text().contains("Did you mean 'catalogue:write'?"), "{}", answer.text());
    app.post_key(&json!({"name": "x", "scopes": []}), &manager).expect(400);
    app.post_key(&json!({"name": "x", "scopes": ["partner", "partner"]}), &manager).expect(400);
    app.post_key(&json!({}), &manager).expect(400);
    app.call("POST", "/v1/keys").header("Authorization", &bearer(&manager)).header("Content-Type", "text/plain").body("x").send().expect(415);
    // Who may not manage keys learns nothing of the form's faults.
    app.post_key(&json!({"x": 1}), &make_key(&app, &["catalogue:write"])).expect(403);
    assert_eq!(app.with_key("GET", "/v1/keys", &manager).ok()["total"], 2);
}

fn guessing_is_slowed_down(mut app: App) {
    app.restart_with(&["--wrong-keys=5", "--trusted-proxies=127.0.0.1"]);
    let good = make_key(&app, &["keys:manage"]);
    let from = |address: &str, key: &str| app.call("GET", "/v1/keys").header("X-Forwarded-For", address).header("Authorization", &bearer(key)).send();
    // The minute may turn in between, but not twice.
    let slowed = (0..12).map(|_| from("192.0.2.7", "hbk_guess")).find(|answer| answer.status == 429).expect("it is slowed down");
    assert_eq!(slowed.problem(), "tooManyRequests");
    let seconds: u64 = slowed.header("retry-after").expect("Retry-After").parse().unwrap();
    assert!((1..=60).contains(&seconds));
    // The good key is not looked at either, so that guessing it would not be noticed; others are not slowed down, whatever stands before them.
    assert!(matches!(from("192.0.2.7", &good).status, 429 | 200));
    from("192.0.2.8", &good).expect(200);
    from("192.0.2.7, 192.0.2.9", &good).expect(200);
    app.get("/v1/volumes").expect(200);
}

fn drafts_are_previewed_with_a_key_alone(app: App) {
    app.pen("seven", &volume(7, "draft", "Sept"));
    let editor = make_key(&app, &["catalogue:write"]);
    app.with_key("GET", "/v1/volumes/seven", &editor).expect(404);
    let answer = app.with_key("GET", "/v1/volumes/seven?preview=true", &editor).expect(200);
    assert_eq!(answer.json()["status"], "published");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let list = app.with_key("GET", "/v1/volumes?preview=true&number=7", &editor).ok();
    assert_eq!(list["total"], 1);
    // Nothing of it is kept for those without a key.
    app.get("/v1/volumes/seven?preview=true").expect(401);
    app.with_key("GET", "/v1/volumes/seven?preview=true", &make_key(&app, &["partner"])).expect(403);
    app.get("/v1/volumes/seven").expect(404);
    assert_eq!(app.get("/v1/volumes?number=7").ok()["total"], 0);
}

fn operators_read_and_erase_requests(app: App) {
    let made = app.ask_for(&least("mobility", "fr")).expect(201).json();
    let target = format!("/v1/downloadRequests/{}", made["id"].as_str().unwrap());
    let (reader, eraser) = (make_key(&app, &["downloads:read"]), make_key(&app, &["downloads:erase"]));
    assert_eq!(app.with_key("GET", &target, &reader).ok()["id"], made["id"]);
    app.with_key("GET", &target, &eraser).expect(403);
    app.with_key("DELETE", &target, &reader).expect(403);
    app.with_key("DELETE", &target, &eraser).expect(204);
    app.with_key("GET", &target, &reader).expect(404);
    app.with_key("DELETE", &target, &eraser).expect(404);
    // Who erased it stays known, and nothing of who had asked; the same of a visitor who erases what is theirs.
    let mine = app.ask_for(&by_person("mobility", "fr")).expect(201).json();
    app.opened("DELETE", &mine).expect(204);
    let log = app.with_key("GET", "/v1/auditLog?kind=downloadRequest", &make_key(&app, &["keys:manage"])).ok();
    let lines: Vec<[&str; 3]> =
        log["items"].as_array().unwrap().iter().map(|line| ["author", "action", "subject"].map(|name| line[name].as_str().unwrap())).collect();
    let operator = format!("key:{} (A test)", id_of(&eraser).unwrap());
    assert_eq!(lines, [["requester", "deleted", mine["id"].as_str().unwrap()], [&operator, "deleted", made["id"].as_str().unwrap()]]);
    assert!(!log.to_string().contains("Zoé") && !log.to_string().contains('@'), "{log}");
}

fn by_the_command_line_and_nowhere_in_log_or_database(database: Database) {
    let home = Home::new(database, crate::support::database::Content::Seeded);
    let key = key_by_command(&home, &["keys:manage", "catalogue:write"]);
    let id = id_of(&key).expect("a key").to_owned();
    let mut server = Process::serve(&home, &[("RUST_LOG", "trace")]);
    let ask = |key: &str| server.call("GET", "/v1/keys").header("Authorization", &bearer(key)).send();
    let made = server
        .call("POST", "/v1/keys")
        .header("Authorization", &bearer(&key))
        .json(&json!({"name": "Partner", "scopes": ["partner"]}))
        .send()
        .expect(201)
        .json();
    let second = made["key"].as_str().unwrap().to_owned();
    ask(&key).expect(200);
    ask(&second).expect(403);
    ask("hbk_wrong-and-secret").expect(401);
    // Where its id alone belongs, and where no key has anything to do.
    for path in [format!("/v1/keys/{second}"), format!("/v1/volumes/{second}")] {
        let answer = server.call("GET", &path).header("Authorization", &bearer(&key)).send().expect(400);
        assert!(path.contains("volumes") || !answer.text().contains(&second), "{}", answer.text());
    }

    let listed = handbooks(&home, &["key", "list"]);
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains(&id) && listed.contains("keys:manage") && listed.contains("command line: key create"), "{listed}");
    assert!(!listed.contains(&key));
    assert!(handbooks(&home, &["key", "revoke", &id]).status.success());
    ask(&key).expect(401);
    let none = handbooks(&home, &["key", "revoke", "zzzzzzzzzz"]);
    assert_eq!(none.status.code(), Some(1));
    let slip = handbooks(&home, &["key", "revoke", &second]);
    assert_eq!(slip.status.code(), Some(1));
    assert!(!String::from_utf8_lossy(&slip.stderr).contains(&second[4..]), "the key is shown");
    for arguments in [
        &["key", "create", "--name", "x", "--scope", "everything"][..],
        &["key", "create", "--name", "x"],
        &["key", "create", "--name", "x", "--scope", "partner", "--expires", "0d"],
        &["key", "create", "--name", "x", "--scope", "partner", "--expires", "2001-01-01"],
    ] {
        assert_eq!(handbooks(&home, arguments).status.code(), Some(2), "{arguments:?}");
    }
    let hashes: Vec<(String, String)> = home.open().read(|db| Ok(access_key::table.select((access_key::hash, access_key::name)).load(db)?)).unwrap();
    server.terminate();
    server.ended();
    let log = server.log();
    let file =
        std::fs::read_dir(home.folder.path()).unwrap().filter_map(|one| std::fs::read(one.unwrap().path()).ok()).flatten().collect::<Vec<u8>>();
    for secret in [&key, &second, "hbk_wrong-and-secret"] {
        let secret = &secret[4..];
        assert!(!log.contains(secret), "a key stands in the log");
        assert!(!hashes.iter().any(|(hash, name)| hash.contains(secret) || name.contains(secret)));
        assert!(!file.windows(secret.len()).any(|piece| piece == secret.as_bytes()), "a key lies in a file");
    }
}

/// The scopes and their names are one list.
#[test]
fn scopes_have_their_names() {
    for (scope, name) in Scope::ALL.iter().zip(Scope::NAMES) {
        assert_eq!((scope.name(), Scope::of(name)), (*name, Some(*scope)));
    }
    assert!(key::expires("0d").is_err() && key::expires("90d").is_ok() && key::expires("tomorrow").is_err());
    assert!(DateTime::parse_from_rfc3339("2999-01-01T00:00:00Z").is_ok_and(|_| key::expires("2999-01-01T00:00:00Z").is_ok()));
}
