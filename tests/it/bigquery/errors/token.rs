//! No token, no event: the destination is held with the token server's words, nothing dies, and it resumes by itself.

use serde_json::json;

use super::{Scene, thing};

#[tokio::test]
async fn a_token_that_google_has_forgotten_is_renewed_without_a_failure() {
    let scene = Scene::with_tables("").await;
    let tokens = scene.asked("token").await;
    scene.cloud.forget_tokens().await;
    let ids = scene.send(&[thing(10), thing(11)]).await;
    scene.until_in("thing", &ids).await;
    scene.until_in("tracks", &ids).await;
    scene.until_delivered(6).await;
    let entry = scene.router.destination("bq").await;
    assert_eq!((&entry["last_error"], &entry["state"]), (&json!(null), &json!("flowing")), "{entry}");
    assert_eq!(scene.asked("token").await, tokens + 1, "one fresh token for all");
    assert_eq!(scene.rows("thing").await.len(), 6);
}

#[tokio::test]
async fn a_revoked_key_holds_the_destination_until_it_is_good_again() {
    let scene = Scene::with_tables("").await;
    scene.cloud.revoke_key().await;
    let ids = scene.send(&[thing(10), thing(11)]).await;
    assert_eq!(scene.until_state("held").await, "unauthorized");
    let entry = scene.until_error("invalid_grant: Invalid JWT Signature.").await;
    assert_eq!(entry["counts"]["dead"], json!({}), "{entry}");
    let ready = scene.ready().await;
    assert!(ready.contains("held: unauthorized"), "{ready}");
    let asked = scene.asked("token").await;
    scene.until_asked("token", asked).await;
    scene.cloud.restore_key().await;
    scene.until_in("thing", &ids).await;
    scene.until_delivered(6).await;
    scene.until_state("flowing").await;
    assert_eq!(scene.rows("thing").await.len(), 6);
}

#[tokio::test]
async fn every_word_of_the_token_server_holds_and_kills_nothing() {
    let scene = Scene::with_tables("").await;
    let mut delivered = 4;
    for (status, word, words) in [
        (401, "invalid_client", "The OAuth client was not found."),
        (401, "unauthorized_client", "Client is unauthorized to retrieve access tokens."),
        (
            400,
            "invalid_grant",
            "Invalid JWT: Token must be a short-lived token and in a reasonable timeframe.",
        ),
        (400, "invalid_grant", "Invalid grant: account not found"),
    ] {
        scene.cloud.forget_tokens().await;
        scene.cloud.say(json!({ "on": "token", "status": status, "reason": word, "message": words })).await;
        let ids = scene.send(&[thing(delivered)]).await;
        assert_eq!(scene.until_state("held").await, "unauthorized", "{word}");
        scene.until_error(&format!("{word}: {words}")).await;
        scene.cloud.be_itself().await;
        scene.until_in("thing", &ids).await;
        delivered += 1;
        scene.until_delivered(delivered).await;
    }
}

#[tokio::test]
async fn a_token_server_that_is_ill_is_no_reason_to_hold() {
    let scene = Scene::with_tables("").await;
    scene.cloud.forget_tokens().await;
    scene.cloud.behave(json!({ "mode": 503, "on": "token", "times": 3 })).await;
    let ids = scene.send(&[thing(10)]).await;
    scene.until_in("thing", &ids).await;
    scene.until_delivered(5).await;
    assert!(!scene.router.log().contains("is held"), "{}", scene.router.log());
}

#[tokio::test]
async fn a_request_that_is_unauthorized_with_a_fresh_token_holds_the_destination() {
    let scene = Scene::with_tables("").await;
    let words = "Request had invalid authentication credentials.";
    scene.cloud.say(json!({ "on": "insert", "status": 401, "reason": "authError", "message": words })).await;
    let ids = scene.send(&[thing(10)]).await;
    assert_eq!(scene.until_state("held").await, "unauthorized");
    scene.until_error(words).await;
    scene.cloud.be_itself().await;
    scene.until_in("thing", &ids).await;
    scene.until_delivered(5).await;
}
