//! `pinlib log --html`: the page that a real history makes, and what a browser says of it.

use super::scene::{IMAGE, Result, Scene, main_branch};
use pinlib_testkit::{
    image::{Recipe, Variant},
    servers::{
        browser,
        kubernetes::objects::{PodObject, printed},
    },
};
use std::{fs, path::Path};

/// Staging and production, each in a file of its own.
fn environments(scene: &Scene) -> Result {
    scene.write(
        "pinlib.yaml",
        "branch: main\nforge: repository.git\nregistry: layout:registry\nenvironment: staging\nimages:\n  - name: \
         registry.test/shop/web\n    targets:\n      - kustomization: deploy/kustomization.yaml\n        environment: staging\n\
         \x20     - workload: deploy/rollout.yaml\n        environment: production\n",
    )?;
    Ok(())
}

/// The shop's year: a pin, a race that is lost, a second pin, on to production, and back in staging.
fn story(scene: &Scene) -> Result {
    environments(scene)?;
    let second =
        Recipe::of(["linux/amd64"].map(|platform| Variant::of(platform).label("season", "spring"))).index();
    second.write_layout(&scene.folder().join("registry"), "1.2")?;
    let second = format!("{IMAGE}@{}", second.digest());
    let (a, first) = (scene.a.to_string(), scene.reported());
    let done = |words: &[&str]| -> Result<String> {
        let run = scene.run(words)?;
        assert_eq!(run.code, Some(0), "{run:?}");
        Ok(run.out)
    };
    done(&["pin", "--source-commit", &a, "--image", &first])?;
    let lost =
        scene.run(&["pin", "--json", "--source-commit", &a, "--image", &second, "--replace-rebuilt"])?;
    assert_eq!(lost.code, Some(3), "{lost:?}");
    scene.write("receipt.json", &lost.out)?;
    let b = scene.repository.push(&main_branch(), &[("README", "<b>Spring</b>\n")], "Spring")?.to_string();
    done(&["pin", "--source-commit", &b, "--image", &second])?;
    done(&["promote", "staging", "production"])?;
    done(&["rollback", "--environment", "staging"])?;
    Ok(())
}

#[test]
fn a_page_shows_what_happened_to_each_image_in_each_environment() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    story(&scene)?;
    let plain = scene.run(&["log"])?;
    let run = scene.run(&["log", "--html", "page.html", "--receipts", "receipt.json"])?;
    assert_eq!((run.code, run.out), (Some(0), plain.out), "the answer is the same");
    assert!(run.err.contains("Drew      page.html\n"), "{}", run.err);

    let file = scene.folder().join("page.html");
    let html = fs::read_to_string(&file)?;
    let head = scene.head()?.to_string();
    for told in [
        "<h2 id=\"environment-0\">production</h2>",
        "<h2 id=\"environment-1\">staging</h2>",
        ">Rolled back<",
        ">Promoted<",
        ">Head moved<",
        "<strong>Held.</strong>",
        "deploy/kustomization.yaml",
        &format!("built from <code class=\"short\">{}</code>", scene.a.short()),
        &head,
    ] {
        assert!(html.contains(told), "{told}: {html}");
    }
    assert_eq!(
        html.matches("class=\"badge abort\"").count(),
        1,
        "the run was about staging alone, which is held now"
    );
    let pictures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/page");
    let complaints = browser::look(&file, &pictures)?.unwrap_or_default();
    assert_eq!(complaints, [""; 0]);
    Ok(())
}

#[test]
fn what_a_cluster_runs_instead_stands_on_the_page() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    environments(&scene)?;
    let pinned =
        scene.run(&["pin", "--source-commit", &scene.a.to_string(), "--image", &scene.reported()])?;
    assert_eq!(pinned.code, Some(0), "{pinned:?}");
    let web = PodObject::new("shop", "web-1").container("web", &scene.reported(), &scene.reported());
    let stray = PodObject::new("shop", "cache").container("redis", "redis:7", "");
    scene.write("pods.json", &printed(&[web.json(), stray.json()]))?;
    let verified = scene.run(&["verify", "--pods", "pods.json", "--drift", "--json"])?;
    assert_eq!(verified.code, Some(6), "{verified:?}");
    scene.write("verify.json", &verified.out)?;
    let run = scene.run(&["log", "--html", "page.html", "--drift", "verify.json"])?;
    assert_eq!(run.code, Some(0), "{run:?}");
    let html = fs::read_to_string(scene.folder().join("page.html"))?;
    for told in [">Drift in staging<", "<code>redis:7</code>", ">By a tag<", ">Not in Git<"] {
        assert!(html.contains(told), "{told}: {html}");
    }
    let plain = scene.run(&["verify", "--pods", "pods.json", "--json"])?;
    scene.write("plain.json", &plain.out)?;
    let odd = scene.run(&["log", "--html", "page.html", "--drift", "plain.json"])?;
    assert_eq!(odd.told(), "2 cannot read a drift from plain.json: nobody looked for it\n");
    Ok(())
}

#[test]
fn a_page_that_cannot_be_made_is_an_error() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    environments(&scene)?;
    scene.write("odd.json", "{\"version\": 7}")?;
    let told = |words: &[&str]| -> Result<String> { Ok(scene.run(&[&["log"], words].concat())?.told()) };
    assert_eq!(
        told(&["--html=nowhere/page.html"])?,
        "7 cannot write nowhere/page.html: there is no such folder\n"
    );
    let page = "--html=page.html";
    assert_eq!(told(&[page, "--receipts=none.json"])?, "7 cannot read none.json: there is no such file\n");
    let odd = told(&[page, "--receipts=odd.json"])?;
    assert!(odd.starts_with("2 cannot read a receipt from odd.json: missing field"), "{odd}");
    assert!(!scene.folder().join("page.html").exists());
    Ok(())
}
