//! Other ways to reach a server: through a company's proxy, by its own authority, with logins of the environment, over SSH.

use super::scene::{Result, Scene};
use pinlib_testkit::servers::{
    registry::{Door, RegistryServer},
    ssh::SshServer,
};
use std::{
    io::{self, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    thread,
};

/// A proxy as companies have them: `CONNECT`, and whatever was asked for leads to this server.
fn tunnel(server: String) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                client.read_exact(&mut byte)?;
                head.extend(byte);
            }
            assert!(head.starts_with(b"CONNECT registry.test:443 "));
            client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
            let upstream = TcpStream::connect(&server)?;
            for (mut from, mut to) in [(client.try_clone()?, upstream.try_clone()?), (upstream, client)] {
                thread::spawn(move || io::copy(&mut from, &mut to));
            }
        }
        io::Result::Ok(())
    });
    Ok(address)
}

#[test]
fn a_registry_of_a_company_is_reached_through_its_proxy_by_its_authority() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    let Some(registry) = RegistryServer::start(&Door::Open, true)? else { return Ok(()) };
    if !registry.push(&scene.folder().join("registry"), "1.1", "shop/web:1.1", None)? {
        return Ok(());
    }
    let proxy = format!("http://{}", tunnel(registry.address())?);
    let ca = registry.authority().display().to_string();
    let resolve = |more: &[&str]| {
        scene.run_with(
            &[("HTTPS_PROXY", &proxy)],
            &[&["resolve", "registry.test/shop/web:1.1"], more].concat(),
        )
    };
    let run = resolve(&["--ca", &ca])?;
    assert_eq!((run.code, run.out), (Some(0), format!("{}\n", scene.reported())), "{}", run.err);
    let run = resolve(&[])?;
    assert_eq!(run.code, Some(9), "a stranger's certificate: {run:?}");
    let run = resolve(&["--ca", "pinlib.yaml"])?;
    assert_eq!(run.code, Some(7), "{run:?}");
    scene.write("empty.pem", "")?;
    assert_eq!(resolve(&["--ca", "empty.pem"])?.code, Some(2));
    Ok(())
}

#[test]
fn over_ssh_it_is_the_same_pin() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    let Some(ssh) = SshServer::start(&["GIT_PROTOCOL"])? else { return Ok(()) };
    let forge = format!("--forge={}", ssh.url(scene.repository.path()));
    let (a, image) = (scene.a.to_string(), scene.reported());
    scene.config()?;
    let words = ["pin", &forge, "--registry=none", "--json", "--source-commit", &a, "--image", &image];
    let run = scene.run_with(&[("GIT_SSH_COMMAND", &ssh.command())], &words)?;
    assert_eq!((run.code, &run.json()["outcome"]), (Some(0), &"pinned".into()), "{run:?}");
    assert_eq!(scene.repository.git(&["log", "-1", "--format=%P", "main"])?, a);
    let run = scene.run_with(&[("GIT_SSH_COMMAND", &ssh.stranger())], &words)?;
    assert_eq!(run.code, Some(8), "{run:?}");
    Ok(())
}

#[test]
fn a_login_of_the_environment_opens_one_registry() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    let login = ("builder", "a password");
    let door = Door::Password(login.0.into(), login.1.into());
    let Some(registry) = RegistryServer::start(&door, false)? else { return Ok(()) };
    if !registry.push(&scene.folder().join("registry"), "1.1", "shop/web:1.1", Some(login))? {
        return Ok(());
    }
    let file = scene.write("password", "a password\n")?.display().to_string();
    let image = format!("{}/shop/web:1.1", registry.address());
    let user = ("PINLIB_REGISTRY_USER", login.0);
    for (secret, code) in [
        (("PINLIB_REGISTRY_PASSWORD", login.1), 0),
        (("PINLIB_REGISTRY_PASSWORD_FILE", file.as_str()), 0),
        (("PINLIB_REGISTRY_PASSWORD", "another"), 8),
    ] {
        let run = scene.run_with(&[user, secret], &["resolve", &image])?;
        assert_eq!(run.code, Some(code), "{run:?}");
    }
    assert_eq!(scene.run(&["resolve", &image])?.code, Some(8), "nobody is no user");
    Ok(())
}
