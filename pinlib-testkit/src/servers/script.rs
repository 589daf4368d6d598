//! A web server that answers whatever a test says, cut, slow or endless as it likes.

use std::{
    fmt,
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

/// A request as it came.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Request {
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Request {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
    fn read(stream: &TcpStream) -> io::Result<Self> {
        Ok(Self::next(&mut BufReader::new(stream))?.unwrap_or_default())
    }
    /// The next request of a connection; none where it has ended.
    pub(super) fn next(reader: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
                break;
            }
            lines.push(line.trim().to_owned());
        }
        let Some(first) = lines.first() else { return Ok(None) };
        let mut words = first.split(' ').map(str::to_owned);
        let mut request = Self {
            method: words.next().unwrap_or_default(),
            target: words.next().unwrap_or_default(),
            ..Self::default()
        };
        let headers = lines.iter().skip(1).filter_map(|line| line.split_once(':'));
        request.headers =
            headers.map(|(key, value)| (key.to_ascii_lowercase(), value.trim().to_owned())).collect();
        let length = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        reader.take(length).read_to_string(&mut request.body)?;
        Ok(Some(request))
    }
}

/// What goes back, after which the connection is closed.
#[derive(Clone, Debug)]
pub enum Reply {
    /// These bytes, whatever they are.
    Raw(Vec<u8>),
    /// These, then one more byte now and then, without end.
    Drip(Vec<u8>, Duration),
    /// These, then as much as is taken.
    Endless(Vec<u8>),
    /// None, and the connection stays open for so long.
    Silence(Duration),
}

impl Reply {
    /// An answer as it should be: a status line's rest, headers, a body.
    pub fn with(status: &str, headers: &[(&str, &str)], body: &[u8]) -> Self {
        let mut bytes = head(status, headers);
        bytes.extend(format!("content-length: {}\r\n\r\n", body.len()).into_bytes());
        bytes.extend(body);
        Self::Raw(bytes)
    }
    fn send(self, mut stream: &TcpStream) -> io::Result<()> {
        match self {
            Self::Raw(bytes) => stream.write_all(&bytes),
            Self::Silence(time) => {
                thread::sleep(time);
                Ok(())
            }
            Self::Drip(bytes, pause) => {
                stream.write_all(&bytes)?;
                loop {
                    thread::sleep(pause);
                    stream.write_all(b" ")?;
                }
            }
            Self::Endless(bytes) => {
                stream.write_all(&bytes)?;
                loop {
                    stream.write_all(&[b' '; 1 << 13])?;
                }
            }
        }
    }
}

/// The first lines of an answer, each ended: a body's length is the caller's to say, or to lie about.
pub fn head(status: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let headers = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
    format!("HTTP/1.1 {status}\r\nconnection: close\r\n{}", headers.collect::<String>()).into_bytes()
}

/// A server that runs a script, and remembers what it was asked. It ends with the process.
#[derive(Clone)]
pub struct Script {
    port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "script at {}", self.address())
    }
}

impl Script {
    /// Starts it.
    ///
    /// # Errors
    /// Where there is no port left.
    pub fn start(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let (requests, answer) = (Arc::<Mutex<Vec<Request>>>::default(), Arc::new(answer));
        let script = Self { port, requests: Arc::clone(&requests) };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (requests, answer) = (Arc::clone(&requests), Arc::clone(&answer));
                thread::spawn(move || {
                    let Ok(request) = Request::read(&stream) else { return };
                    requests.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
                    // Whoever hangs up has had enough.
                    answer(&request).send(&stream).ok();
                    stream.shutdown(Shutdown::Write).ok();
                });
            }
        });
        Ok(script)
    }
    /// Where it is: `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
    /// What it was asked so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
