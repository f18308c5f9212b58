//! The stand-in by requests and answers.
