//! The proof that a copy is complete: a count and a hash over what is public, and smaller ones to find where it differs.

use diesel::prelude::*;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use super::place::Feed;
use crate::catalogue::face::WHOLE;
use crate::db::Db;
use crate::db::schema::public_face;
use crate::db::types::rfc3339;
use crate::error::Error;
use crate::secret::Secret;

/// A record as the digest counts it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DigestItem {
    #[serde(rename = "type")]
    #[schema(example = "volume")]
    pub kind: String,
    #[schema(example = "mobility")]
    pub id: String,
    /// Base64url of the SHA-256 of the record as JSON in all languages (`lang=*`), without white space, its addresses relative to the server's.
    #[schema(example = "2jmj7l5rSw0yVb_vlWAYkK_YBwk", pattern = "^[A-Za-z0-9_-]{20,50}$")]
    pub etag: String,
}

/// A part of the records.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DigestBucket {
    /// The first byte of the SHA-256 of `type/id`, as a number.
    #[schema(example = 63, minimum = 0, maximum = 255)]
    pub bucket: u8,
    #[schema(example = 2)]
    pub count: usize,
    /// Hexadecimal SHA-256 over the lines of this part.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub sha256: String,
}

/// Count and hash over what is public.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CatalogueDigest {
    /// This resource.
    #[serde(rename = "self")]
    pub this: String,
    #[schema(example = 12)]
    pub revision: i64,
    /// When anything public changed last.
    #[schema(example = "2026-11-22T09:00:00Z", format = DateTime)]
    pub at: String,
    /// The place in `/v1/changes` that this digest stands at.
    #[schema(pattern = "^[A-Za-z0-9_-]{16,1000}$")]
    pub cursor: String,
    /// How many records are public.
    #[schema(example = 40)]
    pub count: usize,
    /// Hexadecimal SHA-256 over all lines.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub sha256: String,
    /// The parts that hold something, in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buckets: Option<Vec<DigestBucket>>,
    /// With `bucket`: the records of that part, in the order of the lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<Vec<DigestItem>>,
}

/// Hashes the lines `type SP id SP etag LF` of records in their order.
pub fn hash<'a>(items: impl IntoIterator<Item = &'a DigestItem>) -> String {
    let mut all = Sha256::new();
    for DigestItem { kind, id, etag } in items {
        all.update(format!("{kind} {id} {etag}\n"));
    }
    all.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The part that a record belongs to.
pub fn bucket_of(kind: &str, id: &str) -> u8 {
    Sha256::digest(format!("{kind}/{id}"))[0]
}

/// Makes the digest, of everything or of one part.
///
/// # Errors
/// Only of the database.
pub fn read(db: &mut Db, bucket: Option<u8>, this: String, secret: &Secret) -> Result<(Feed, CatalogueDigest), Error> {
    let feed = Feed::read(db)?;
    let rows: Vec<(String, String, String)> =
        public_face::table.filter(public_face::language.eq(WHOLE)).select((public_face::kind, public_face::id, public_face::etag)).load(db)?;
    let mut all: Vec<(u8, DigestItem)> = rows.into_iter().map(|(kind, id, etag)| (bucket_of(&kind, &id), DigestItem { kind, id, etag })).collect();
    // Ids and types have no character before the space, so this is the order of the lines as bytes.
    all.sort_unstable_by(|(_, a), (_, b)| a.cmp(b));
    let part = |number: u8| all.iter().filter(move |(one, _)| *one == number).map(|(_, item)| item);
    let (buckets, items) = match bucket {
        Some(number) => (None, Some(part(number).cloned().collect::<Vec<_>>())),
        None => {
            let mut counts = [0usize; 256];
            all.iter().for_each(|(number, _)| counts[usize::from(*number)] += 1);
            let full = (0..=u8::MAX).filter(|number| counts[usize::from(*number)] > 0);
            let buckets = full.map(|bucket| DigestBucket { bucket, count: counts[usize::from(bucket)], sha256: hash(part(bucket)) }).collect();
            (Some(buckets), None)
        }
    };
    let (count, sha256) = match &items {
        Some(items) => (items.len(), hash(items)),
        None => (all.len(), hash(all.iter().map(|(_, item)| item))),
    };
    let (revision, at) = (feed.revision.number, rfc3339(feed.revision.moved_at));
    Ok((feed, CatalogueDigest { this, revision, at, cursor: feed.end.cursor(secret), count, sha256, buckets, items }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recipe_is_the_documented_one() {
        let item = |kind: &str, id: &str| DigestItem { kind: kind.into(), id: id.into(), etag: "x".into() };
        // printf 'theme a x\nvolume b x\n' | sha256sum
        assert_eq!(hash(&[item("theme", "a"), item("volume", "b")]), "ab8e4dcf5c4383ff772be8a33f5c8e7bba3f3d490ceb61468065f2927072f6c3");
        // printf 'volume/mobility' | sha256sum
        assert_eq!(bucket_of("volume", "mobility"), 159);
    }
}
