//! Every operation of GET, with an address that answers 200.

use handbooks::access::Scope;
use handbooks::access::key::id_of;
use handbooks::access::store;
use handbooks::db::types::now;
use handbooks::operations::file::Kind;
use image::ImageFormat;

use super::App;
use super::client::Call;
use super::document::{Operation, reads};
use super::downloads::{least, text};
use super::image::image;
use super::keys::{bearer, make_key};
use super::pdf::pdf;

/// An operation and how to be answered 200.
pub struct Readable {
    pub operation: Operation,
    pub target: String,
    headers: Vec<(String, String)>,
}

impl Readable {
    /// A request for it, with another method perhaps.
    pub fn call<'a>(&self, app: &'a App, method: &str) -> Call<'a> {
        self.call_at(app, method, &self.target)
    }

    /// The same at another address of it: with more of a query.
    pub fn call_at<'a>(&self, app: &'a App, method: &str, target: &str) -> Call<'a> {
        self.headers.iter().fold(app.call(method, target), |call, (name, value)| call.header(name, value))
    }
}

/// All of them: the examples of the document where they will do, and a download request with its link.
pub fn readable(app: &App) -> Vec<Readable> {
    app.add_file(Kind::Volume, "mobility", "fr", &pdf(2, 3_000));
    let key = make_key(app, Scope::NAMES);
    for edition in ["volumes/strategy/editions/nl", "complements/leadership/editions/fr"] {
        let put = app.call("PUT", &format!("/v1/{edition}/cover")).header("Authorization", &bearer(&key)).header("If-Match", "*");
        put.header("Content-Type", "image/png").body(image(330, 400, 255, ImageFormat::Png)).send().expect(200);
    }
    let request = app.ask_for(&least("mobility", "fr")).expect(201).json();
    let id = id_of(&key).expect("its id").to_owned();
    // As if it was used just now, so that nothing changes while it is.
    app.state.store.write(|db| store::used(db, &id, now())).expect("its use");
    reads()
        .into_iter()
        .map(|operation| {
            let (target, headers) = match operation.id.as_str() {
                "findDownloadForm" => ("/v1/downloadForm?volume=strategy".to_owned(), Vec::new()),
                "findDownloadRequest" => {
                    (text(&request, "/href"), vec![("Authorization".to_owned(), format!("Bearer {}", text(&request, "/accessToken")))])
                }
                "findDownload" => (text(&request, "/editions/0/link/href"), Vec::new()),
                "findKey" => (format!("/v1/keys/{id}"), vec![("Authorization".to_owned(), bearer(&key))]),
                _ if operation.keyed() => (operation.example_path(), vec![("Authorization".to_owned(), bearer(&key))]),
                _ => (operation.example_path(), Vec::new()),
            };
            let target = target.strip_prefix(&app.base).unwrap_or(&target).to_owned();
            Readable { operation, target, headers }
        })
        .collect()
}
