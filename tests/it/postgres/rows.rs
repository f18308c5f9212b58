//! Which rows events become.

use crate::support::{batch, ids_of, track};

use super::scene::scene;

#[tokio::test]
async fn a_track_call_is_a_row_of_two_tables() {
    let Some((database, router)) = scene("").await else { return };
    let event = track("u", 7);
    let ids = ids_of(std::slice::from_ref(&event));
    router.post("/v1/batch", &batch(&[event])).await.expect_success();
    database.until_rows("thing_done", &ids).await;
    database.until_rows("tracks", &ids).await;
    assert_eq!(database.rows("thing_done").await[0]["n"], 7);
}
