//! Requests that no well-bred client would send, byte by byte.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::Answer;
use super::app::App;
use super::document::{self, Path};

/// Sends bytes and reads until the server closes; the request must ask for that (`Connection: close`) or be so wrong that the server does.
pub fn exchange(address: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
    // A server that refuses may close before all is sent, and then what it said is what counts.
    let sent = stream.write_all(request).and_then(|()| stream.flush());
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    assert!(!answer.is_empty() || (sent.is_ok() && read.is_ok()), "no answer: {sent:?}, {read:?}");
    answer
}

impl App {
    /// Sends a request line (`GET /v1 HTTP/1.1` without its version) with header lines, byte by byte, and holds the answer against the document.
    pub fn raw(&self, method: &str, target: &[u8], headers: &[u8], path: Path) -> Answer {
        let mut request = method.as_bytes().to_vec();
        request.push(b' ');
        request.extend_from_slice(target);
        request.extend_from_slice(b" HTTP/1.1\r\nHost: test\r\nConnection: close\r\n");
        request.extend_from_slice(headers);
        request.extend_from_slice(b"\r\n");
        let answer = parse(self, method, &String::from_utf8_lossy(target), &exchange(self.address, &request));
        document::check(&answer, path);
        answer
    }
}

/// Reads an answer that ends where the connection ends.
pub fn parse(app: &App, method: &str, target: &str, bytes: &[u8]) -> Answer {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or_else(|| panic!("no answer: {}", String::from_utf8_lossy(bytes)));
    let head = std::str::from_utf8(&bytes[..end]).expect("a head in plain text");
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok()).expect("a status line");
    let headers = lines
        .map(|line| line.split_once(':').unwrap_or_else(|| panic!("no header field: {line}")))
        .map(|(name, value)| (name.trim().to_lowercase(), value.trim().to_owned()))
        .collect();
    Answer { method: method.to_owned(), target: target.to_owned(), base: app.base.clone(), status, headers, body: bytes[end + 4..].to_vec() }
}
