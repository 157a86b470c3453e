//! Whether bytes are an image that a cover can be, the facts of it, and the sizes it is served in.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngDecoder, PngEncoder};
use image::codecs::webp::WebPDecoder;
use image::imageops::FilterType as Resampling;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use sha2::{Digest, Sha256};

use super::pdf::hex;

/// The shortest and the longest side, in pixels.
pub const SIDES: (u32, u32) = (200, 8_000);
/// The most pixels: what decoding holds in memory is a small multiple of it.
pub const MAX_PIXELS: u64 = 40_000_000;
/// The widths that a cover is served in, those that it has.
pub const WIDTHS: [u32; 4] = [160, 320, 640, 1280];
/// What an image may be: media type, ending of file names, format.
pub const TYPES: [(&str, &str, ImageFormat); 3] =
    [("image/png", "png", ImageFormat::Png), ("image/jpeg", "jpg", ImageFormat::Jpeg), ("image/webp", "webp", ImageFormat::WebP)];

const QUALITY: u8 = 85;
/// What a decoder may allocate, in bytes.
const MEMORY: u64 = 512 * 1024 * 1024;

/// The facts of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Of the bytes, in lower-case hexadecimal.
    pub sha256: String,
    pub bytes: i64,
    pub media_type: &'static str,
    pub width: i32,
    pub height: i32,
    pub sizes: Vec<Size>,
}

/// An image in one of the sizes that are served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Size {
    pub sha256: String,
    pub media_type: &'static str,
    pub width: i32,
    pub height: i32,
    pub body: Vec<u8>,
}

/// The ending of the name of a file of a media type.
pub fn ending(media_type: &str) -> &'static str {
    TYPES.iter().find(|(name, ..)| *name == media_type).map_or("bin", |(_, ending, _)| ending)
}

/// Decodes an image that is called so in what is said of it, and makes its sizes. It blocks.
///
/// # Errors
/// A sentence when it is no image that a cover can be.
pub fn inspect(bytes: &[u8], name: &str) -> Result<Image, String> {
    let format = image::guess_format(bytes).ok();
    let Some((media_type, _, format)) = TYPES.iter().find(|(.., known)| Some(*known) == format) else {
        return Err(format!("{name} is no PNG, JPEG or WebP image, by its first bytes"));
    };
    let damaged = |e: image::ImageError| format!("{name} is a damaged image: {e}");
    if moves(bytes, *format) {
        return Err(format!("{name} is an animated image; send one that stands still"));
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), *format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    let (least, most) = SIDES;
    let fits = |side: u32| (least..=most).contains(&side);
    if !fits(width) || !fits(height) || u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(format!(
            "{name} has {width} × {height} pixels; a cover has sides of {least} to {most} pixels, and at most {} megapixels",
            MAX_PIXELS / 1_000_000
        ));
    }
    // Cameras turn a picture by a note beside it, which is not in what is served.
    let orientation = decoder.orientation().map_err(damaged)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    picture.apply_orientation(orientation);
    Ok(Image {
        sha256: hex(&Sha256::digest(bytes)),
        bytes: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
        media_type,
        width: side(picture.width()),
        height: side(picture.height()),
        sizes: sizes(picture).map_err(|e| format!("{name} cannot be scaled: {e}"))?,
    })
}

fn side(pixels: u32) -> i32 {
    i32::try_from(pixels).unwrap_or(i32::MAX)
}

/// Whether it shows several pictures, one after the other.
fn moves(bytes: &[u8], format: ImageFormat) -> bool {
    match format {
        ImageFormat::Png => PngDecoder::new(Cursor::new(bytes)).and_then(|decoder| decoder.is_apng()).unwrap_or(false),
        ImageFormat::WebP => WebPDecoder::new(Cursor::new(bytes)).is_ok_and(|decoder| decoder.has_animation()),
        _ => false,
    }
}

/// The sizes, the smallest first. Nothing is enlarged; what is opaque becomes a JPEG, what shines through a PNG. Whatever the image says of its maker,
/// camera or place stays behind.
fn sizes(picture: DynamicImage) -> Result<Vec<Size>, image::ImageError> {
    let mut plain = if picture.color().has_alpha() { DynamicImage::ImageRgba8(picture.into_rgba8()) } else { picture };
    let shines = plain.as_rgba8().is_some_and(|all| all.pixels().any(|pixel| pixel.0[3] < u8::MAX));
    if !shines {
        plain = DynamicImage::ImageRgb8(plain.into_rgb8());
    }
    let widest = WIDTHS[WIDTHS.len() - 1].min(plain.width());
    let mut all = Vec::new();
    for width in WIDTHS.into_iter().filter(|width| *width < widest).chain([widest]) {
        let height = u32::try_from((u64::from(plain.height()) * u64::from(width) + u64::from(plain.width()) / 2) / u64::from(plain.width()));
        let height = height.unwrap_or(u32::MAX).max(1);
        let scaled = if width == plain.width() { plain.clone() } else { plain.resize_exact(width, height, Resampling::Triangle) };
        let mut body = Vec::new();
        let media_type = if shines {
            scaled.write_with_encoder(PngEncoder::new_with_quality(&mut body, CompressionType::Default, FilterType::Adaptive))?;
            "image/png"
        } else {
            scaled.write_with_encoder(JpegEncoder::new_with_quality(&mut body, QUALITY))?;
            "image/jpeg"
        };
        all.push(Size { sha256: hex(&Sha256::digest(&body)), media_type, width: side(width), height: side(scaled.height()), body });
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32, alpha: u8) -> DynamicImage {
        let pixel = |x: u32, y: u32| image::Rgba([x.to_le_bytes()[0], y.to_le_bytes()[0], 90, alpha]);
        DynamicImage::ImageRgba8(image::ImageBuffer::from_fn(width, height, pixel))
    }

    fn written(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn sizes_are_those_that_it_has() {
        let widths = |bytes: &[u8]| inspect(bytes, "it").unwrap().sizes.iter().map(|size| (size.width, size.media_type)).collect::<Vec<_>>();
        let opaque = written(&picture(700, 900, 255), ImageFormat::Png);
        assert_eq!(widths(&opaque), [(160, "image/jpeg"), (320, "image/jpeg"), (640, "image/jpeg"), (700, "image/jpeg")]);
        let clear = written(&picture(320, 200, 100), ImageFormat::WebP);
        assert_eq!(widths(&clear), [(160, "image/png"), (320, "image/png")]);
        let large = written(&DynamicImage::ImageRgb8(picture(2_000, 1_000, 255).to_rgb8()), ImageFormat::Jpeg);
        let found = inspect(&large, "it").unwrap();
        assert_eq!((found.media_type, found.width, found.height), ("image/jpeg", 2_000, 1_000));
        assert_eq!(found.sizes.last().map(|size| (size.width, size.height)), Some((1_280, 640)));
        assert_eq!(inspect(&large, "it").unwrap(), found);
        for size in found.sizes {
            let served = image::load_from_memory(&size.body).unwrap();
            assert_eq!((side(served.width()), side(served.height())), (size.width, size.height));
        }
    }

    #[test]
    fn what_no_cover_can_be_is_refused() {
        let good = written(&picture(300, 300, 255), ImageFormat::Png);
        for (bytes, word) in [
            (b"%PDF-1.7".to_vec(), "no PNG"),
            (b"PK\x03\x04".to_vec(), "no PNG"),
            (b"GIF89a".to_vec(), "no PNG"),
            (Vec::new(), "no PNG"),
            (good[..good.len() / 2].to_vec(), "damaged"),
            (written(&picture(199, 300, 255), ImageFormat::Png), "199 × 300"),
        ] {
            let said = inspect(&bytes, "it").unwrap_err();
            assert!(said.contains(word), "{said}");
        }
        // A picture that is said to be enormous takes no memory.
        let mut bomb = good;
        bomb[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
        assert!(inspect(&bomb, "it").is_err());
    }
}
