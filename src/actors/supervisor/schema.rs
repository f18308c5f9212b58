//! The schemas of the warehouses: asks each manager and puts the answers together.

use std::time::Duration;

use actix::prelude::*;
use futures_util::future::join_all;

use super::Supervisor;
use crate::actors::messages::{DescribeSchema, DescribeSchemas, SchemaReport};

/// How long a manager may take: its log is read from disk once.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

impl Handler<DescribeSchemas> for Supervisor {
    type Result = ResponseFuture<Result<Option<SchemaReport>, String>>;

    fn handle(&mut self, question: DescribeSchemas, _: &mut Context<Self>) -> Self::Result {
        let wanted = question.destination;
        let is_wanted = |name: &str| wanted.as_deref().is_none_or(|wanted| wanted == name);
        let destinations = self.wards.iter().map(|ward| &ward.child).filter(|child| child.replayed.is_none());
        let mut asked: Vec<_> = destinations.filter(|child| is_wanted(&child.name)).collect();
        if asked.is_empty() && wanted.is_some() {
            return Box::pin(std::future::ready(Ok(None)));
        }
        asked.sort_by(|one, other| one.name.cmp(&other.name));
        let managers = asked.into_iter().filter_map(|child| child.schema.as_ref());
        let answers: Vec<_> =
            managers.map(|manager| manager.describe.send(DescribeSchema).timeout(ANSWER_WITHIN)).collect();
        Box::pin(async move {
            let mut whole = SchemaReport::default();
            for answer in join_all(answers).await {
                whole.join(answer.map_err(|error| error.to_string())??);
            }
            Ok(Some(whole))
        })
    }
}
