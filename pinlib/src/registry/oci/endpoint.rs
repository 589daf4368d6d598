//! Where a registry is, and where a request may go from there.

use super::answer::clean;
use crate::{http::Answer, image::Reference};
use reqwest::{Url, header::LOCATION};
use std::net::{Ipv4Addr, Ipv6Addr};

/// The place of one registry.
#[derive(Debug)]
pub(super) struct Endpoint<'a> {
    host: &'a str,
    /// Registries that the user allowed to be spoken to in plain http.
    plain_http: &'a [String],
}

impl<'a> Endpoint<'a> {
    pub(super) fn of(image: &'a Reference, plain_http: &'a [String]) -> Self {
        // What references call docker.io answers elsewhere.
        let host = if image.registry() == "docker.io" { "registry-1.docker.io" } else { image.registry() };
        Self { host, plain_http }
    }
    pub(super) fn host(&self) -> &str {
        self.host
    }
    /// The address of a thing in the image's repository. Nothing in it needs escaping: all of it was parsed.
    pub(super) fn url(&self, image: &Reference, what: &str) -> Result<Url, impl std::fmt::Display + use<>> {
        let scheme = if self.allows_plain(self.host) { "http" } else { "https" };
        format!("{scheme}://{}/v2/{}/{what}", self.host, image.repository()).parse::<Url>()
    }
    /// Whether an address is this registry's own: same scheme, host and port.
    pub(super) fn owns(&self, url: &Url) -> bool {
        let scheme = if self.allows_plain(self.host) { "http" } else { "https" };
        format!("{scheme}://{}/", self.host).parse::<Url>().is_ok_and(|own| own.origin() == url.origin())
    }

    fn allows_plain(&self, host: &str) -> bool {
        is_loopback(host) || self.plain_http.iter().any(|allowed| allowed.eq_ignore_ascii_case(host))
    }
    /// Whether what this registry names may be asked: over https; in plain http only by a registry that is itself
    /// spoken to so, and only at loopback or where the user allowed it.
    fn may_send_to(&self, url: &Url) -> Result<(), String> {
        let named = url.host_str().unwrap_or_default();
        let host = url.port().map_or_else(|| named.to_owned(), |port| format!("{named}:{port}"));
        let place = clean(&host);
        if !url.username().is_empty() || url.password().is_some() {
            return Err(format!("{place}, with a credential in its address"));
        }
        match url.scheme() {
            "https" => Ok(()),
            "http" if self.allows_plain(self.host) && self.allows_plain(&host) => Ok(()),
            "http" => Err(format!("{place} in plain http")),
            other => Err(format!("{:?}, which is not https", clean(other))),
        }
    }
    /// The token server that a challenge of this registry names.
    pub(super) fn realm(&self, realm: &str) -> Result<Url, String> {
        let refused = |why: String| format!("{} wants its login sent to {why}", self.host);
        let url = realm.parse::<Url>().map_err(|error| refused(format!("{:?}: {error}", clean(realm))))?;
        self.may_send_to(&url).map_err(refused)?;
        Ok(url)
    }
    /// Where a redirect leads.
    pub(super) fn redirected(&self, answer: &Answer) -> Result<Url, String> {
        let refused = |why: String| format!("{} redirects to {why}", self.host);
        let location = answer.headers.get(LOCATION).and_then(|value| value.to_str().ok());
        let location = location.ok_or_else(|| refused("no place that can be read".into()))?;
        let url =
            answer.url.join(location).map_err(|error| refused(format!("{:?}: {error}", clean(location))))?;
        self.may_send_to(&url).map_err(refused)?;
        Ok(url)
    }
}

/// Whether a registry, `HOST` or `HOST:PORT`, is this machine, by its name alone.
fn is_loopback(registry: &str) -> bool {
    let name = match registry.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => registry,
    };
    let v6 = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
        || v6.and_then(|ip| ip.parse::<Ipv6Addr>().ok()).is_some_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_known_by_its_name() {
        for name in ["localhost", "localhost:5000", "127.0.0.1:1", "127.9.9.9", "[::1]", "[::1]:5000"] {
            assert!(is_loopback(name), "{name}");
        }
        for name in [
            "localhost.example.com",
            "example.com:127",
            "128.0.0.1",
            "127.1",
            "[::2]:5000",
            "0.0.0.0:80",
            "::1",
        ] {
            assert!(!is_loopback(name), "{name}");
        }
    }

    #[test]
    fn addresses_are_where_registries_are() {
        for (name, address) in [
            ("nginx", "https://registry-1.docker.io/v2/library/nginx/x"),
            ("index.docker.io/acme/app", "https://registry-1.docker.io/v2/acme/app/x"),
            ("ghcr.io/acme/app:v1", "https://ghcr.io/v2/acme/app/x"),
            ("127.0.0.1:5000/app", "http://127.0.0.1:5000/v2/app/x"),
            ("[::1]:5000/app", "http://[::1]:5000/v2/app/x"),
            ("registry.lan/app", "http://registry.lan/v2/app/x"),
            ("registry.lan:5000/app", "https://registry.lan:5000/v2/app/x"),
            ("ghcr.io:443/app", "https://ghcr.io/v2/app/x"),
        ] {
            let (image, allowed) = (name.parse().expect(name), ["Registry.lan".to_owned()]);
            let endpoint = Endpoint::of(&image, &allowed);
            let url = endpoint.url(&image, "x").map_err(|error| error.to_string()).expect(name);
            assert_eq!(url.as_str(), address);
            assert!(endpoint.owns(&url), "{name}");
            for other in
                ["https://ghcr.io:8443/v2/app", "http://ghcr.io/v2/app", "https://ghcr.io.evil.test/v2/app"]
            {
                assert!(!endpoint.owns(&other.parse().expect(other)), "{name} {other}");
            }
        }
    }

    #[test]
    fn a_registry_sends_its_login_to_https_alone() {
        let image = |text: &str| text.parse::<Reference>().expect("an image");
        let (hub, local) = (image("nginx"), image("localhost:5000/app"));
        let allowed = ["registry.lan:8080".to_owned()];
        let lan = image("registry.lan:8080/app");
        let [hub, local, lan] = [&hub, &local, &lan].map(|image| Endpoint::of(image, &allowed));
        assert!(hub.realm("https://auth.docker.io/token").is_ok());
        assert!(local.realm("https://auth.example.com/token").is_ok());
        assert!(local.realm("http://127.0.0.1:5001/token").is_ok());
        assert!(lan.realm("http://registry.lan:8080/token").is_ok());
        for (endpoint, realm) in [
            (&hub, "http://auth.docker.io/token"),
            (&hub, "http://127.0.0.1/token"),
            (&hub, "http://registry.lan:8080/token"),
            (&hub, "https://user:secret@auth.docker.io/token"),
            (&local, "http://auth.example.com/token"),
            (&lan, "http://registry.lan/token"),
            (&hub, "/token"),
            (&hub, "file:///token"),
            (&hub, ""),
        ] {
            let refused = endpoint.realm(realm).expect_err(realm);
            assert!(!refused.contains("secret"), "{refused}");
        }
    }
}
