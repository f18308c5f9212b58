//! Tokens: how one is got with the key, how long it is good, and how a key ends.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};

use super::*;

fn claims(cloud: &Cloud) -> Value {
    json!({
        "iss": "stand-in@local.iam.gserviceaccount.com",
        "aud": "http://127.0.0.1:4010/token",
        "iat": cloud.now.as_second(),
        "exp": cloud.now.as_second() + 3600,
        "scope": "https://www.googleapis.com/auth/bigquery",
    })
}

/// Signs with the key of the key file, as a client does.
fn signed(cloud: &mut Cloud, claims: &Value) -> String {
    let key = cloud.control("GET", "key", json!({}));
    let pem: String =
        key["private_key"].as_str().unwrap().lines().filter(|line| !line.starts_with('-')).collect();
    let der = base64::engine::general_purpose::STANDARD.decode(pem).unwrap();
    let pair = RsaKeyPair::from_pkcs8(&der).unwrap();
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(&json!({ "alg": "RS256", "typ": "JWT" })), part(claims));
    let mut signature = vec![0; pair.public().modulus_len()];
    let random = ring::rand::SystemRandom::new();
    pair.sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signature).unwrap();
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn exchange(cloud: &mut Cloud, assertion: &str) -> (u16, Value) {
    let grant = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
    let said = cloud.raw("POST", "/token", &[], format!("grant_type={grant}&assertion={assertion}"));
    (said.status, serde_json::from_str(&said.body).unwrap())
}

fn get(cloud: &mut Cloud, token: &str) -> Said {
    let bearer = format!("Bearer {token}");
    cloud.raw("GET", "/bigquery/v2/projects/local/datasets/d", &[("authorization", &bearer)], "")
}

#[test]
fn a_signed_assertion_becomes_a_token_that_ends() {
    let mut cloud = cloud_with(&[("token_life", "10m")]);
    let right = claims(&cloud);
    let assertion = signed(&mut cloud, &right);
    let (status, body) = exchange(&mut cloud, &assertion);
    assert_eq!((status, &body["expires_in"], &body["token_type"]), (200, &json!(600), &json!("Bearer")));
    let token = body["access_token"].as_str().unwrap();
    assert_eq!(get(&mut cloud, token).status, 200);
    cloud.pass(600);
    let said = get(&mut cloud, token);
    let body = serde_json::from_str(&said.body).unwrap();
    expect(&reason(said.status, &body), 401, "authError", "invalid authentication credentials");
    assert_eq!(said.headers[1].0, "www-authenticate");
    assert_eq!(get(&mut cloud, "").status, 401);
}

#[test]
fn an_assertion_that_is_wrong_is_refused_in_the_words_of_the_token_server() {
    let mut cloud = cloud();
    let right = claims(&cloud);
    let with = |key: &str, value: Value| {
        let mut claims = right.clone();
        claims[key] = value;
        claims
    };
    let now = cloud.now.as_second();
    for (claims, error, words) in [
        (with("iss", json!("other@local")), "invalid_grant", "account not found"),
        (with("aud", json!("http://127.0.0.1:4010/")), "invalid_grant", "audience"),
        (with("iat", json!(now + 600)), "invalid_grant", "iat and exp"),
        (with("exp", json!(now - 600)), "invalid_grant", "iat and exp"),
        (with("exp", json!(now + 3700)), "invalid_grant", "iat and exp"),
        (with("scope", json!("")), "invalid_scope", "scope"),
    ] {
        let assertion = signed(&mut cloud, &claims);
        let (status, body) = exchange(&mut cloud, &assertion);
        assert_eq!((status, &body["error"]), (400, &json!(error)), "{claims}");
        assert!(body["error_description"].as_str().unwrap().contains(words), "{body}");
    }
    let assertion = signed(&mut cloud, &right);
    let forged = format!("{}A", assertion.strip_suffix(|_: char| true).unwrap());
    assert_eq!(exchange(&mut cloud, &forged).0, 400);
    let (_, body) = exchange(&mut cloud, "a.b");
    assert_eq!(body["error"], "invalid_grant");
    assert_eq!(cloud.raw("POST", "/token", &[], "grant_type=password").status, 400);
}

#[test]
fn a_revoked_key_gives_no_token_and_ends_those_that_were_given() {
    let mut cloud = cloud();
    let right = claims(&cloud);
    let assertion = signed(&mut cloud, &right);
    let token = exchange(&mut cloud, &assertion).1["access_token"].as_str().unwrap().to_owned();
    cloud.control("POST", "revoke_key", json!({}));
    assert_eq!(get(&mut cloud, &token).status, 401);
    let (status, body) = exchange(&mut cloud, &assertion);
    assert_eq!((status, &body["error"]), (400, &json!("invalid_grant")));
    cloud.control("POST", "restore_key", json!({}));
    let token = exchange(&mut cloud, &assertion).1["access_token"].as_str().unwrap().to_owned();
    assert_eq!(get(&mut cloud, &token).status, 200);
    cloud.control("POST", "forget_tokens", json!({}));
    assert_eq!(get(&mut cloud, &token).status, 401);
    assert_eq!(exchange(&mut cloud, &assertion).0, 200);
}

#[test]
fn a_machine_asks_its_own_server_for_a_token() {
    let mut cloud = cloud();
    let path = "/computeMetadata/v1/instance/service-accounts/default/token";
    assert_eq!(cloud.raw("GET", path, &[], "").status, 403);
    let said = cloud.raw("GET", path, &[("metadata-flavor", "Google")], "");
    let body: Value = serde_json::from_str(&said.body).unwrap();
    assert_eq!(get(&mut cloud, body["access_token"].as_str().unwrap()).status, 200);
}

#[test]
fn without_auth_anybody_is_let_in() {
    let mut cloud = cloud_with(&[("auth", "off")]);
    assert_eq!(get(&mut cloud, "").status, 200);
}
