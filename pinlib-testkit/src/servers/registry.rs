//! Debian's `docker-registry`, open or behind a login.

use super::{Daemon, free_port, htpasswd, output, program};
use crate::image::Image;
use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// Who may come in.
#[derive(Clone, Debug, Default)]
pub enum Door {
    /// Everyone.
    #[default]
    Open,
    /// One user with a password (HTTP basic).
    Password(String, String),
    /// Whoever brings a token of this realm, signed with the key whose certificate stands in this file.
    Token {
        /// The address of the token server.
        realm: String,
        /// The certificate, as PEM.
        certificate: PathBuf,
    },
}

/// A registry with a storage of its own.
#[derive(Debug)]
pub struct RegistryServer {
    port: u16,
    folder: TempDir,
    tls: bool,
    _daemon: Daemon,
}

impl RegistryServer {
    /// Starts a registry. `tls`: it speaks HTTPS, with the certificate authority of [`RegistryServer::authority`]. `None`
    /// where a program is missing.
    ///
    /// # Errors
    /// Where a server cannot be started; under `CI` also where a program is missing.
    pub fn start(door: &Door, tls: bool) -> io::Result<Option<Self>> {
        let programs = (program("docker-registry")?, program("htpasswd")?, program("openssl")?);
        let (Some(registry), Some(hash), Some(openssl)) = programs else { return Ok(None) };
        let (folder, port) = (TempDir::new()?, free_port()?);
        let at = folder.path();
        let auth = match door {
            Door::Open => String::new(),
            Door::Password(user, password) => {
                htpasswd(&hash, &at.join("users"), user, password)?;
                format!("auth:\n  htpasswd:\n    realm: pinlib\n    path: {}\n", at.join("users").display())
            }
            Door::Token { realm, certificate } => format!(
                "auth:\n  token:\n    realm: {realm}\n    service: pinlib\n    issuer: pinlib\n    rootcertbundle: {}\n",
                certificate.display()
            ),
        };
        let secure = if tls {
            authority(&openssl, at)?;
            let path = |name| at.join(name).display().to_string();
            format!("  tls:\n    certificate: {}\n    key: {}\n", path("server.pem"), path("server.key"))
        } else {
            String::new()
        };
        let config = at.join("config.yml");
        let text = format!(
            "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {}\n  delete:\n    enabled: true\nhttp:\n  addr: 127.0.0.1:{port}\n{secure}{auth}",
            at.join("storage").display()
        );
        fs::write(&config, text)?;
        let mut command = Command::new(registry);
        let daemon = Daemon::start(command.arg("serve").arg(&config), port)?;
        Ok(Some(Self { port, folder, tls, _daemon: daemon }))
    }
    /// Where it listens, as `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
    /// The certificate of the authority that vouches for this server alone, as PEM; there where it speaks TLS.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }
    /// Copies an image of an OCI layout, all its platforms, to `NAME:TAG` of this registry, by `skopeo`. False where
    /// skopeo is missing.
    ///
    /// # Errors
    /// Where the copy fails; under `CI` also where skopeo is missing.
    pub fn push(
        &self,
        layout: &Path,
        tag: &str,
        image: &str,
        login: Option<(&str, &str)>,
    ) -> io::Result<bool> {
        self.copy(&format!("oci:{}:{tag}", layout.display()), image, login)
    }
    /// Copies an image as it is, whatever its media types, to `NAME:TAG` of this registry. False where skopeo is missing.
    ///
    /// # Errors
    /// As of [`RegistryServer::push`].
    pub fn push_image(&self, from: &Image, image: &str, login: Option<(&str, &str)>) -> io::Result<bool> {
        let folder = TempDir::new()?;
        from.write_dir(folder.path())?;
        self.copy(&format!("dir:{}", folder.path().display()), image, login)
    }
    fn copy(&self, from: &str, image: &str, login: Option<(&str, &str)>) -> io::Result<bool> {
        let Some(skopeo) = program("skopeo")? else { return Ok(false) };
        let mut command = Command::new(skopeo);
        command.args(["--insecure-policy", "copy", "--all", "--quiet", "--preserve-digests"]);
        command.arg("--dest-tls-verify=false");
        if let Some((user, password)) = login {
            command.args(["--dest-creds", &format!("{user}:{password}")]);
        }
        output(command.arg(from).arg(format!("docker://{}/{image}", self.address())))?;
        Ok(true)
    }
    /// The manifest or index of `NAME:TAG` as skopeo reads it. `None` where skopeo is missing.
    ///
    /// # Errors
    /// Where it cannot be read; under `CI` also where skopeo is missing.
    pub fn inspect(&self, image: &str, login: Option<(&str, &str)>) -> io::Result<Option<Vec<u8>>> {
        let Some(skopeo) = program("skopeo")? else { return Ok(None) };
        let mut command = Command::new(skopeo);
        command.args(["inspect", "--raw", "--tls-verify=false"]);
        if let Some((user, password)) = login {
            command.args(["--creds", &format!("{user}:{password}")]);
        }
        output(command.arg(format!("docker://{}/{image}", self.address()))).map(Some)
    }
    /// Whether it speaks HTTPS.
    pub fn tls(&self) -> bool {
        self.tls
    }
}

/// An authority of its own, and a certificate for 127.0.0.1, localhost and registry.test.
fn authority(openssl: &Path, at: &Path) -> io::Result<()> {
    let run = |words: &[&str]| output(Command::new(openssl).current_dir(at).args(words));
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
    let ca = [
        "req",
        "-x509",
        "-subj",
        "/CN=pinlib test authority",
        "-keyout",
        "authority.key",
        "-out",
        "authority.pem",
    ];
    run(&[&ca[..], &key].concat())?;
    run(&[&["req", "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr"], &key[..5]]
        .concat())?;
    fs::write(at.join("names"), "subjectAltName=DNS:localhost,DNS:registry.test,IP:127.0.0.1\n")?;
    let sign = ["x509", "-req", "-in", "server.csr", "-CA", "authority.pem", "-CAkey", "authority.key"];
    run(&[&sign[..], &["-CAcreateserial", "-days", "2", "-extfile", "names", "-out", "server.pem"]].concat())?;
    Ok(())
}
