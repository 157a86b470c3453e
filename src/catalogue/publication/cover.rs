//! Covers of editions: images that were stored, and the sizes they are served in.

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use crate::catalogue::record::CHUNK;
use crate::db::Db;
use crate::db::schema::{edition, image_size, stored_image};
use crate::error::Error;
use crate::storage::image::Image;

/// An image that is stored.
#[derive(Clone, Debug, Queryable)]
pub struct Stored {
    pub sha256: String,
    pub bytes: i64,
    pub media_type: String,
    width: i32,
    height: i32,
    created_at: NaiveDateTime,
}

/// A size of an image.
#[derive(Clone, Debug, Queryable)]
pub struct Size {
    pub image: String,
    pub width: i32,
    height: i32,
    pub sha256: String,
    pub bytes: i64,
    pub media_type: String,
}

/// A stored image with its sizes, the smallest first.
#[derive(Clone, Debug)]
pub struct Whole {
    pub image: Stored,
    pub sizes: Vec<Size>,
}

/// The cover of an edition.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cover {
    /// The widest size.
    #[schema(example = "http://127.0.0.1:8080/v1/volumes/strategy/editions/nl/cover?width=1280")]
    pub href: String,
    /// Pixels.
    #[schema(example = 1280)]
    pub width: i32,
    /// Pixels.
    #[schema(example = 1810)]
    pub height: i32,
    /// Of all sizes: `image/jpeg`, or `image/png` where the image shines through.
    #[schema(example = "image/jpeg")]
    pub media_type: String,
    /// All sizes, the smallest first: what an HTML `srcset` takes.
    pub sizes: Vec<CoverSize>,
}

/// A size of a cover.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CoverSize {
    #[schema(example = "http://127.0.0.1:8080/v1/volumes/strategy/editions/nl/cover?width=320")]
    pub href: String,
    /// Pixels.
    #[schema(example = 320)]
    pub width: i32,
    /// Pixels.
    #[schema(example = 453)]
    pub height: i32,
}

impl Cover {
    /// The view of a stored image as the cover of the edition at `href`.
    pub fn new(whole: &Whole, href: &str) -> Option<Self> {
        let sizes: Vec<CoverSize> = whole
            .sizes
            .iter()
            .map(|size| CoverSize { href: format!("{href}/cover?width={}", size.width), width: size.width, height: size.height })
            .collect();
        let widest = sizes.last()?.clone();
        let media_type = whole.sizes.last()?.media_type.clone();
        Some(Self { href: widest.href, width: widest.width, height: widest.height, media_type, sizes })
    }
}

/// Some stored images, by their SHA-256.
///
/// # Errors
/// Only of the database.
pub fn load<'a>(db: &mut Db, wanted: impl IntoIterator<Item = &'a str>) -> Result<HashMap<String, Whole>, Error> {
    let wanted: Vec<&str> = wanted.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    let mut all = HashMap::new();
    for part in wanted.chunks(CHUNK) {
        let images: Vec<Stored> = stored_image::table.filter(stored_image::sha256.eq_any(part)).load(db)?;
        all.extend(images.into_iter().map(|image| (image.sha256.clone(), Whole { image, sizes: Vec::new() })));
        let sizes: Vec<Size> = image_size::table.filter(image_size::image_sha256.eq_any(part)).order(image_size::width).load(db)?;
        for size in sizes {
            if let Some(whole) = all.get_mut(&size.image) {
                whole.sizes.push(size);
            }
        }
    }
    Ok(all)
}

/// All images that were ever stored.
///
/// # Errors
/// Only of the database.
pub fn load_all(db: &mut Db) -> Result<Vec<Whole>, Error> {
    let names: Vec<String> = stored_image::table.select(stored_image::sha256).load(db)?;
    Ok(load(db, names.iter().map(String::as_str))?.into_values().collect())
}

/// Those of some images that are stored.
///
/// # Errors
/// Only of the database.
pub fn known(db: &mut Db, wanted: &BTreeSet<String>) -> Result<BTreeSet<String>, Error> {
    let mut all = BTreeSet::new();
    for part in wanted.iter().collect::<Vec<_>>().chunks(CHUNK) {
        let part: Vec<&str> = part.iter().map(|one| one.as_str()).collect();
        all.extend(stored_image::table.filter(stored_image::sha256.eq_any(part)).select(stored_image::sha256).load::<String>(db)?);
    }
    Ok(all)
}

/// Notes an image whose bytes are in the storage; one that is known already stays as it is.
///
/// # Errors
/// Only of the database.
pub fn note(db: &mut Db, image: &Image, at: NaiveDateTime) -> Result<(), Error> {
    let stored = Stored {
        sha256: image.sha256.clone(),
        bytes: image.bytes,
        media_type: image.media_type.to_owned(),
        width: image.width,
        height: image.height,
        created_at: at,
    };
    let sizes = image.sizes.iter().map(|size| Size {
        image: image.sha256.clone(),
        width: size.width,
        height: size.height,
        sha256: size.sha256.clone(),
        bytes: i64::try_from(size.body.len()).unwrap_or(i64::MAX),
        media_type: size.media_type.to_owned(),
    });
    put(db, &Whole { image: stored, sizes: sizes.collect() })
}

/// The same of one that another database has noted.
///
/// # Errors
/// Only of the database.
pub fn put(db: &mut Db, whole: &Whole) -> Result<(), Error> {
    let Whole { image, sizes } = whole;
    if stored_image::table.filter(stored_image::sha256.eq(&image.sha256)).count().get_result::<i64>(db)? > 0 {
        return Ok(());
    }
    diesel::insert_into(stored_image::table)
        .values((
            stored_image::sha256.eq(&image.sha256),
            stored_image::bytes.eq(image.bytes),
            stored_image::media_type.eq(&image.media_type),
            stored_image::width.eq(image.width),
            stored_image::height.eq(image.height),
            stored_image::created_at.eq(image.created_at),
        ))
        .execute(db)?;
    for size in sizes {
        diesel::insert_into(image_size::table)
            .values((
                image_size::image_sha256.eq(&size.image),
                image_size::width.eq(size.width),
                image_size::height.eq(size.height),
                image_size::sha256.eq(&size.sha256),
                image_size::bytes.eq(size.bytes),
                image_size::media_type.eq(&size.media_type),
            ))
            .execute(db)?;
    }
    Ok(())
}

/// The cover that an edition has now.
///
/// # Errors
/// Only of the database.
pub fn present(db: &mut Db, edition_key: i64) -> Result<Option<String>, Error> {
    Ok(edition::table.filter(edition::key.eq(edition_key)).select(edition::cover).first::<Option<String>>(db).optional()?.flatten())
}

/// Whether bytes are an image, or a size of one, that is or was a cover.
///
/// # Errors
/// Only of the database.
pub fn is_stored(db: &mut Db, sha256: &str) -> Result<bool, Error> {
    let images: i64 = stored_image::table.filter(stored_image::sha256.eq(sha256)).count().get_result(db)?;
    let sizes: i64 = image_size::table.filter(image_size::sha256.eq(sha256)).count().get_result(db)?;
    Ok(images + sizes > 0)
}
