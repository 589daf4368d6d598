//! Stories of the real binary, from the outside.

mod real;
