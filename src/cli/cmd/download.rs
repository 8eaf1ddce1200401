//! One answer of a web server. In: an address. Out: the body of an answer that is good and short. Never: an error page
//! taken for an answer, more than asked for, or a wait without end.
//!
//! curl does it. What is fetched here carries a signature of its own, so the transport need not be trusted; and curl has
//! the proxies, the resolver and the roots that the machine is set up for, where a crate would bring TLS into a program
//! that is off line otherwise.

use super::progress;
use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::Duration;
use virt_sev::{Error, Kind, Result};

/// The most that is read, headers and all: a certificate has 2084 bytes.
const MOST: u64 = 64 << 10;

/// Gets what is at `url`, within so many seconds.
///
/// # Errors
/// `Kind::Usage` for an address that is not the web's; `Kind::Timeout`; `Kind::State` when the server does not answer
/// or refuses; `Kind::Certificate` when it has nothing there, or far too much.
pub(super) fn get(url: &str, seconds: u32) -> Result<Vec<u8>> {
    if !["http://", "https://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err(Error::new(Kind::Usage, "this is not the address of a web server")
            .at("--cek-url")
            .wanted("http://… or https://…"));
    }
    let _told = progress::waiting("asking the key service", Duration::ZERO);
    let mut child = Command::new("curl")
        // First, as it must be: no ~/.curlrc.
        .arg("--disable")
        .args(["--silent", "--show-error", "--include", "--globoff", "--proto", "=http,https"])
        .args(["--max-time", &seconds.to_string(), "--url", url])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| {
            Error::new(Kind::State, "curl cannot be started").because(e).hint(format!(
                "Install it, or fetch {url} by any other means, and give the file with --cek FILE."
            ))
        })?;
    let (mut answer, mut said) = (Vec::new(), String::new());
    let read = match child.stdout.take() {
        Some(out) => out.take(MOST + 1).read_to_end(&mut answer).map(drop),
        None => Ok(()),
    };
    let endless = answer.len() as u64 > MOST;
    if endless {
        let _ = child.kill();
    }
    if let Some(err) = child.stderr.take() {
        let _ = err.take(4096).read_to_string(&mut said);
    }
    let status = read.and_then(|()| child.wait());
    let failed = |kind, what: &str| Error::new(kind, what).at(url);
    if endless {
        return Err(failed(Kind::Certificate, "the answer is far too long for a certificate"));
    }
    match status.map_err(|e| failed(Kind::State, "curl does not answer").because(e))?.code() {
        Some(0) => body(&answer, url),
        // curl(1), "EXIT CODES".
        Some(28) => Err(failed(Kind::Timeout, "the key service has not answered")
            .wanted(format!("an answer within {seconds} s"))
            .hint("--timeout SECONDS waits longer.")),
        _ => Err(failed(Kind::State, "the key service cannot be reached").because(clean(&said)).hint(
            "Proxies are taken from the environment, as curl takes them. Fetched on another machine, the file is given with --cek FILE.",
        )),
    }
}

/// The body behind the headers of a good answer. An answer of a proxy, or an interim one, stands before the real one.
fn body<'a>(mut answer: &'a [u8], url: &str) -> Result<Vec<u8>> {
    let mut head: &'a [u8] = &[];
    while answer.starts_with(b"HTTP/")
        && let Some(end) = answer.windows(4).position(|w| w == b"\r\n\r\n")
    {
        head = &answer[..end];
        answer = &answer[end + 4..];
    }
    let head = String::from_utf8_lossy(head);
    let status = head.split_ascii_whitespace().nth(1).unwrap_or("none");
    if status == "200" {
        return Ok(answer.to_vec());
    }
    let header = |name: &str| {
        let line = head.lines().filter_map(|l| l.split_once(':')).find(|(k, _)| k.eq_ignore_ascii_case(name));
        line.map(|(_, value)| clean(value))
    };
    let refused = |kind, what: &str| Error::new(kind, what).at(url).found(format!("status {status}"));
    Err(match status {
        "404" | "400" => refused(Kind::Certificate, "the key service does not know this chip")
            .hint("Is the identity right? Only EPYC processors have a CEK."),
        "429" => {
            let wait = header("retry-after").map_or("some minutes".to_owned(), |after| {
                if after.bytes().all(|b| b.is_ascii_digit()) { format!("{after} seconds") } else { after }
            });
            refused(Kind::State, "the key service answers no more requests for now").hint(format!(
                "Try again after: {wait}. What was fetched once is kept, and not asked for again."
            ))
        }
        _ => {
            let e = refused(Kind::State, "the key service refuses");
            match header("location") {
                Some(to) => e.hint(format!("It names another address, which --cek-url can give: {to}")),
                None => e.hint("Try again later, or another service with --cek-url URL."),
            }
        }
    })
}

/// What a stranger said, for a terminal.
fn clean(text: &str) -> String {
    text.trim().chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_good_answer_is_one() {
        let told = |answer: &str| match body(answer.as_bytes(), "http://x") {
            Ok(body) => String::from_utf8(body).unwrap(),
            Err(e) => format!("{:?}: {e}", e.kind()),
        };
        assert_eq!(told("HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody\r\n\r\nmore"), "body\r\n\r\nmore");
        assert_eq!(told("HTTP/1.1 200 Connection established\r\n\r\nHTTP/2 200 \r\na: b\r\n\r\nx"), "x");
        assert_eq!(told("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n\r\n"), "");
        for (answer, says) in [
            (
                "HTTP/1.1 404 Not Found\r\n\r\n404 - Not Found",
                "Certificate: http://x: the key service does not know",
            ),
            ("HTTP/1.1 429 Slow down\r\nRETRY-after: 7\r\n\r\n", "Try again after: 7 seconds."),
            ("HTTP/1.1 429 Slow down\r\n\r\n", "Try again after: some minutes."),
            (
                "HTTP/1.1 503 Busy\r\nLocation: \x1b[31mx\r\n\r\n",
                "status 503\n  It names another address, which --cek-url can give: [31mx",
            ),
            ("HTTP/1.1 204 Nothing\r\n\r\n", "found status 204"),
            ("HTTP/1.1 200 OK", "found status none"),
            ("", "found status none"),
        ] {
            assert!(told(answer).contains(says), "{answer:?}: {}", told(answer));
        }
    }

    #[test]
    fn an_address_of_another_kind_starts_nothing() {
        for url in ["file:///etc/passwd", "-o/tmp/x", "ftp://x/", "", "HTTP//x"] {
            assert_eq!(get(url, 1).unwrap_err().kind(), Kind::Usage, "{url}");
        }
    }
}
