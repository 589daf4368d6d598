//! A policy of one's own, beside pinlib's: no pin while the branch holds a file `FREEZE`.
//! `cargo run -p pinlib --example own_policy`.
//!
//! A rule that is asked before a pin could be false again when the pin lands. This one stands around the forge, where each
//! commit comes by with the head that it expects: it is a function of that head's tree alone, which cannot change, and the
//! server lands the commit on that head or not at all. So what it says is still so at the instant of the commit.

#![expect(clippy::print_stdout, reason = "it shows what it does")]

use async_trait::async_trait;
use pinlib::{
    BackendError, BranchName, CommitError, CommitRange, DigestSource, FileAt, GitForge, GuardedCommit,
    History, Identity, ImagePin, Kustomization, Oid, Patience, PinOptions, PinRequest, Pinner, RepoPath,
    RunId, Target, TreeEntry,
};
use pinlib_testkit::{
    image::{Recipe, Variant},
    memory::{MemoryClock, MemoryForge, MemoryRegistry},
    sim,
};
use std::{error::Error, fmt, sync::Arc};

/// A forge that takes no commit onto a head with this file.
#[derive(Debug)]
struct Freezable<F> {
    forge: F,
    file: RepoPath,
}

impl<F: GitForge> fmt::Display for Freezable<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.forge, f)
    }
}

#[async_trait]
impl<F: GitForge> GitForge for Freezable<F> {
    async fn identity(&self) -> Result<Identity, BackendError> {
        self.forge.identity().await
    }
    async fn head(&self, branch: &BranchName) -> Result<Oid, BackendError> {
        self.forge.head(branch).await
    }
    async fn read(&self, wanted: &[(Oid, RepoPath)]) -> Result<Vec<Option<FileAt>>, BackendError> {
        self.forge.read(wanted).await
    }
    async fn trees(&self, oids: &[Oid]) -> Result<Vec<Vec<TreeEntry>>, BackendError> {
        self.forge.trees(oids).await
    }
    async fn history(&self, range: &CommitRange) -> Result<History, BackendError> {
        self.forge.history(range).await
    }
    async fn commit(&self, commit: &GuardedCommit) -> Result<Oid, CommitError> {
        let wanted = [(commit.expected_head(), self.file.clone())];
        // What cannot be read is no yes. Nothing was sent yet, so nothing landed.
        let found = self.forge.read(&wanted).await.map_err(CommitError::NotLanded)?;
        if found.iter().any(Option::is_some) {
            let message = format!("{} stands at {}", self.file, commit.expected_head().short());
            return Err(CommitError::Rejected { rule: Some("freeze".into()), message });
        }
        self.forge.commit(commit).await
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let (main, path): (BranchName, RepoPath) = ("main".parse()?, "kustomization.yaml".parse()?);
    let (memory, registry) = (MemoryForge::default(), Arc::new(MemoryRegistry::default()));
    let digest =
        registry.push(&"ghcr.io/acme/web".parse()?, &Recipe::of([Variant::of("linux/amd64")]).index());
    let text = "images:\n  - name: ghcr.io/acme/web\n";
    let frozen = memory.push(&main, &[(path.clone(), text), ("FREEZE".parse()?, "until Monday\n")], "Freeze");
    let thawed = memory.without(frozen, &"FREEZE".parse()?, "Thaw");

    let forge = Arc::new(Freezable { forge: memory, file: "FREEZE".parse()? });
    let clock = Arc::new(MemoryClock::default());
    let held = Arc::<Freezable<MemoryForge>>::clone(&forge);
    let pinner = Pinner { registry, forge: held, clock, patience: Patience::default() };
    let pin_from = |source: Oid, run: u8| -> Result<String, Box<dyn Error>> {
        let image = ImagePin {
            image: "ghcr.io/acme/web".parse()?,
            digest: DigestSource::Reported(digest),
            platform: None,
            targets: vec![Target::new(path.clone(), Arc::new(Kustomization::default()))],
            was: None,
        };
        let request = PinRequest::new(source, main.clone(), vec![image], PinOptions::default())?;
        Ok(match sim::run(pinner.pin(&request, RunId::from([run; 16]))) {
            Ok(receipt) => format!("{:?}", receipt.kind()),
            Err(error) => format!("{:?}: {error}", error.kind()),
        })
    };
    let refused = pin_from(frozen, 1)?;
    println!("{refused}");
    assert!(refused.starts_with("Rejected"));
    forge.forge.force(&main, Some(thawed));
    let done = pin_from(thawed, 2)?;
    println!("{done}");
    assert_eq!(done, "Pinned");
    Ok(())
}
