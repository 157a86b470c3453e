//! The real server, started as the verb `serve` starts it, before a database of its own.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use clap::Parser;
use handbooks::app::State;
use handbooks::catalogue::revision;
use handbooks::db::Db;
use handbooks::error::Error;
use handbooks::http::limit::Limit;
use handbooks::http::manners::Site;
use handbooks::operations::serve;
use handbooks::settings::Settings;

use super::client::{Call, agent};
use super::database::{Content, Database, Home};

/// The secret of all test servers.
pub const SECRET: &str = "the tests know this secret and nobody minds";

/// A server and its database. Both end with it.
pub struct App {
    /// The address that links start with.
    pub base: String,
    pub address: SocketAddr,
    pub state: State,
    agent: ureq::Agent,
    flags: Vec<String>,
    running: Option<Running>,
    // The last to be dropped: the server and the pools let go of it first.
    pub home: Home,
}

struct Running {
    handle: ServerHandle,
    thread: JoinHandle<()>,
}

/// The settings, parsed from flags as the program parses them.
#[derive(Parser)]
struct Flags {
    #[command(flatten)]
    settings: Settings,
}

impl From<Database> for App {
    fn from(database: Database) -> Self {
        Self::new(database)
    }
}

impl App {
    /// Serves the collection of the seed.
    pub fn new(database: Database) -> Self {
        Self::with(Home::new(database, Content::Seeded), &[])
    }

    /// Serves a database that holds nothing.
    pub fn empty(database: Database) -> Self {
        Self::with(Home::new(database, Content::Empty), &[])
    }

    /// Serves a database with further flags (`--fallback-languages=nl`).
    pub fn with(home: Home, flags: &[&str]) -> Self {
        let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let (state, site, address, running) = start(&home, &flags);
        Self { base: site.base, address, state, agent: agent(), flags, running: Some(running), home }
    }

    /// Ends the server and starts another one before the same database.
    pub fn restart(&mut self) {
        self.restart_with(&self.flags.clone());
    }

    /// Nobody serves for a while.
    pub fn restart_after(&mut self, pause: Duration) {
        self.stop();
        std::thread::sleep(pause);
        self.restart();
    }

    /// The same with other flags.
    pub fn restart_with<S: AsRef<str>>(&mut self, flags: &[S]) {
        self.stop();
        self.flags = flags.iter().map(|flag| flag.as_ref().to_owned()).collect();
        let (state, site, address, running) = start(&self.home, &self.flags);
        (self.state, self.base, self.address, self.running) = (state, site.base, address, Some(running));
    }

    fn stop(&mut self) {
        if let Some(Running { handle, thread }) = self.running.take() {
            // The command is on its way as soon as it is made; waiting for it is waiting for the thread.
            drop(handle.stop(false));
            if thread.join().is_err() && !std::thread::panicking() {
                panic!("the server's thread panicked");
            }
        }
    }

    /// Asks with GET, and holds the answer against the document.
    pub fn get(&self, target: &str) -> super::Answer {
        self.call("GET", target).send()
    }

    /// A request with any method, to be sent.
    pub fn call(&self, method: &str, target: &str) -> Call<'_> {
        Call::new(&self.agent, &self.base, method, target)
    }

    /// Writes to the database as the library does, and moves the revision.
    pub fn write<T>(&self, work: impl FnOnce(&mut Db) -> Result<T, Error>) -> T {
        let done = self.state.store.write(|db| {
            let done = work(db)?;
            revision::advance(db)?;
            Ok(done)
        });
        done.expect("a write of a test")
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.stop();
    }
}

fn start(home: &Home, flags: &[String]) -> (State, Site, SocketAddr, Running) {
    let storage = home.folder.path().join("files");
    let mut all = vec!["handbooks".to_owned(), format!("--database-url={}", home.url), format!("--storage-url={}", storage.display())];
    let usual =
        [("--secret", SECRET), ("--seed", "none"), ("--fallback-languages", "fr,en,nl,de"), ("--bind", "127.0.0.1:0"), ("--log-format", "text")];
    for (name, value) in usual {
        if !flags.iter().any(|flag| flag.starts_with(name)) {
            all.push(format!("{name}={value}"));
        }
    }
    all.extend(flags.iter().cloned());
    let settings = Flags::try_parse_from(all).unwrap_or_else(|e| panic!("{e}")).settings;

    let state = serve::state(&settings).unwrap_or_else(|failure| panic!("{failure:?}"));
    let listener = TcpListener::bind(settings.bind).expect("a free port");
    let address = listener.local_addr().expect("the port");
    let site =
        Site { base: format!("http://{address}"), trusted_proxies: settings.trusted_proxies, limit: Arc::new(Limit::new(settings.rate_limit.0)) };
    let (tell, told) = mpsc::channel();
    let (its_state, its_site) = (state.clone(), site.clone());
    let thread = std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let server = serve::server(listener, its_state, its_site, Some(1)).expect("a server");
            tell.send(server.handle()).expect("somebody waits for the server");
            server.await.expect("a server that ends in peace");
        });
    });
    let handle = told.recv().expect("the server starts");
    (state, site, address, Running { handle, thread })
}
