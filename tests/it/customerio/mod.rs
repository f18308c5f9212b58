//! Customer.io: the real binary before its stand-in. What six calls become there, what every kind of answer does, and that
//! a crash costs no event, no order and no exactness.

mod answers;
mod calls;
mod cli;
mod crash;
mod stand_in;
