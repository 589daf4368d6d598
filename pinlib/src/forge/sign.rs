//! Who a git forge's commits are by, and their signatures, by the installed `ssh-keygen` and `gpg`.

use crate::{
    backend::{BackendError, BackendErrorKind},
    git::{Identity, Person, Signature},
    parse::ParseError,
};
use std::{
    collections::BTreeSet,
    fmt::Debug,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{io::AsyncWriteExt, process::Command, time::timeout};

/// A signature that takes longer waits for somebody, and nobody is there.
const PATIENCE: Duration = Duration::from_secs(60);

/// The key that commits are signed with: named, never held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SigningKey {
    /// An SSH key, signed by `ssh-keygen`: a private key without a passphrase, or a public key whose private half an agent
    /// holds.
    Ssh(PathBuf),
    /// A GPG key by its id or fingerprint, signed by `gpg`; without one, gpg's default key.
    Gpg(Option<String>),
}

/// Author and committer of the commits that a git forge makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    person: Person,
    key: Option<SigningKey>,
}

impl Author {
    /// Someone whose commits are signed with this key, or not at all.
    ///
    /// # Errors
    /// Where the name or the address cannot stand in a commit: empty, or with `<`, `>` or a control character.
    pub fn new(person: Person, key: Option<SigningKey>) -> Result<Self, ParseError> {
        for text in [&person.name, &person.email] {
            let crud = text.trim() != text || text.is_empty() || text.contains(['<', '>']);
            if crud || text.chars().any(char::is_control) {
                return Err(ParseError::new(
                    "author",
                    &person.to_string(),
                    "want NAME <ADDRESS>, in one line",
                ));
            }
        }
        Ok(Self { person, key })
    }
    /// The name and address.
    pub fn person(&self) -> &Person {
        &self.person
    }
    /// Who the commits are by, as a forge tells it.
    pub fn identity(&self) -> Identity {
        let signature = if self.key.is_some() { Signature::Valid } else { Signature::Absent };
        Identity { author: self.person.clone(), committer: self.person.clone(), signature }
    }

    /// Signs a commit: the armored signature, or none where there is no key.
    pub(crate) async fn sign(&self, commit: &[u8]) -> Result<Option<String>, BackendError> {
        let act = "sign the commit";
        let done = match &self.key {
            None => return Ok(None),
            Some(SigningKey::Ssh(key)) => {
                let words = ["-Y", "sign", "-n", "git", "-f"];
                run(act, ssh_keygen().args(words).arg(key), commit).await?
            }
            Some(SigningKey::Gpg(key)) => {
                let mut gpg = gpg();
                gpg.args(["--armor", "--detach-sign"]);
                if let Some(key) = key {
                    gpg.args(["--local-user", key]);
                }
                run(act, &mut gpg, commit).await?
            }
        };
        let refuse = |why: &str| BackendError::new(BackendErrorKind::Invalid, act).because(why);
        let text = String::from_utf8(done).ok().filter(|text| text.starts_with("-----BEGIN "));
        let armor = text.ok_or_else(|| refuse("that is no signature"))?.replace('\r', "");
        // A pin that its own author would not know again, by a public half that is another key's, is not made.
        if !self.prove(&armor, commit).await? {
            return Err(refuse("the signature does not verify by the same key"));
        }
        Ok(Some(armor))
    }

    /// Says of a signature whether it is by this author's own key, over these bytes. A check that cannot run proves nothing.
    pub(crate) async fn judge(&self, armor: &str, signed: &[u8]) -> Signature {
        match self.prove(armor, signed).await {
            Ok(true) => Signature::Valid,
            Ok(false) | Err(_) => Signature::Unproven,
        }
    }

    async fn prove(&self, armor: &str, signed: &[u8]) -> Result<bool, BackendError> {
        let act = "verify a signature";
        let io =
            |error: std::io::Error| BackendError::new(BackendErrorKind::Unavailable, act).with_source(error);
        let folder = tempfile::tempdir().map_err(io)?;
        let file = folder.path().join("signature");
        std::fs::write(&file, armor).map_err(io)?;
        match &self.key {
            None => Ok(false),
            Some(SigningKey::Ssh(key)) => {
                // It says which key made it, and that it fits; whose key that is, is compared here.
                let words = ["-Y", "check-novalidate", "-n", "git", "-s"];
                let said = run(act, ssh_keygen().args(words).arg(&file), signed).await?;
                let own = run(act, ssh_keygen().args(["-l", "-f"]).arg(key), b"").await?;
                let (said, own) = (fingerprints(&said), fingerprints(&own));
                Ok(said.len() == 1 && said == own)
            }
            Some(SigningKey::Gpg(key)) => {
                let said = run(act, gpg().args(["--status-fd", "1", "--verify"]).arg(&file).arg("-"), signed)
                    .await?;
                let mut list = gpg();
                list.args(["--with-colons", "--list-secret-keys"]).args(key);
                let own = run(act, &mut list, b"").await?;
                let own: BTreeSet<_> =
                    lines(&own).filter_map(|line| line.strip_prefix("fpr:")?.split(':').nth(8)).collect();
                let mut valid = lines(&said)
                    .filter_map(|line| line.strip_prefix("[GNUPG:] VALIDSIG ")?.split(' ').next());
                // A key that has expired or was revoked makes valid signatures, but no good ones.
                let good = lines(&said).any(|line| line.starts_with("[GNUPG:] GOODSIG "));
                Ok(good && valid.any(|fingerprint| own.contains(fingerprint)))
            }
        }
    }
}

fn lines(text: &[u8]) -> impl Iterator<Item = &str> {
    text.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok())
}

fn fingerprints(text: &[u8]) -> BTreeSet<String> {
    lines(text)
        .flat_map(str::split_whitespace)
        .filter(|word| word.starts_with("SHA256:"))
        .map(str::to_owned)
        .collect()
}

fn ssh_keygen() -> Command {
    let mut command = Command::new("ssh-keygen");
    // A key with a passphrase is an error, not a question.
    command.env("SSH_ASKPASS", "false").env("SSH_ASKPASS_REQUIRE", "force");
    command
}

fn gpg() -> Command {
    let mut command = Command::new("gpg");
    // As above: what the agent does not know, nobody is asked for.
    command.args(["--batch", "--no-tty", "--quiet", "--pinentry-mode", "error"]);
    command
}

/// Runs a program on these bytes, and hands back what it printed.
async fn run(act: &str, command: &mut Command, input: &[u8]) -> Result<Vec<u8>, BackendError> {
    let program = Path::new(command.as_std().get_program()).display().to_string();
    let fail = |kind, reason: String| BackendError::new(kind, act).because(format!("{program}: {reason}"));
    let io = |error: std::io::Error| fail(BackendErrorKind::Unavailable, error.to_string());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().map_err(io)?;
    let pipe = child.stdin.take();
    let feed = async {
        if let Some(mut pipe) = pipe {
            // Whoever does not read its input says why with its status.
            pipe.write_all(input).await.ok();
        }
    };
    let both = async { futures_util::future::join(feed, child.wait_with_output()).await.1 };
    let done = timeout(PATIENCE, both)
        .await
        .map_err(|_elapsed| fail(BackendErrorKind::Unavailable, "it does not end".into()))?
        .map_err(io)?;
    if done.status.success() {
        return Ok(done.stdout);
    }
    let said =
        lines(&done.stderr).map(str::trim).find(|line| !line.is_empty()).unwrap_or("it failed").to_owned();
    Err(fail(BackendErrorKind::Invalid, said.chars().filter(|c| !c.is_control()).take(200).collect()))
}
