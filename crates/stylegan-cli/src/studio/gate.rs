//! Who may talk to the studio: every request passes here, whatever it asks for.
//!
//! Three questions. Is it addressed to us by a name that only we have (a page that was made to resolve to
//! this computer's address is not)? Does it come from one of our own pages, as far as the browser says? Does
//! its sender hold the cookie that the link in the terminal gave out?

use anyhow::Context;
use axum::http::{HeaderMap, StatusCode, header};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};

/// Links that may be unused at a time; the oldest is forgotten first.
const MAX_LINKS: usize = 16;

/// The rules for one studio.
pub(super) struct Gate {
    address: SocketAddr,
    cookie: String,
    secret: String,
    /// Tokens that open the studio once each.
    tokens: Mutex<Vec<String>>,
}

/// Why a request is turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It is addressed to a name that is not ours.
    Host,
    /// It comes from another site.
    Origin,
    /// It holds no cookie of this studio.
    Cookie,
}

impl Refusal {
    /// The status of the answer, and a sentence on what to do.
    pub(super) fn answer(self) -> (StatusCode, &'static str) {
        match self {
            Refusal::Host => (
                StatusCode::FORBIDDEN,
                "This address does not belong to the studio: open it by the link that stands in the terminal.",
            ),
            Refusal::Origin => (StatusCode::FORBIDDEN, "Other sites may not use the studio."),
            Refusal::Cookie => (
                StatusCode::UNAUTHORIZED,
                "Open the studio by the newest link that stands in its terminal: each works once, in one browser.",
            ),
        }
    }
}

impl Gate {
    /// The gate of a studio that listens at `address`.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub(super) fn new(address: SocketAddr) -> anyhow::Result<Self> {
        // Cookies belong to a host, not to a port: two studios beside each other have two names.
        let cookie = format!("stylegan-studio-{}", address.port());
        Ok(Self { address, cookie, secret: random()?, tokens: Mutex::new(vec![]) })
    }

    /// A new link, which opens the studio in one browser.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub(super) fn link(&self) -> anyhow::Result<String> {
        let token = random()?;
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() >= MAX_LINKS {
            tokens.remove(0);
        }
        tokens.push(token.clone());
        // Nobody reaches "all addresses" by that name.
        let host = match self.address.ip() {
            ip if ip.is_unspecified() => IpAddr::from([127, 0, 0, 1]),
            ip => ip,
        };
        Ok(format!("http://{}/?token={token}", SocketAddr::new(host, self.address.port())))
    }

    /// Takes a token; returns the cookie that it is exchanged for.
    pub(super) fn exchange(&self, token: &str) -> Option<String> {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let at = tokens.iter().position(|known| equal(known, token))?;
        tokens.remove(at);
        Some(format!("{}={}; Path=/; HttpOnly; SameSite=Strict", self.cookie, self.secret))
    }

    /// Whether a request is addressed to us and comes from no other site.
    ///
    /// # Errors
    /// The reason to turn it away.
    pub(super) fn check_origin(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let host = single(headers, header::HOST).flatten().filter(|host| self.is_ours(host)).ok_or(Refusal::Host)?;
        let origin = single(headers, header::ORIGIN).ok_or(Refusal::Origin)?;
        if origin.is_some_and(|origin| origin.strip_prefix("http://") != Some(host)) {
            return Err(Refusal::Origin);
        }
        // Browsers say so also where they send no Origin: pictures, scripts, frames.
        match single(headers, header::HeaderName::from_static("sec-fetch-site")).ok_or(Refusal::Origin)? {
            None | Some("same-origin" | "none") => Ok(()),
            Some(_) => Err(Refusal::Origin),
        }
    }

    /// Whether a request holds the cookie of this studio.
    ///
    /// # Errors
    /// The reason to turn it away.
    pub(super) fn check_cookie(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = pairs.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        match pairs.any(|(name, value)| name == self.cookie && equal(value, &self.secret)) {
            true => Ok(()),
            false => Err(Refusal::Cookie),
        }
    }

    /// Whether `host` names this studio: this computer where only it can reach us; where others can, also a
    /// bare number, which no one can make point elsewhere.
    fn is_ours(&self, host: &str) -> bool {
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, port.parse().ok()),
            _ => (host, Some(80)),
        };
        let number = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
        let number: Option<IpAddr> = number.parse().ok();
        let known = match number {
            Some(number) => number.is_loopback() || !self.address.ip().is_loopback(),
            None => name.eq_ignore_ascii_case("localhost"),
        };
        known && port == Some(self.address.port())
    }
}

/// The value of a header: none where it is missing, an error (the outer none) where it is not text or
/// stands there twice.
fn single(headers: &HeaderMap, name: header::HeaderName) -> Option<Option<&str>> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Some(None),
        (Some(value), None) => value.to_str().ok().map(Some),
        (Some(_), Some(_)) => None,
    }
}

/// 128 random bits, in hexadecimal.
fn random() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).context("the system gives no random numbers for the studio's link")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Whether two secrets are equal, in a time that does not say how far they are.
fn equal(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |differing, (a, b)| differing | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let parse =
            |(name, value): &(&str, &str)| Some((name.parse::<HeaderName>().ok()?, value.parse::<HeaderValue>().ok()?));
        let mut map = HeaderMap::new();
        for (name, value) in pairs.iter().filter_map(parse) {
            map.append(name, value);
        }
        map
    }

    fn gate(address: &str) -> anyhow::Result<Gate> {
        Gate::new(address.parse()?)
    }

    #[test]
    fn only_our_own_names_are_answered_to() -> anyhow::Result<()> {
        let gate = gate("127.0.0.1:7531")?;
        for host in ["127.0.0.1:7531", "localhost:7531", "LOCALHOST:7531", "[::1]:7531"] {
            assert_eq!(gate.check_origin(&headers(&[("host", host)])), Ok(()), "{host}");
        }
        let hosts =
            ["evil.example:7531", "127.0.0.1", "127.0.0.1:80", "localhost.evil.example:7531", "192.168.1.5:7531", ""];
        for host in hosts.into_iter().chain(["127.0.0.1:7531:7531", "[::1]", "user@127.0.0.1:7531"]) {
            assert_eq!(gate.check_origin(&headers(&[("host", host)])), Err(Refusal::Host), "{host}");
        }
        assert_eq!(gate.check_origin(&headers(&[])), Err(Refusal::Host));
        let twice = headers(&[("host", "127.0.0.1:7531"), ("host", "127.0.0.1:7531")]);
        assert_eq!(gate.check_origin(&twice), Err(Refusal::Host));
        Ok(())
    }

    #[test]
    fn other_sites_are_turned_away() -> anyhow::Result<()> {
        let gate = gate("127.0.0.1:7531")?;
        let from = |name: &str, value: &str| gate.check_origin(&headers(&[("host", "localhost:7531"), (name, value)]));
        assert_eq!(from("origin", "http://localhost:7531"), Ok(()));
        for origin in ["null", "file://", "http://127.0.0.1:7531", "https://localhost:7531", "http://localhost:7532"] {
            assert_eq!(from("origin", origin), Err(Refusal::Origin), "{origin}");
        }
        assert_eq!((from("sec-fetch-site", "same-origin"), from("sec-fetch-site", "none")), (Ok(()), Ok(())));
        assert_eq!(from("sec-fetch-site", "cross-site"), Err(Refusal::Origin));
        assert_eq!(from("sec-fetch-site", "same-site"), Err(Refusal::Origin));
        Ok(())
    }

    /// Numbers cannot be made to point elsewhere, so that where others may come they are enough.
    #[test]
    fn an_open_studio_answers_to_numbers_and_not_to_names() -> anyhow::Result<()> {
        for address in ["0.0.0.0:7531", "192.168.1.5:7531", "[::]:7531"] {
            let gate = gate(address)?;
            let to = |host: &str| gate.check_origin(&headers(&[("host", host)])).is_ok();
            assert!(to("192.168.1.5:7531") && to("[fe80::1]:7531") && to("localhost:7531"), "{address}");
            assert!(!to("evil.example:7531") && !to("192.168.1.5:80"), "{address}");
        }
        Ok(())
    }

    #[test]
    fn a_token_opens_once_and_the_cookie_stays() -> anyhow::Result<()> {
        let gate = gate("127.0.0.1:7531")?;
        let link = gate.link()?;
        let token = link.split_once("token=").map(|(_, token)| token).unwrap_or_default();
        assert_eq!((token.len(), gate.exchange("")), (32, None));
        let cookie = gate.exchange(token).unwrap_or_default();
        assert!(cookie.contains("; HttpOnly; SameSite=Strict"), "{cookie}");
        assert_eq!(gate.exchange(token), None);
        let pair = cookie.split(';').next().unwrap_or_default();
        assert_eq!(gate.check_cookie(&headers(&[("cookie", &format!("a=b; {pair}"))])), Ok(()));
        let wrong = pair.replace("=", "=0");
        for cookie in ["", "a=b", &wrong, &pair.replace("7531", "7532")] {
            assert_eq!(gate.check_cookie(&headers(&[("cookie", cookie)])), Err(Refusal::Cookie), "{cookie}");
        }
        Ok(())
    }
}
