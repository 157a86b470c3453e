//! Large files, and clients that do not read them to the end.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::database::Content;
use crate::support::downloads::{REQUESTS, least, text};
use crate::support::pdf::pdf;
use crate::support::process::{handbooks, within};
use crate::support::{Database, Home, Process, both};

both!(takes_little_memory, lets_clients_go);

const MIB: usize = 1024 * 1024;

/// A server, and the link to a file of so many bytes.
fn ready(home: &Home, padding: usize) -> (Process, String, Vec<u8>) {
    let bytes = pdf(2, padding);
    let path = home.folder.path().join("large.pdf");
    std::fs::write(&path, &bytes).unwrap();
    let added = handbooks(home, &["file", "add", "--volume", "mobility", "--language", "fr", path.to_str().unwrap()]);
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    // No answers are kept, so that memory is that of the download alone.
    let process = Process::serve(home, &[("HANDBOOKS_CACHE_BYTES", "0")]);
    let request = process.call("POST", REQUESTS).json(&least("mobility", "fr")).send().expect(201).json();
    (process, text(&request, "/editions/0/link/href"), bytes)
}

fn takes_little_memory(database: Database) {
    let home = Home::new(database, Content::Seeded);
    let (process, link, bytes) = ready(&home, 30 * MIB);
    let before = process.peak_memory();
    for _ in 0..3 {
        assert!(process.get(&link).expect(200).body == bytes, "other bytes");
    }
    // Several at once, one of them from the middle on.
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert!(process.get(&link).expect(200).body == bytes, "other bytes"));
        }
        let part = process.call("GET", &link).header("Range", "bytes=15000000-").send().expect(206);
        assert!(part.body == bytes[15_000_000..], "other bytes");
    });
    let grown = process.peak_memory() - before;
    assert!(grown < 20 * 1024, "{grown} KiB more for a file of 30 MiB");
}

fn lets_clients_go(database: Database) {
    let home = Home::new(database, Content::Seeded);
    let (process, link, bytes) = ready(&home, 8 * MIB);
    assert_eq!(process.get(&link).status, 200);
    let path = link.strip_prefix(&process.base).unwrap();
    for round in 0..20 {
        let mut stream = TcpStream::connect(process.address).unwrap();
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).unwrap();
        let mut begun = vec![0; 1 + round * 40_000];
        stream.read_exact(&mut begun).unwrap();
        assert!(round == 0 || begun.starts_with(b"HTTP/1.1 200"));
        drop(stream);
    }
    // What was left is let go of: no file and no connection stays open.
    let held =
        |wanted: (usize, usize)| within(Duration::from_secs(20), &format!("{wanted:?} are held open"), || (process.held() == wanted).then_some(()));
    held((0, 0));
    // One that stands still holds nobody else up.
    let mut slow = TcpStream::connect(process.address).unwrap();
    slow.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
    for _ in 0..3 {
        assert!(process.get(&link).expect(200).body == bytes, "other bytes");
    }
    // It is still being served, with the file held open for it.
    held((1, 1));
    let mut all = Vec::new();
    slow.read_to_end(&mut all).unwrap();
    assert!(all.ends_with(&bytes), "the slow client got {} bytes", all.len());
    drop(slow);
    held((0, 0));
    assert_eq!(process.get("/health/ready").status, 200);
}
