#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pinlib::fuzzing::run("cluster", bytes));
