//! One tampering a test.

use super::{FILE, HOLDS, PINNER, Result, Shop, digest, image, list};
use pinlib::{Claim, Operation, Pinned, Proof, Record, RunId};

const KUSTOMIZATION: &str = "deploy/kustomization.yaml";

#[test]
fn what_pinlib_does_is_no_finding() -> Result {
    let Some(shop) = Shop::open()? else { return Ok(()) };
    let first = shop.pin(1, &[])?;
    shop.by_hand(&[("README", "tea\n"), (HOLDS, "")])?;
    shop.pin(2, &[])?;
    let side = shop.0.head()?;
    shop.0.repository.force(&super::main_branch(), Some(first))?;
    shop.commit(["human", "h@x"], &[first], &[("other", "x\n")], "elsewhere")?;
    shop.0.repository.force(&super::main_branch(), Some(side))?;
    shop.pin(3, &[])?;
    let rollback = shop.0.run(&["rollback", "--registry=none", "--image=registry.test/shop/web"])?;
    assert_eq!(rollback.code, Some(0), "{rollback:?}");
    let release = shop.0.run(&["rollback", "--release", "--image=registry.test/shop/web"])?;
    assert_eq!(release.code, Some(0), "{release:?}");
    shop.pin(4, &[])?;
    let run = shop.audit(&[])?;
    assert_eq!((run.code, run.out.as_str()), (Some(0), ""), "{run:?}");
    assert_eq!(run.err, "nothing to find in 8 commits, 6 of them by pinlib\n");
    Ok(())
}

#[test]
fn a_digest_that_a_hand_wrote_is_found_where_it_stands() -> Result {
    let Some(shop) = Shop::open()? else { return Ok(()) };
    let pin = shop.pin(1, &[])?;
    let text = shop.file(pin, FILE)?.replace(&digest(1).to_string(), &digest(2).to_string());
    let hand = shop.by_hand(&[(FILE, &text)])?;
    shop.by_hand(&[("README", "tea\n")])?;
    assert_eq!(shop.found(hand, &[])?, list(&[("unrecorded", FILE)]));
    assert_eq!(shop.found(hand, &["--allow-hand-edits"])?, list(&[]));

    let run = shop.audit(&[])?;
    let told = format!(
        "{}  unrecorded    {FILE}:9\n  registry.test/shop/web went from {} to {}, and no pin did\n  it\n",
        hand.short(),
        digest(1).short(),
        digest(2).short()
    );
    assert_eq!(run.out, told, "{run:?}");
    let head = shop.0.head()?.to_string();
    let run = shop.0.run_with(&[("GITHUB_ACTIONS", "true")], &["audit", "-q", &head])?;
    let start = format!("::error file={FILE},line=9,title=Audit::{hand}: registry.test/shop/web went from ");
    assert!(run.err.starts_with(&start) && run.err.lines().count() == 1, "{run:?}");
    Ok(())
}

#[test]
fn a_digest_that_came_with_a_new_place_is_found() -> Result {
    let Some(shop) = Shop::open()? else { return Ok(()) };
    let a = shop.0.a;
    let text = shop.file(a, FILE)?.replace("registry.test/shop/web:1.0", &image(7));
    shop.0.repository.git(&["update-ref", "refs/heads/main", &a.to_string()])?;
    let moved = shop.by_hand(&[(FILE, &text.replace("name: web\n", "name: shop\n"))])?;
    assert_eq!(shop.found(moved, &[])?, list(&[("unrecorded", FILE)]));
    Ok(())
}

#[test]
fn a_pin_that_comes_by_a_merge_is_no_pin_of_this_line() -> Result {
    let Some(shop) = Shop::open()? else { return Ok(()) };
    let pin = shop.pin(1, &[])?;
    let files = [FILE, KUSTOMIZATION].map(|path| (path, shop.file(pin, path).unwrap_or_default()));
    shop.0.repository.force(&super::main_branch(), Some(shop.0.a))?;
    let ours = shop.by_hand(&[("README", "tea\n")])?;
    let files = files.each_ref().map(|(path, text)| (*path, text.as_str()));
    let merge = shop.commit(["human", "h@x"], &[ours, pin], &files, "Merge")?;
    assert_eq!(shop.found(merge, &[])?, list(&[("unrecorded", KUSTOMIZATION), ("unrecorded", FILE)]));
    Ok(())
}

/// A pin, taken back, and done again by somebody or in another way.
fn again(
    by: [&str; 2],
    change: impl Fn(&Shop, &mut Again) -> Result,
) -> Result<Option<Vec<(String, String)>>> {
    let Some(shop) = Shop::open()? else { return Ok(None) };
    let pin = shop.pin(1, &[])?;
    let (message, parent) = shop.said(pin)?;
    let mut files = Vec::new();
    for path in [KUSTOMIZATION, FILE] {
        files.push((path, shop.file(pin, path)?));
    }
    shop.0.repository.force(&super::main_branch(), Some(parent))?;
    let mut made = Again { message, files };
    change(&shop, &mut made)?;
    let files: Vec<_> = made.files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let commit = shop.commit(by, &[shop.0.head()?], &files, &made.message)?;
    shop.found(commit, &[]).map(Some)
}

struct Again {
    message: String,
    files: Vec<(&'static str, String)>,
}

#[test]
fn the_same_pin_again_is_a_pin() -> Result {
    let found = again(PINNER, |_, _| Ok(()))?;
    assert!(found.is_none_or(|found| found.is_empty()));
    Ok(())
}

#[test]
fn a_record_on_another_parent_is_not_believed() -> Result {
    let found = again(PINNER, |shop, _| shop.by_hand(&[("README", "tea\n")]).map(drop))?;
    assert!(found.is_none_or(|found| found == list(&[("misfit", "")])));
    Ok(())
}

#[test]
fn a_record_that_somebody_else_quotes_is_not_believed() -> Result {
    let found = again(["mallory", "m@x"], |_, _| Ok(()))?;
    assert!(found.is_none_or(|found| found == list(&[("misfit", "")])));
    Ok(())
}

#[test]
fn a_record_whose_key_does_not_come_out_is_not_believed() -> Result {
    let found = again(PINNER, |_, made| {
        made.message = made.message.replace(&digest(1).to_string(), &digest(2).to_string());
        Ok(())
    })?;
    assert!(found.is_none_or(|found| found == list(&[("misfit", "")])));
    Ok(())
}

#[test]
fn a_record_without_a_change_is_found() -> Result {
    let found = again(PINNER, |_, made| {
        made.files.clear();
        Ok(())
    })?;
    assert!(found.is_none_or(|found| found == list(&[("misfit", "")])));
    Ok(())
}

#[test]
fn other_bytes_than_the_digest_are_found() -> Result {
    let found = again(PINNER, |_, made| {
        made.files[1].1 = made.files[1].1.replace("name: web\n", "name: web\n          args: [--debug]\n");
        Ok(())
    })?;
    assert!(found.is_none_or(|found| found == list(&[("misfit", "")])));
    Ok(())
}

#[test]
fn another_digest_than_the_record_s_is_found() -> Result {
    let found = again(PINNER, |_, made| {
        made.files[1].1 = made.files[1].1.replace(&digest(1).to_string(), &digest(2).to_string());
        Ok(())
    })?;
    assert!(found.is_none_or(|found| found == list(&[("misfit", "")])));
    Ok(())
}

#[test]
fn a_file_that_the_pinner_changed_beside_its_pin_is_named() -> Result {
    let found = again(PINNER, |_, made| {
        made.files.push((".github/workflows/ci.yaml", "on: push\n".into()));
        Ok(())
    })?;
    assert!(found.is_none_or(|found| found == list(&[("outside", ".github/workflows/ci.yaml")])));
    Ok(())
}

#[test]
fn a_file_that_the_pinner_changed_without_a_pin_is_named() -> Result {
    let Some(shop) = Shop::open()? else { return Ok(()) };
    let commit = shop.commit(PINNER, &[shop.0.a], &[("README", "tea\n")], "Sell tea")?;
    assert_eq!(shop.found(commit, &[])?, list(&[("outside", "README")]));
    Ok(())
}

#[test]
fn a_commit_of_the_pinner_s_without_a_record_is_found() -> Result {
    let Some(shop) = Shop::open()? else { return Ok(()) };
    let text = format!("# mine\n{}", shop.file(shop.0.a, FILE)?);
    let commit = shop.commit(PINNER, &[shop.0.a], &[(FILE, &text)], "A word")?;
    assert_eq!(shop.found(commit, &[])?, list(&[("no-record", "")]));
    Ok(())
}

#[test]
fn a_tag_that_comes_back_is_found_and_a_place_that_goes() -> Result {
    let Some(shop) = Shop::open()? else { return Ok(()) };
    let pin = shop.pin(1, &[])?;
    let tag = shop.file(pin, FILE)?.replace(&format!("@{}", digest(1)), ":latest");
    let commit = shop.by_hand(&[(FILE, &tag)])?;
    assert_eq!(shop.found(commit, &["--allow-hand-edits"])?, list(&[("unpinned", FILE)]));
    shop.0.repository.force(&super::main_branch(), Some(pin))?;
    let gone = shop.file(pin, FILE)?.replace(&image(1), "registry.test/shop/till:1.0");
    let commit = shop.by_hand(&[(FILE, &gone)])?;
    assert_eq!(shop.found(commit, &[])?, list(&[("unpinned", FILE)]));
    Ok(())
}

#[test]
fn a_file_that_can_no_longer_be_read_is_found() -> Result {
    let Some(shop) = Shop::open()? else { return Ok(()) };
    let pin = shop.pin(1, &[])?;
    let text = shop.file(pin, FILE)?.replace("metadata: {name: web}", "metadata: {name: web");
    let commit = shop.by_hand(&[(FILE, &text)])?;
    assert_eq!(shop.found(commit, &[])?, list(&[("unreadable", FILE)]));
    Ok(())
}

/// A pin as pinlib would never make it: from any source, on any head.
fn forged(shop: &Shop, source: pinlib::Oid, from: u8, to: u8) -> Result<pinlib::Oid> {
    let head = shop.0.head()?;
    let path = FILE.parse()?;
    let sites = shop.0.run(&["log", "--json"])?.json()["entries"][0]["sites"].clone();
    let here = sites.as_array().into_iter().flatten().find(|site| site["path"] == FILE);
    let locator = here.and_then(|site| site["locator"].as_str()).ok_or("a locator")?;
    let site = Pinned { path, locator: locator.parse()?, digest: digest(to) };
    let claim = Claim::new(Operation::Pin, &super::main_branch(), source, vec![site]);
    let record = Record { claim, proof: Proof::Declared, run: RunId::from([1; 16]), parent: head };
    let text = shop.file(head, FILE)?.replace(&digest(from).to_string(), &digest(to).to_string());
    shop.commit(PINNER, &[head], &[(FILE, &text)], &record.message("Pin"))
}

#[test]
fn a_pin_from_an_older_source_than_the_one_it_replaced_is_found() -> Result {
    let Some(shop) = Shop::open()? else { return Ok(()) };
    shop.by_hand(&[("README", "tea\n")])?;
    let newer = shop.pin(1, &[])?;
    let fine = forged(&shop, newer, 1, 2)?;
    assert_eq!(shop.found(fine, &[])?, list(&[]));
    let old = forged(&shop, shop.0.a, 2, 3)?;
    assert_eq!(shop.found(old, &[])?, list(&[("downgrade", FILE)]));
    // Where the sources are not on the part that is looked at, their history tells.
    let run = shop.0.run(&["audit", "--json", &format!("{newer}..{old}")])?;
    assert_eq!(run.json()["findings"][0]["kind"], "downgrade", "{run:?}");
    Ok(())
}

#[test]
fn a_pin_of_what_is_on_hold_is_found_and_a_hold_that_a_hand_takes() -> Result {
    let Some(shop) = Shop::open()? else { return Ok(()) };
    shop.pin(1, &[])?;
    shop.pin(2, &[])?;
    let rollback = shop.0.run(&["rollback", "--registry=none", "--image=registry.test/shop/web"])?;
    assert_eq!(rollback.code, Some(0), "{rollback:?}");
    let held = shop.0.head()?;
    let ignored = forged(&shop, held, 1, 3)?;
    assert_eq!(shop.found(ignored, &[])?, list(&[("hold-ignored", FILE)]));
    shop.0.repository.force(&super::main_branch(), Some(held))?;
    let taken = shop.by_hand(&[(HOLDS, "")])?;
    assert_eq!(shop.found(taken, &[])?, list(&[("hold-taken", HOLDS), ("hold-taken", HOLDS)]));
    shop.0.repository.force(&super::main_branch(), Some(held))?;
    let broken = shop.by_hand(&[(HOLDS, "everything\n")])?;
    assert_eq!(shop.found(broken, &[])?, list(&[("unreadable", HOLDS)]));
    Ok(())
}
