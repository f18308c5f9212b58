//! The Standard Webhooks signature, recomputed from its definition: HMAC-SHA256 over `id.timestamp.body`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::send;
use crate::support::{Config, Received, Receiver, Router};

fn expected(key: &[u8], delivery: &Received) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length will do");
    mac.update(delivery.headers["webhook-id"].as_bytes());
    mac.update(b".");
    mac.update(delivery.headers["webhook-timestamp"].as_bytes());
    mac.update(b".");
    mac.update(&delivery.body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

async fn expect_signed(secret: &str, key: &[u8]) {
    let receiver = Receiver::start();
    let extra = format!("secret = \"{secret}\"");
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), &extra)).await;
    let ids = send(&router, "u", 5).await;
    receiver.until_taken(&ids).await;
    for delivery in receiver.requests() {
        let signatures = &delivery.headers["webhook-signature"];
        assert!(signatures.split(' ').any(|one| one == expected(key, &delivery)), "{delivery:?}");
    }
}

#[tokio::test]
async fn a_standard_secret_signs_with_its_decoded_bytes() {
    let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    expect_signed("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &key).await;
}

#[tokio::test]
async fn any_other_secret_signs_with_its_own_bytes() {
    expect_signed("not a standard secret", b"not a standard secret").await;
}

#[tokio::test]
async fn without_a_secret_nothing_is_signed() {
    let receiver = Receiver::start();
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), "")).await;
    let ids = send(&router, "u", 1).await;
    receiver.until_taken(&ids).await;
    assert!(!receiver.requests()[0].headers.contains_key("webhook-signature"));
}
