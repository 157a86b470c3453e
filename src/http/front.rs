//! Beneath the router: what is not a request at all (a broken request line, raw bytes in an address, a head that never ends, a client that never goes on).
//! The framework answers these with a bare status before any route is asked. This layer of the connection knows such an answer by its lack of a trace id
//! and puts a whole one in its place, so that clients meet problems from every layer. It also sends what stands ready in the connection's [`Outlet`].

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use uuid::Uuid;

use super::manners::{self, PROBLEM_JSON};
use super::outlet::{Outlet, Piece};
use super::reply::write_field;
use super::{MAX_HEADERS, MAX_URI};
use crate::error::{Code, Error};

/// Longer than any bare answer.
const BARE: usize = 512;
/// So much of a file is sent at once; then others have their turn.
const TURN: u64 = 1024 * 1024;

/// A connection whose bare answers are completed, and whose ready ones are not copied.
pub struct Front {
    io: TcpStream,
    base: Arc<str>,
    outlet: Outlet,
    /// What goes out in place of some bytes of the framework.
    instead: Option<Instead>,
}

/// What goes out in place of the first bytes of the framework's buffer.
struct Instead {
    what: What,
    /// How much has gone.
    sent: usize,
    /// How many of the framework's bytes that is.
    stands_for: usize,
}

enum What {
    /// A whole answer, for a bare one.
    Whole(Vec<u8>),
    /// A piece, its length, and what comes before its mark: so many bytes of the framework's buffer.
    Piece(Piece, u64, usize),
}

impl Front {
    /// Wraps a connection; `base` is the public address.
    pub fn new(io: TcpStream, base: Arc<str>) -> Self {
        Self { io, base, outlet: Outlet::default(), instead: None }
    }

    /// What is ready for this connection.
    pub fn outlet(&self) -> &Outlet {
        &self.outlet
    }

    /// What goes out in place of the bytes that the framework has.
    fn instead_of(&self, buffer: &[u8]) -> io::Result<Option<Instead>> {
        if let Some(status) = bare_status(buffer) {
            return Ok(Some(Instead { what: What::Whole(complete(status, &self.base)), sent: 0, stands_for: buffer.len() }));
        }
        Ok(match self.outlet.first(buffer) {
            Some((piece, length, Some(mark))) => Some(Instead { what: What::Piece(piece, length, mark.start), sent: 0, stands_for: mark.end }),
            // Nothing that is wrong is sent.
            Some((.., None)) => return Err(io::Error::other("an answer that is ready has lost its place")),
            None => None,
        })
    }

    /// Sends some of it; `true` once all has gone.
    fn poll_some(io: &mut TcpStream, cx: &mut Context<'_>, instead: &mut Instead, buffer: &[u8]) -> Poll<io::Result<bool>> {
        let end = HEAD_END.len();
        let slices: [&[u8]; 5] = match &mut instead.what {
            What::Whole(bytes) => [bytes, b"", b"", b"", b""],
            // More fields go in before the end of the head.
            What::Piece(Piece::Answer { own, fields, body }, _, before) => match before.checked_sub(end) {
                Some(split) if buffer[split..*before] == *HEAD_END => [&buffer[..split], own, fields, HEAD_END, body],
                _ => return Poll::Ready(Err(io::Error::other("an answer that is ready has no head"))),
            },
            What::Piece(Piece::File { file, bytes, name }, _, before) if instead.sent >= *before => {
                let sent = ready!(poll_file(io, cx, file, bytes, name))?;
                return Poll::Ready(Ok(sent));
            }
            What::Piece(Piece::File { .. }, _, before) => [&buffer[..*before], b"", b"", b"", b""],
        };
        let length: usize = slices.iter().map(|slice| slice.len()).sum();
        let mut slices = slices.map(IoSlice::new);
        let mut rest = &mut slices[..];
        IoSlice::advance_slices(&mut rest, instead.sent);
        let written = ready!(Pin::new(io).poll_write_vectored(cx, rest))?;
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        instead.sent += written;
        let is_file = matches!(instead.what, What::Piece(Piece::File { .. }, ..));
        Poll::Ready(Ok(instead.sent == length && !is_file))
    }
}

/// The end of a head: the empty line after its last field.
const HEAD_END: &[u8] = b"\r\n";

/// Has the kernel send some of a part of a file; `true` once all of it has gone.
#[cfg(target_os = "linux")]
fn poll_file(io: &TcpStream, cx: &mut Context<'_>, file: &std::fs::File, bytes: &mut std::ops::Range<u64>, name: &str) -> Poll<io::Result<bool>> {
    let turn = bytes.start + TURN;
    while !bytes.is_empty() {
        if bytes.start >= turn {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        ready!(io.poll_write_ready(cx))?;
        let count = usize::try_from((bytes.end - bytes.start).min(TURN)).unwrap_or(usize::MAX);
        let send = || Ok(rustix::fs::sendfile(io, file, Some(&mut bytes.start), count)?);
        match io.try_io(tokio::io::Interest::WRITABLE, send) {
            Ok(0) => {
                log::error!("storage: {name} broke off: it is shorter than it was");
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            Ok(_) => {}
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Err(e) => return Poll::Ready(Err(e)),
        }
    }
    Poll::Ready(Ok(true))
}

#[cfg(not(target_os = "linux"))]
fn poll_file(_: &TcpStream, _: &mut Context<'_>, _: &std::fs::File, _: &mut std::ops::Range<u64>, _: &str) -> Poll<io::Result<bool>> {
    Poll::Ready(Err(io::ErrorKind::Unsupported.into()))
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
         belgov-trace-id: {trace}\r\ndate: {}\r\n",
        entry.status,
        entry.status().canonical_reason().unwrap_or_default(),
        body.len(),
        httpdate::fmt_http_date(std::time::SystemTime::now()),
    )
    .into_bytes();
    for (name, value) in manners::fixed(|_| false) {
        write_field(&mut answer, &name, value.as_bytes());
    }
    answer.extend_from_slice(HEAD_END);
    answer.extend_from_slice(&body);
    answer
}

impl AsyncRead for Front {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for Front {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.instead.is_none() {
            this.instead = this.instead_of(buf)?;
        }
        let Some(instead) = &mut this.instead else {
            // The end of a head that is to have more fields is kept until they are there.
            let ready = if this.outlet.begun() { buf.len().saturating_sub(HEAD_END.len()) } else { buf.len() };
            if ready == 0 {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            return Pin::new(&mut this.io).poll_write(cx, &buf[..ready]);
        };
        while !ready!(Self::poll_some(&mut this.io, cx, instead, buf))? {}
        // To the framework, its own bytes have gone out.
        let gone = instead.stands_for;
        if let Some(Instead { what: What::Piece(_, length, _), .. }) = this.instead.take() {
            this.outlet.sent(length);
        }
        Poll::Ready(Ok(gone))
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
