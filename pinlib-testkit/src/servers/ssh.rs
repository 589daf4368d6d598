//! `sshd`, for one key and the user that runs the test.

use super::{Daemon, free_port, output, program};
use std::{fs, io, path::Path, process::Command};
use tempfile::TempDir;

/// What this machine serves over SSH: every repository that its user can read.
#[derive(Debug)]
pub struct SshServer {
    port: u16,
    _daemon: Daemon,
    folder: TempDir,
}

impl SshServer {
    /// Starts one. `None` where a program is missing.
    ///
    /// Few servers let the client set a variable; `accept` names those that it may.
    ///
    /// # Errors
    /// Where it cannot be started; under `CI` also where a program is missing.
    pub fn start(accept: &[&str]) -> io::Result<Option<Self>> {
        let programs = (program("sshd")?, program("ssh")?, program("ssh-keygen")?);
        let (Some(sshd), Some(_), Some(keygen)) = programs else { return Ok(None) };
        let (folder, port) = (TempDir::new()?, free_port()?);
        let at = |name: &str| folder.path().join(name);
        for name in ["host", "user"] {
            output(Command::new(&keygen).args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(at(name)))?;
        }
        fs::copy(at("user.pub"), at("authorized"))?;
        let host = fs::read_to_string(at("host.pub"))?;
        fs::write(at("known"), format!("[127.0.0.1]:{port} {host}"))?;
        let mut config = format!(
            "ListenAddress 127.0.0.1:{port}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nStrictModes no\nUsePAM no\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n\
             MaxStartups 100\n",
            at("host").display(),
            at("authorized").display(),
        );
        if !accept.is_empty() {
            config.extend(["AcceptEnv ", &accept.join(" "), "\n"]);
        }
        fs::write(at("config"), config)?;
        // It wants its own absolute path, to run itself anew; and this folder, where it is root's.
        let run = Path::new("/run/sshd");
        if !run.exists() {
            fs::create_dir(run).ok();
        }
        let daemon = Daemon::start(Command::new(sshd).arg("-D").arg("-f").arg(at("config")), port)?;
        Ok(Some(Self { port, _daemon: daemon, folder }))
    }
    /// The address of a repository, named from the root of the disk.
    pub fn url(&self, repository: &Path) -> String {
        format!("ssh://127.0.0.1:{}{}", self.port, repository.display())
    }
    /// The command line that gets in: with the one key, to the one host.
    pub fn command(&self) -> String {
        let at = |name: &str| self.folder.path().join(name).display().to_string();
        format!(
            "ssh -F none -i {} -o IdentitiesOnly=yes -o UserKnownHostsFile={} -o StrictHostKeyChecking=yes",
            at("user"),
            at("known")
        )
    }
    /// One that has no key.
    pub fn stranger(&self) -> String {
        let known = self.folder.path().join("known");
        format!(
            "ssh -F none -o IdentityAgent=none -o IdentitiesOnly=yes -i /dev/null -o UserKnownHostsFile={}",
            known.display()
        )
    }
}
