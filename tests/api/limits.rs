//! The limit of requests: told on every answer of the API, counted by address, and never in the way of who asks whether something is still so.

use crate::support::raw::{exchange, parse};
use crate::support::{Answer, App, both};

both!(is_told_and_kept, is_counted_by_address, there_is_none_unless_it_is_set);

/// The number of a parameter of a field such as `"address";r=3;t=59`.
fn number(answer: &Answer, field: &str, name: &str) -> u64 {
    let value = answer.header(field).unwrap_or_else(|| panic!("no {field}"));
    let rest = value.strip_prefix("\"address\"").unwrap_or_else(|| panic!("{field}: {value}"));
    let parameter = rest.split(';').find_map(|part| part.strip_prefix(&format!("{name}="))).unwrap_or_else(|| panic!("{field}: {value}"));
    parameter.parse().unwrap_or_else(|_| panic!("{field}: {value}"))
}

/// Does something within one minute of the server: begun anew when the minute turned meanwhile.
fn within_a_minute(app: &mut App, flags: &[&str], check: impl Fn(&App)) {
    for _ in 0..3 {
        // With the server begins the minute.
        app.restart_with(flags);
        let begun = std::time::Instant::now();
        check(app);
        if begun.elapsed().as_secs() < 50 {
            return;
        }
    }
    panic!("too slow to see anything of a limit for a minute");
}

fn is_told_and_kept(mut app: App) {
    within_a_minute(&mut app, &["--rate-limit=10"], |app| {
        let first = app.get("/v1/volumes").expect(200);
        assert_eq!((number(&first, "ratelimit-policy", "q"), number(&first, "ratelimit-policy", "w")), (10, 60));
        assert_eq!(number(&first, "ratelimit", "r"), 9);
        assert!((1..=60).contains(&number(&first, "ratelimit", "t")));
        // Not modified costs nothing, by the long way and by the short one.
        let etag = first.header("etag").unwrap();
        for accept in ["application/json", "application/json", "*/*", "*/*"] {
            let same = app.call("GET", "/v1/volumes").header("Accept", accept).header("If-None-Match", etag).send().expect(304);
            assert_eq!(number(&same, "ratelimit", "r"), 9, "{accept}");
        }
        let left: Vec<u64> = ["/v1/themes", "/v1/themes", "/v1/themes/nothing", "/v1/volumes?langage=fr"]
            .iter()
            .map(|target| number(&app.get(target), "ratelimit", "r"))
            .collect();
        assert_eq!(left, [8, 7, 6, 5], "faults count too");
        // However it is spelled; and whoever asks what may be asked is not counted.
        assert_eq!(number(&app.call("OPTIONS", "/v1/themes").send(), "ratelimit", "r"), 5);
        let spelled = exchange(app.address, b"GET /%761/themes HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
        let spelled = parse(app, "GET", "/%761/themes", &spelled);
        assert_eq!(number(&spelled, "ratelimit", "r"), 4);
        // What is used up is used up, for all of the API, ready or not.
        let refused = (0..10).map(|_| app.get("/v1/themes")).find(|answer| answer.status == 429).expect("it is kept");
        assert_eq!(refused.problem(), "tooManyRequests");
        assert_eq!(number(&refused, "ratelimit", "r"), 0);
        assert_eq!(refused.header("retry-after").unwrap().parse(), Ok(number(&refused, "ratelimit", "t")));
        assert!(refused.json()["detail"].as_str().unwrap().contains("/v1/catalogue"), "{}", refused.json());
        assert_eq!(refused.header("cache-control"), Some("no-store"));
        app.get("/v1/themes").expect(429);
        app.call("GET", "/v1/volumes").header("If-None-Match", etag).send().expect(429);
        app.call("POST", "/v1/downloadRequests").json(&serde_json::json!({})).send().expect(429);
        let preflight = app.call("OPTIONS", "/v1/themes").header("Origin", "https://example.org").header("Access-Control-Request-Method", "GET");
        preflight.send().expect(204);
        // Whoever looks after the server, or reads about it, goes on.
        assert_eq!(app.get("/health/live").expect(200).header("ratelimit"), None);
        app.get("/openapi.json").expect(200);
    });
}

fn is_counted_by_address(mut app: App) {
    within_a_minute(&mut app, &["--rate-limit=3", "--trusted-proxies=127.0.0.1"], |app| {
        let from = |address: &str| app.call("GET", "/v1/themes").header("X-Forwarded-For", address).send();
        for left in [2, 1, 0] {
            assert_eq!(number(&from("192.0.2.7").expect(200), "ratelimit", "r"), left);
        }
        from("192.0.2.7").expect(429);
        // What stands before the last address can be made up.
        from("192.0.2.9, 192.0.2.7").expect(429);
        assert_eq!(number(&from("192.0.2.8").expect(200), "ratelimit", "r"), 2);
        // A whole network of 64 bits is one who asks.
        for last in 1..=3 {
            from(&format!("2001:db8::{last}")).expect(200);
        }
        from("2001:db8::4").expect(429);
        from("2001:db8:0:1::1").expect(200);
    });
}

fn there_is_none_unless_it_is_set(app: App) {
    for target in ["/v1/volumes", "/v1/volumes", "/v1/themes/nothing"] {
        let answer = app.get(target);
        assert_eq!((answer.header("ratelimit"), answer.header("ratelimit-policy")), (None, None));
    }
}
