//! The log: one line per request and per fault, on standard error, for people or for machines. No personal data, no query, no token.

use std::fmt;
use std::io::Write;

use chrono::{SecondsFormat, Utc};
use env_logger::{Builder, Env};
use log::kv::{self, Key, Value, VisitSource};

use crate::settings::LogFormat;

/// Starts the log; `RUST_LOG` says what is written.
pub fn start(format: LogFormat) {
    let mut builder = Builder::from_env(Env::default().default_filter_or("info,lopdf=error"));
    builder.format(move |out, record| {
        let at = Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true);
        match format {
            LogFormat::Json => {
                let mut line = serde_json::Map::new();
                line.insert("at".into(), at.into());
                line.insert("level".into(), record.level().as_str().to_lowercase().into());
                line.insert("target".into(), record.target().into());
                line.insert("message".into(), record.args().to_string().into());
                let _ = record.key_values().visit(&mut Members(&mut line));
                writeln!(out, "{}", serde_json::Value::Object(line))
            }
            LogFormat::Text => {
                let mut fields = Fields(String::new());
                let _ = record.key_values().visit(&mut fields);
                // Line breaks of a message would let one line pass for another.
                let message = record.args().to_string().replace(['\n', '\r'], " ");
                writeln!(out, "{at} {:<5} {} {message}{}", record.level(), record.target(), fields.0)
            }
        }
    });
    builder.init();
}

struct Members<'a>(&'a mut serde_json::Map<String, serde_json::Value>);

impl<'kvs> VisitSource<'kvs> for Members<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), kv::Error> {
        let value = value.to_u64().map_or_else(|| value.to_string().into(), serde_json::Value::from);
        self.0.insert(key.to_string(), value);
        Ok(())
    }
}

struct Fields(String);

impl<'kvs> VisitSource<'kvs> for Fields {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), kv::Error> {
        fmt::Write::write_fmt(&mut self.0, format_args!(" {key}={value}")).map_err(kv::Error::from)
    }
}
