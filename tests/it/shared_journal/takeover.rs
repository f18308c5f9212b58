//! Partitions that move between routers that live.

use super::{cluster, config, disordered, held, repeated, send, until_held};
use crate::support::{Receiver, Router, until};

#[tokio::test]
async fn a_router_that_joins_gets_a_share_and_no_user_is_served_by_two() {
    let cluster = cluster();
    let receiver = Receiver::start();
    let config = config(&cluster, "").webhook("hook", &receiver.url(), "");
    let one = Router::start(config.clone()).await;
    until_held(&one, 4).await;
    let mut ids = send(&one, 40, 0).await;
    let mut other = Router::start(config).await;
    let mut n = 1;
    until("both have a share", 40, async || {
        ids.extend(send(&one, 40, n).await);
        ids.extend(send(&other, 40, n + 1).await);
        n += 2;
        held(&one).await == 2 && held(&other).await == 2
    })
    .await;
    ids.extend(send(&one, 40, n).await);
    receiver.until_taken(&ids).await;
    other.stop().await;
    ids.extend(send(&one, 40, n + 1).await);
    receiver.until_taken(&ids).await;
    until_held(&one, 4).await;
    assert_eq!(disordered(&receiver), Vec::<String>::new());
    assert_eq!(repeated(&receiver), Vec::<String>::new(), "both handed over what they had settled");
}
