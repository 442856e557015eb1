//! Builds with the real uv and the real index, and functions in the real guest.

mod hostile;
mod packages;
mod programs;
mod shop;
