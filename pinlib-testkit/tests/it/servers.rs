//! The real servers start, answer, and keep strangers out; the proxy does what it is told.

use pinlib_testkit::servers::{
    git::GitServer,
    program,
    proxy::{Fate, Proxy},
    registry::{Door, RegistryServer},
};
use std::{
    io::{self, Read, Write},
    net::TcpStream,
    path::Path,
    process::Command,
};

fn get(address: &str, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    // In one piece: who does not like its beginning may hang up on the rest.
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nGit-Protocol: version=2\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn repository(root: &Path) -> io::Result<bool> {
    let Some(git) = program("git")? else { return Ok(false) };
    Ok(Command::new(git).args(["init", "-q", "--bare"]).arg(root.join("r.git")).status()?.success())
}

const REFS: &str = "/r.git/info/refs?service=git-upload-pack";

#[test]
fn git_speaks_its_second_protocol_over_http() -> io::Result<()> {
    let root = tempfile::TempDir::new()?;
    let (true, Some(server)) = (repository(root.path())?, GitServer::start(root.path(), None)?) else {
        return Ok(());
    };
    assert!(get(&server.address(), REFS)?.contains("version 2"));
    Ok(())
}

#[test]
fn a_git_server_with_a_login_keeps_strangers_out() -> io::Result<()> {
    let root = tempfile::TempDir::new()?;
    let login = Some(("bot", "secret"));
    let (true, Some(server)) = (repository(root.path())?, GitServer::start(root.path(), login)?) else {
        return Ok(());
    };
    assert!(get(&server.address(), REFS)?.starts_with("HTTP/1.1 401"));
    let url = server.url("r.git").replace("http://", "http://bot:secret@");
    assert!(Command::new("git").args(["ls-remote", &url]).output()?.status.success());
    Ok(())
}

#[test]
fn a_registry_opens_its_door_as_told() -> io::Result<()> {
    for (door, status) in
        [(Door::Open, "HTTP/1.1 200"), (Door::Password("bot".into(), "secret".into()), "HTTP/1.1 401")]
    {
        let Some(server) = RegistryServer::start(&door, false)? else { return Ok(()) };
        assert!(get(&server.address(), "/v2/")?.starts_with(status), "{door:?}");
    }
    let Some(server) = RegistryServer::start(&Door::Open, true)? else { return Ok(()) };
    assert!(get(&server.address(), "/v2/")?.starts_with("HTTP/1.0 400"), "it speaks TLS alone");
    assert!(server.authority().is_file());
    Ok(())
}

#[test]
fn a_proxy_does_what_it_is_told() -> io::Result<()> {
    let Some(server) = RegistryServer::start(&Door::Open, false)? else { return Ok(()) };
    let proxy = Proxy::start(&server.address(), |first| match first.split(' ').nth(1) {
        Some("/v2/?drop") => Fate::DropRequest,
        Some("/v2/?lose") => Fate::DropAnswer,
        Some("/v2/?cut") => Fate::CutAnswer,
        Some("/v2/?bad") => Fate::Instead(502),
        Some("/v2/?moved") => {
            Fate::Answer(302, vec!["Location: http://elsewhere.test/".into()], b"gone".to_vec())
        }
        _ => Fate::Pass,
    })?;
    let ask = |path| get(&proxy.address(), path);
    assert!(ask("/v2/")?.starts_with("HTTP/1.1 200"));
    assert_eq!((ask("/v2/?drop")?, ask("/v2/?lose")?), (String::new(), String::new()));
    assert!(ask("/v2/?cut")?.len() < ask("/v2/")?.len());
    assert!(ask("/v2/?bad")?.starts_with("HTTP/1.1 502"));
    let moved = ask("/v2/?moved")?;
    assert!(
        moved.starts_with("HTTP/1.1 302")
            && moved.contains("Location: http://elsewhere.test/")
            && moved.ends_with("gone")
    );
    assert_eq!(proxy.requests(), 7);
    Ok(())
}
