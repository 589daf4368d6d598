//! `git http-backend` behind a web server.

use super::{Daemon, free_port, htpasswd, program};
use std::{fs, io, path::Path, process::Command};
use tempfile::TempDir;

/// Every repository of a folder, over smart HTTP.
#[derive(Debug)]
pub struct GitServer {
    port: u16,
    _daemon: Daemon,
    _folder: TempDir,
}

impl GitServer {
    /// Serves the repositories below `root`, to everyone or to one user alone. `None` where a program is missing.
    ///
    /// A repository takes pushes where its own `http.receivepack` says so, and filters where `uploadpack.allowFilter`
    /// does.
    ///
    /// # Errors
    /// Where a server cannot be started; under `CI` also where a program is missing.
    pub fn start(root: &Path, login: Option<(&str, &str)>) -> io::Result<Option<Self>> {
        let programs = (program("lighttpd")?, program("git-http-backend")?, program("htpasswd")?);
        let (Some(lighttpd), Some(backend), Some(hash)) = programs else { return Ok(None) };
        let (folder, port) = (TempDir::new()?, free_port()?);
        let users = folder.path().join("users");
        let guarded = match login {
            None => "setenv.add-environment += (\"REMOTE_USER\" => \"everyone\")".to_owned(),
            Some((user, password)) => {
                htpasswd(&hash, &users, user, password)?;
                format!(
                    r#"auth.backend = "htpasswd"
auth.backend.htpasswd.userfile = "{}"
auth.require = ("/" => ("method" => "basic", "realm" => "git", "require" => "valid-user"))"#,
                    users.display()
                )
            }
        };
        let config = folder.path().join("lighttpd.conf");
        let text = format!(
            r#"server.document-root = "{root}"
server.bind = "127.0.0.1"
server.port = {port}
server.modules = ("mod_auth", "mod_authn_file", "mod_alias", "mod_setenv", "mod_cgi")
server.max-keep-alive-idle = 60
alias.url = ("/" => "{backend}/")
cgi.assign = ("" => "")
setenv.add-environment = ("GIT_PROJECT_ROOT" => "{root}", "GIT_HTTP_EXPORT_ALL" => "1", "GIT_CONFIG_NOSYSTEM" => "1")
{guarded}
"#,
            root = root.display(),
            backend = backend.display(),
        );
        fs::write(&config, text)?;
        let daemon = Daemon::start(Command::new(lighttpd).arg("-D").arg("-f").arg(&config), port)?;
        Ok(Some(Self { port, _daemon: daemon, _folder: folder }))
    }
    /// Where it listens, as `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
    /// The address of a repository, named from the root.
    pub fn url(&self, repository: &str) -> String {
        format!("http://{}/{repository}", self.address())
    }
}
