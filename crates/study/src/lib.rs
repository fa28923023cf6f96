//! Studies made of the other crates: real against synthetic, sweeps, and the report on them.
//!
//! Nothing lives here yet; `zview compare` and `zview report` will.
