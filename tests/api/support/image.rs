//! Images, made as they are needed.

use std::io::Cursor;

use image::{DynamicImage, ImageBuffer, ImageFormat, Rgba};

/// An image with a colour that changes all over it; `alpha` is 255 for one that is opaque.
pub fn image(width: u32, height: u32, alpha: u8, format: ImageFormat) -> Vec<u8> {
    let picture = DynamicImage::ImageRgba8(ImageBuffer::from_fn(width, height, |x, y| {
        Rgba([x.to_le_bytes()[0], y.to_le_bytes()[0], (x + y).to_le_bytes()[0], alpha])
    }));
    let picture = if alpha == u8::MAX { DynamicImage::ImageRgb8(picture.to_rgb8()) } else { picture };
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).expect("an image");
    bytes.into_inner()
}

/// The width and height of an image that was served.
pub fn sides(bytes: &[u8]) -> (i64, i64) {
    let picture = image::load_from_memory(bytes).expect("an image");
    (picture.width().into(), picture.height().into())
}
