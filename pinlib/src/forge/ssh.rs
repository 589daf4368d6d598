//! Git's protocol over SSH, by the installed `ssh`: the same requests as over HTTP, and nothing on disk either.
//!
//! Source: <https://git-scm.com/docs/gitprotocol-pack#_ssh_transport>.

use super::{
    CommitError,
    sign::Author,
    text::printable,
    wire::{MakePush, Transport, WireForge, pkt},
};
use crate::backend::{BackendError, BackendErrorKind};
use async_trait::async_trait;
use std::{
    env,
    ffi::OsString,
    fmt, io,
    process::Stdio,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

/// The longest that a server may let one step wait: to connect, to answer a question, to say what became of a push.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection that was idle for longer is not trusted to be there still.
const IDLE: Duration = Duration::from_secs(10);

/// A repository on a git server, over SSH.
///
/// Keys, agents and known hosts are those of the installed `ssh` and its configuration; `GIT_SSH_COMMAND` and `GIT_SSH`
/// are honoured, as git does, and must take OpenSSH's options. Nothing is ever asked at a terminal.
pub type SshForge = WireForge<Ssh>;

impl SshForge {
    /// Makes a forge of an address (`ssh://[user@]host[:port]/path` or `[user@]host:path`) and who its commits are by.
    ///
    /// # Errors
    /// `Invalid` where the address is neither, holds a password, or could be taken for an option.
    pub fn new(url: &str, author: Author) -> Result<Self, BackendError> {
        let line = env::var_os("GIT_SSH_COMMAND").filter(|line| !line.is_empty());
        let ssh = Ssh {
            address: Address::parse(url)?,
            line,
            connection: Mutex::default(),
            by_command: AtomicBool::new(false),
        };
        Ok(Self::over(ssh, author))
    }
    /// Reaches it by this command line, as `ssh -i deploy_key`, in the place of `GIT_SSH_COMMAND`.
    #[must_use]
    pub fn with_ssh_command(mut self, line: impl Into<OsString>) -> Self {
        self.transport.line = Some(line.into());
        self
    }
}

/// The services at one address, and the connection to the reading one, between two questions.
#[derive(Debug)]
pub struct Ssh {
    address: Address,
    /// The command line to reach it by, for the shell.
    line: Option<OsString>,
    connection: Mutex<Option<(Connection, Instant)>>,
    /// Whether the server takes the version of the protocol from the command alone.
    by_command: AtomicBool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Address {
    /// As it is shown.
    text: String,
    /// `[user@]host`.
    host: String,
    port: Option<u16>,
    path: String,
}

impl Address {
    fn parse(url: &str) -> Result<Self, BackendError> {
        let invalid = |reason: &str| {
            // Not the URL: it may hold a password.
            BackendError::new(BackendErrorKind::Invalid, "use the address of the git server").because(reason)
        };
        let (host, port, path) = match url.split_once("://") {
            Some(("ssh" | "git+ssh" | "ssh+git", rest)) => {
                let (host, path) = rest.split_once('/').ok_or_else(|| invalid("it names no repository"))?;
                let (host, port) = match host.rsplit_once(':') {
                    Some((host, port)) if !port.contains(']') => {
                        let port =
                            port.parse().map_err(|_error| invalid("want a port after the last colon"))?;
                        (host, Some(port))
                    }
                    _ => (host, None),
                };
                // As git has it: what begins with ~ is a user's folder, all else begins at the root.
                let path = if path.starts_with('~') { path.to_owned() } else { format!("/{path}") };
                (host, port, path)
            }
            Some(_) => return Err(invalid("want ssh://[user@]host[:port]/path, or [user@]host:path")),
            None => {
                let colon = url.find("]:").map_or_else(|| url.find(':'), |at| Some(at + 1));
                let colon = colon.ok_or_else(|| invalid("want [user@]host:path"))?;
                (&url[..colon], None, url[colon + 1..].to_owned())
            }
        };
        let (user, name) = host.rsplit_once('@').map_or((None, host), |(user, name)| (Some(user), name));
        let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
        let plain = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-:%".contains(&byte))
        };
        if user.is_some_and(|user| user.contains(':')) {
            return Err(invalid("it holds a password, which belongs to ssh"));
        }
        if !plain(bare) || !user.is_none_or(plain) {
            return Err(invalid("want a host and a user of letters, digits and . _ -"));
        }
        // What begins so is an option to ssh, or to git on the other side.
        if [bare, user.unwrap_or_default(), &path].iter().any(|text| text.starts_with('-')) {
            return Err(invalid("want no part of it to begin with -"));
        }
        if path.trim_matches('/').is_empty() || path.chars().any(char::is_control) {
            return Err(invalid("want a path, of plain characters"));
        }
        let host = user.map_or_else(|| bare.to_owned(), |user| format!("{user}@{bare}"));
        Ok(Self { text: url.to_owned(), host, port, path })
    }
}

/// A running `ssh`; dropped, it ends.
#[derive(Debug)]
struct Connection {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    /// Whether it was asked anything yet.
    used: bool,
}

impl Connection {
    fn open(mut command: Command) -> io::Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        let (to, from) = (child.stdin.take(), child.stdout.take().map(BufReader::new));
        let (Some(to), Some(from)) = (to, from) else { return Err(io::ErrorKind::BrokenPipe.into()) };
        Ok(Self { child, to, from, used: false })
    }

    /// One message: packets up to a flush.
    async fn message(&mut self, limit: usize) -> io::Result<Vec<u8>> {
        let mut message = Vec::new();
        loop {
            let start = message.len();
            let mut head = [0; 4];
            self.from.read_exact(&mut head).await?;
            message.extend_from_slice(&head);
            let length = pkt::length(head).map_err(io::Error::other)?;
            if length == 0 {
                return Ok(message);
            }
            if message.len() + length > limit {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            message.resize(start + length.max(4), 0);
            self.from.read_exact(&mut message[start + 4..]).await?;
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.to.write_all(bytes).await?;
        self.to.flush().await
    }

    /// Why it failed: what ssh, or the other side through it, says on its way out.
    async fn fault(mut self, error: io::Error, act: &str) -> BackendError {
        let mut said = Vec::new();
        if let Some(stderr) = self.child.stderr.take() {
            timeout(Duration::from_secs(2), stderr.take(1 << 16).read_to_end(&mut said)).await.ok();
        }
        let said = printable(&said);
        let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
        let kind = match error.kind() {
            io::ErrorKind::FileTooLarge => BackendErrorKind::Incomplete,
            io::ErrorKind::Other => BackendErrorKind::Invalid,
            _ if has(&["Permission denied", "Host key verification failed", "ccess denied"]) => {
                BackendErrorKind::Unauthorized
            }
            _ if has(&[
                "not appear to be a git repository",
                "epository not found",
                "could not be found",
                "not our ref",
            ]) =>
            {
                BackendErrorKind::NotFound
            }
            _ => BackendErrorKind::Unavailable,
        };
        let reason = match error.kind() {
            io::ErrorKind::FileTooLarge => "the answer is too long".into(),
            _ if said.is_empty() => error.to_string(),
            _ => said,
        };
        BackendError::new(kind, act).because(reason).with_source(error)
    }
}

/// A step that takes too long has failed.
async fn bounded<T>(step: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(PATIENCE, step).await.unwrap_or_else(|_elapsed| Err(io::ErrorKind::TimedOut.into()))
}

fn not_started(error: io::Error, act: &str) -> BackendError {
    BackendError::new(BackendErrorKind::Unavailable, act)
        .because(format!("ssh does not start: {error}"))
        .with_source(error)
}

impl fmt::Display for Ssh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address.text)
    }
}

impl Ssh {
    /// The command that reaches a service of the repository.
    fn command(&self, service: &str) -> Command {
        let program = || env::var_os("GIT_SSH").filter(|program| !program.is_empty());
        let mut command = match &self.line {
            // As git does it: the shell takes the line, and the words after it.
            Some(line) => {
                let mut shell = Command::new("sh");
                let mut script = line.clone();
                script.push(r#" "$@""#);
                shell.arg("-c").arg(script).arg("ssh");
                shell
            }
            None => Command::new(program().unwrap_or_else(|| "ssh".into())),
        };
        command.args(["-o", "BatchMode=yes", "-o", "SendEnv=GIT_PROTOCOL"]);
        if let Some(port) = self.address.port {
            command.arg("-p").arg(port.to_string());
        }
        // One word for the shell on the other side.
        let path = self.address.path.replace('\'', r"'\''");
        command.arg(&self.address.host).arg(format!("{service} '{path}'"));
        command
    }

    /// Connects to the reading service, and hears what it offers.
    async fn connect(&self, act: &str) -> Result<(Connection, Vec<u8>), BackendError> {
        /// A server that speaks version 2 tells some ten lines; one that does not, all of its refs.
        const LIMIT: usize = 32 << 20;
        loop {
            let by_command = self.by_command.load(Relaxed);
            // Many an sshd lets no variable through. Where a shell is behind it, the command can set one.
            let service =
                if by_command { "env GIT_PROTOCOL=version=2 git-upload-pack" } else { "git-upload-pack" };
            let mut command = self.command(service);
            command.env("GIT_PROTOCOL", "version=2");
            let mut connection = Connection::open(command).map_err(|error| not_started(error, act))?;
            let offer = match bounded(connection.message(LIMIT)).await {
                Ok(offer) => offer,
                Err(error) => return Err(connection.fault(error, act).await),
            };
            if by_command || pkt::Pkts::new(&offer).any(|pkt| pkt == Ok(pkt::Pkt::Line(b"version 2\n"))) {
                return Ok((connection, offer));
            }
            self.by_command.store(true, Relaxed);
        }
    }

    fn kept(&self) -> Option<Connection> {
        let kept = self.connection.lock().unwrap_or_else(PoisonError::into_inner).take();
        kept.filter(|(_, since)| since.elapsed() < IDLE).map(|(connection, _)| connection)
    }

    async fn converse(
        &self,
        kept: Option<Connection>,
        body: &[u8],
        limit: usize,
        act: &str,
    ) -> Result<Vec<u8>, BackendError> {
        let mut connection = match kept {
            Some(connection) => connection,
            None => self.connect(act).await?.0,
        };
        connection.used = true;
        let conversation = async {
            connection.send(body).await?;
            connection.message(limit).await
        };
        match bounded(conversation).await {
            Ok(answer) => {
                self.keep(connection);
                Ok(answer)
            }
            Err(error) => Err(connection.fault(error, act).await),
        }
    }

    fn keep(&self, connection: Connection) {
        let mut kept = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some((connection, Instant::now()));
    }
}

#[async_trait]
impl Transport for Ssh {
    async fn offer(&self, act: &str) -> Result<Vec<u8>, BackendError> {
        let (connection, offer) = self.connect(act).await?;
        self.keep(connection);
        Ok(offer)
    }

    async fn refs(&self, body: Vec<u8>, limit: usize, act: &str) -> Result<Vec<u8>, BackendError> {
        let unused = self.kept().filter(|connection| !connection.used);
        self.converse(unused, &body, limit, act).await
    }

    async fn ask(&self, body: Vec<u8>, limit: usize, act: &str) -> Result<Vec<u8>, BackendError> {
        self.converse(self.kept(), &body, limit, act).await
    }

    async fn push(&self, make: &mut MakePush<'_>, act: &str) -> Result<Vec<u8>, CommitError> {
        /// Every ref of a repository is told before a push.
        const OFFER: usize = 32 << 20;
        /// A report on one ref, and what hooks say beside it.
        const REPORT: u64 = 1 << 20;
        let not_landed = CommitError::NotLanded;
        let mut command = self.command("git-receive-pack");
        command.env_remove("GIT_PROTOCOL");
        let mut connection =
            Connection::open(command).map_err(|error| not_landed(not_started(error, act)))?;
        let offer = match bounded(connection.message(OFFER)).await {
            Ok(offer) => offer,
            Err(error) => return Err(not_landed(connection.fault(error, act).await)),
        };
        let push = make(&offer).map_err(not_landed)?;
        let mut answer = Vec::new();
        let conversation = async {
            connection.send(&push).await?;
            (&mut connection.from).take(REPORT).read_to_end(&mut answer).await
        };
        match bounded(conversation).await {
            Ok(read) if read > 0 => Ok(answer),
            Ok(_) => {
                Err(CommitError::Ambiguous(connection.fault(io::ErrorKind::UnexpectedEof.into(), act).await))
            }
            Err(error) => Err(CommitError::Ambiguous(connection.fault(error, act).await)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn an_address_is_read_as_git_reads_it() {
        for (url, host, port, path) in [
            ("ssh://git@host.test/acme/app.git", "git@host.test", None, "/acme/app.git"),
            ("ssh://host.test:2222/~me/app", "host.test", Some(2222), "~me/app"),
            ("ssh://me@[::1]:22/app", "me@::1", Some(22), "/app"),
            ("ssh://[::1]/app", "::1", None, "/app"),
            ("git@host.test:acme/app.git", "git@host.test", None, "acme/app.git"),
            ("[::1]:/srv/it's", "::1", None, "/srv/it's"),
        ] {
            let address = Address::parse(url).expect(url);
            let read = (address.host.as_str(), address.port, address.path.as_str());
            assert_eq!(read, (host, port, path), "{url}");
        }
    }

    #[test]
    fn no_address_is_an_option_or_tells_a_secret() {
        for url in [
            "ssh://me:s3cret@host.test/app",
            "ssh://-oProxyCommand=s3cret/app",
            "ssh://-l@host.test/app",
            "-oProxyCommand=s3cret:app",
            "host.test:-s3cret",
            "host.test:",
            "ssh://host.test",
            "ssh://host.test/",
            "ssh://host.test:port/app",
            "ssh://ho st/app",
            "host.test:a\nb",
            "https://host.test/app",
            "/srv/app.git",
            "",
        ] {
            let error = Address::parse(url).expect_err(url);
            assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
        }
    }
}
