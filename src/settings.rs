//! Every setting: flag, environment variable, default, meaning. One struct.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use ipnet::IpNet;

use crate::catalogue::locale::Chain;
use crate::db::Target;

/// What to load into an empty database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Seed {
    /// The Smart City Practical Handbooks
    Collection,
    /// Nothing: the collection will be your own
    None,
}

/// How a line of the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line, for machines
    Json,
}

/// The settings. Each can be given as a flag, in the environment, or in a file `.env` (a flag wins, then the environment).
#[derive(Args, Clone)]
pub struct Settings {
    /// The database: sqlite:PATH (a file, made when missing) or postgres://USER:PASSWORD@HOST/NAME
    #[arg(long, global = true, env = "DATABASE_URL", default_value = "sqlite:handbooks.db", value_name = "URL", hide_env_values = true)]
    pub database_url: String,

    /// Address and port to listen on; port 0 picks a free one and prints it
    #[arg(long, global = true, env = "HANDBOOKS_BIND", default_value = "127.0.0.1:8080", value_name = "ADDRESS:PORT")]
    pub bind: SocketAddr,

    /// The address clients use, with the path prefix if a proxy adds one; every link starts with it [default: http:// and the address listened on]
    #[arg(long, global = true, env = "HANDBOOKS_PUBLIC_URL", value_name = "URL", value_parser = parse_public_url)]
    pub public_url: Option<String>,

    /// Where the PDF files lie: a folder, or s3://BUCKET/PREFIX in a build with the feature `s3` [default: a folder `files` beside the SQLite database, or in the working folder with Postgres]
    #[arg(long, global = true, env = "HANDBOOKS_STORAGE_URL", value_name = "FOLDER|URL")]
    pub storage_url: Option<String>,

    /// Signs download links and encrypts personal data; at least 32 characters. Several, separated by commas, let a key be changed: the first signs and encrypts, all are accepted [default: one is made and kept beside the SQLite database; required with Postgres]
    #[arg(long, global = true, env = "HANDBOOKS_SECRET", value_name = "SECRET", hide_env_values = true)]
    pub secret: Option<String>,

    /// What to load into an empty database
    #[arg(long, global = true, env = "HANDBOOKS_SEED", value_enum, default_value = "collection", hide_possible_values = false)]
    pub seed: Seed,

    /// The languages of the texts, in the order in which one stands in for another
    #[arg(long, global = true, env = "HANDBOOKS_FALLBACK_LANGUAGES", default_value = "fr,en,nl,de", value_name = "CODES", value_parser = Chain::parse)]
    pub fallback_languages: Chain,

    /// Proxies whose X-Forwarded-Proto is believed (over https, answers then have Strict-Transport-Security), and whose X-Forwarded-For, as addresses or networks separated by commas; nobody else's is
    #[arg(long, global = true, env = "HANDBOOKS_TRUSTED_PROXIES", value_delimiter = ',', value_name = "NETWORKS", value_parser = parse_network)]
    pub trusted_proxies: Vec<IpNet>,

    /// How many requests for the API from one address within a minute until further ones are answered 429 for the rest of that minute; off sets no limit
    #[arg(long, global = true, env = "HANDBOOKS_RATE_LIMIT", default_value = "off", value_name = "NUMBER|off", value_parser = parse_per_minute)]
    pub rate_limit: PerMinute,

    /// How many wrong keys from one address within a minute until keys from it are not looked at for the rest of that minute; off never slows down
    #[arg(long, global = true, env = "HANDBOOKS_WRONG_KEYS", default_value = "20", value_name = "NUMBER|off", value_parser = parse_per_minute)]
    pub wrong_keys: PerMinute,

    /// The largest PDF that editors may send, in bytes
    #[arg(long, global = true, env = "HANDBOOKS_MAX_FILE_BYTES", default_value_t = 209_715_200, value_name = "BYTES")]
    pub max_file_bytes: u64,

    /// The largest image that editors may send as a cover, in bytes
    #[arg(long, global = true, env = "HANDBOOKS_MAX_COVER_BYTES", default_value_t = 10_485_760, value_name = "BYTES")]
    pub max_cover_bytes: u64,

    /// Memory for ready answers, in bytes; 0 makes each answer anew
    #[arg(long, global = true, env = "HANDBOOKS_CACHE_BYTES", default_value_t = 33_554_432, value_name = "BYTES")]
    pub cache_bytes: u64,

    /// How many writes that wait for each other are committed together at most; 1 gives each a transaction of its own
    #[arg(long, global = true, env = "HANDBOOKS_WRITE_BATCH", default_value_t = 256, value_name = "WRITES", value_parser = parse_batch)]
    pub write_batch: usize,

    /// How many writes may wait; what finds the queue full is answered 503 with Retry-After
    #[arg(long, global = true, env = "HANDBOOKS_WRITE_QUEUE", default_value_t = 1024, value_name = "WRITES", value_parser = parse_queue)]
    pub write_queue: usize,

    /// How the log is written; what is written is said by RUST_LOG (default info)
    #[arg(long, global = true, env = "HANDBOOKS_LOG_FORMAT", value_enum, default_value = "text")]
    pub log_format: LogFormat,
}

impl Settings {
    /// The database, parsed.
    ///
    /// # Errors
    /// A sentence when the URL is of no kind that is supported.
    pub fn target(&self) -> Result<Target, String> {
        Target::parse(&self.database_url)
    }

    /// Where the files lie when no setting says so.
    pub fn storage_url(&self, target: &Target) -> String {
        match &self.storage_url {
            Some(url) => url.clone(),
            None => target.folder().map_or_else(|| PathBuf::from("files"), |folder| folder.join("files")).display().to_string(),
        }
    }
}

fn parse_public_url(text: &str) -> Result<String, String> {
    let url = url::Url::parse(text).map_err(|_| "it must be an absolute URL, for example https://api.example.org/handbooks".to_owned())?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err("it must start with http:// or https:// and name a host".into());
    }
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        return Err("it must hold no user, query or fragment".into());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// How many are let pass from one address within a minute; `None` when all are.
#[derive(Clone, Copy, Debug)]
pub struct PerMinute(pub Option<u32>);

fn parse_per_minute(text: &str) -> Result<PerMinute, String> {
    if text == "off" {
        return Ok(PerMinute(None));
    }
    let number = text.parse().ok().filter(|number| (1..=100_000).contains(number));
    number.map(|number| PerMinute(Some(number))).ok_or_else(|| "it must be a whole number from 1 to 100000, or off".into())
}

fn parse_batch(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|writes| (1..=1024).contains(writes)).ok_or_else(|| "it must be a whole number from 1 to 1024".into())
}

fn parse_queue(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|writes| (1..=100_000).contains(writes)).ok_or_else(|| "it must be a whole number from 1 to 100000".into())
}

fn parse_network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    text.parse::<IpNet>()
        .or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from))
        .map_err(|_| "each must be an address such as 10.0.0.1 or a network such as 10.0.0.0/8".into())
}
