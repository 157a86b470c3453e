//! A client that blocks, takes every status for an answer, and shows every answer to [`super::document`].

use serde_json::Value;
use ureq::http;

use super::document::{self, Path};

/// A client that adds nothing to a request and follows nothing; each request has a connection of its own.
pub fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .allow_non_standard_methods(true)
        .max_redirects(0)
        .max_idle_connections(0)
        .user_agent("")
        .accept("")
        .accept_encoding("")
        .timeout_global(Some(std::time::Duration::from_secs(60)))
        .build()
        .new_agent()
}

/// A request on its way.
pub struct Call<'a> {
    agent: &'a ureq::Agent,
    base: &'a str,
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
    path: Path,
}

impl<'a> Call<'a> {
    pub fn new(agent: &'a ureq::Agent, base: &'a str, method: &str, target: &str) -> Self {
        // Links are absolute.
        let target = target.strip_prefix(base).unwrap_or(target).to_owned();
        Self { agent, base, method: method.to_owned(), target, headers: Vec::new(), body: None, path: Path::Documented }
    }

    /// Adds a header field.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds header fields.
    #[must_use]
    pub fn headers(mut self, headers: &[(&str, &str)]) -> Self {
        self.headers.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self
    }

    /// Adds a body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Adds a body of JSON and says so.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.header("Content-Type", "application/json").body(body.to_string())
    }

    /// The test means a path that the document does not have.
    #[must_use]
    pub fn undocumented(mut self) -> Self {
        self.path = Path::Undocumented;
        self
    }

    /// Sends it, and holds the answer against the document.
    pub fn send(self) -> Answer {
        let what = format!("{} {}", self.method, self.target);
        self.attempt().unwrap_or_else(|e| panic!("{what}: {e}"))
    }

    /// The same where a server that dies may be the point of the test: no answer, or half of one, is an error.
    pub fn attempt(self) -> Result<Answer, ureq::Error> {
        let mut request = http::Request::builder().method(self.method.as_str()).uri(format!("{}{}", self.base, self.target));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let response = match self.body {
            Some(body) => self.agent.run(request.body(body)?),
            None => self.agent.run(request.body(())?),
        };
        let (parts, mut body) = response?.into_parts();
        let headers = parts
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap_or_else(|_| panic!("{name} is not plain text")).to_owned()))
            .collect();
        let body = body.with_config().limit(64 * 1024 * 1024).read_to_vec()?;
        let answer = Answer { method: self.method, target: self.target, base: self.base.to_owned(), status: parts.status.as_u16(), headers, body };
        document::check(&answer, self.path);
        Ok(answer)
    }
}

/// An answer.
#[derive(Clone)]
pub struct Answer {
    pub method: String,
    /// Path and query.
    pub target: String,
    pub base: String,
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// The one value of a header field.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str());
        let value = values.next();
        assert!(values.next().is_none(), "{} {}: {name} stands twice: {:?}", self.method, self.target, self.headers);
        value
    }

    /// All values of a header field.
    pub fn header_all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str()).collect()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{}: not JSON: {e}\n{}", self.what(), self.text()))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Fails when the status is another.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}\n{}", self.what(), self.text().chars().take(2_000).collect::<String>());
        self
    }

    /// The JSON of an answer with status 200.
    #[track_caller]
    pub fn ok(self) -> Value {
        self.expect(200).json()
    }

    /// The last segment of a problem's type.
    #[track_caller]
    pub fn problem(&self) -> String {
        let problem = self.json();
        let urn = problem["type"].as_str().unwrap_or_else(|| panic!("{}: no problem: {problem}", self.what()));
        urn.rsplit(':').next().unwrap_or_default().to_owned()
    }

    /// The faults that a problem lists: kind, place, name, detail.
    pub fn issues(&self) -> Vec<Issue> {
        let text = |issue: &Value, name: &str| issue[name].as_str().unwrap_or_default().to_owned();
        let kind = |issue: &Value| text(issue, "type").rsplit(':').next().unwrap_or_default().to_owned();
        self.json()["issues"]
            .as_array()
            .map(|all| {
                all.iter()
                    .map(|issue| Issue { kind: kind(issue), place: text(issue, "in"), name: text(issue, "name"), detail: text(issue, "detail") })
                    .collect()
            })
            .unwrap_or_default()
    }

    /// What it answers, for messages.
    pub fn what(&self) -> String {
        format!("{} {} → {}", self.method, self.target.chars().take(200).collect::<String>(), self.status)
    }
}

/// A fault of the input, as a problem lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    pub kind: String,
    pub place: String,
    pub name: String,
    pub detail: String,
}
