//! Something on the way that loses, delays, repeats or replaces what goes through it.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

/// What happens to one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It goes through, and so does the answer.
    Pass,
    /// It is dropped; the client sees the connection end.
    DropRequest,
    /// It arrives and is answered; the answer is dropped.
    DropAnswer,
    /// It arrives; half of the answer comes back.
    CutAnswer,
    /// It arrives and is answered; the client hears this status with an empty body in the answer's place.
    Instead(u16),
    /// It does not arrive; the client hears this status, with these header lines and this body.
    Answer(u16, Vec<String>, Vec<u8>),
    /// It arrives twice; the client hears the second answer.
    Twice,
    /// It waits this long before it goes through.
    Delay(Duration),
}

/// Decides for each request, by its first line, as in `POST /r.git/git-receive-pack HTTP/1.1`.
type Choice = dyn Fn(&str) -> Fate + Send + Sync;

/// An HTTP proxy in front of one server. It opens a connection a request, and closes after each answer.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    requests: Arc<AtomicUsize>,
    log: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Stands in front of a server at `127.0.0.1:PORT`. It lives as long as the process.
    ///
    /// # Errors
    /// Where no port can be had.
    pub fn start(server: &str, choose: impl Fn(&str) -> Fate + Send + Sync + 'static) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let (requests, log) = (Arc::<AtomicUsize>::default(), Arc::<Mutex<Vec<String>>>::default());
        let (counter, lines) = (Arc::clone(&requests), Arc::clone(&log));
        let (server, choose): (Arc<str>, Arc<Choice>) = (server.into(), Arc::new(choose));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (counter, lines) = (Arc::clone(&counter), Arc::clone(&lines));
                let (server, choose) = (Arc::clone(&server), Arc::clone(&choose));
                thread::spawn(move || {
                    let heard = |first: &str| {
                        counter.fetch_add(1, Relaxed);
                        lines.lock().unwrap_or_else(PoisonError::into_inner).push(first.to_owned());
                        choose(first)
                    };
                    serve(&client, &server, &heard).ok();
                });
            }
        });
        Ok(Self { port, requests, log })
    }
    /// Where it listens, as `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
    /// How many requests came.
    pub fn requests(&self) -> usize {
        self.requests.load(Relaxed)
    }
    /// The first line of each request, in the order in which they came.
    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn serve(mut client: &TcpStream, server: &str, choose: &dyn Fn(&str) -> Fate) -> io::Result<()> {
    let mut reader = BufReader::new(client);
    let (first, request) = request(&mut reader)?;
    let forward = || -> io::Result<Vec<u8>> {
        let mut upstream = TcpStream::connect(server)?;
        upstream.write_all(&request)?;
        let mut answer = Vec::new();
        upstream.read_to_end(&mut answer)?;
        Ok(answer)
    };
    let say = |status: u16, headers: &[String], body: &[u8]| {
        let lines: String = headers.iter().flat_map(|line| [line.as_str(), "\r\n"]).collect();
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status} Fault\r\nConnection: close\r\nContent-Length: {length}\r\n{lines}\r\n"
        );
        [head.as_bytes(), body].concat()
    };
    let answer = match choose(&first) {
        Fate::Pass => forward()?,
        Fate::DropRequest => Vec::new(),
        Fate::DropAnswer => {
            forward()?;
            Vec::new()
        }
        Fate::CutAnswer => {
            let mut answer = forward()?;
            answer.truncate(answer.len() / 2);
            answer
        }
        Fate::Instead(status) => {
            forward()?;
            say(status, &[], b"")
        }
        Fate::Answer(status, headers, body) => say(status, &headers, &body),
        Fate::Twice => {
            forward()?;
            forward()?
        }
        Fate::Delay(time) => {
            super::pause(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
            forward()?
        }
    };
    client.write_all(&answer)
}

/// Reads one request whole, and asks the server to close after its answer.
fn request(reader: &mut impl BufRead) -> io::Result<(String, Vec<u8>)> {
    let (mut first, mut head, mut length) = (String::new(), Vec::new(), 0);
    reader.read_line(&mut first)?;
    head.extend_from_slice(first.as_bytes());
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(|_error| io::ErrorKind::InvalidData)?;
        }
        if line.trim().is_empty() {
            break;
        }
        if !lower.starts_with("connection:") {
            head.extend_from_slice(line.as_bytes());
        }
    }
    head.extend_from_slice(b"Connection: close\r\n\r\n");
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    head.extend_from_slice(&body);
    Ok((first.trim().to_owned(), head))
}
