//! `pinlib`, the command line: arguments become a request, an outcome becomes an exit code.
fn main() {}
