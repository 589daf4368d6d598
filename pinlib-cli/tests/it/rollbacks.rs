//! Back to a former pin, let go again, and on to the next environment, as an operator types it.

use super::scene::{Result, Run, Scene};
use pinlib::{Digest, Oid};
use pinlib_testkit::{
    image::{Recipe, Variant},
    servers::kubernetes::objects::{PodObject, printed},
};
use snapbox::{assert_data_eq, str};

const CONFIG: &str = "\
branch: main
forge: repository.git
registry: layout:registry
environment: staging
images:
  - name: registry.test/shop/web
    targets:
      - kustomization: staging/kustomization.yaml
        environment: staging
      - kustomization: production/kustomization.yaml
        environment: production
";

const KUSTOMIZATION: &str = "images:\n  - name: registry.test/shop/web\n    newTag: \"1.0\"\n";

struct Shop {
    scene: Scene,
}

impl Shop {
    fn open() -> Result<Option<Self>> {
        let files =
            ["staging", "production"].map(|name| (format!("{name}/kustomization.yaml"), KUSTOMIZATION));
        let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
        let Some(scene) = Scene::with(&files)? else { return Ok(None) };
        scene.write("pinlib.yaml", CONFIG)?;
        Ok(Some(Self { scene }))
    }
    /// A commit, an image that was built from it, and the pin of it.
    fn release(&self, tag: &str) -> Result<(Oid, Digest)> {
        let branch = super::scene::main_branch();
        let source = self.scene.repository.push(&branch, &[("src", tag)], "Change the shop")?;
        let image = Recipe::of([Variant::of("linux/amd64").built_from(source)]).index();
        image.write_layout(&self.scene.folder().join("registry"), tag)?;
        let name = format!("--image=registry.test/shop/web@{}", image.digest());
        let run = self.scene.run(&["pin", &format!("--source-commit={source}"), &name])?;
        assert_eq!(run.code, Some(0), "{run:?}");
        Ok((source, image.digest()))
    }
    /// That it was refused so, and nothing was written.
    fn refuses(&self, words: &[&str], code: i32, told: &str) -> Result {
        let head = self.scene.head()?;
        let run = self.scene.run(words)?;
        assert_eq!((run.code, self.scene.head()?), (Some(code), head), "{words:?} {run:?}");
        assert!(run.error().contains(told), "{words:?}: {}", run.error());
        Ok(())
    }
    fn holds(&self, environment: &str, digest: Digest) -> Result<bool> {
        Ok(self.scene.file(&format!("{environment}/kustomization.yaml"))?.contains(&digest.to_string()))
    }
    fn tidy(&self, run: &Run, digest: Digest, parent: Oid) -> Result<String> {
        let text = run.err.replace(&digest.short(), "[digest]").replace(&parent.short(), "[parent]");
        self.scene.tidy(&text)
    }
}

#[test]
fn the_one_before_comes_back_and_stays_until_it_is_released() -> Result {
    let Some(shop) = Shop::open()? else { return Ok(()) };
    let ((_, one), (two_source, two)) = (shop.release("1.1")?, shop.release("1.2")?);
    let parent = shop.scene.head()?;
    let run = shop.scene.run(&["rollback"])?;
    assert_eq!((run.code, run.out), (Some(0), format!("{}\n", shop.scene.head()?)));
    let run = Run { out: String::new(), ..run };
    let told = shop.tidy(&run, one, parent)?.replace(&two.short(), "[two]");
    assert_data_eq!(
        told,
        str![[r#"
Resolved  registry.test/shop/web@sha256:[digest]  linux/amd64
Edited    staging/kustomization.yaml:4  [two] → [digest]
Restored  main [parent] → [head]  [TIME]
"#]]
    );
    assert!(shop.holds("staging", one)?);
    assert_eq!(
        shop.scene.file(".pinlib/holds")?,
        "kustomize:0/images/registry.test/shop/web staging/kustomization.yaml\n"
    );
    shop.scene.repository.git(&["fsck", "--strict"])?;

    // The pin that was rolled back does not come again, nor does a new one, until the hold is let go.
    let image = format!("--image=registry.test/shop/web@{two}");
    let source = format!("--source-commit={two_source}");
    shop.refuses(&["pin", "--policy=pins-only", &source, &image], 4, "is on hold")?;
    let run = shop.scene.run(&["rollback", "--release", "--json"])?;
    let report = run.json();
    assert_eq!((report["outcome"].as_str(), report["operation"].as_str()), (Some("pinned"), Some("release")));
    assert_eq!(shop.scene.file(".pinlib/holds")?, "");
    shop.release("1.3")?;
    Ok(())
}

#[test]
fn a_dry_run_shows_the_way_back_and_writes_nothing() -> Result {
    let Some(shop) = Shop::open()? else { return Ok(()) };
    shop.release("1.1")?;
    shop.release("1.2")?;
    let head = shop.scene.head()?;
    let run = shop.scene.run(&["rollback", "-n"])?;
    assert_eq!((run.code, shop.scene.head()?), (Some(0), head));
    assert!(run.out.contains("+++ b/.pinlib/holds") && run.out.contains("--- /dev/null"), "{run:?}");
    Ok(())
}

#[test]
fn what_cannot_go_back_says_why_and_changes_nothing() -> Result {
    let Some(shop) = Shop::open()? else { return Ok(()) };
    shop.refuses(&["rollback"], 7, "nothing is pinned there")?;
    let (source, _) = shop.release("1.1")?;
    shop.refuses(&["rollback"], 7, "there is no earlier pin of another digest")?;
    shop.release("1.2")?;
    shop.refuses(&["rollback", &format!("--to={source}")], 7, "is no pin")?;
    shop.refuses(&["rollback", "--to=main"], 2, "want 12 to 64")?;
    shop.refuses(&["rollback", "--image=registry.test/shop/api"], 2, "no target is given")?;
    shop.refuses(&["rollback", "--environment=nowhere"], 2, "there is no environment nowhere")?;

    // The digest is gone from the registry.
    std::fs::rename(shop.scene.folder().join("registry"), shop.scene.folder().join("old"))?;
    shop.scene.image.write_layout(&shop.scene.folder().join("registry"), "other")?;
    shop.refuses(&["rollback"], 7, "cannot read the manifest")?;

    // A name that two images share.
    let twice = CONFIG.replace(
        "images:\n",
        "images:\n  - name: other.test/web\n    targets: [{yaml: a.yaml, at: [image]}]\n",
    );
    shop.scene.write("pinlib.yaml", &twice)?;
    shop.refuses(&["rollback"], 2, "which image is meant")?;
    shop.refuses(&["rollback", "--image=web"], 2, "web could be other.test/web or registry.test/shop/web")?;
    Ok(())
}

#[test]
fn what_stands_in_staging_goes_to_production() -> Result {
    let Some(shop) = Shop::open()? else { return Ok(()) };
    shop.refuses(&["promote", "staging", "production"], 7, "no pin wrote what stands")?;
    let (source, one) = shop.release("1.1")?;
    let parent = shop.scene.head()?;
    let run = shop.scene.run(&["promote", "staging", "production", "--evidence=label"])?;
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_data_eq!(
        shop.tidy(&run, one, parent)?.replace(&source.short(), "[built]"),
        str![[r#"
Resolved  registry.test/shop/web@sha256:[digest]  linux/amd64
Checked   built from [built]: its label
          proves that whoever built or relabelled each platform's image wrote this commit into it
          does not prove that it is true: a label is not signed, and anyone who can push can write one
Edited    production/kustomization.yaml:2  1.0 → [digest]
Promoted  main [parent] → [head]  [TIME]
"#]]
    );
    assert!(shop.holds("production", one)?);

    let (_, two) = shop.release("1.2")?;
    assert!(shop.holds("staging", two)? && shop.holds("production", one)?, "a pin writes staging alone");
    assert_eq!(shop.scene.run(&["promote", "staging", "production"])?.code, Some(0));
    let old = format!("--source-commit={source}");
    shop.refuses(&["promote", "staging", "production", &old], 4, "pinned what was built from the newer")?;
    shop.refuses(&["promote", "staging", "staging"], 2, "cannot be promoted to itself")?;
    shop.refuses(&["promote", "staging", "canary"], 2, "there is no environment canary")?;

    // A rollback in production holds until it is released; production alone.
    assert_eq!(shop.scene.run(&["rollback", "--environment=production"])?.code, Some(0));
    assert!(shop.holds("production", one)? && shop.holds("staging", two)?);
    shop.refuses(&["promote", "staging", "production"], 4, "is on hold")?;
    Ok(())
}

#[test]
fn production_may_be_a_repository_of_its_own() -> Result {
    let (Some(shop), Some(other)) = (Shop::open()?, Shop::open()?) else { return Ok(()) };
    let place = other.scene.folder().join("repository.git");
    let config =
        format!("{CONFIG}environments:\n  production:\n    forge: {}\n    branch: main\n", place.display());
    shop.scene.write("pinlib.yaml", &config)?;
    let (source, one) = shop.release("1.1")?;
    let (here, there) = (shop.scene.head()?, other.scene.head()?);
    let run = shop.scene.run(&["promote", "staging", "production"])?;
    assert_eq!((run.code, shop.scene.head()?), (Some(0), here), "{run:?}");
    assert!(other.holds("production", one)? && !shop.holds("production", one)?);
    assert_eq!(other.scene.repository.git(&["log", "-1", "--format=%P", "main"])?, there.to_string());

    // Which of two source commits is older is a question to the repository that they are in.
    shop.release("1.2")?;
    assert_eq!(shop.scene.run(&["promote", "staging", "production"])?.code, Some(0));
    let head = other.scene.head()?;
    let old = format!("--source-commit={source}");
    shop.refuses(&["promote", "staging", "production", &old], 4, "pinned what was built from the newer")?;
    assert_eq!(other.scene.head()?, head);
    Ok(())
}

/// What runs is asked of what kubectl printed where FROM is; a promotion takes nothing else.
#[test]
fn a_promotion_takes_what_is_seen_to_run() -> Result {
    let Some(shop) = Shop::open()? else { return Ok(()) };
    let (_, old) = shop.release("one")?;
    let (_, digest) = shop.release("two")?;
    let pod = |name: &str, digest: Digest| {
        let id = format!("registry.test/shop/web@{digest}");
        PodObject::new("staging", name).of_deployment("web", "5d4").container("web", &id, &id)
    };
    let promote = ["promote", "staging", "production", "--running=pods.json"];
    for (pods, told) in [
        (vec![], "no container that is ready is shown to run it"),
        (vec![pod("web-1", old).json()], "runs there, mismatch"),
        (vec![pod("web-1", digest).json(), pod("web-2", old).json()], "runs there, mismatch"),
        (
            vec![pod("web-1", digest).waiting("ContainerCreating").json()],
            "no container that is ready is shown to run it",
        ),
    ] {
        shop.scene.write("pods.json", &printed(&pods))?;
        shop.refuses(&promote, 6, told)?;
    }
    shop.refuses(&["promote", "staging", "production", "--running=nothing.json"], 7, "nothing.json")?;
    shop.scene
        .write("pods.json", &printed(&[pod("web-1", digest).json(), pod("web-2", old).leaving().json()]))?;
    let run = shop.scene.run(&promote)?;
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(shop.holds("production", digest)?);
    Ok(())
}
