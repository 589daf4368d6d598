//! A release tool that pins what it built: `cargo run -p pinlib --example release_tool`.
//!
//! The forge, the registry and the clock are the testkit's, so that it runs anywhere. In your tool they are
//! `GitHubForge`, `SmartHttpForge` or `LocalForge`, `OciRegistry`, and `SystemClock`; nothing else changes.

#![expect(clippy::print_stdout, reason = "it shows what it does")]

use pinlib::{
    BranchName, DigestSource, ImagePin, Kustomization, Oid, OutcomeKind, Patience, PinError, PinOptions,
    PinRequest, Pinner, Reference, RunId, Target,
};
use pinlib_testkit::{
    image::{Recipe, Variant},
    memory::{MemoryClock, MemoryForge, MemoryRegistry},
    sim,
};
use std::{error, sync::Arc};

/// What goes wrong here may cross threads, as futures do.
type Error = Box<dyn error::Error + Send + Sync>;

const PATH: &str = "deploy/kustomization.yaml";

/// What a build reports.
struct Built {
    /// The commit that it was built from.
    source: Oid,
    /// The image, by the digest that was pushed.
    image: Reference,
}

/// What is asked of pinlib, from what the build reported and what the tool knows of the repository.
fn request(built: &Built) -> Result<PinRequest, Error> {
    let digest = built.image.digest().ok_or("the build reports no digest")?;
    let file = Target::new(PATH.parse()?, Arc::new(Kustomization::default()));
    let image = ImagePin {
        image: built.image.clone(),
        digest: DigestSource::Reported(digest),
        platform: None,
        targets: vec![file],
        was: None,
    };
    let branch: BranchName = "main".parse()?;
    Ok(PinRequest::new(built.source, branch, vec![image], PinOptions::default())?)
}

/// The last step of a release. `Ok` means that the digest is on the branch, so `?` never walks past a race.
async fn release(pinner: &Pinner, built: &Built, run: RunId) -> Result<String, Error> {
    match pinner.pin(&request(built)?, run).await {
        Ok(receipt) => Ok(format!("{:?} at {}", receipt.kind(), receipt.commit.short())),
        // No failure of the build: whoever moved the branch builds and pins in turn.
        Err(error @ (PinError::HeadMoved { .. } | PinError::Superseded(_))) => {
            Ok(format!("left alone: {error}"))
        }
        // The one ending after which something may have been written. Never retry it blindly.
        Err(error) if error.kind() == OutcomeKind::Unknown => Err(format!("look first: {error}").into()),
        Err(error) => Err(error.into()),
    }
}

fn main() -> Result<(), Error> {
    let (forge, registry) = (Arc::new(MemoryForge::default()), Arc::new(MemoryRegistry::default()));
    let pinner = Pinner {
        registry: Arc::<MemoryRegistry>::clone(&registry),
        forge: Arc::<MemoryForge>::clone(&forge),
        clock: Arc::new(MemoryClock::default()),
        patience: Patience::default(),
    };
    let main: BranchName = "main".parse()?;
    let text = "images:\n  - name: ghcr.io/acme/web # the shop\n    newTag: \"1.0\"\n";

    let source = forge.push(&main, &[(PATH.parse()?, text)], "Open the shop");
    let pushed: Reference = "ghcr.io/acme/web:1.1".parse()?;
    let digest = registry.push(&pushed, &Recipe::of([Variant::of("linux/amd64")]).index());
    let built = Built { source, image: format!("ghcr.io/acme/web@{digest}").parse()? };

    println!("{}", sim::run(release(&pinner, &built, RunId::from([1; 16])))?);
    let head = forge.heads(&main).last().copied().flatten().ok_or("main is gone")?;
    println!("{}", String::from_utf8(forge.file(head, PATH).ok_or("the file is gone")?)?);

    // Somebody merges, and the next build's branch is no longer where it was built from.
    let next = Built { source: head, ..built };
    forge.push(&main, &[("README".parse()?, "tea\n")], "Sell tea");
    let other = registry.push(&pushed, &Recipe::of([Variant::of("linux/arm64")]).index());
    let next = Built { image: format!("ghcr.io/acme/web@{other}").parse()?, ..next };
    println!("{}", sim::run(release(&pinner, &next, RunId::from([2; 16])))?);
    Ok(())
}
