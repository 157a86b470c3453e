//! The program itself: its verbs, its settings, its exit codes, what it says and what it leaves behind.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use clap::CommandFactory;
use handbooks::catalogue::record::State;
use handbooks::catalogue::volume::VolumeDocument;
use handbooks::db::Target;
use serde_json::{Value, json};

use crate::support::app::SECRET;
use crate::support::database::Content;
use crate::support::downloads::{REQUESTS, by_person};
use crate::support::process::within;
use crate::support::records::change_in;
use crate::support::{Database, Home, Process, both, ids};

both!(
    migrates,
    seeds,
    seeds_nothing_of_a_wrong_folder,
    serves_and_says_where,
    fills_an_empty_database_once,
    checks,
    ends_what_is_in_flight,
    tells_one_line_a_request,
    tells_machines,
);

/// The program with these settings and nothing else of this environment, in this folder.
fn handbooks(folder: &Path, settings: &[(&str, &str)], arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_handbooks"))
        .env_clear()
        .envs(settings.iter().copied())
        .current_dir(folder)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the program runs")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

/// It ends with this code, says one sentence on standard error, and nothing on standard output.
#[track_caller]
fn assert_refused(output: &Output, code: i32, sentence: &str) {
    let said = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert_eq!(stdout(output), "", "it says something else as well");
    // The log stands there too; what is meant for people begins with the program's name.
    let meant: Vec<&str> = said.lines().filter(|line| line.starts_with("handbooks: ") || line.starts_with("error: ")).collect();
    assert_eq!(meant.len(), 1, "not one sentence: {said}");
    assert!(meant[0].contains(sentence) || said.contains(sentence), "{sentence:?} is not said: {said}");
    for leak in ["panicked", "RUST_BACKTRACE", "Error {", "Os {"] {
        assert!(!said.contains(leak), "{said}");
    }
}

/// What lies in a folder.
fn entries(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[derive(clap::Parser)]
struct Only {
    #[command(flatten)]
    settings: handbooks::settings::Settings,
}

#[test]
fn help_is_a_manual() {
    let folder = tempfile::tempdir().unwrap();
    let help = handbooks(folder.path(), &[], &["--help"]);
    assert!(help.status.success());
    let text = stdout(&help);
    for verb in ["serve", "migrate", "seed", "export", "import", "file", "openapi", "check"] {
        assert!(text.lines().any(|line| line.trim_start().starts_with(&format!("{verb} "))), "{verb} is not in the help:\n{text}");
        let own = handbooks(folder.path(), &[], &[verb, "--help"]);
        assert!(own.status.success() && stdout(&own).contains("Usage: handbooks"), "{verb}");
    }
    let mut settings = 0;
    for argument in Only::command().get_arguments() {
        let (Some(flag), Some(variable)) = (argument.get_long(), argument.get_env()) else { continue };
        let variable = variable.to_string_lossy();
        assert!(text.contains(&format!("--{flag} ")) && text.contains(variable.as_ref()), "--{flag} or {variable} is not in the help:\n{text}");
        assert!(argument.get_help().is_some_and(|help| help.to_string().len() > 10), "--{flag} does not say what it is for");
        settings += 1;
    }
    assert!(settings >= 9, "only {settings} settings");
    assert!(text.contains("Exit codes: 0, 1 for a fault at run time, 2 for wrong arguments or settings"), "{text}");
    // What is set may be a secret, and help is shown to anybody.
    let told = handbooks(folder.path(), &[("HANDBOOKS_SECRET", SECRET), ("DATABASE_URL", "postgres://me:hunter2@db/x")], &["--help"]);
    assert!(!stdout(&told).contains(SECRET) && !stdout(&told).contains("hunter2"), "{}", stdout(&told));
    assert_eq!(stdout(&handbooks(folder.path(), &[], &["--version"])), format!("handbooks {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(entries(folder.path()), Vec::<String>::new(), "help leaves something behind");
}

#[test]
fn wrong_settings_are_told_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("folder")).unwrap();
    let good = ("DATABASE_URL", "sqlite:handbooks.db");
    for (settings, sentence) in [
        (vec![("DATABASE_URL", "mysql://root@localhost/x")], "DATABASE_URL must start with 'sqlite:' or 'postgres://'"),
        (vec![("DATABASE_URL", "")], "DATABASE_URL"),
        (vec![("DATABASE_URL", "handbooks.db")], "DATABASE_URL must start with 'sqlite:' or 'postgres://'"),
        (vec![("DATABASE_URL", "sqlite:")], "DATABASE_URL names no file"),
        (vec![("DATABASE_URL", "sqlite::memory:")], "DATABASE_URL must name a plain file"),
        (vec![("DATABASE_URL", "sqlite:x.db?mode=ro")], "DATABASE_URL must name a plain file"),
        (vec![("DATABASE_URL", "sqlite:no/such/folder/x.db")], "which is not a folder"),
        (vec![("DATABASE_URL", "postgres:x")], "DATABASE_URL must start with"),
        (vec![("DATABASE_URL", "postgres://me@127.0.0.1:1/x")], "HANDBOOKS_SECRET is required with Postgres"),
        (vec![("DATABASE_URL", "postgres://me@127.0.0.1:1/x"), ("HANDBOOKS_SECRET", "")], "HANDBOOKS_SECRET is required with Postgres"),
        (vec![good, ("HANDBOOKS_SECRET", "too short")], "HANDBOOKS_SECRET must have at least 32 characters"),
        (vec![good, ("HANDBOOKS_SECRET", "the first of these is long enough, it is,short")], "HANDBOOKS_SECRET must have at least 32 characters"),
        (vec![good, ("HANDBOOKS_BIND", "localhost")], "HANDBOOKS_BIND"),
        (vec![good, ("HANDBOOKS_BIND", "127.0.0.1:99999")], "--bind"),
        (vec![good, ("HANDBOOKS_PUBLIC_URL", "example.org")], "it must be an absolute URL"),
        (vec![good, ("HANDBOOKS_PUBLIC_URL", "ftp://example.org")], "it must start with http:// or https://"),
        (vec![good, ("HANDBOOKS_PUBLIC_URL", "https://example.org/?a=1")], "it must hold no user, query or fragment"),
        (vec![good, ("HANDBOOKS_FALLBACK_LANGUAGES", "fr,xx")], "'xx' is not a language of this API"),
        (vec![good, ("HANDBOOKS_FALLBACK_LANGUAGES", "fr,fr")], "'fr' stands twice"),
        (vec![good, ("HANDBOOKS_TRUSTED_PROXIES", "10.0.0.0/99")], "each must be an address such as"),
        (vec![good, ("HANDBOOKS_SEED", "everything")], "possible values: collection, none"),
        (vec![good, ("HANDBOOKS_LOG_FORMAT", "xml")], "possible values: text, json"),
        (vec![good, ("HANDBOOKS_STORAGE_URL", "ftp://example.org/x")], "HANDBOOKS_STORAGE_URL: 'ftp://' is not supported"),
    ] {
        let output = handbooks(folder.path(), &settings, &["serve"]);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{settings:?}: {said}");
        // clap names the flag, and with it the value; the sentence says what would be right.
        let named = sentence.strip_prefix("HANDBOOKS_BIND").map_or(sentence, |_| "--bind");
        assert!(said.contains(named), "{settings:?}: {said}");
        assert_eq!(stdout(&output), "", "{settings:?}");
        assert!(!said.contains("panicked") && !said.contains("listening"), "{said}");
    }
    // A typo makes nothing: no file, no folder, no secret.
    assert_eq!(entries(folder.path()), ["folder"]);
}

#[test]
fn wrong_arguments_are_told() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in
        [&["srve"][..], &["--databse-url=x"], &["seed", "--replace", "--dry-run"], &["file", "add"], &["serve", "now"], &["openapi", "--xml"]]
    {
        let output = handbooks(folder.path(), &[], arguments);
        assert_refused(&output, 2, "error: ");
    }
    assert!(stderr(&handbooks(folder.path(), &[], &["srve"])).contains("'serve'"), "the nearest verb is not named");
    assert_eq!(entries(folder.path()), Vec::<String>::new());
}

#[test]
fn faults_at_run_time_are_told_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    // Somebody else listens there.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let settings = [("DATABASE_URL", "sqlite:handbooks.db"), ("HANDBOOKS_BIND", address.as_str())];
    assert_refused(&handbooks(folder.path(), &settings, &["serve"]), 1, &format!("handbooks: cannot listen on {address}: "));
    // Nobody listens there.
    drop(taken);
    assert_refused(&handbooks(folder.path(), &settings, &["check"]), 1, &format!("handbooks: no answer from {address}: "));
    // A server that is not to be reached; its password is nobody's business.
    let lost = [("DATABASE_URL", "postgres://me:hunter2@127.0.0.1:1/x"), ("HANDBOOKS_SECRET", SECRET)];
    for verb in ["serve", "migrate", "seed"] {
        let output = handbooks(folder.path(), &lost, &[verb]);
        assert_refused(&output, 1, "handbooks: cannot reach Postgres");
        assert!(!stderr(&output).contains("hunter2"), "{}", stderr(&output));
    }
    // A file that is something else.
    fs::write(folder.path().join("letter.db"), "Dear Sir or Madam, ".repeat(100)).unwrap();
    assert_refused(&handbooks(folder.path(), &[("DATABASE_URL", "sqlite:letter.db")], &["serve"]), 1, "letter.db: ");
    assert!(fs::read_to_string(folder.path().join("letter.db")).unwrap().starts_with("Dear Sir"), "the letter is gone");
}

#[test]
fn the_file_of_settings_is_read() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(".env"), "# a comment\nDATABASE_URL=sqlite:from-the-file.db\nHANDBOOKS_SEED=none\n").unwrap();
    assert_eq!(stdout(&handbooks(folder.path(), &[], &["migrate"])), "SQLite from-the-file.db is up to date\n");
    // The environment wins over it, and a flag over both.
    let environment = [("DATABASE_URL", "sqlite:from-the-environment.db")];
    assert_eq!(stdout(&handbooks(folder.path(), &environment, &["migrate"])), "SQLite from-the-environment.db is up to date\n");
    assert_eq!(
        stdout(&handbooks(folder.path(), &environment, &["migrate", "--database-url=sqlite:from-the-flag.db"])),
        "SQLite from-the-flag.db is up to date\n"
    );
    for name in ["from-the-file.db", "from-the-environment.db", "from-the-flag.db"] {
        assert!(folder.path().join(name).is_file(), "{name}");
    }
    fs::write(folder.path().join(".env"), "this is no setting\n").unwrap();
    assert_refused(&handbooks(folder.path(), &[], &["migrate"]), 2, "handbooks: the file .env cannot be read");
}

#[test]
fn prints_the_document_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let json = handbooks(folder.path(), &[], &["openapi"]);
    assert!(json.status.success());
    assert_eq!(stdout(&json), handbooks::operations::docs::pretty());
    let yaml = handbooks(folder.path(), &[], &["openapi", "--yaml"]);
    assert_eq!(yaml_serde::from_str::<Value>(&stdout(&yaml)).unwrap(), serde_json::from_slice::<Value>(&json.stdout).unwrap());
    assert_eq!((stderr(&json), stderr(&yaml)), (String::new(), String::new()));
    // It needs no database and makes none.
    assert_eq!(entries(folder.path()), Vec::<String>::new());
}

/// A secret that nobody gave is made once, for its owner alone, and kept.
#[test]
fn keeps_a_secret_of_its_own() {
    let home = Home::new(Database::Sqlite, Content::Seeded);
    let path = home.folder.path().join("handbooks.db.secret");
    let mut first = Process::serve(&home, &[("HANDBOOKS_SECRET", "")]);
    let page = first.get("/v1/volumes?pageSize=2").ok();
    let secret = fs::read_to_string(&path).unwrap();
    assert!(secret.len() >= 32);
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions()) & 0o777, 0o600);
    first.terminate();
    assert!(first.ended().success());
    assert!(first.log().contains("made a secret and kept it in") && !first.log().contains(&secret), "{}", first.log());
    // The next one knows what the first one signed.
    let mut second = Process::serve(&home, &[("HANDBOOKS_SECRET", "")]);
    assert_eq!(ids(&second.get(&crate::support::local(&page["next"])).ok()), ["data-governance", "mobility"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), secret);
    second.terminate();
    second.ended();
    assert!(!second.log().contains("made a secret"), "{}", second.log());
    // A broken one is not replaced in silence.
    fs::write(&path, "short").unwrap();
    let broken = handbooks(home.folder.path(), &[("DATABASE_URL", &home.url)], &["serve"]);
    assert_refused(&broken, 2, "holds no usable secret");
}

/// The settings of a verb that works on a home.
fn settings(home: &Home) -> [(&'static str, &str); 3] {
    [("DATABASE_URL", &home.url), ("HANDBOOKS_SECRET", SECRET), ("RUST_LOG", "warn")]
}

fn run(home: &Home, arguments: &[&str]) -> Output {
    handbooks(home.folder.path(), &settings(home), arguments)
}

fn migrates(database: Database) {
    let home = Home::new(database, Content::Empty);
    if database == Database::Sqlite {
        fs::remove_file(home.folder.path().join("handbooks.db")).unwrap();
    }
    for _ in 0..2 {
        let output = run(&home, &["migrate"]);
        assert!(output.status.success(), "{}", stderr(&output));
        assert_eq!(stdout(&output), format!("{} is up to date\n", home.target()));
    }
    // Nothing but the schema is made.
    let nothing = handbooks::catalogue::seed::Everything::default();
    assert!(home.open().read(handbooks::catalogue::seed::Everything::of).unwrap() == nothing);
}

fn seeds(database: Database) {
    let home = Home::new(database, Content::Empty);
    let said = |arguments: &[&str]| {
        let output = run(&home, arguments);
        assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
        stdout(&output)
    };
    let dry = said(&["seed", "--dry-run"]);
    assert!(dry.lines().any(|line| line == "volumes/mobility: is new"), "{dry}");
    let loaded = said(&["seed"]);
    assert!(loaded.starts_with("loaded ") && loaded.ends_with(" records\n"), "{loaded}");
    assert_eq!(said(&["seed"]), "nothing to change\n");
    assert_eq!(said(&["seed", "--dry-run"]), "nothing would change\n");
    // An editor was here.
    home.execute("UPDATE event SET city = 'Gent' WHERE city = 'Barcelona'");
    let difference = "events/partnerships-presentation-2022: city: \"Gent\" becomes \"Barcelona\"";
    let refused = run(&home, &["seed"]);
    assert_refused(&refused, 1, "handbooks: the database holds something else, and nothing was changed; --replace would change this:");
    assert!(stderr(&refused).contains(difference), "{}", stderr(&refused));
    assert_eq!(said(&["seed", "--dry-run"]), format!("{difference}\n"));
    assert_eq!(said(&["seed", "--replace"]), format!("{difference}\nreplaced: 1 differences\n"));
    assert_eq!(said(&["seed"]), "nothing to change\n");
}

fn seeds_nothing_of_a_wrong_folder(database: Database) {
    let home = Home::new(database, Content::Empty);
    let folder = home.folder.path().join("mine");
    fs::create_dir_all(folder.join("volumes")).unwrap();
    fs::create_dir_all(folder.join("themes")).unwrap();
    fs::write(folder.join("themes/good.toml"), "[texts.fr]\ntitle = \"Bon\"\n").unwrap();
    fs::write(folder.join("volumes/one.toml"), "number = 1\nyear = 2024\nthemes = [\"bad\"]\ncolour = \"red\"\n[texts.fr]\ntitle = \"Un\"\n")
        .unwrap();
    fs::write(folder.join("volumes/two.toml"), "number = 2\nyear = 2024\nthemes = [\"bad\"]\n[texts.fr]\ntitle = \"Deux\"\n").unwrap();
    let output = run(&home, &["seed", "--from", "mine"]);
    assert_refused(&output, 1, "handbooks: 2 faults, nothing was loaded:");
    for line in ["volumes/one.toml:4: unknown name 'colour'", "volumes/two.toml:3: themes: there is no theme 'bad'"] {
        assert!(stderr(&output).contains(line), "{}", stderr(&output));
    }
    assert!(home.open().read(handbooks::catalogue::seed::Everything::of).unwrap().themes.is_empty(), "a part was loaded");
    // Corrected, it is a collection of one's own.
    fs::write(folder.join("volumes/one.toml"), "number = 1\nyear = 2024\nthemes = [\"good\"]\n[texts.fr]\ntitle = \"Un\"\n").unwrap();
    fs::remove_file(folder.join("volumes/two.toml")).unwrap();
    let output = run(&home, &["seed", "--from", "mine"]);
    assert_eq!(stdout(&output), "loaded 2 records\n", "{}", stderr(&output));
}

fn serves_and_says_where(database: Database) {
    let home = Home::new(database, Content::Seeded);
    let mut child = Command::new(env!("CARGO_BIN_EXE_handbooks"))
        .env_clear()
        .envs(settings(&home))
        .args(["--bind", "127.0.0.1:0", "--public-url", "https://api.example.org/handbooks/"])
        .current_dir(home.folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let mut stdout = child.stdout.take().unwrap();
    // Three lines, and no more until the end.
    let mut byte = [0];
    while said.matches('\n').count() < 3 && stdout.read(&mut byte).unwrap() == 1 {
        said.push(char::from(byte[0]));
    }
    let lines: Vec<&str> = said.lines().collect();
    let address = lines[0].strip_prefix("listening on http://").unwrap_or_else(|| panic!("{said}")).to_owned();
    assert_eq!(
        lines[1..],
        ["the collection: https://api.example.org/handbooks/v1/volumes", "the documentation: https://api.example.org/handbooks/docs"]
    );
    // It is there when it says so, and links start with the public address.
    let mut stream = TcpStream::connect(&address).unwrap();
    stream.write_all(b"GET /v1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("\"volumes\":\"https://api.example.org/handbooks/v1/volumes\""), "{answer}");
    assert!(!answer.contains(&address), "{answer}");
    assert!(Command::new("sh").args(["-c", &format!("kill -INT {}", child.id())]).status().unwrap().success());
    let status = within(Duration::from_secs(40), "the server ends", || child.try_wait().unwrap());
    assert!(status.success(), "{status}");
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "", "more was said");
}

fn fills_an_empty_database_once(database: Database) {
    let home = Home::new(database, Content::Empty);
    let serve = |seed: &str| Process::serve(&home, &[("HANDBOOKS_SEED", seed)]);
    let total = |process: &Process| process.get("/v1/volumes").ok()["total"].clone();
    assert_eq!(total(&serve("none")), json!(0));
    assert_eq!(total(&serve("collection")), json!(6));
    // What an editor takes away does not come back by itself.
    let withdraw = |document: &mut VolumeDocument| document.0.state = State::Withdrawn;
    home.open().write(|db| change_in(db, "mobility", withdraw)).unwrap();
    assert_eq!(total(&serve("collection")), json!(5));
}

fn checks(database: Database) {
    let home = Home::new(database, Content::Seeded);
    let process = Process::serve(&home, &[]);
    let bind = process.address.to_string();
    let check = |bind: &str| handbooks(home.folder.path(), &[("HANDBOOKS_BIND", bind)], &["check"]);
    let output = check(&bind);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(stdout(&output), format!("{bind} is ready\n"));
    // A container listens on all addresses; its own check asks itself.
    assert!(check(&format!("0.0.0.0:{}", process.address.port())).status.success());
    home.execute("ALTER TABLE catalogue_revision RENAME TO elsewhere");
    assert_refused(&check(&bind), 1, &format!("handbooks: {bind} is not ready: HTTP/1.1 503"));
}

/// A request that is still on its way when the server is told to stop is taken, stored and answered; a new one is refused.
fn ends_what_is_in_flight(database: Database) {
    let home = Home::new(database, Content::Seeded);
    let mut process = Process::serve(&home, &[]);
    let body = by_person("mobility", "fr").to_string();
    let (early, late) = body.split_at(body.len() / 2);
    let mut slow = TcpStream::connect(process.address).unwrap();
    slow.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    write!(
        slow,
        "POST {REQUESTS} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        body.len()
    )
    .unwrap();
    // The server has the head and is at work on it when it asks for the body.
    let mut asked = [0; 25];
    slow.read_exact(&mut asked).unwrap();
    assert!(asked.starts_with(b"HTTP/1.1 100 Continue"), "{}", String::from_utf8_lossy(&asked));
    slow.write_all(early.as_bytes()).unwrap();
    process.terminate();
    within(Duration::from_secs(20), "no new connection is taken", || {
        // One that the system had taken already is closed without an answer.
        let Ok(mut stream) = TcpStream::connect(process.address) else { return Some(()) };
        stream.set_read_timeout(Some(Duration::from_millis(500))).ok()?;
        stream.write_all(b"GET /v1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").ok()?;
        let mut answer = Vec::new();
        (stream.read_to_end(&mut answer).is_ok() && answer.is_empty()).then_some(())
    });
    slow.write_all(late.as_bytes()).unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).unwrap();
    assert!(answer.trim_start().starts_with("HTTP/1.1 201 Created"), "{answer}");
    assert!(process.ended().success(), "{}", process.log());
    assert_eq!(crate::support::downloads::rows(&home.open())[0], 1, "the request that was acknowledged is stored");
}

fn tells_one_line_a_request(database: Database) {
    let home = Home::new(database, Content::Seeded);
    let mut process = Process::serve(&home, &[]);
    let answers = [process.get("/v1/volumes/mobility?lang=nl"), process.get("/v1/volumes/nothing"), process.call("HEAD", "/v1").send()];
    process.terminate();
    process.ended();
    let log = process.log();
    for answer in answers {
        let trace = answer.header("belgov-trace-id").unwrap();
        let lines: Vec<&str> = log.lines().filter(|line| line.contains(trace)).collect();
        assert_eq!(lines.len(), 1, "{log}");
        let path = answer.target.split('?').next().unwrap();
        let bytes = answer.body.len();
        for wanted in [
            format!("method={}", answer.method),
            format!("path={path}"),
            format!("status={}", answer.status),
            format!("bytes={bytes}"),
            "micros=".into(),
        ] {
            assert!(lines[0].contains(&wanted), "{wanted}: {}", lines[0]);
        }
        // A query may hold what is nobody's business.
        assert!(!lines[0].contains("lang="), "{}", lines[0]);
    }
    assert!(!log.contains("hunter") && !log.contains(SECRET), "{log}");
    if let Target::Postgres(url) = home.target() {
        assert!(!log.contains(&url), "{log}");
    }
}

fn tells_machines(database: Database) {
    let home = Home::new(database, Content::Seeded);
    let mut process = Process::serve(&home, &[("HANDBOOKS_LOG_FORMAT", "json")]);
    let answer = process.get("/v1/volumes?x=%0Aforged%20line").expect(400);
    process.terminate();
    process.ended();
    let log = process.log();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect();
    let line = lines.iter().find(|line| line["trace"] == answer.header("belgov-trace-id").unwrap()).unwrap_or_else(|| panic!("{log}"));
    assert_eq!(
        (&line["method"], &line["path"], &line["status"], &line["level"], &line["target"]),
        (&json!("GET"), &json!("/v1/volumes"), &json!(400), &json!("info"), &json!("access"))
    );
    assert!(line["micros"].is_u64() && line["bytes"] == answer.body.len(), "{line}");
    assert!(chrono::DateTime::parse_from_rfc3339(line["at"].as_str().unwrap()).is_ok(), "{line}");
}
