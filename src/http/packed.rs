//! Files that are built into the program, in the three forms in which they go over the wire.
//!
//! Each is packed once, or was when it was built. A client that has a file of whichever form is told so; the name with the hash of its content never
//! changes and may be kept for ever. What a file is, and who may load it, is its owner's.

use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH, VARY,
};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use sha2::{Digest, Sha256};

/// Digits of the hash in an immutable name.
const DIGITS: usize = 16;
/// How long a file whose name holds its hash may be kept.
pub(super) const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// One file.
pub(super) struct Packed {
    pub(super) raw: Bytes,
    pub(super) gzip: Bytes,
    pub(super) brotli: Bytes,
    /// SHA-256 in hexadecimal digits.
    hash: String,
}

/// How a file goes over the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Plain,
    Gzip,
    Brotli,
}

impl Packed {
    /// Packs a file: some milliseconds of work for each KiB.
    pub(super) fn new(raw: Bytes) -> Packed {
        let (gzip, brotli) = (gzip(&raw), brotli(&raw));
        Packed { gzip, brotli, hash: hash(&raw), raw }
    }

    /// Returns a file that was packed when it was built.
    pub(super) fn built(raw: &'static [u8], gzip: &'static [u8], brotli: &'static [u8]) -> Packed {
        let [gzip, brotli] = [gzip, brotli].map(Bytes::from_static);
        Packed { gzip, brotli, hash: hash(raw), raw: Bytes::from_static(raw) }
    }

    /// Returns the digits that stand in an immutable name.
    pub(super) fn digits(&self) -> &str {
        self.hash.get(..DIGITS).unwrap_or(&self.hash)
    }

    /// Returns the file, or that the client has it.
    pub(super) fn answer(&self, request: &HttpRequest, age: HeaderValue, kind: HeaderValue) -> HttpResponse {
        let coding = coding(request);
        let (bytes, suffix) = match coding {
            Coding::Plain => (&self.raw, ""),
            Coding::Gzip => (&self.gzip, "-gzip"),
            Coding::Brotli => (&self.brotli, "-br"),
        };
        let mut response = if self.is_known(request) {
            HttpResponse::new(StatusCode::NOT_MODIFIED)
        } else {
            HttpResponse::with_body(StatusCode::OK, bytes.clone()).map_into_boxed_body()
        };
        let headers = response.headers_mut();
        if let Ok(tag) = HeaderValue::try_from(format!("\"{}{suffix}\"", self.hash)) {
            headers.insert(ETAG, tag);
        }
        headers.insert(VARY, HeaderValue::from_name(ACCEPT_ENCODING));
        headers.insert(CACHE_CONTROL, age);
        if !self.is_known(request) {
            headers.insert(CONTENT_TYPE, kind);
            if let Some(name) = suffix.strip_prefix('-') {
                headers.insert(CONTENT_ENCODING, HeaderValue::from_static(name));
            }
        }
        response
    }

    /// Of whichever form: they are one file.
    fn is_known(&self, request: &HttpRequest) -> bool {
        let lines = request.headers().get_all(IF_NONE_MATCH).filter_map(|line| line.to_str().ok());
        let mut tags = lines.flat_map(|line| line.split(',')).map(str::trim);
        tags.any(|tag| {
            let tag = tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"');
            let form = tag.strip_prefix(self.hash.as_str());
            tag == "*" || matches!(form, Some("" | "-gzip" | "-br"))
        })
    }
}

fn hash(raw: &[u8]) -> String {
    Sha256::digest(raw).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The smallest form that the browser takes.
fn coding(request: &HttpRequest) -> Coding {
    let lines = request.headers().get_all(ACCEPT_ENCODING).filter_map(|line| line.to_str().ok());
    let offers: Vec<&str> = lines.flat_map(|line| line.split(',')).collect();
    let takes = |wanted: &str| offers.iter().any(|offer| is_offer(offer, wanted));
    if takes("br") {
        Coding::Brotli
    } else if takes("gzip") {
        Coding::Gzip
    } else {
        Coding::Plain
    }
}

/// A weight of zero is a refusal.
fn is_offer(offer: &str, wanted: &str) -> bool {
    let (name, parameters) = offer.split_once(';').unwrap_or((offer, ""));
    let weight = parameters.trim().strip_prefix("q=").map_or(Ok(1.0), |weight| weight.trim().parse::<f32>());
    name.trim().eq_ignore_ascii_case(wanted) && weight.is_ok_and(|weight| weight > 0.0)
}

fn gzip(raw: &[u8]) -> Bytes {
    let mut packed = Vec::new();
    let mut encoder = flate2::read::GzEncoder::new(raw, flate2::Compression::best());
    std::io::Read::read_to_end(&mut encoder, &mut packed).map_or_else(|_| Bytes::new(), |_| packed.into())
}

fn brotli(raw: &[u8]) -> Bytes {
    let mut packed = Vec::new();
    let mut encoder = brotli::CompressorReader::new(raw, 4096, 11, 22);
    std::io::Read::read_to_end(&mut encoder, &mut packed).map_or_else(|_| Bytes::new(), |_| packed.into())
}
