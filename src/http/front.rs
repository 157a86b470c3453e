//! Beneath the router: what is not a request at all (a broken request line, raw bytes in an address, a head that never ends, a client that never goes on).
//! The framework answers these with a bare status before any route is asked. This layer of the connection knows such an answer by its lack of a trace id
//! and puts a whole one in its place, so that clients meet problems from every layer.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use uuid::Uuid;

use super::manners::{EXPOSED, PROBLEM_JSON};
use super::{MAX_HEADERS, MAX_URI};
use crate::error::{Code, Error};

/// Longer than any bare answer.
const BARE: usize = 512;

/// A connection whose bare answers are completed.
pub struct Front<T> {
    io: T,
    base: Arc<str>,
    /// What goes out in place of a bare answer, and how much of it has gone.
    replacement: Option<(Vec<u8>, usize)>,
}

impl<T> Front<T> {
    /// Wraps a connection; `base` is the public address.
    pub fn new(io: T, base: Arc<str>) -> Self {
        Self { io, base, replacement: None }
    }
}

/// The status of an answer that the framework made by itself.
fn bare_status(bytes: &[u8]) -> Option<u16> {
    let head = bytes.strip_prefix(b"HTTP/1.1 ")?;
    if bytes.len() > BARE || !bytes.ends_with(b"\r\n\r\n") {
        return None;
    }
    let status: u16 = std::str::from_utf8(head.get(..3)?).ok()?.parse().ok()?;
    let text = String::from_utf8_lossy(bytes).to_ascii_lowercase();
    (status >= 400 && !text.contains("belgov-trace-id")).then_some(status)
}

fn complete(status: u16, base: &str) -> Vec<u8> {
    let (code, detail) = match status {
        408 => (Code::RequestTimeout, "The request did not arrive in time; send it again, faster.".to_owned()),
        431 => (
            Code::HeaderTooLarge,
            format!(
                "The head of the request is far too large; the limits are {MAX_URI} bytes for the address and {MAX_HEADERS} for the header fields."
            ),
        ),
        _ => (
            Code::BadRequest,
            "This is not a request of HTTP/1.1. A common cause is an address with unencoded characters: write 'é' as %C3%A9 and a space as %20."
                .to_owned(),
        ),
    };
    let trace = Uuid::new_v4().to_string();
    let problem = Error::problem(code, detail).into_problem();
    let entry = code.entry();
    let body = problem.body(base, &trace);
    log::info!(target: "access", method = "-", path = "-", status = entry.status, micros = 0, bytes = body.len(), trace = trace.as_str(); "request");
    let mut answer = format!(
        "HTTP/1.1 {} {}\r\nconnection: close\r\ncontent-length: {}\r\ncontent-type: {PROBLEM_JSON}\r\ncontent-language: en\r\ncache-control: no-store\r\n\
         belgov-trace-id: {trace}\r\naccess-control-allow-origin: *\r\naccess-control-expose-headers: {EXPOSED}\r\nx-content-type-options: nosniff\r\n\
         referrer-policy: no-referrer\r\ncontent-security-policy: default-src 'none'; frame-ancestors 'none'\r\ndate: {}\r\n\r\n",
        entry.status,
        entry.status().canonical_reason().unwrap_or_default(),
        body.len(),
        httpdate::fmt_http_date(std::time::SystemTime::now()),
    )
    .into_bytes();
    answer.extend_from_slice(&body);
    answer
}

impl<T: AsyncRead + Unpin> AsyncRead for Front<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Front<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.replacement.is_none() {
            match bare_status(buf) {
                Some(status) => self.replacement = Some((complete(status, &self.base), 0)),
                None => return Pin::new(&mut self.io).poll_write(cx, buf),
            }
        }
        let this = &mut *self;
        while let Some((bytes, gone)) = &mut this.replacement {
            let written = ready!(Pin::new(&mut this.io).poll_write(cx, &bytes[*gone..]))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            *gone += written;
            if *gone == bytes.len() {
                this.replacement = None;
            }
        }
        // To the framework, its own bytes have gone out.
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bare_answers_are_completed() {
        assert_eq!(bare_status(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"), Some(400));
        assert_eq!(bare_status(b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\n\r\n"), Some(431));
        for other in [
            &b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"[..],
            b"HTTP/1.1 404 Not Found\r\nbelgov-trace-id: 1\r\ncontent-length: 0\r\n\r\n",
            b"HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}",
            b"%PDF-1.7",
            b"",
        ] {
            assert_eq!(bare_status(other), None);
        }
        let answer = String::from_utf8(complete(400, "http://x")).unwrap();
        assert!(answer.contains("application/problem+json") && answer.contains("urn:problem-type:belgif:badRequest"));
    }
}
