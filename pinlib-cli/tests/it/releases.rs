//! How the GitHub Action comes by pinlib: from the PATH, or from a release.

use super::{
    action::{executable, output, step},
    scene::{Result, Run, Scene},
};
use std::{fs, process::Command};

/// Hands out the files of a folder in place of the network, and notes what was asked for.
const CURL: &str = "#!/bin/bash\n\
    for url; do :; done\n\
    while [ \"$1\" != --output ]; do shift; done\n\
    echo \"$url\" >>\"$HOME/asked\"\n\
    cp \"$HOME/release/${url##*/}\" \"$2\"\n";

#[test]
fn a_release_is_taken_only_with_its_checksum() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    let folder = scene.folder();
    for name in ["bin", "release"] {
        fs::create_dir(folder.join(name))?;
    }
    executable(&folder.join("bin/curl"), CURL)?;
    executable(&folder.join("release/pinlib"), "#!/bin/sh\necho pinlib 9.9.9\n")?;
    let archive = folder.join("release/pinlib-x86_64-unknown-linux-musl.tar.gz");
    let mut tar = Command::new("tar");
    tar.arg("-czf").arg(&archive).arg("-C").arg(folder.join("release")).arg("pinlib");
    assert!(tar.status()?.success());
    let hex = pinlib::Digest::of(&fs::read(&archive)?).hex();
    let checksum = |hex: &str| {
        scene.write("release/pinlib-x86_64-unknown-linux-musl.tar.gz.sha256", &format!("{hex}  x\n"))
    };
    let path = format!("{}:/usr/bin:/bin", folder.join("bin").display());
    let install = |more: &[(&str, &str)]| {
        step(
            &scene,
            "install.sh",
            &[&[("PATH", path.as_str()), ("ACTION_REPOSITORY", "pinlib/pinlib")], more].concat(),
        )
    };

    checksum(&hex)?;
    let run = install(&[])?;
    assert_eq!(run.code, Some(0), "{run:?}");
    let version = env!("CARGO_PKG_VERSION");
    let asked = fs::read_to_string(folder.join("asked"))?;
    let wanted = format!(
        "https://github.com/pinlib/pinlib/releases/download/v{version}/pinlib-x86_64-unknown-linux-musl.tar.gz\n"
    );
    assert!(asked.starts_with(&wanted), "the version of the Action's own files: {asked}");
    let found = output(&scene, "pinlib")?.ok_or("a path")?;
    assert_eq!(Run::from(Command::new(&found).output()?).out, "pinlib 9.9.9\n");

    checksum(&hex.replace(|c: char| c.is_ascii_digit(), "f"))?;
    let run = install(&[("INPUT_VERSION", "v1.2.3")])?;
    assert_eq!((run.code, output(&scene, "outcome")?.as_deref()), (Some(6), Some("mismatch")), "{run:?}");
    fs::remove_file(&archive)?;
    let run = install(&[])?;
    assert_eq!((run.code, output(&scene, "outcome")?.as_deref()), (Some(9), Some("unavailable")), "{run:?}");
    let run = install(&[("RUNNER_ARCH", "ARM")])?;
    assert_eq!(run.code, Some(7), "{run:?}");
    let run = install(&[("INPUT_VERSION", "../../evil")])?;
    assert_eq!((run.code, output(&scene, "pinlib")?), (Some(2), None), "{run:?}");

    // One on the PATH is taken as it is, unless another version is wanted.
    let own = folder.join("bin/pinlib");
    executable(&own, "#!/bin/sh\necho pinlib 9.9.9\n")?;
    for version in ["", "9.9.9", "v9.9.9"] {
        let run = install(&[("INPUT_VERSION", version)])?;
        assert_eq!(run.code, Some(0), "{run:?}");
        assert_eq!(output(&scene, "pinlib")?, Some(own.display().to_string()));
    }
    assert_eq!(install(&[("INPUT_VERSION", "9.9.8")])?.code, Some(9));
    Ok(())
}
