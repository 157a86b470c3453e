//! Keys for tests.

use handbooks::access::Scope;
use handbooks::operations::key;

use super::App;
use super::database::Home;
use super::process::handbooks;

/// A key of these scopes, as the verb makes it.
pub fn make_key(app: &App, scopes: &[&str]) -> String {
    let scopes: Vec<Scope> = scopes.iter().map(|name| Scope::of(name).unwrap_or_else(|| panic!("no scope: {name}"))).collect();
    key::create(&app.state.store, "A test", None, &scopes, None).expect("a key")
}

/// A key of these scopes, made by the program itself.
pub fn key_by_command(home: &Home, scopes: &[&str]) -> String {
    let mut arguments = vec!["key", "create", "--name", "A test"];
    arguments.extend(scopes.iter().flat_map(|scope| ["--scope", scope]));
    let done = handbooks(home, &arguments);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).expect("text").trim().to_owned()
}

/// The header value that carries a key.
pub fn bearer(key: &str) -> String {
    format!("Bearer {key}")
}
