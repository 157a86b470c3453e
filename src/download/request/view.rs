//! A download request as it is answered. Nothing of a person is in it.

use chrono::NaiveDateTime;
use serde::Serialize;
use utoipa::ToSchema;

use super::query::Stored;
use super::rules::DownloadPurpose;
use super::token;
use crate::catalogue::publication::file::Kind;
use crate::db::types::rfc3339;
use crate::download::link::token as link;
use crate::download::offer::Offer;
use crate::secret::Secret;

/// A download request.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DownloadRequest {
    /// Read it again here, with its `accessToken`, for fresh links.
    #[schema(example = "http://127.0.0.1:8080/v1/downloadRequests/019aac3f-5c1e-7d3a-9b0f-3f1f2f6c7a11", format = "uri")]
    pub href: String,
    #[schema(example = "019aac3f-5c1e-7d3a-9b0f-3f1f2f6c7a11", format = "uuid")]
    pub id: String,
    /// `fulfilled`: every edition has its link. `waiting`: one at least has no file yet; the request is kept.
    #[schema(value_type = RequestStatus)]
    pub status: &'static str,
    #[schema(example = "2026-11-22T09:00:00Z", format = DateTime)]
    pub created_at: String,
    /// The language of the texts.
    #[schema(example = "fr")]
    pub language: String,
    /// What the handbooks were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<DownloadPurpose>)]
    pub purpose: Option<String>,
    /// In the order they were asked for.
    pub editions: Vec<RequestedEdition>,
    /// The version of the privacy notice that was shown.
    #[schema(example = "privacy-1")]
    pub privacy_notice: String,
    /// What was answered to the texts of consent.
    pub consents: Vec<ConsentChoice>,
    /// Opens this request and no other, as `Authorization: Bearer …`. Given only in the answer to its creation: keep it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "hbr_Zq1rXb0uC0mYb2vK7yQm3QZq1rXb0uC0mYb2vK7yQm3", pattern = "^hbr_[A-Za-z0-9_-]{43}$")]
    pub access_token: Option<String>,
}

/// An edition that was asked for.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequestedEdition {
    /// The address of the edition in the catalogue.
    #[schema(example = "http://127.0.0.1:8080/v1/volumes/mobility/editions/fr", format = "uri")]
    pub href: String,
    /// Id of the volume, when it is of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "mobility")]
    pub volume: Option<String>,
    /// Id of the complement, when it is of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub complement: Option<String>,
    /// The language of the edition.
    #[schema(example = "fr")]
    pub language: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "La mobilité de demain")]
    pub title: Option<String>,
    /// `fulfilled` with a link, `waiting` with the reason why there is none.
    #[schema(value_type = RequestStatus)]
    pub status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<DownloadLink>,
    /// Why there is no link, in the request's language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
}

/// A link to the PDF. It opens without an account, for whoever has it, until it expires.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DownloadLink {
    #[schema(example = "http://127.0.0.1:8080/v1/downloads/AQAAAAAAAAAqAAAAAGcAAAB0b3BzZWNyZXR0b3BzZWNy", format = "uri")]
    pub href: String,
    #[schema(example = "2026-11-29T09:00:00Z", format = DateTime)]
    pub expires_at: String,
}

/// An answer to a text of consent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StatedConsent)]
pub struct ConsentChoice {
    /// Version of the text that was shown.
    #[schema(example = "news-1")]
    pub text: String,
    /// Whether consent was given.
    #[schema(example = false)]
    pub given: bool,
}

/// Where a request, or an edition of it, stands.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub enum RequestStatus {
    Fulfilled,
    Waiting,
}

const FULFILLED: &str = "fulfilled";
const WAITING: &str = "waiting";

/// Who answers: under which address, and with which signature.
#[derive(Clone)]
pub struct Issuer {
    /// The public address of the server.
    pub base: String,
    pub secret: Secret,
}

impl Issuer {
    /// The absolute address of a request.
    pub fn href(&self, id: &str) -> String {
        format!("{}/v1/downloadRequests/{id}", self.base)
    }

    /// The representation of a request, with fresh links; with its token only for who has just made it.
    pub fn represent(&self, stored: Stored, at: NaiveDateTime, with_token: bool) -> DownloadRequest {
        let editions: Vec<RequestedEdition> = stored.items.iter().map(|(item, offer)| self.edition(*item, offer, &stored.language, at)).collect();
        DownloadRequest {
            href: self.href(&stored.id),
            status: if editions.iter().all(|edition| edition.link.is_some()) { FULFILLED } else { WAITING },
            created_at: rfc3339(stored.created_at),
            language: stored.language,
            purpose: stored.purpose,
            editions,
            privacy_notice: stored.privacy_notice,
            consents: stored.consents,
            access_token: with_token.then(|| token::make(&self.secret, &stored.id)),
            id: stored.id,
        }
    }

    fn edition(&self, item: i64, offer: &Offer, language: &str, at: NaiveDateTime) -> RequestedEdition {
        let link = (offer.listed && offer.available).then(|| {
            let expires = link::expiry(at);
            DownloadLink {
                href: format!("{}/v1/downloads/{}", self.base, link::sign(&self.secret, item, expires)),
                expires_at: rfc3339(expires.naive_utc()),
            }
        });
        let id = |kind: Kind| (offer.kind == kind).then(|| offer.id.clone());
        RequestedEdition {
            href: offer.href(&self.base),
            volume: id(Kind::Volume),
            complement: id(Kind::Complement),
            language: offer.language.clone(),
            title: offer.title.clone(),
            status: if link.is_some() { FULFILLED } else { WAITING },
            reason: link.is_none().then(|| reason(offer, language)),
            link,
        }
    }
}

fn reason(offer: &Offer, language: &str) -> &'static str {
    match (offer.listed, language) {
        (true, "nl") => "Het bestand is er nog niet. Uw aanvraag blijft bewaard; zodra het er is, staat de link op het adres van deze aanvraag.",
        (true, "en") => "The file is not there yet. Your request is kept; once it is there, the link appears at the address of this request.",
        (true, "de") => {
            "Die Datei ist noch nicht da. Ihre Anfrage bleibt bestehen; sobald sie da ist, erscheint der Link unter der Adresse dieser Anfrage."
        }
        (true, _) => {
            "Le fichier n'est pas encore disponible. Votre demande est conservée ; dès qu'il le sera, le lien apparaîtra à l'adresse de cette demande."
        }
        (false, "nl") => "Deze publicatie wordt momenteel niet aangeboden.",
        (false, "en") => "This publication is not on offer at the moment.",
        (false, "de") => "Diese Veröffentlichung wird derzeit nicht angeboten.",
        (false, _) => "Cette publication n'est pas proposée pour le moment.",
    }
}
