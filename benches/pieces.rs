//! The pieces that an answer is made of, each by itself. `cargo bench` compares a run with the one before.

#![allow(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::hint::black_box;
use std::sync::Arc;

use actix_web::http::Uri;
use actix_web::http::header::{ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, HeaderMap, HeaderValue};
use criterion::{Criterion, criterion_group, criterion_main};
use handbooks::cache::{Cache, Stamp};
use handbooks::catalogue::answer::List;
use handbooks::catalogue::locale::Locale;
use handbooks::catalogue::noun::Noun;
use handbooks::catalogue::seed;
use handbooks::catalogue::volume::Volumes;
use handbooks::db::{Store, Target};
use handbooks::http::encoding::Coding;
use handbooks::secret::Secret;

const QUERY: &str = "theme=mobility&language=fr&language=nl&sort=-year&lang=nl&select=(id,title,themes(title))&pageSize=10";

fn locale() -> Locale {
    Locale { chain: ["fr", "en", "nl", "de"].map(str::to_owned).to_vec(), requested: "fr".into(), all: false }
}

fn pieces(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let target = Target::parse(&format!("sqlite:{}", folder.path().join("bench.db").display())).unwrap();
    let (store, _) = Store::create(&target).unwrap();
    seed::load(&store, &seed::embedded().unwrap(), false).unwrap();
    let secret = Secret::parse(&"s".repeat(32)).unwrap();

    criterion.bench_function("question: parse and spell", |bench| {
        let declared = Volumes::declared();
        bench.iter(|| declared.list.parse(black_box(QUERY)).unwrap().canonical(&[]));
    });

    let list = List::<Volumes>::parse("", locale(), &secret).unwrap();
    let make = || store.read(|db| list.reply(db, "http://127.0.0.1:8080", &secret, |count| count())).unwrap();
    criterion.bench_function("list of volumes: from the database", |bench| bench.iter(make));

    let body = make().body;
    criterion.bench_function("list of volumes: gzip", |bench| bench.iter(|| Coding::Gzip.encode(black_box(&body)).unwrap()));
    criterion.bench_function("list of volumes: brotli", |bench| bench.iter(|| Coding::Brotli.encode(black_box(&body)).unwrap()));

    let cache = Cache::of(1 << 25);
    let (stamp, uri) = (Stamp::new(1, 1), Uri::from_static("/v1/volumes?lang=fr"));
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/plain, */*"));
    headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static("fr-BE,fr;q=0.9,nl;q=0.8,en;q=0.7"));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip, deflate, br, zstd"));
    let ready = actix_web::rt::System::new().block_on(cache.answer(Some(stamp), "volumes", Coding::Brotli, || async { Ok(make()) })).unwrap();
    cache.remember(&uri, &headers, &ready);
    let mut buffer = Vec::new();
    criterion.bench_function("ready answer: found by its spelling", |bench| {
        bench.iter(|| Arc::strong_count(&cache.recall(black_box(&uri), &headers, stamp, &mut buffer).unwrap()));
    });
    criterion.bench_function("keyed hash", |bench| bench.iter(|| secret.hash("bench", black_box(b"019aac3f-5c1e-7d3a-9b0f-3f1f2f6c7a11"))));
}

criterion_group!(benches, pieces);
criterion_main!(benches);
