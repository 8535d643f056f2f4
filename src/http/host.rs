//! The check of the `Host` header on the loopback listener, and the limit on the URL.
//!
//! A website anywhere can make its own name point to 127.0.0.1 and have the broadcaster's browser
//! read this site as if it were its own (DNS rebinding). Such requests carry the website's name.

use axum::{extract::Request, middleware::Next, response::Response};
use http::{StatusCode, header, uri::Authority};

use super::{connection::Via, problem::Problem};

/// Bytes of path and query that are accepted. The longest of ours is under 100.
const MAX_URL: usize = 1024;

pub(super) async fn check(request: Request, next: Next) -> Result<Response, Problem> {
    let length = request
        .uri()
        .path_and_query()
        .map_or(0, |part| part.as_str().len());
    if length > MAX_URL {
        return Err(Problem::new(
            StatusCode::URI_TOO_LONG,
            "This address is too long",
            "Start again from the first page.",
        ));
    }
    if request.extensions().get::<Via>() == Some(&Via::Loopback) && !names_this_computer(&request) {
        return Err(Problem::new(
            StatusCode::MISDIRECTED_REQUEST,
            "This is the local preview of an onion site",
            "It only answers to the name localhost and to loopback addresses.",
        ));
    }
    Ok(next.run(request).await)
}

fn names_this_computer(request: &Request) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    let Some(authority) = host
        .to_str()
        .ok()
        .and_then(|host| host.parse::<Authority>().ok())
    else {
        return false;
    };
    let name = authority.host();
    let bare = name
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(name);
    !authority.as_str().contains('@')
        && (name.eq_ignore_ascii_case("localhost")
            || bare
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback()))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn request(hosts: &[&str]) -> Request {
        let mut request = Request::new(Body::empty());
        for host in hosts {
            request
                .headers_mut()
                .append(header::HOST, host.parse().unwrap());
        }
        request
    }

    #[test]
    fn only_names_of_this_computer_are_accepted() {
        for host in [
            "localhost",
            "LOCALHOST:5051",
            "127.0.0.1:5051",
            "127.9.9.9",
            "[::1]:80",
            "[::1]",
        ] {
            assert!(names_this_computer(&request(&[host])), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "localhost.evil.example",
            "10.0.0.1",
            "0.0.0.0",
            "127.0.0.1.evil.example",
            "a@127.0.0.1",
            "127.0.0.1:80:80",
            "[::2]",
        ] {
            assert!(!names_this_computer(&request(&[host])), "{host}");
        }
        assert!(!names_this_computer(&request(&[])), "no Host at all");
        assert!(
            !names_this_computer(&request(&["localhost", "evil.example"])),
            "two of them"
        );
    }
}
