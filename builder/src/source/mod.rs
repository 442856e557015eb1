//! The files that a function is made of, as they came from outside.
