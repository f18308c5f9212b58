//! The request body: read under a cap, a time and a budget, and unpacked.
//!
//! The cap holds for the unpacked size, and unpacking stops as soon as it is passed. A body that is too slow is answered
//! with 503 and not 408: four of the SDKs in use drop their events on 408, none does on 503.
//! The `Content-Type` is not looked at: SDKs send JSON under form and text types, and gzip without saying so.

use std::io::Read;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use actix_web::web;
use brotli::Decompressor;
use bytes::{Bytes, BytesMut};
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use futures_util::StreamExt;
use ruzstd::decoding::StreamingDecoder;

use super::answer::Refusal;
use super::budget::Reservation;

/// Packed bodies above this size are unpacked on another thread, so that the worker's other requests go on.
const INLINE_BYTES: usize = 64 * 1024;
/// What is read and thrown away after an early answer so that the connection stays usable; more closes it.
const DRAIN_BYTES: usize = 1024 * 1024;
/// How much room a head may claim for a body before it has come.
const TRUSTED_BYTES: usize = 256 * 1024;
/// What brotli reads at a time.
const BROTLI_BUFFER: usize = 4 * 1024;
/// The window that a decoder of zstd must know at least, and needs to know no more (RFC 9659, section 3).
const ZSTD_WINDOW: u64 = 8 << 20;
const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];

const TOO_SLOW: Refusal = Refusal::Overloaded("the body did not arrive in time");
const CUT: Refusal = Refusal::Overloaded("the body was cut off");
const NO_ROOM: Refusal = Refusal::Overloaded("too much is in flight");
const BROKEN: Refusal = Refusal::BadEncoding("the body is not what its content-encoding says");

/// A body that has arrived.
pub(super) struct Body {
    /// As it was sent, which is what a signature is about.
    pub(super) sent: Bytes,
    /// Unpacked; the same where it was not packed.
    pub(super) text: Bytes,
}

/// Bounds of one body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Most bytes, unpacked.
    pub(super) max_bytes: usize,
    /// How long it may take to arrive.
    pub(super) patience: Duration,
}

/// How a body is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Plain,
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

/// Returns the whole body, unpacked. What it holds of the budget is in the reservation.
///
/// # Errors
/// `body_too_large`, `bad_encoding`, or `overloaded` when the sender is too slow or the budget is spent.
pub(super) async fn read(
    request: &HttpRequest,
    payload: web::Payload,
    bounds: Bounds,
    reservation: &mut Reservation<'_>,
) -> Result<Body, Refusal> {
    let coding = match admit_head(request, bounds.max_bytes) {
        Ok(coding) => coding,
        Err(refusal) => {
            drain(request, payload, bounds.patience).await;
            return Err(refusal);
        }
    };
    let announced = announced_bytes(request).unwrap_or(0);
    let collecting = collect(payload, (announced, bounds.max_bytes), reservation);
    let packed = tokio::time::timeout(bounds.patience, collecting).await.map_err(|_| TOO_SLOW)??;
    let coding = if packed.starts_with(GZIP_MAGIC) { Coding::Gzip } else { coding };
    if coding == Coding::Plain {
        return Ok(Body { text: packed.clone(), sent: packed });
    }
    let text = unpack(packed.clone(), coding, bounds.max_bytes).await?;
    if !reservation.cover(packed.len() + text.len()).await {
        return Err(NO_ROOM);
    }
    Ok(Body { sent: packed, text })
}

/// Reads a small body and throws it away, so that the connection can be used again after an early answer.
pub(super) async fn drain(request: &HttpRequest, mut payload: web::Payload, patience: Duration) {
    if announced_bytes(request).is_some_and(|bytes| bytes > DRAIN_BYTES) {
        return;
    }
    let mut left = DRAIN_BYTES;
    let draining = async {
        while let Some(Ok(chunk)) = payload.next().await {
            left = left.saturating_sub(chunk.len());
            if left == 0 {
                return;
            }
        }
    };
    // A body that does not come in time is left unread, which closes the connection.
    drop(tokio::time::timeout(patience, draining).await);
}

fn announced_bytes(request: &HttpRequest) -> Option<usize> {
    request.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Refuses what the head alone rules out.
fn admit_head(request: &HttpRequest, max_bytes: usize) -> Result<Coding, Refusal> {
    if announced_bytes(request).is_some_and(|bytes| bytes > max_bytes) {
        return Err(Refusal::BodyTooLarge { limit_bytes: max_bytes });
    }
    coding(request)
}

fn coding(request: &HttpRequest) -> Result<Coding, Refusal> {
    let Some(value) = request.headers().get(CONTENT_ENCODING) else { return Ok(Coding::Plain) };
    let is = |name: &str| value.as_bytes().trim_ascii().eq_ignore_ascii_case(name.as_bytes());
    if is("gzip") || is("x-gzip") {
        Ok(Coding::Gzip)
    } else if is("deflate") {
        Ok(Coding::Deflate)
    } else if is("br") {
        Ok(Coding::Brotli)
    } else if is("zstd") {
        Ok(Coding::Zstd)
    } else if is("identity") || is("") {
        Ok(Coding::Plain)
    } else {
        Err(Refusal::BadEncoding("content-encoding must be gzip, deflate, br, zstd or identity"))
    }
}

/// Most bodies are one chunk, which is kept as it is. A longer one gets the room that its head announced, so that it is
/// neither copied while it grows nor keeps twice its size in memory.
async fn collect(
    mut payload: web::Payload,
    (announced, max_bytes): (usize, usize),
    reservation: &mut Reservation<'_>,
) -> Result<Bytes, Refusal> {
    let Some(first) = payload.next().await else { return Ok(Bytes::new()) };
    let first = first.map_err(|_| CUT)?;
    admit(first.len(), max_bytes, reservation).await?;
    let Some(second) = payload.next().await else { return Ok(first) };
    let second = second.map_err(|_| CUT)?;
    let mut body = BytesMut::with_capacity(announced.min(TRUSTED_BYTES).max(first.len() + second.len()));
    body.extend_from_slice(&first);
    let mut next = Some(Ok(second));
    while let Some(chunk) = next {
        let chunk = chunk.map_err(|_: PayloadError| CUT)?;
        admit(body.len() + chunk.len(), max_bytes, reservation).await?;
        body.extend_from_slice(&chunk);
        next = payload.next().await;
    }
    Ok(body.freeze())
}

/// While it waits for room nothing more is read, which slows the sender down.
async fn admit(bytes: usize, max_bytes: usize, reservation: &mut Reservation<'_>) -> Result<(), Refusal> {
    if bytes > max_bytes {
        return Err(Refusal::BodyTooLarge { limit_bytes: max_bytes });
    }
    if reservation.cover(bytes).await { Ok(()) } else { Err(NO_ROOM) }
}

async fn unpack(packed: Bytes, coding: Coding, max_bytes: usize) -> Result<Bytes, Refusal> {
    if packed.len() <= INLINE_BYTES {
        return inflate(&packed, coding, max_bytes);
    }
    let work = move || inflate(&packed, coding, max_bytes);
    web::block(work).await.unwrap_or(Err(Refusal::Overloaded("the router is stopping")))
}

/// Unpacks at most one byte more than allowed.
fn inflate(packed: &[u8], coding: Coding, max_bytes: usize) -> Result<Bytes, Refusal> {
    let mut body = Vec::with_capacity(packed.len().saturating_mul(4).min(max_bytes));
    let most = max_bytes as u64 + 1;
    let unpacked = match coding {
        Coding::Plain => return Ok(Bytes::copy_from_slice(packed)),
        Coding::Gzip => MultiGzDecoder::new(packed).take(most).read_to_end(&mut body),
        Coding::Deflate if is_zlib(packed) => ZlibDecoder::new(packed).take(most).read_to_end(&mut body),
        Coding::Deflate => DeflateDecoder::new(packed).take(most).read_to_end(&mut body),
        Coding::Brotli => Decompressor::new(packed, BROTLI_BUFFER).take(most).read_to_end(&mut body),
        Coding::Zstd => {
            let decoder =
                StreamingDecoder::new_with_max_window_size(packed, ZSTD_WINDOW).map_err(|_| BROKEN)?;
            decoder.take(most).read_to_end(&mut body)
        }
    };
    if body.len() > max_bytes {
        return Err(Refusal::BodyTooLarge { limit_bytes: max_bytes });
    }
    unpacked.map_err(|_| BROKEN)?;
    Ok(Bytes::from(body))
}

/// `deflate` means zlib (RFC 9110, section 8.4.1.2), but some clients send the bare stream.
fn is_zlib(packed: &[u8]) -> bool {
    match packed {
        [method, flags, ..] => method & 0x0f == 8 && u16::from_be_bytes([*method, *flags]).is_multiple_of(31),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use std::io::Write;

    const TEXT: &[u8] = b"{\"event\":\"Order Completed\"}";

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn gzip_and_both_forms_of_deflate_are_unpacked() {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(TEXT).unwrap();
        let mut bare = DeflateEncoder::new(Vec::new(), Compression::fast());
        bare.write_all(TEXT).unwrap();
        assert_eq!(inflate(&gzip(TEXT), Coding::Gzip, 100).unwrap(), TEXT);
        assert_eq!(inflate(&zlib.finish().unwrap(), Coding::Deflate, 100).unwrap(), TEXT);
        assert_eq!(inflate(&bare.finish().unwrap(), Coding::Deflate, 100).unwrap(), TEXT);
    }

    fn brotli(text: &[u8]) -> Vec<u8> {
        let mut packed = Vec::new();
        brotli::CompressorWriter::new(&mut packed, 4096, 5, 22).write_all(text).unwrap();
        packed
    }

    fn zstd(text: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(text, ruzstd::encoding::CompressionLevel::Fastest)
    }

    #[test]
    fn brotli_and_zstd_are_unpacked_up_to_the_cap() {
        for (coding, packed, bomb) in [
            (Coding::Brotli, brotli(TEXT), brotli(&vec![b' '; 20 << 20])),
            (Coding::Zstd, zstd(TEXT), zstd(&vec![b' '; 20 << 20])),
        ] {
            assert_eq!(inflate(&packed, coding, TEXT.len()).unwrap(), TEXT, "{coding:?}");
            let refused = inflate(&bomb, coding, 1000).unwrap_err();
            assert_eq!(refused, Refusal::BodyTooLarge { limit_bytes: 1000 }, "{coding:?}");
            for broken in [&packed[..packed.len() - 3], TEXT, b""] {
                assert_eq!(inflate(broken, coding, 100).unwrap_err(), BROKEN, "{coding:?} {}", broken.len());
            }
        }
        // A frame that asks for a window of 1 GiB: magic, no content size, exponent 20.
        let wide = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 20 << 3, 0x01, 0x00, 0x00];
        assert_eq!(inflate(&wide, Coding::Zstd, 100).unwrap_err(), BROKEN);
    }

    #[test]
    fn two_gzip_members_are_one_body() {
        let packed = [gzip(b"{\"a\":"), gzip(b"1}")].concat();
        assert_eq!(inflate(&packed, Coding::Gzip, 100).unwrap(), &b"{\"a\":1}"[..]);
    }

    #[test]
    fn a_bomb_stops_at_the_cap() {
        let bomb = gzip(&vec![b' '; 20 * 1024 * 1024]);
        let refused = inflate(&bomb, Coding::Gzip, 1000).unwrap_err();
        assert_eq!(refused, Refusal::BodyTooLarge { limit_bytes: 1000 });
    }

    #[test]
    fn a_body_of_exactly_the_cap_passes() {
        assert_eq!(inflate(&gzip(TEXT), Coding::Gzip, TEXT.len()).unwrap(), TEXT);
        assert!(inflate(&gzip(TEXT), Coding::Gzip, TEXT.len() - 1).is_err());
    }

    #[test]
    fn a_cut_or_foreign_body_is_a_bad_encoding() {
        let whole = gzip(TEXT);
        assert_eq!(inflate(&whole[..whole.len() - 3], Coding::Gzip, 100).unwrap_err(), BROKEN);
        assert_eq!(inflate(TEXT, Coding::Gzip, 100).unwrap_err(), BROKEN);
    }
}
