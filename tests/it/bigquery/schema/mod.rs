//! Tables and columns of a dataset through the whole router: made, changed, hidden for a while, refused, left to their
//! owner. Whatever becomes of a table, every accepted event ends as rows or as a dead letter that says how to repair it.

mod again;
mod conflicts;
mod credentials;
mod flat;
mod guards;
mod load;
mod management;
mod propagation;
mod scene;
mod storm;
mod unmapped;

use scene::{Scene, named, with};
