//! Lines and descriptors on the two sockets.
//! In: bytes. Out: whole QMP messages, byte for byte, with the descriptors that came with them. Never: their meaning.

use crate::error::{Context, Error, Result};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use serde_json::Value;
use std::collections::VecDeque;
use std::io::{IoSlice, IoSliceMut, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// Descriptors in one message: libvirt sends one with `getfd` or `add-fd`.
const DESCRIPTORS: usize = 16;

/// One end of a monitor.
#[derive(Debug)]
pub struct Wire {
    /// The socket.
    pub stream: UnixStream,
    buffer: Vec<u8>,
    descriptors: Vec<OwnedFd>,
}

/// A message as it came, and what it says where it is JSON.
#[derive(Debug)]
pub struct Message {
    /// The bytes, without the line's end.
    pub raw: Vec<u8>,
    /// The same, read.
    pub value: Option<Value>,
}

impl Wire {
    /// Around this socket. A peer that does not read for ten seconds is given up.
    ///
    /// # Errors
    /// The socket takes no time-out.
    pub fn new(stream: UnixStream) -> Result<Self> {
        stream.set_write_timeout(Some(Duration::from_secs(10)))?;
        Ok(Self { stream, buffer: Vec::new(), descriptors: Vec::new() })
    }

    /// Reads what is there. `false` at the end of the stream.
    ///
    /// # Errors
    /// The socket is broken.
    pub fn fill(&mut self) -> Result<bool> {
        let mut bytes = [0u8; 65536];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut parts = [IoSliceMut::new(&mut bytes)];
        let got = loop {
            match recvmsg(&self.stream, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC) {
                Err(rustix::io::Errno::INTR) => {}
                other => break other?,
            }
        };
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(fds) = message {
                self.descriptors.extend(fds);
            }
        }
        self.buffer.extend_from_slice(&bytes[..got.bytes]);
        Ok(got.bytes > 0)
    }

    /// The next line, where there is a whole one.
    pub fn line(&mut self) -> Option<Message> {
        loop {
            let end = self.buffer.iter().position(|b| *b == b'\n')?;
            let mut raw: Vec<u8> = self.buffer.drain(..=end).collect();
            while raw.last().is_some_and(|b| b.is_ascii_whitespace()) {
                raw.pop();
            }
            if !raw.is_empty() {
                let value = serde_json::from_slice(&raw).ok();
                return Some(Message { raw, value });
            }
        }
    }

    /// The next JSON value, where there is a whole one: a client need not end its commands with a new line.
    /// What is not JSON goes out as it is, for QEMU to complain about.
    pub fn message(&mut self) -> Option<Message> {
        let start = self.buffer.iter().position(|b| !b.is_ascii_whitespace())?;
        let mut values = serde_json::Deserializer::from_slice(&self.buffer[start..]).into_iter::<Value>();
        let (value, end) = match values.next()? {
            Ok(value) => (Some(value), start + values.byte_offset()),
            Err(e) if e.is_eof() => return None,
            Err(_) => (None, self.buffer.len()),
        };
        let raw = self.buffer.drain(..end).skip(start).collect();
        Some(Message { raw, value })
    }

    /// The descriptors that came so far.
    pub fn take_descriptors(&mut self) -> Vec<OwnedFd> {
        std::mem::take(&mut self.descriptors)
    }

    /// Sends a message and the end of its line.
    ///
    /// # Errors
    /// The peer is gone or does not read.
    pub fn send(&mut self, raw: &[u8], descriptors: &[OwnedFd]) -> Result<()> {
        let mut bytes = raw.to_vec();
        bytes.extend(b"\r\n");
        let mut sent = 0;
        if !descriptors.is_empty() {
            let fds: Vec<_> = descriptors.iter().take(DESCRIPTORS).map(AsFd::as_fd).collect();
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            control.push(SendAncillaryMessage::ScmRights(&fds));
            sent = sendmsg(&self.stream, &[IoSlice::new(&bytes)], &mut control, SendFlags::NOSIGNAL)?;
        }
        self.stream.write_all(&bytes[sent..]).at("the monitor's peer")
    }
}

/// The monitor of the real QEMU, with commands of our own between the client's.
#[derive(Debug)]
pub struct Upstream {
    /// The socket.
    pub wire: Wire,
    /// What came for the client while we waited for a reply of our own.
    pub for_client: VecDeque<Message>,
    count: u64,
}

impl Upstream {
    /// Around QEMU's socket.
    #[must_use]
    pub fn new(wire: Wire) -> Self {
        Self { wire, for_client: VecDeque::new(), count: 0 }
    }

    /// Runs a command of our own and waits for its reply.
    ///
    /// # Errors
    /// QEMU is gone, or it refuses the command.
    pub fn ask(&mut self, command: &str, arguments: Option<Value>) -> Result<Value> {
        self.count += 1;
        let id = Value::from(format!("qemu-sev-sim-{}", self.count));
        let mut request = serde_json::json!({"execute": command, "id": id});
        if let Some(arguments) = arguments {
            request["arguments"] = arguments;
        }
        self.wire.send(request.to_string().as_bytes(), &[])?;
        loop {
            while let Some(message) = self.wire.line() {
                match message.value.as_ref().filter(|v| v.get("id") == Some(&id)) {
                    None => self.for_client.push_back(message),
                    Some(reply) => {
                        return match (
                            reply.get("return"),
                            reply.pointer("/error/desc").and_then(Value::as_str),
                        ) {
                            (Some(value), _) => Ok(value.clone()),
                            (None, text) => {
                                Err(Error::new(format!("QEMU refuses {command}: {}", text.unwrap_or("?"))))
                            }
                        };
                    }
                }
            }
            if !self.wire.fill()? {
                return Err(Error::new(format!("QEMU ended during {command}")));
            }
        }
    }

    /// The next line for the client.
    pub fn next_line(&mut self) -> Option<Message> {
        self.for_client.pop_front().or_else(|| self.wire.line())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (Wire, Wire) {
        let (a, b) = UnixStream::pair().unwrap();
        (Wire::new(a).unwrap(), Wire::new(b).unwrap())
    }

    #[test]
    fn messages_need_no_new_line_and_may_come_in_pieces() {
        let (mut a, mut b) = pair();
        a.stream.write_all(b"{\"execute\":\"one\"}{\"execute\":").unwrap();
        assert!(b.fill().unwrap());
        assert_eq!(b.message().unwrap().raw, b"{\"execute\":\"one\"}");
        assert!(b.message().is_none());
        a.stream.write_all(b"\"two\"}\r\n ").unwrap();
        assert!(b.fill().unwrap());
        assert_eq!(b.message().unwrap().value.unwrap()["execute"], "two");
        assert!(b.message().is_none());
    }

    #[test]
    fn what_is_no_json_passes_as_it_is() {
        let (mut a, mut b) = pair();
        a.stream.write_all(b"hello}\n").unwrap();
        assert!(b.fill().unwrap());
        let message = b.message().unwrap();
        assert!(message.value.is_none());
        assert_eq!(message.raw, b"hello}\n");
    }

    #[test]
    fn descriptors_travel_with_their_message() {
        let (mut a, mut b) = pair();
        let file = tempfile::tempfile().unwrap();
        a.send(b"{}", &[file.into()]).unwrap();
        assert!(b.fill().unwrap());
        assert_eq!(b.line().unwrap().raw, b"{}");
        assert_eq!(b.take_descriptors().len(), 1);
        assert!(b.take_descriptors().is_empty());
    }

    #[test]
    fn own_commands_do_not_disturb_the_clients() {
        let (mut a, b) = pair();
        let mut upstream = Upstream::new(b);
        let answer = std::thread::spawn(move || upstream.ask("x", None).map(|v| (v, upstream.next_line())));
        assert!(a.fill().unwrap());
        let id = a.message().unwrap().value.unwrap()["id"].clone();
        a.send(b"{\"event\":\"STOP\"}", &[]).unwrap();
        a.send(serde_json::json!({"return": 7, "id": id}).to_string().as_bytes(), &[]).unwrap();
        let (value, kept) = answer.join().unwrap().unwrap();
        assert_eq!(value, 7);
        assert_eq!(kept.unwrap().raw, b"{\"event\":\"STOP\"}");
    }
}
