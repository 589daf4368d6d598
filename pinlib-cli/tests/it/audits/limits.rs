//! What an audit asks and cannot see: signatures, parts of a line, histories that are not whole, other servers.

use super::{FILE, Result, Shop, digest, image, list};
use pinlib_testkit::servers::{
    git::GitServer,
    github::{CLIENT_ID, GitHub, INSTALLATION, TOKEN},
    program,
};
use serde_json::Value;
use std::process::Command;

#[test]
fn a_part_of_the_line_is_audited_alone() -> Result {
    let Some(shop) = Shop::open()? else { return Ok(()) };
    let pin = shop.pin(1, &[])?;
    let text = shop.file(pin, FILE)?.replace(&digest(1).to_string(), &digest(2).to_string());
    let hand = shop.by_hand(&[(FILE, &text)])?;
    let last = shop.pin(3, &[])?;
    let counts = |range: &str| -> Result<_> {
        let report = shop.0.run(&["audit", "--json", range])?.json();
        Ok((report["commits"].clone(), report["findings"].as_array().map(Vec::len)))
    };
    assert_eq!(counts(&format!("{pin}..{hand}"))?, (1.into(), Some(1)));
    assert_eq!(counts(&format!("{hand}.."))?, (1.into(), Some(0)));
    assert_eq!(counts(&format!("{last}.."))?, (0.into(), Some(0)));
    assert_eq!(
        counts(&format!("{}..{last}", "0".repeat(40)))?,
        (4.into(), Some(1)),
        "a new branch, as GitHub has it"
    );
    Ok(())
}

#[test]
fn what_cannot_be_seen_whole_is_an_error_and_not_the_absence_of_findings() -> Result {
    let Some(shop) = Shop::open()? else { return Ok(()) };
    let pin = shop.pin(1, &[])?;
    shop.0.repository.force(&super::main_branch(), Some(shop.0.a))?;
    shop.by_hand(&[("README", "tea\n")])?;
    let elsewhere = shop.0.run(&["audit", &format!("{pin}..")])?;
    assert_eq!(elsewhere.code, Some(7), "{elsewhere:?}");
    assert!(elsewhere.error().contains("the first-parent line ends without it"), "{elsewhere:?}");
    let long = shop.audit(&["--max-commits=1"])?;
    assert_eq!(long.code, Some(9), "{long:?}");
    assert!(long.error().contains("it has more than 1 commits"), "{long:?}");

    let url = format!("file://{}", shop.0.repository.path().display());
    shop.0.repository.git(&["clone", "-q", "--bare", "--depth=1", &url, "../shallow.git"])?;
    let shallow = shop.audit(&["--forge=shallow.git"])?;
    assert_eq!(shallow.code, Some(9), "{shallow:?}");
    assert!(shallow.error().contains("shallow clone"), "{shallow:?}");

    shop.0.write("pinlib.yaml", "branch: main\nforge: repository.git\n")?;
    let nothing = shop.audit(&[])?;
    assert_eq!(nothing.code, Some(2), "{nothing:?}");
    Ok(())
}

#[test]
fn signatures_are_asked_for_where_wanted() -> Result {
    let Some(shop) = Shop::open()? else { return Ok(()) };
    let Some(keygen) = program("ssh-keygen")? else { return Ok(()) };
    let key = shop.0.folder().join("key");
    let made = Command::new(keygen).args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status()?;
    assert!(made.success());
    let pin = shop.pin(1, &["--sign=ssh:key"])?;
    let by_key = ["--signed", "--sign=ssh:key.pub"];
    assert_eq!(shop.found(pin, &by_key)?, list(&[]));
    let unsigned = shop.pin(2, &[])?;
    assert_eq!(shop.found(unsigned, &by_key)?, list(&[("unsigned", "")]));
    let unsigned = shop.audit(&["--signed", "--json"])?.json();
    let kinds = unsigned["findings"].as_array().ok_or("findings")?;
    assert!(kinds.len() == 2 && kinds.iter().all(|one| one["kind"] == "unsigned"), "{unsigned:#}");
    Ok(())
}

#[test]
fn over_http_the_same_is_found_with_few_requests() -> Result {
    let Some(shop) = Shop::open()? else { return Ok(()) };
    let Some(server) = GitServer::start(shop.0.folder(), None)? else { return Ok(()) };
    for n in 0..20 {
        shop.pin(n, &[])?;
        shop.by_hand(&[("README", &n.to_string())])?;
    }
    let forge = format!("--forge=http://{}/repository.git", server.address());
    let clean = shop.audit(&["--json", &forge])?.json();
    assert_eq!((&clean["commits"], &clean["pins"]), (&41.into(), &20.into()), "{clean:#}");
    assert_eq!(clean["findings"].as_array().map(Vec::len), Some(0), "{clean:#}");
    let requests = clean["traffic"]["requests"].as_u64();
    assert!(requests.is_some_and(|requests| requests <= 16), "{clean:#}");

    let text = shop.file(shop.0.head()?, FILE)?.replace(&digest(19).to_string(), &digest(99).to_string());
    let hand = shop.by_hand(&[(FILE, &text)])?;
    assert_eq!(shop.found(hand, &[&forge])?, list(&[("unrecorded", FILE)]));
    Ok(())
}

#[test]
fn on_github_an_app_s_pins_are_known_without_its_key() -> Result {
    let Some(shop) = Shop::open()? else { return Ok(()) };
    let Some(hub) = GitHub::start(&shop.0.repository)? else { return Ok(()) };
    shop.0.write(
        "pinlib.yaml",
        "branch: main\nforge: github:acme/deploy\napp: the-app\nregistry: none\nimages:\n  - name: registry.test/shop/web\n    \
         targets:\n      - workload: deploy/rollout.yaml\n",
    )?;
    let (rest, graphql, installation) = (hub.rest(), hub.graphql(), INSTALLATION.to_string());
    let at = [("GITHUB_API_URL", &*rest), ("GITHUB_GRAPHQL_URL", &*graphql)];
    let app =
        [("PINLIB_APP", CLIENT_ID), ("PINLIB_INSTALLATION", &installation), ("PINLIB_APP_KEY", hub.key())];
    let head = shop.0.head()?.to_string();
    let pin = ["pin", "--source-commit", &head, "--image", &image(1)];
    let run = shop.0.run_with(&[&at[..], &app].concat(), &pin)?;
    assert_eq!(run.code, Some(0), "{run:?}");

    let head = shop.0.head()?;
    let upto = head.to_string();
    let audit = |variables: &[(&str, &str)], more: &[&str]| -> Result<_> {
        let words = [&["audit", "--json", "--signed", &upto], more].concat();
        let report = shop.0.run_with(&[&at[..], variables].concat(), &words)?.json();
        Ok((report["pins"].clone(), report["findings"].clone()))
    };
    assert_eq!(audit(&app, &[])?, (1.into(), Value::Array(Vec::new())));
    let bot = shop.0.repository.git(&["log", "-1", "--format=%an <%ae>", "main"])?;
    let reader = [("GITHUB_TOKEN", TOKEN)];
    assert_eq!(audit(&reader, &["--pinner", &bot])?, (1.into(), Value::Array(Vec::new())));
    let (pins, findings) = audit(&reader, &[])?;
    assert_eq!((pins, &findings[0]["kind"]), (0.into(), &"misfit".into()), "who asks did not pin");

    let text = shop.file(head, FILE)?.replace(&digest(1).to_string(), &digest(2).to_string());
    let hand = shop.by_hand(&[(FILE, &text)])?;
    let words = ["audit", "--json", &format!("{head}..{hand}"), "--pinner", &bot];
    let found = shop.0.run_with(&[&at[..], &reader].concat(), &words)?.json();
    assert_eq!(found["findings"][0]["kind"], "unrecorded", "{found:#}");
    assert_eq!(found["findings"][0]["commit"], hand.to_string());
    Ok(())
}
