//! A web server on the loopback that answers as AMD's key service does, and as nobody should. In: what to answer. Out: its
//! address, and how often it was asked.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// What it does with every request.
#[derive(Clone)]
pub(crate) enum Does {
    /// Status line, further headers and body, all of them.
    Answers(&'static str, Vec<u8>),
    /// Says how long the answer will be, and ends before.
    Breaks(Vec<u8>),
    /// A byte now and then.
    Drips,
    /// Nothing at all.
    IsSilent,
    /// On and on.
    NeverEnds,
}

pub(crate) struct KeyService {
    pub(crate) url: String,
    asked: Arc<AtomicUsize>,
}

impl KeyService {
    /// Serves below `/cek/id`, until the process ends.
    pub(crate) fn that(does: Does) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/cek/id", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                count.fetch_add(1, Ordering::SeqCst);
                let does = does.clone();
                // What the other side hangs up on is no error here.
                std::thread::spawn(move || stream.and_then(|stream| answer(&stream, &does)));
            }
        });
        Self { url, asked }
    }

    /// One that has this certificate.
    pub(crate) fn with(cert: &[u8]) -> Self {
        Self::that(Does::Answers("200 OK", cert.to_vec()))
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn answer(mut stream: &TcpStream, does: &Does) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let request = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let path = request.split(' ').nth(1).unwrap_or_default();
    let known = path.strip_prefix("/cek/id/").is_some_and(|id| id.len() == 128);
    let pause = || std::thread::sleep(Duration::from_millis(200));
    match does {
        Does::Answers(..) if !known => {
            stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        }
        Does::Answers(status, body) => {
            write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            )?;
            stream.write_all(body)
        }
        Does::Breaks(body) => {
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 2084\r\n\r\n")?;
            stream.write_all(body)
        }
        Does::Drips => {
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 2084\r\n\r\n")?;
            loop {
                stream.write_all(&[1])?;
                pause();
            }
        }
        Does::IsSilent => loop {
            pause();
        },
        Does::NeverEnds => {
            write!(stream, "HTTP/1.1 200 OK\r\n\r\n")?;
            loop {
                stream.write_all(&[1; 4096])?;
            }
        }
    }
}
