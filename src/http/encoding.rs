//! Content codings (RFC 9110 section 8.4): which one a client takes, and the coding itself, done once for each representation.
//! No zstd: whoever takes it takes brotli as well, which makes texts of this size smaller.

use std::io::Write;

use actix_web::HttpMessage;
use actix_web::http::header::{ACCEPT_ENCODING, AcceptEncoding, Header, Preference, Quality};
use flate2::Compression;
use flate2::write::GzEncoder;

/// Smaller bodies are sent as they are.
pub const WORTH: usize = 1024;
/// Answers are coded once and sent often; beyond this quality brotli takes several times as long for a few bytes less.
const BROTLI_QUALITY: i32 = 9;

/// How a body is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coding {
    /// As it is.
    Identity,
    Gzip,
    Brotli,
}

impl Coding {
    /// Its name in `Content-Encoding`; the identity is not named.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Brotli => Some("br"),
        }
    }

    /// The coding that a request likes best, brotli first where it makes no difference.
    pub fn preferred(request: &impl HttpMessage) -> Self {
        if !request.headers().contains_key(ACCEPT_ENCODING) {
            return Self::Identity;
        }
        let Ok(accepted) = AcceptEncoding::parse(request) else { return Self::Identity };
        let quality = |wanted: &str| {
            accepted.iter().find_map(|item| match &item.item {
                Preference::Specific(coding) => (coding.to_string() == wanted).then_some(item.quality),
                Preference::Any => (wanted == "*").then_some(item.quality),
            })
        };
        let any = quality("*").unwrap_or(Quality::ZERO);
        // The identity is acceptable unless it is refused, but nobody who names others asks for it (section 12.5.3).
        let identity = quality("identity").unwrap_or(Quality::ZERO);
        let mut best = (Self::Identity, identity);
        for (coding, name) in [(Self::Gzip, "gzip"), (Self::Brotli, "br")] {
            let quality = quality(name).unwrap_or(any);
            if quality > Quality::ZERO && quality >= best.1 {
                best = (coding, quality);
            }
        }
        best.0
    }

    /// Codes a body. The same body gives the same bytes, so their hash can be a strong ETag. `None` when it cannot be, or does not pay.
    pub fn encode(self, body: &[u8]) -> Option<Vec<u8>> {
        let packed = match self {
            Self::Identity => return None,
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 3), Compression::best());
                encoder.write_all(body).and_then(|()| encoder.finish())
            }
            Self::Brotli => {
                let parameters = brotli::enc::BrotliEncoderParams {
                    quality: BROTLI_QUALITY,
                    mode: brotli::enc::backward_references::BrotliEncoderMode::BROTLI_MODE_TEXT,
                    size_hint: body.len(),
                    // A window as large as the body: the default takes megabytes for each coding.
                    lgwin: i32::try_from(usize::BITS - body.len().leading_zeros()).unwrap_or(22).clamp(10, 22),
                    ..Default::default()
                };
                let mut packed = Vec::with_capacity(body.len() / 3);
                brotli::BrotliCompress(&mut &*body, &mut packed, &parameters).map(|_| packed)
            }
        };
        packed.ok().filter(|packed| packed.len() < body.len())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn who_takes_what_gets_what() {
        for (accepted, coding) in [
            ("", Coding::Identity),
            ("gzip", Coding::Gzip),
            ("br", Coding::Brotli),
            ("gzip, deflate, br, zstd", Coding::Brotli),
            ("gzip;q=1.0, br;q=0.5", Coding::Gzip),
            ("br;q=0, gzip", Coding::Gzip),
            ("*", Coding::Brotli),
            ("*;q=0", Coding::Identity),
            ("br;q=0, *", Coding::Gzip),
            ("identity, br;q=0.5", Coding::Identity),
            ("deflate", Coding::Identity),
        ] {
            let request = TestRequest::default().insert_header((ACCEPT_ENCODING, accepted)).to_http_request();
            assert_eq!(Coding::preferred(&request), coding, "{accepted}");
        }
        assert_eq!(Coding::preferred(&TestRequest::default().to_http_request()), Coding::Identity);
    }

    #[test]
    fn what_is_coded_is_the_same_body() {
        let body = "Guides pratiques de la Smart City. ".repeat(100);
        let mut plain = String::new();
        flate2::read::GzDecoder::new(&*Coding::Gzip.encode(body.as_bytes()).unwrap()).read_to_string(&mut plain).unwrap();
        assert_eq!(plain, body);
        let mut plain = Vec::new();
        brotli::BrotliDecompress(&mut &*Coding::Brotli.encode(body.as_bytes()).unwrap(), &mut plain).unwrap();
        assert_eq!(plain, body.as_bytes());
        assert_eq!(Coding::Gzip.encode(b"x"), None, "it would grow");
    }
}
