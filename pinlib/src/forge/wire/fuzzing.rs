//! Answers of any bytes to what reads git's protocol: for `crate::fuzzing`.

use super::{
    CommitError, MakePush, Transport, WireForge, pack,
    pkt::{Message, Pkt, Pkts},
    push,
};
use crate::{
    backend::BackendError,
    forge::{
        GitForge,
        objects::{self, Object},
        sign::Author,
    },
    git::{CommitRange, ObjectFormat, Oid, Person},
};
use async_trait::async_trait;
use gix::objs::Kind;
use sha1::{Digest as _, Sha1};
use std::{
    fmt,
    pin::pin,
    task::{Context, Poll, Waker},
};

/// A server that answers everything with the same bytes.
#[derive(Debug)]
struct Says {
    offer: Vec<u8>,
    answer: Vec<u8>,
}

impl fmt::Display for Says {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a server")
    }
}

#[async_trait]
impl Transport for Says {
    async fn offer(&self, _: &str) -> Result<Vec<u8>, BackendError> {
        Ok(self.offer.clone())
    }
    async fn refs(&self, body: Vec<u8>, limit: usize, act: &str) -> Result<Vec<u8>, BackendError> {
        self.ask(body, limit, act).await
    }
    async fn ask(&self, _: Vec<u8>, _: usize, _: &str) -> Result<Vec<u8>, BackendError> {
        Ok(self.answer.clone())
    }
    async fn push(&self, make: &mut MakePush<'_>, _: &str) -> Result<Vec<u8>, CommitError> {
        make(&self.offer).map_err(CommitError::NotLanded)?;
        Ok(self.answer.clone())
    }
}

/// What needs no I/O is there at the first look.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("nothing here waits"),
    }
}

/// The bytes are what a server offers, then what it answers to each question.
pub(crate) fn pkt_line(bytes: &[u8]) {
    let whole: Result<Vec<_>, _> = Pkts::new(bytes).collect();
    let read: usize = Pkts::new(bytes).map_while(Result::ok).map(length).sum();
    assert!(read <= bytes.len() && whole.is_err() == (read < bytes.len()), "what is read is there");
    push::report(bytes, "refs/heads/main").ok();
    let offer = Message::default().line("version 2").line("fetch=shallow filter").flush();
    for offer in [bytes, &offer] {
        let person = Person { name: "pinlib".into(), email: "pinlib@ci.test".into() };
        let Ok(author) = Author::new(person, None) else { return };
        let forge = WireForge::over(Says { offer: offer.into(), answer: bytes.into() }, author);
        let (Ok(branch), Ok(path)) = ("main".parse(), "a/b".parse()) else { return };
        let Some((base, upto)) = Oid::from_bytes(&[1; 20]).zip(Oid::from_bytes(&[2; 20])) else { return };
        if let Ok(head) = now(forge.head(&branch)) {
            let text = head.to_string();
            assert!(bytes.windows(text.len()).any(|part| part == text.as_bytes()), "the server said so");
        }
        assert!(now(forge.read(&[(upto, path)])).is_err() && now(forge.trees(&[upto])).is_err());
        for base in [Some(base), None] {
            now(forge.history(&CommitRange { base, upto, limit: 9 })).ok();
        }
    }
}

fn length(pkt: Pkt<'_>) -> usize {
    if let Pkt::Line(line) = pkt { line.len() + 4 } else { 4 }
}

/// The bytes are a pack; a pack but for its checksum; and the insides of one: entries that are yet to be deflated.
pub(crate) fn pack(bytes: &[u8]) {
    holds(bytes, ObjectFormat::Sha1);
    holds(bytes, ObjectFormat::Sha256);
    if let Some(body) = bytes.len().checked_sub(20).and_then(|end| bytes.get(..end)) {
        holds(&sealed(body.to_vec()), ObjectFormat::Sha1);
    }
    if let Some(body) = pack::fuzzing::entries(bytes) {
        holds(&sealed(body), ObjectFormat::Sha1);
    }
    for kind in [Kind::Commit, Kind::Tree] {
        look(&Object { kind, oid: objects::oid(ObjectFormat::Sha1, kind, bytes), bytes: bytes.to_vec() });
    }
}

fn sealed(mut pack: Vec<u8>) -> Vec<u8> {
    let sum = Sha1::digest(&pack);
    pack.extend_from_slice(&sum);
    pack
}

/// Every object of a pack has the name of its bytes, and is in the same pack written anew.
fn holds(bytes: &[u8], format: ObjectFormat) {
    let Ok(objects) = pack::read(bytes, format) else { return };
    let all: Vec<Object> = objects.values().map(|object| Object::clone(object)).collect();
    for object in &all {
        assert_eq!(object.oid, objects::oid(format, object.kind, &object.bytes));
        look(object);
    }
    let again = pack::write(&all, format).ok().and_then(|pack| pack::read(&pack, format).ok());
    assert_eq!(again.map(|again| again.len()), Some(all.len()));
}

/// Reads what an object says.
fn look(object: &Object) {
    match object.kind {
        Kind::Commit => drop(objects::commit(object.oid, &object.bytes)),
        Kind::Tree => drop(objects::tree(object.oid, &object.bytes)),
        Kind::Blob | Kind::Tag => {}
    }
}
