//! The program itself, as another process: its verbs, its log, its memory, and its end.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::app::SECRET;
use super::client::{Answer, Call, agent};
use super::database::Home;

/// A server in a process of its own. It ends with this.
pub struct Process {
    pub base: String,
    pub address: SocketAddr,
    child: Child,
    agent: ureq::Agent,
    log: Arc<Mutex<Vec<u8>>>,
    reading: Option<JoinHandle<()>>,
}

/// The program, with a home and nothing of this environment.
fn program(home: &Home) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_handbooks"));
    command
        .env_clear()
        .env("DATABASE_URL", &home.url)
        .env("HANDBOOKS_STORAGE_URL", home.folder.path().join("files"))
        .env("HANDBOOKS_SECRET", SECRET)
        .env("HANDBOOKS_SEED", "none")
        .env("HANDBOOKS_BIND", "127.0.0.1:0")
        .current_dir(home.folder.path())
        .stdin(Stdio::null());
    command
}

/// Runs a verb to its end.
pub fn handbooks(home: &Home, arguments: &[&str]) -> Output {
    program(home).args(arguments).output().expect("the program runs")
}

impl Process {
    /// Starts `serve` and waits until it listens.
    pub fn serve(home: &Home, environment: &[(&str, &str)]) -> Self {
        let mut command = program(home);
        command.arg("serve").envs(environment.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let log = Arc::new(Mutex::new(Vec::new()));
        let mut stderr = child.stderr.take().expect("its standard error");
        let kept = Arc::clone(&log);
        let reading = std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(read @ 1..) = stderr.read(&mut piece) {
                kept.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&piece[..read]);
            }
        });
        let mut stdout = BufReader::new(child.stdout.take().expect("its standard output"));
        let mut lines = [const { String::new() }; 3];
        for line in &mut lines {
            stdout.read_line(line).expect("a line");
        }
        let line = &lines[0];
        let Some(base) = line.trim().strip_prefix("listening on ").map(str::to_owned) else {
            let _ = child.wait();
            panic!("the server does not start: {line}{}", String::from_utf8_lossy(&log.lock().unwrap_or_else(PoisonError::into_inner)));
        };
        let address = base.trim_start_matches("http://").parse().expect("an address");
        Self { base, address, child, agent: agent(), log, reading: Some(reading) }
    }

    /// Asks with GET, and holds the answer against the document.
    pub fn get(&self, target: &str) -> Answer {
        self.call("GET", target).send()
    }

    /// A request with any method, to be sent.
    pub fn call(&self, method: &str, target: &str) -> Call<'_> {
        Call::new(&self.agent, &self.base, method, target)
    }

    /// Tells it to stop, as an operator does.
    pub fn terminate(&self) {
        self.signal("TERM");
    }

    /// Ends it where it stands.
    pub fn kill(&self) {
        self.signal("KILL");
    }

    fn signal(&self, name: &str) {
        // The shell has it built in; no other program is needed. The id is this child's until it has been waited for.
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.child.id())]).status().expect("a shell");
        assert!(sent.success());
    }

    /// Waits for its end, and fails when it takes too long.
    pub fn ended(&mut self) -> ExitStatus {
        within(Duration::from_secs(40), "the server ends", || self.child.try_wait().expect("a child"))
    }

    /// All that it has logged; to its last line once it has ended.
    pub fn log(&mut self) -> String {
        if self.child.try_wait().is_ok_and(|status| status.is_some())
            && let Some(reading) = self.reading.take()
        {
            reading.join().expect("the log is read");
        }
        String::from_utf8_lossy(&self.log.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// The most memory it has had so far, in KiB.
    pub fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("a process of this machine");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
        line.trim().trim_end_matches(" kB").parse().expect("a number of KiB")
    }

    /// How many stored files it holds open, and how many connections of clients.
    pub fn held(&self) -> (usize, usize) {
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).expect("a process of this machine");
        // One that is closed while this looks is not open.
        let files = open
            .filter_map(|one| std::fs::read_link(one.ok()?.path()).ok())
            .filter(|target| target.components().any(|part| part.as_os_str() == "sha256"))
            .count();
        let port = format!(":{:04X}", self.address.port());
        let table = std::fs::read_to_string("/proc/net/tcp").expect("the connections of this machine");
        // Established, or closed by the client alone.
        let connections = table
            .lines()
            .filter(|line| matches!(line.split_whitespace().collect::<Vec<_>>().as_slice(), [_, local, _, "01" | "08", ..] if local.ends_with(&port)))
            .count();
        (files, connections)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks again and again until there is an answer, and fails after `limit`.
pub fn within<T>(limit: Duration, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(Instant::now() < deadline, "not within {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
