//! `pinlib demo`: what it shows is so, and what it prints can be typed.

use super::scene::{Result, Scene};

/// A line as a shell splits it: the demo quotes with single quotes alone.
fn words(line: &str) -> Vec<String> {
    line.split('\'')
        .enumerate()
        .flat_map(|(n, part)| match n % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect(),
            _ => vec![part.to_owned()],
        })
        .collect()
}

#[test]
fn the_story_is_told_and_its_commands_can_be_typed() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    // Whatever the caller's surroundings say, the demo plays in its own.
    let variables = [
        ("PINLIB_BRANCH", "other"),
        ("GITHUB_SHA", "x"),
        ("GIT_DIR", "/nowhere"),
        ("PINLIB_FORGE", "nowhere"),
    ];
    let run = scene.run_with(&variables, &["demo", "--keep", "shop"])?;
    assert_eq!((run.code, run.out.as_str()), (Some(0), ""), "{run:?}");
    for told in
        ["Resolved ", "Checked ", "Edited ", "Pinned ", "Pinlib-Record: v1 pin", "exit code 3", "Unchanged "]
    {
        assert!(run.err.contains(told), "{told} is missing: {run:?}");
    }
    let shop = scene.folder().join("shop");
    assert!(run.err.contains(&format!("$ cd {}\n", shop.display())));

    // A, typed again, is there already; the one that raced races again.
    let mut codes = Vec::new();
    for line in run.err.lines().filter_map(|line| line.strip_prefix("$ pinlib ")) {
        let words = words(line);
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        codes.push(scene.command(&words).current_dir(&shop).output()?.status.code());
    }
    assert_eq!(codes, [Some(0), Some(3), Some(0)]);
    let again = scene.run(&["demo", "--keep", "shop"])?;
    assert_eq!(again.code, Some(2), "a folder with something in it is left alone");
    Ok(())
}

#[test]
fn nothing_is_left_behind() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    let temporary = scene.folder().join("tmp");
    std::fs::create_dir_all(&temporary)?;
    let run = scene.run_with(&[("TMPDIR", &temporary.display().to_string())], &["demo", "-q"])?;
    assert_eq!((run.code, run.out.as_str(), run.err.as_str()), (Some(0), "", ""));
    assert_eq!(std::fs::read_dir(&temporary)?.count(), 0);
    let run = scene.run(&["demo", "--json", "-q"])?;
    assert_eq!(run.json()["outcome"], "answered");
    Ok(())
}

#[test]
fn without_git_it_says_so() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    let run = scene.run_with(&[("PATH", "/nowhere")], &["demo"])?;
    assert_eq!(run.code, Some(7), "{run:?}");
    Ok(())
}
