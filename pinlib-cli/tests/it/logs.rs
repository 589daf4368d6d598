//! `pinlib log`: what was pinned, when, from which commit.

use super::{
    audits::{Shop, digest, image},
    scene::Result,
};
use serde_json::Value;

/// Three pins and a commit that quotes one.
fn shop() -> Result<Option<Shop>> {
    let Some(shop) = Shop::open()? else { return Ok(None) };
    for n in 1..=3 {
        shop.pin(n, &[])?;
    }
    let (message, parent) = shop.said(shop.0.head()?)?;
    shop.commit(["mallory", "m@x"], &[shop.0.head()?], &[("README", &parent.to_string())], &message)?;
    Ok(Some(shop))
}

fn entries(shop: &Shop, more: &[&str]) -> Result<Vec<Value>> {
    let run = shop.0.run(&[&["log", "--json"], more].concat())?;
    assert_eq!(run.code, Some(0), "{run:?}");
    Ok(run.json()["entries"].as_array().cloned().unwrap_or_default())
}

#[test]
fn each_pin_is_told_newest_first_with_what_stood_there() -> Result {
    let Some(shop) = shop()? else { return Ok(()) };
    let all = entries(&shop, &[])?;
    let recognised: Vec<_> = all.iter().map(|one| &one["recognised"]).collect();
    assert_eq!(recognised, [false, true, true, true]);
    let (newest, oldest) = (&all[1], &all[3]);
    assert_eq!(newest["source_commit"], all[2]["commit"]);
    assert_eq!((&newest["operation"], &newest["proof"]), (&"pin".into(), &"declared".into()));
    assert_eq!(newest["author"], "pinlib <pinlib@noreply.invalid>");
    let sites = newest["sites"].as_array().ok_or("sites")?;
    assert_eq!(sites.len(), 2);
    for site in sites {
        assert_eq!(site["image"], "registry.test/shop/web");
        assert_eq!(site["from"], digest(2).to_string());
        assert_eq!(site["to"], digest(3).to_string());
    }
    assert_eq!(oldest["sites"][0]["from"], "1.0");
    let time = newest["committed"].as_str().ok_or("a time")?;
    assert!(time.len() == 20 && time.ends_with('Z'), "{time}");
    Ok(())
}

#[test]
fn people_get_a_table_that_fits_and_a_word_on_what_is_not_a_pin() -> Result {
    let Some(shop) = shop()? else { return Ok(()) };
    let run = shop.0.run(&["log", "-n", "2"])?;
    assert!(run.out.lines().all(|line| line.chars().count() <= 80), "{run:?}");
    let lines: Vec<_> = run.out.lines().collect();
    assert!(lines[0].ends_with("  not recognised"), "{run:?}");
    let head = shop.0.head()?;
    let pin = shop.said(head)?.1;
    assert!(lines[3].starts_with(&pin.short()) && lines[3].contains("  pin from "), "{run:?}");
    let site = format!("  web {} → {}  deploy/kustomization.yaml", digest(2).short(), digest(3).short());
    assert_eq!(lines[4], site);
    assert!(run.err.starts_with("the newest 2 on main; there may be older ones"), "{run:?}");
    Ok(())
}

#[test]
fn filters_choose_and_times_only_choose() -> Result {
    let Some(shop) = shop()? else { return Ok(()) };
    let all = entries(&shop, &[])?;
    let source = all[2]["source_commit"].as_str().ok_or("a source")?;
    let count = |more: &[&str]| entries(&shop, more).map(|found| found.len());
    assert_eq!(count(&["--source-commit", &source[..12]])?, 1);
    assert_eq!(count(&["--image", "web"])?, 3, "of what is no pin, nothing is known of the image");
    assert_eq!(count(&["--image", "registry.test/shop/web", "-n", "2"])?, 2);
    assert_eq!(count(&["--image", "api"])?, 0);
    assert_eq!(count(&["--path", "deploy/rollout.yaml"])?, 4);
    assert_eq!(count(&["--path", "deploy"])?, 0);
    assert_eq!(count(&["--since", "2999-01-01"])?, 0);
    assert_eq!(count(&["--until", "2999-01-01T00:00:00Z"])?, 4);
    let base = all[3]["commit"].as_str().ok_or("a commit")?;
    assert_eq!(count(&[&format!("{base}..")])?, 3);
    assert_eq!(shop.0.run(&["log", "--since", "yesterday"])?.code, Some(2));
    Ok(())
}

#[test]
fn holds_stand_below_the_table() -> Result {
    let Some(shop) = Shop::open()? else { return Ok(()) };
    shop.pin(1, &[])?;
    shop.pin(2, &[])?;
    let rollback = shop.0.run(&["rollback", "--registry=none", "--image=registry.test/shop/web"])?;
    assert_eq!(rollback.code, Some(0), "{rollback:?}");
    let report = shop.0.run(&["log", "--json"])?.json();
    assert_eq!(report["entries"][0]["operation"], "rollback");
    let held: Vec<_> = report["holds"].as_array().into_iter().flatten().map(|hold| &hold["path"]).collect();
    assert_eq!(held, ["deploy/kustomization.yaml", "deploy/rollout.yaml"]);
    assert_eq!(report["entries"][0]["sites"][0]["to"], digest(1).to_string());
    assert!(shop.file(shop.0.head()?, "deploy/rollout.yaml")?.contains(&image(1)));
    let run = shop.0.run(&["log"])?;
    assert!(run.err.contains("on hold: ") && run.err.contains(" in deploy/rollout.yaml"), "{run:?}");
    Ok(())
}
