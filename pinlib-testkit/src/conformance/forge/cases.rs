//! The cases. Each name is the guarantee.

use super::{Entry, FILE, ForgeWorld, Outcome, check, cleared, cleared_at, listing, pinner, wanted};
use crate::{
    broken::Blind,
    lines::ImageLines,
    memory::MemoryClock,
    sim::{Task, together},
};
use pinlib::{
    BackendErrorKind, Clock, CommitError, CommitRange, Digest, FileAt, Former, GuardedCommit, HOLDS, History,
    Mode, Oid, Order, Record, ReleaseRequest, RollbackRequest, RunId, Target,
};
use std::sync::Arc;

pub fn the_head_is_what_was_pushed_last<W: ForgeWorld>() -> Outcome {
    let world = W::create(&[FILE]);
    let forge = world.forge();
    for text in ["1\n", "2\n", "3\n"] {
        let pushed = world.push_elsewhere(&[("other", text)]);
        let head = world.block_on(forge.head(&world.branch()));
        let right = matches!(head, Ok(oid) if oid == pushed);
        check(right, "the head is the pushed commit, however often it is asked for", format!("{head:?}"))?;
        // What is read of it meanwhile makes it no older.
        let wanted = wanted(pushed, &[FILE.0])?;
        world.block_on(forge.read(&wanted)).map_err(|error| error.to_string())?;
    }
    Ok(())
}

pub fn a_missing_branch_is_not_found<W: ForgeWorld>() -> Outcome {
    let world = W::create(&[FILE]);
    let branch = "no-such-branch".parse().map_err(|e| format!("{e:?}"))?;
    let head = world.block_on(world.forge().head(&branch));
    check(
        matches!(&head, Err(error) if error.kind() == BackendErrorKind::NotFound),
        "a missing branch is NotFound",
        format!("{head:?}"),
    )
}

pub fn a_missing_branch_takes_no_commit<W: ForgeWorld>() -> Outcome {
    let world = W::create(&[FILE]);
    let commit = cleared(&world, world.log()[0].oid, "one")?;
    world.delete();
    let answer = world.block_on(world.forge().commit(&commit));
    let right =
        matches!(&answer, Err(CommitError::NotLanded(error)) if error.kind() == BackendErrorKind::NotFound);
    check(right && world.log().is_empty(), "a branch is never made by a pin", format!("{answer:?}"))
}

pub fn files_come_in_order_with_their_blobs<W: ForgeWorld>() -> Outcome {
    let world = W::create(&[FILE, ("crlf", "a\r\nb")]);
    let wanted = wanted(world.log()[0].oid, &["crlf", "gone", FILE.0])?;
    let files = world.block_on(world.forge().read(&wanted)).map_err(|e| e.to_string())?;
    let right = matches!(&files[..], [Some(a), None, Some(b)] if a.bytes == b"a\r\nb" && a.oid.is_blob(&a.bytes) && b.bytes == FILE.1.as_bytes());
    check(right, "each path has its answer in its place, byte for byte", format!("{files:?}"))
}

pub fn a_commit_stands_for_its_tree<W: ForgeWorld>() -> Outcome {
    let world = W::create(&[FILE, ("top", "x\n")]);
    let read = |oid| world.block_on(world.forge().trees(&[oid])).map_err(|e| e.to_string());
    let root = read(world.log()[0].oid)?.concat();
    let folder = root.iter().find(|entry| entry.name == b"deploy").ok_or("no folder")?;
    let inner = read(folder.oid)?.concat();
    check(
        root.len() == 2 && inner.len() == 1 && inner[0].oid.is_blob(FILE.1.as_bytes()),
        "each level, whole",
        format!("{root:?} {inner:?}"),
    )
}

pub fn a_history_is_what_the_base_has_not<W: ForgeWorld>() -> Outcome {
    let (world, [upto, base, side, _]) = diamond::<W>();
    let ask =
        |base, upto| world.block_on(world.forge().history(&CommitRange { base: Some(base), upto, limit: 9 }));
    let have = |history: &Result<History, _>, mut want: Vec<_>| {
        want.sort();
        let History::Descends(facts) = history.as_ref().ok()? else { return None };
        let mut oids: Vec<_> = facts.iter().map(|fact| fact.oid).collect();
        oids.sort();
        (oids == want).then_some(())
    };
    let (there, sideways, back, apart, still) =
        (ask(base, upto), ask(side, upto), ask(upto, base), ask(side, base), ask(base, base));
    let nobody = ask("1".repeat(40).parse().map_err(|e: pinlib::ParseError| e.to_string())?, upto);
    check(
        matches!(nobody, Ok(History::Unrelated)),
        "a base from elsewhere is no ancestor",
        format!("{nobody:?}"),
    )?;
    check(
        have(&there, vec![upto, side]).is_some(),
        "the merge and what it brought, not the base",
        format!("{there:?}"),
    )?;
    check(
        have(&sideways, vec![upto, base]).is_some(),
        "a second parent is an ancestor too",
        format!("{sideways:?}"),
    )?;
    check(have(&still, vec![]).is_some(), "nothing lies between a commit and itself", format!("{still:?}"))?;
    check(
        matches!((&back, &apart), (Ok(History::Unrelated), Ok(History::Unrelated))),
        "no descendant, no answer",
        format!("{back:?} {apart:?}"),
    )
}

pub fn a_history_past_its_limit_is_incomplete<W: ForgeWorld>() -> Outcome {
    let world = W::create(&[FILE]);
    let base = world.log()[0].oid;
    let upto = (0..3).map(|n| world.push_elsewhere(&[("other", &n.to_string())])).last().unwrap_or(base);
    let cut = world.block_on(world.forge().history(&CommitRange { base: Some(base), upto, limit: 2 }));
    check(
        matches!(&cut, Err(error) if error.kind() == BackendErrorKind::Incomplete),
        "whole or Incomplete",
        format!("{cut:?}"),
    )
}

/// A merge of two commits on one root.
fn diamond<W: ForgeWorld>() -> (W, [Oid; 4]) {
    let world = W::create(&[FILE]);
    let root = world.log()[0].oid;
    let side = world.push_elsewhere(&[("side", "1\n")]);
    world.force(root);
    let ours = world.push_elsewhere(&[("other", "2\n")]);
    let merge = world.merge_ours(side);
    (world, [merge, ours, side, root])
}

pub fn a_history_without_a_base_goes_down_to_the_roots<W: ForgeWorld>() -> Outcome {
    let (world, all) = diamond::<W>();
    let ask = |upto| world.block_on(world.forge().history(&CommitRange { base: None, upto, limit: 4 }));
    let history = ask(all[0]);
    let told = matches!(&history, Ok(History::Descends(facts)) if facts.len() == 4
        && all.iter().all(|oid| facts.iter().any(|fact| fact.oid == *oid))
        && world.log().iter().all(|fact| facts.iter().any(|told| told.committed == fact.committed && told.oid == fact.oid)));
    check(told, "every ancestor by all parents, with its date", format!("{history:?}"))?;
    let nobody = ask("1".repeat(40).parse().map_err(|e: pinlib::ParseError| e.to_string())?);
    check(
        matches!(&nobody, Err(error) if error.kind() == BackendErrorKind::NotFound),
        "a commit from elsewhere has no history",
        format!("{nobody:?}"),
    )
}

pub fn a_history_without_a_base_is_cut_at_its_limit<W: ForgeWorld>() -> Outcome {
    let (world, all) = diamond::<W>();
    for limit in 1..4 {
        let upto = all[0];
        let history = world.block_on(world.forge().history(&CommitRange { base: None, upto, limit }));
        let Ok(History::Cut(facts)) = &history else {
            return Err(format!("more than was asked for is cut; found {history:?} at {limit}"));
        };
        let reached = |oid: Oid| oid == upto || facts.iter().any(|fact| fact.parents.contains(&oid));
        let linked = facts.iter().all(|fact| reached(fact.oid)) && facts.iter().any(|fact| fact.oid == upto);
        check(facts.len() == limit && linked, "as many as asked for, link by link", format!("{facts:?}"))?;
    }
    Ok(())
}

pub fn a_commit_lands_whole_on_its_head<W: ForgeWorld>() -> Outcome {
    let world = W::create(&[FILE, ("other", "x\n")]);
    let base = world.log()[0].oid;
    let commit = cleared(&world, base, "one")?;
    let answer = world.block_on(world.forge().commit(&commit));
    let log = world.log();
    let right = log.len() == 2 && log[0].parents == [base];
    check(right, "I1: one commit lands, on the expected head", format!("{answer:?} and {log:?}"))?;
    let told = matches!(answer, Ok(oid) if oid == log[0].oid);
    check(told, "I3: what landed is told as landed", format!("{answer:?}"))?;
    let wanted = wanted(log[0].oid, &[FILE.0, "other"])?;
    let files = world.block_on(world.forge().read(&wanted)).map_err(|e| e.to_string())?;
    let exact =
        matches!(&files[..], [Some(a), Some(b)] if a.bytes == commit.edits()[0].bytes() && b.bytes == b"x\n");
    check(exact, "I4: its edits, byte for byte, and nothing else", format!("{files:?}"))?;
    check(
        Record::parse(&log[0].message).as_ref() == Some(commit.record()),
        "its record reads back",
        &log[0].message,
    )
}

pub fn a_commit_is_by_the_identity<W: ForgeWorld>() -> Outcome {
    let world = W::create(&[FILE]);
    let elsewhere = world.log()[0].clone();
    landed(&world, &cleared(&world, elsewhere.oid, "one")?)?;
    let identity = world.block_on(world.forge().identity()).map_err(|e| e.to_string())?;
    check(
        identity.made(&world.log()[0]),
        "its own commits are its own",
        format!("{identity:?} {:?}", world.log()[0]),
    )?;
    check(!identity.made(&elsewhere), "nobody else's are", format!("{identity:?}"))
}

pub fn a_moved_head_refuses<W: ForgeWorld>() -> Outcome {
    let world = W::create(&[FILE]);
    let base = world.log()[0].oid;
    let commit = cleared(&world, base, "one")?;
    world.push_elsewhere(&[("other", "x\n")]);
    refused(&world, &commit)
}

pub fn a_branch_rewound_to_an_ancestor_refuses<W: ForgeWorld>() -> Outcome {
    let world = W::create(&[FILE]);
    let root = world.log()[0].oid;
    let base = world.push_elsewhere(&[("other", "x\n")]);
    let commit = cleared(&world, base, "one")?;
    world.force(root);
    refused(&world, &commit)
}

/// The pin that a commit became, whatever the forge answered: what it answers is another case.
fn landed<W: ForgeWorld>(world: &W, commit: &GuardedCommit) -> Result<Oid, String> {
    let answer = world.block_on(world.forge().commit(commit));
    let head = world.log().into_iter().next().filter(|head| head.parents == [commit.expected_head()]);
    head.map(|head| head.oid).ok_or_else(|| format!("no commit landed: {answer:?}"))
}

fn refused<W: ForgeWorld>(world: &W, commit: &GuardedCommit) -> Outcome {
    let before = world.log().len();
    let answer = world.block_on(world.forge().commit(commit));
    check(
        matches!(answer, Err(CommitError::HeadMoved { .. })),
        "I1: a head that moved is refused, compared for equality",
        format!("{answer:?}"),
    )?;
    check(world.log().len() == before, "I3: what is refused is not written", world.log().len())
}

pub fn of_many_commits_on_one_head_one_lands<W: ForgeWorld>() -> Outcome {
    let world = W::create(&[FILE]);
    let mut line = vec![world.log()[0].oid];
    for round in 0..3 {
        let commits = (0..5)
            .map(|writer| cleared(&world, line[0], &format!("{round} {writer}")))
            .collect::<Result<Vec<_>, _>>()?;
        let forge = world.forge();
        let tasks: Vec<Task<'_, Result<_, CommitError>>> =
            commits.iter().map(|commit| forge.commit(commit)).collect();
        let answers = world.block_on(together(tasks));
        let landed: Vec<_> = answers.iter().flatten().copied().collect();
        let moved =
            answers.iter().filter(|answer| matches!(answer, Err(CommitError::HeadMoved { .. }))).count();
        check(
            landed.len() == 1 && moved == 4,
            "I1: one of five on one head lands and is told so, the others hear that the head moved",
            format!("{answers:?}"),
        )?;
        line.insert(0, landed[0]);
    }
    let log: Vec<_> = world.log().iter().map(|fact| fact.oid).collect();
    check(log == line, "I1: the branch holds those that landed, each on the one before", format!("{log:?}"))
}

pub fn what_a_path_is_is_told<W: ForgeWorld>() -> Outcome {
    let world = W::create(&[FILE]);
    let submodule = world.log()[0].oid.to_string();
    let entries: [Entry<'_>; 3] = [
        (Mode::Executable, "run", b"#!/bin/sh\n"),
        (Mode::Symlink, "deploy/link", b"app.yaml"),
        (Mode::Gitlink, "lib", submodule.as_bytes()),
    ];
    let at = world.push_entries(&entries);
    let wanted = wanted(at, &["run", "deploy/link", "lib", "deploy", "deploy/link/x", "run/x"])?;
    let files = world.block_on(world.forge().read(&wanted)).map_err(|e| e.to_string())?;
    let told: Vec<_> =
        files.iter().map(|file| file.as_ref().map(|file| (file.mode, &file.bytes[..]))).collect();
    let right = [
        Some((Mode::Executable, &b"#!/bin/sh\n"[..])),
        Some((Mode::Symlink, b"app.yaml")),
        Some((Mode::Gitlink, b"")),
        Some((Mode::Tree, b"")),
        None,
        None,
    ];
    check(
        told == right,
        "a link is not followed, a folder and a submodule have no bytes",
        format!("{files:?}"),
    )
}

pub fn every_other_entry_stays_as_it_stood<W: ForgeWorld>() -> Outcome {
    let world = W::create(&[FILE]);
    let submodule = world.log()[0].oid.to_string();
    // Git sorts a folder as if its name ended in a slash: between `.` and `0`.
    let mut entries: Vec<Entry<'_>> = vec![
        (Mode::Executable, "deploy/app", b"#!/bin/sh\n"),
        (Mode::Symlink, "deploy/app.yam", b"app.yaml"),
        (Mode::Gitlink, "deploy/lib", submodule.as_bytes()),
        (Mode::Regular, "deploy/app.yaml.d/x", b"x"),
        (Mode::Regular, "deploy-x", b"x"),
        (Mode::Regular, "deploy.x", b"x"),
        (Mode::Executable, "deploy0", b"x"),
    ];
    let names: Vec<_> = (0..1200).map(|n| format!("deploy/{n}")).collect();
    entries.extend(names.iter().map(|name| (Mode::Regular, name.as_str(), &b"x"[..])));
    let base = world.push_entries(&entries);
    let pin = landed(&world, &cleared(&world, base, "one")?)?;
    let (before, after) = (listing(&world, base)?, listing(&world, pin)?);
    let kept = before.iter().zip(&after).all(|(old, new)| (&old.0, old.1) == (&new.0, new.1));
    check(
        kept && before.len() == after.len(),
        "I4: every name and mode stays, in its order",
        format!("{after:?}"),
    )?;
    let changed: Vec<_> = before.iter().zip(&after).filter(|(old, new)| old.2 != new.2).collect();
    let right = matches!(&changed[..], [(folder, _), (file, _)] if folder.0 == "deploy" && file.0 == FILE.0);
    check(right, "I4: the file and the folders above it change, nothing else", format!("{changed:?}"))
}

pub fn an_odd_path_is_a_path<W: ForgeWorld>() -> Outcome {
    for path in
        ["d\u{e9}ploy/\u{fc}n\u{ef} c\u{f4}de \u{1f980}.yaml", "a b/ [x] \"q\" 'q' %41 \\ $x.yaml", "-/--"]
    {
        let world = W::create(&[FILE, (path, FILE.1)]);
        let commit = cleared_at(&world, world.forge(), world.log()[0].oid, path, "one")?;
        let pin = landed(&world, &commit)?;
        let files = world.block_on(world.forge().read(&wanted(pin, &[path])?)).map_err(|e| e.to_string())?;
        let right = matches!(&files[..], [Some(file)] if file.bytes == commit.edits()[0].bytes());
        check(right, "I4: the file is where it was, pinned", format!("{path}: {files:?}"))?;
    }
    Ok(())
}

pub fn only_a_regular_file_takes_a_pin<W: ForgeWorld>() -> Outcome {
    let path = "deploy/odd.yaml";
    for mode in [Mode::Executable, Mode::Symlink] {
        let world = W::create(&[FILE]);
        let base = world.push_entries(&[(mode, path, b"image: ghcr.io/acme/app")]);
        // The core refuses it first; so it is shown a regular file.
        let commit = cleared_at(&world, Arc::new(Blind(world.forge())), base, path, "one")?;
        let answer = world.block_on(world.forge().commit(&commit));
        let refused = matches!(answer, Err(CommitError::NotLanded(_) | CommitError::Rejected { .. }));
        check(
            refused && world.log()[0].oid == base,
            "a file that is not regular is refused",
            format!("{mode}: {answer:?}"),
        )?;
    }
    Ok(())
}

pub fn the_hold_file_is_made_and_kept<W: ForgeWorld>() -> Outcome {
    let world = W::create(&[FILE, (".pinlib.yaml", "x\n"), (".pinlib0", "x\n")]);
    for content in ["one", "two"] {
        landed(&world, &cleared(&world, world.log()[0].oid, content)?)?;
    }
    let clock: Arc<dyn Clock> = Arc::new(MemoryClock::default());
    let pinner = pinner(world.forge(), &clock);
    let target = Target::new(FILE.0.parse().map_err(|e| format!("{e:?}"))?, Arc::new(ImageLines));
    let images = vec![("ghcr.io/acme/app".parse().map_err(|e| format!("{e:?}"))?, vec![target])];
    let (branch, known, to) = (world.branch(), Vec::new(), Former::Before);
    let release = ReleaseRequest { branch: branch.clone(), images: images.clone(), append_only: false };
    let back = RollbackRequest { branch, images, to, known, declared: true, append_only: false };
    let run = RunId::from([8; 16]);
    for (order, held) in
        [(Order::Rollback(&back), "line:0 deploy/app.yaml\n"), (Order::Release(&release), "")]
    {
        let before = world.log().len();
        let receipt = world.block_on(pinner.carry_out(order, run));
        let receipt = receipt.map_err(|e| format!("what is ordered is carried out; found {order:?}: {e}"))?;
        let wanted = wanted(receipt.commit, &[HOLDS, FILE.0])?;
        let files = world.block_on(world.forge().read(&wanted)).map_err(|e| e.to_string())?;
        let digest = Digest::of(b"one").to_string();
        let right = |files: &[Option<FileAt>]| match files {
            [Some(holds), Some(app)] => {
                holds.mode == Mode::Regular
                    && holds.bytes == held.as_bytes()
                    && String::from_utf8_lossy(&app.bytes).contains(&digest)
            }
            _ => false,
        };
        check(
            right(&files),
            "the hold file is a regular file of the lines that were written",
            format!("{order:?}: {:?} at {}: {files:?}", receipt.done, receipt.commit),
        )?;
        check(world.log().len() == before + 1, "one commit", format!("{:?}", world.log()))?;
    }
    let names: Vec<_> = listing(&world, world.log()[0].oid)?.into_iter().map(|(path, ..)| path).collect();
    let there = ["deploy", FILE.0, ".pinlib", HOLDS, ".pinlib.yaml", ".pinlib0"];
    let all = there.iter().all(|path| names.iter().any(|name| name == path)) && names.len() == there.len();
    check(all, "a folder is made beside what stood there", format!("{names:?}"))
}
