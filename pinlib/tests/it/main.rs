//! The real backends, held to the suites of the testkit.
