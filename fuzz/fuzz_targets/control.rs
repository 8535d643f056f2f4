//! Any bytes as a line of the control protocol: no panic, a request is written as it is read, and a
//! refusal is short.
#![no_main]

use libfuzzer_sys::fuzz_target;
use onionstream_fuzz::control::request::Request;

fuzz_target!(|bytes: &[u8]| {
    let Ok(line) = std::str::from_utf8(bytes) else {
        return;
    };
    match Request::parse(line) {
        Ok(request) => {
            let line = request.to_string();
            assert_eq!(Request::parse(&line), Ok(request));
        }
        Err(error) => assert!(error.to_string().len() < 400),
    }
});
