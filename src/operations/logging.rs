//! The log: one line per request and per fault, on standard error, for people or for machines. No personal data, no query, no token.
//!
//! Lines are gathered and written by a thread of its own, a tenth of a second later at most: no request waits for standard error. A process that is
//! killed outright takes the last of them with it; one that ends, or panics, does not.

use std::cell::RefCell;
use std::io::{self, Write};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{SecondsFormat, Utc};
use env_logger::fmt::Formatter;
use env_logger::{Builder, Env, Target};
use log::kv::{self, Key, Value, VisitSource};

use crate::settings::LogFormat;

/// Starts the log; `RUST_LOG` says what is written.
pub fn start(format: LogFormat) {
    let mut builder = Builder::from_env(Env::default().default_filter_or("info,lopdf=error"));
    builder.format(move |out, record| match format {
        LogFormat::Json => {
            let mut line = serde_json::Map::new();
            line.insert("at".into(), Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true).into());
            line.insert("level".into(), record.level().as_str().to_lowercase().into());
            line.insert("target".into(), record.target().into());
            line.insert("message".into(), record.args().to_string().into());
            let _ = record.key_values().visit(&mut Members(&mut line));
            writeln!(out, "{}", serde_json::Value::Object(line))
        }
        LogFormat::Text => {
            stamp(out)?;
            write!(out, " {:<5} {} ", record.level(), record.target())?;
            match record.args().as_str() {
                Some(plain) if !plain.contains(['\n', '\r']) => out.write_all(plain.as_bytes())?,
                // Line breaks of a message would let one line pass for another.
                _ => out.write_all(record.args().to_string().replace(['\n', '\r'], " ").as_bytes())?,
            }
            record.key_values().visit(&mut Fields(out)).map_err(io::Error::other)?;
            out.write_all(b"\n")
        }
    });
    builder.target(Target::Pipe(Box::new(Gathered)));
    builder.init();
    let writer = std::thread::Builder::new().name("log".into()).spawn(|| {
        loop {
            std::thread::sleep(SOON);
            flush();
        }
    });
    if let Err(e) = writer {
        eprintln!("handbooks: the log is written late, because no thread can be had for it: {e}");
    }
    let told = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        flush();
        told(panic);
    }));
}

/// How long a line may wait.
const SOON: Duration = Duration::from_millis(100);
/// So many bytes do not wait, and whoever logs more waits for them: nothing is lost, and nothing grows without bounds.
const MANY: usize = 64 * 1024;

static LINES: LazyLock<Mutex<Vec<u8>>> = LazyLock::new(Mutex::default);
/// Held while lines are on their way out, so that they keep their order.
static OUT: Mutex<()> = Mutex::new(());

/// Writes what was logged so far.
pub fn flush() {
    let _out = OUT.lock().unwrap_or_else(PoisonError::into_inner);
    let gathered = std::mem::take(&mut *lines());
    // There is nobody left to tell when standard error is gone.
    let _ = io::stderr().lock().write_all(&gathered);
}

fn lines() -> MutexGuard<'static, Vec<u8>> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where the logger writes its lines, each as a whole.
struct Gathered;

impl Write for Gathered {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let many = {
            let mut lines = lines();
            lines.extend_from_slice(line);
            lines.len() > MANY
        };
        if many {
            flush();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Members<'a>(&'a mut serde_json::Map<String, serde_json::Value>);

impl<'kvs> VisitSource<'kvs> for Members<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), kv::Error> {
        let value = value.to_u64().map_or_else(|| value.to_string().into(), serde_json::Value::from);
        self.0.insert(key.to_string(), value);
        Ok(())
    }
}

struct Fields<'a>(&'a mut Formatter);

impl<'kvs> VisitSource<'kvs> for Fields<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), kv::Error> {
        let out = &mut self.0;
        let written = out.write_all(b" ").and_then(|()| out.write_all(key.as_str().as_bytes())).and_then(|()| out.write_all(b"=")).and_then(|()| {
            match value.to_borrowed_str() {
                Some(text) => out.write_all(text.as_bytes()),
                None => write!(out, "{value}"),
            }
        });
        written.map_err(kv::Error::boxed)
    }
}

thread_local! {
    /// A second, and how it is written: most lines are of the same one as the line before.
    static SECOND: RefCell<(i64, String)> = const { RefCell::new((i64::MIN, String::new())) };
}

/// Writes the present instant, in RFC 3339 with microseconds.
fn stamp(out: &mut Formatter) -> io::Result<()> {
    let now = Utc::now();
    SECOND.with_borrow_mut(|(second, text)| {
        if *second != now.timestamp() {
            (*second, *text) = (now.timestamp(), now.format("%Y-%m-%dT%H:%M:%S").to_string());
        }
        write!(out, "{text}.{:06}Z", now.timestamp_subsec_micros().min(999_999))
    })
}
