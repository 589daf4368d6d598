"""Each clause of the guarantees removed in turn: does a test object? It works on a copy under target/mutants.

    python3 pinlib-testkit/mutants.py              all of them, some 10 s each
    python3 pinlib-testkit/mutants.py WORD…        only the mutants whose name has one of the words
    python3 pinlib-testkit/mutants.py --but FILE   all but those that FILE, what an earlier run printed, calls caught
    python3 pinlib-testkit/mutants.py --guards     one for each guard, against its own test: `.ci/run mutants`
    python3 pinlib-testkit/mutants.py --explored   some of them, against the swarm of the explorer alone
    python3 pinlib-testkit/mutants.py --list       their names; fails where one no longer fits the code

A mutant is (name, file, what stands there, what shall stand there); white space does not count.
"""
import os, pathlib, re, shutil, signal, subprocess, sys, threading, time

PIN, GUARD, RECORD, RECOGNISE, NAMES, READ, MANIFEST, PLAN, RESOLVE, REQUEST, WAIT = (
    f"pinlib/src/{name}.rs" for name in "pin guard record recognise git/names read manifest/mod plan resolve request wait".split())
DECIDE, HOLD, TRACE, PROMOTE, ROLLBACK = (f"pinlib/src/{name}.rs" for name in "decide hold trace promote rollback".split())
FACTS = "pinlib/src/git/facts.rs"
AUDIT, ORDER, WALK = (f"pinlib/src/{name}.rs" for name in "audit/mod audit/order walk".split())
EVIDENCE, IMAGE, REFERENCE, HTTP, LAYOUT = (
    f"pinlib/src/{name}.rs" for name in "evidence image/document image/reference http registry/layout".split())
WEIGH, LABEL, BUILDKIT, STATEMENT, REFERRERS, ATTESTED, CLAIMS, TRUST = (
    f"pinlib/src/provenance/{name}.rs" for name in
    "mod label buildkit statement referrers attestation/mod attestation/claims attestation/trust".split())
OCI, ANSWER, AUTH, ENDPOINT, LOGINS = (f"pinlib/src/registry/oci/{name}.rs" for name in "mod answer auth endpoint logins".split())
WIRE, PUSH, READER, PACK = (f"pinlib/src/forge/wire/{name}.rs" for name in "mod push reader pack".split())
SMART_HTTP, SSH, TEXT = (f"pinlib/src/forge/{name}.rs" for name in "smart_http ssh text".split())
YAML, DOCUMENT, PIECES, QUOTE, SPLICE, VERIFY = (
    f"pinlib/src/manifest/yaml/{name}.rs" for name in "mod document pieces quote splice verify".split())
PLACE, KUSTOMIZE, WORKLOAD, HELM = (f"pinlib/src/manifest/{name}.rs" for name in "place kustomize workload helm".split())
GITHUB, API, ASKS, RULES, COMPARE, HOST, LOGIN, QUERIES, REFUSAL, REVIEW = (
    f"pinlib/src/forge/github/{name}.rs" for name in "mod api doctor/app doctor/branch history host login queries refusal review".split())
PROPOSE, SHOW, STANDING = (f"pinlib/src/propose/{name}.rs" for name in "mod show standing".split())
OBJECTS, SIGN, LOCAL, DISK, HISTORY, REFS = (
    f"pinlib/src/forge/{name}.rs" for name in "objects sign local/mod local/disk local/history local/refs".split())
SAME, PROVE, COMPARED, WANTED, LISTED, RECORDED, KUBE, LOOKS, REPORTED = (
    f"pinlib/src/cluster/{name}.rs" for name in "same prove compare wanted list recorded kube verify report".split())
OVERLAY = "pinlib/src/manifest/overlay.rs"
LOST = "Ok(Look::Past(now)) if in_doubt && request.options().append_only => {"
MUTANTS = [
    # From send to outcome
    ("a refusal is believed without a look", PIN, "Err(answer) => answer,", "Err(CommitError::HeadMoved { .. }) => return Ok(Fate::Lost(None)), Err(answer) => answer,"),
    ("a rule is believed without a look", PIN, "Err(answer) => answer,", "Err(CommitError::Rejected { rule, message }) => return Err(PinError::Rejected { rule, message }), Err(answer) => answer,"),
    ("an ambiguous answer is a refusal", PIN, "matches!(answer, CommitError::Ambiguous(_))", "false"),
    ("a lost answer is a loss", PIN, "Err(answer) => answer,", "Err(CommitError::Ambiguous(_)) => return Ok(Fate::Lost(None)), Err(answer) => answer,"),
    ("a look past the head is believed without F1", PIN, LOST, "Ok(Look::Past(now)) if in_doubt => {"),
    ("a look elsewhere is believed under F1", PIN, LOST, LOST.replace("Look::Past(now)", "Look::Past(now) | Look::Elsewhere(now)")),
    ("F1 settles nothing", PIN, LOST, "Ok(Look::Past(now)) if false => {"),
    ("nothing is sent again", PIN, "const RESENDS: u32 = 2", "const RESENDS: u32 = 0"),
    ("sent again without end", PIN, "in_doubt && resends > 0", "in_doubt"),
    ("a refusal after doubt is clear", PIN, "if let Ok(oid) = self.forge.commit(commit).await {", "let again = self.forge.commit(commit).await; if let Err(CommitError::HeadMoved { .. }) = again { return Ok(Fate::Lost(None)); } if let Ok(oid) = again {"),
    ("not looked at, after doubt, is clear", PIN, "if let Ok(oid) = self.forge.commit(commit).await {", "let again = self.forge.commit(commit).await; if let Err(CommitError::NotLanded(error)) = again { return Err(error.into()); } if let Ok(oid) = again {"),
    ("one stale read after a refusal is the end", PIN, "Ok(Look::Still) if matches!(answer, CommitError::Rejected { .. }) => break", "Ok(Look::Still) if !in_doubt => break"),
    ("one failed look after a refusal is the end", PIN, "Ok(Look::Still) if matches!(answer, CommitError::Rejected { .. }) => break", "Err(_) if !in_doubt => break"),
    ("my run is not looked for", PIN, "filter(|fact| fact.message.contains(&run))", "filter(|_| false)"),
    ("whoever quotes my run is me", PIN, "find(|passed| passed.pin.as_ref().is_some_and(by_me))", "next()"),
    ("whoever quotes my run does not stand in the way", PIN, "if descends && mine.is_empty() {", "if descends {"),
    ("bytes are not looked at", PIN, "Ok(if done {", "Ok(if false {"),
    ("bytes are taken on trust", PIN, "Ok(if done {", "Ok(if true {"),
    ("an empty plan proves the branch", PIN, "let mut seen = !order.is_exact();", "let mut seen = true;"),
    ("lost means lost, under every policy", PIN, "actual.filter(|_| pause.is_some())", "actual.filter(|_| false)"),
    # After a lost race
    ("a wait has no bound in tries", WAIT, "if decisions >= self.tries ||", "if self.tries == 0 ||"),
    ("a wait has no bound in time", WAIT, "|| left.is_zero()", "|| self.time.is_zero()"),
    ("the last pause goes past the bound in time", WAIT, ".min(left)", ""),
    ("a lost race is the end for who does not wait", WAIT, "(decisions == 1).then_some", "(decisions == 0).then_some"),
    ("who does not wait tries for ever", WAIT, "(decisions == 1).then_some", "(decisions < 9).then_some"),
    ("pauses do not grow", WAIT, "gone.saturating_mul(2)", "shortest"),
    ("pauses grow without end", WAIT, "shortest.saturating_mul(LONGEST)", "Duration::MAX"),
    ("all runs pause alike", WAIT, "run.draw(decisions).into()", "u32::from(u16::MAX)"),
    ("nobody pauses", PIN, "self.wait(pause).await;", ""),
    ("the look comes before the pause", PIN, "if let (CommitError::HeadMoved { .. }, Some(pause)) = (&answer, pause) {", "if let (CommitError::HeadMoved { .. }, Some(pause)) = (&answer, pause) { let before = self.look(request, images, commit).await; self.wait(pause).await; if let Ok(Look::Past(now)) = before { return Ok(Fate::Lost(Some(now))); } } if let (CommitError::NotLanded(_), Some(pause)) = (&answer, pause) {"),
    ("waiting is asked of exact", REQUEST, "options.wait != Wait::default()", "false && options.wait != Wait::default()"),
    ("resolved first, read then", DECIDE, "join(resolve, self.snapshot(request, at)).await;", "(resolve.await, self.snapshot(request, at).await);"),
    # The guard
    ("exact passes a moved head", GUARD, "Policy::Exact => Err(moved(Movement::Raced { times: 1 }))", "Policy::Exact => Ok(Basis::Exact)"),
    ("pins-only passes all", GUARD, "find(|commit| commit.pin.is_none())", "find(|_| false)"),
    ("inputs passes all", GUARD, "path.is_in(input)", "false && path.is_in(input)"),
    ("words: inputs by prefix of text", NAMES, "rest.is_empty() || rest.starts_with('/')", "true || rest.is_empty()"),
    ("the source may come in sideways", GUARD, "_ if root != Some(source)", "_ if false && root != Some(source)"),
    ("rewound passes", GUARD, "Passage::Rewound => return Err(moved(Movement::Rewound))", "Passage::Rewound => return Ok(Basis::Exact)"),
    ("diverged passes", GUARD, "Passage::Diverged => return Err(moved(Movement::Diverged))", "Passage::Diverged => return Ok(Basis::Exact)"),
    ("I2: no earlier pin is looked for", GUARD, "is_some_and(same_pin)", "is_some_and(|_| false)"),
    ("I2: on the line alone", GUARD, "passed.values().find(|commit| commit.pin.as_ref().is_some_and(same_pin))", "line(head, passed).0.into_iter().find(|commit| commit.pin.as_ref().is_some_and(same_pin))"),
    ("I6, I7: monotone truth", GUARD, "if !commit.changes.iter().any(|change| touches(change, &site.target, &site.pinned.locator)) {", "if true {"),
    ("I6, I7: of every change of the file", GUARD, "if !commit.changes.iter().any(|change| touches(change, &site.target, &site.pinned.locator)) {", "if !commit.changes.iter().any(|change| change.path == site.pinned.path) {"),
    ("I7: a hand is overwritten", GUARD, "return Err(moved(Movement::ByHand { commit: oid, path: site.pinned.path.clone() }))", "return Ok(())"),
    ("I6: newer passes", GUARD, "Kin::Newer => Err(PinError::Superseded(Superseder::NewerPin { commit, source_commit }))", "Kin::Newer => Ok(())"),
    ("I6: older is refused", GUARD, "Kin::Older => Ok(())", "Kin::Older => Err(moved(Movement::Raced { times: 1 }))"),
    ("I6: a rebuild passes", GUARD, "Kin::Same if replace_rebuilt ||", "Kin::Same if true ||"),
    ("I6: a rebuild is refused, told or not", GUARD, "Kin::Same if replace_rebuilt ||", "Kin::Same if"),
    ("I6: the same digest of the same source is a rebuild", GUARD, "|| pin.claim.sites().contains(site)", ""),
    ("I6: neither passes", GUARD, "Kin::Neither => Err(moved(Movement::Unordered { commit, source_commit }))", "Kin::Neither => Ok(())"),
    ("I6: a rollback is overwritten", GUARD, "if matches!(pin.claim.operation(), Operation::Rollback(_)) {", "if false {"),
    ("I7: the declared old value is not compared", PLAN, "filter(|was| **was != site.image)", "filter(|_| false)"),
    ("I8: holds are not read", GUARD, "held(plan.snapshot().holds(), plan.sites())?;", ""),
    # Back, and on to another environment
    ("I7: a hand is overwritten by a rollback", TRACE, "return Some(hand.unwrap_or(by_pin));", "return Some(by_pin);"),
    ("I7: a hand is no hand where no pin touched since", TRACE, "hand.get_or_insert(Writer::Hand { commit });", "return Some(Writer::Nobody);"),
    ("I6: a promotion goes back", GUARD, "older(*commit, record, kin, pinned, plan.options().replace_rebuilt, moved)?;", ""),
    ("I8: a promotion does not ask for holds", GUARD, "if plan.claim().operation().is_forward() {", "if plan.claim().operation() == Operation::Pin {"),
    ("a rollback holds nothing", HOLD, 'new = format!("{new}{end}{line}\\n");', ""),
    ("a rollback holds twice", HOLD, "for site in sites.iter().filter(|site| !there.iter().any(|hold| hold.is_of(site))) {", "for site in sites {"),
    ("a release lets all go", HOLD, "is_ok_and(of_a_site)", "is_ok_and(|hold| of_a_site(hold) || true)"),
    ("a hold file may change as it likes", RECOGNISE, "if kept && held {", "if held {"),
    ("a release is taken for a pin", TRACE, "!matches!(record.claim.operation(), Operation::Release(_))", "matches!(record.claim.operation(), _)"),
    ("a rollback goes to another rollback", ROLLBACK, "pins.filter(|(_, record, _)| record.claim.operation().is_forward())", "pins.filter(|(_, record, _)| record.claim.operation().is_forward() || true)"),
    ("a rollback goes nowhere", ROLLBACK, "built.find(|(.., digests)| digests != standing)?", "built.next()?"),
    ("what a hand wrote is promoted", PROMOTE, "let Some(Writer::Pin { record, .. }) = writer else {", "let Some(record) = trace.pins().next().map(|(_, record)| record) else {"),
    ("I8: a hold holds everything", HOLD, "site.is_at(&self.path, &self.locator)", "!self.path.as_str().is_empty() && !site.path.as_str().is_empty()"),
    # The record, and who is believed
    ("a key is taken on trust", RECORD, "(*fields.get(\"Key\")? == record.claim.key().to_string()).then_some(record)", "fields.get(\"Key\").map(|_| record)"),
    ("two records are one", RECORD, "if headers(message) != 1 {", "if headers(message) == 0 {"),
    ("a field may come twice", RECORD, "} else if fields.insert(name, value).is_some() {", "} else if fields.insert(name, value).is_some() && false {"),
    ("the branch is not in the key", RECORD, "Key(Digest::of(self.to_string().as_bytes()))", "Key(Digest::of(self.to_string().replace(self.branch.as_str(), \"\").as_bytes()))"),
    ("sites are not sorted", RECORD, "        sites.sort();\n", "        sites.reverse();\n"),
    ("the parent is not compared", RECOGNISE, "fact.parents == [record.parent]", "fact.parents.len() == 1"),
    ("a merge can be a pin", RECOGNISE, "fact.parents == [record.parent]", "fact.parents.first() == Some(&record.parent)"),
    ("anybody's commit is a pin", RECOGNISE, "(Misfit::Identity, by.wrote(fact)), (Misfit::Signature, by.signature == fact.signature),", ""),
    ("the author is not compared", FACTS, "self.author == fact.author && ", ""),
    ("the committer is not compared", FACTS, " && self.committer == fact.committer", ""),
    ("the signature is not compared", RECOGNISE, "(Misfit::Signature, by.signature == fact.signature),", ""),
    ("a pin may change other files", RECOGNISE, "changed.iter().all(|path| may_change(&record.claim, path))", "changed.iter().all(|path| may_change(&record.claim, path) || true)"),
    ("a pin may change nothing", RECOGNISE, "(Misfit::Unchanged, !changed.is_empty()),", ""),
    ("a pin may add a hold", RECOGNISE, "let hold = !claim.operation().is_forward() &&", "let hold ="),
    ("a rollback may not add its hold", RECOGNISE, "let hold = !claim.operation().is_forward() &&", "let hold = false &&"),
    ("a rollback of any head", RECOGNISE, "operation.head().is_none_or(|head| head == record.parent)", "true"),
    ("a record is believed whatever the bytes", RECOGNISE, "if kept && held {", "if kept {"),
    ("a site may hold another digest", MANIFEST, "new.image.digest() == Some(*digest) &&", ""),
    ("a site may hold another image", MANIFEST, "&& new.image.same_image(&old.image)", ""),
    ("a file may change around its sites", MANIFEST, "if after.bytes.get(new_at..start) != Some(gap) || !placed", "if !placed"),
    ("a file may change after its sites", MANIFEST, "Ok(same_end.then_some(regions))", "Ok((same_end || true).then_some(regions))"),
    ("what is inserted is not looked at", MANIFEST, "== Some(editor.pinned(before, old, *digest)?.as_bytes())", "!= None"),
    ("what is replaced may stand elsewhere", MANIFEST, "new.span.start == start", "new.span.start >= start"),
    ("an editor does not verify", MANIFEST, "for read in reads { match read.editor.verify", "for read in reads.iter().take(0) { match read.editor.verify"),
    ("a file may change its mode", MANIFEST, "if before.mode != after.mode {", "if false {"),
    # What looks back
    ("git: a history that is cut is whole", FACTS, "if whole { Self::Descends(facts) } else { Self::Cut(facts) }", "drop(whole); Self::Descends(facts)"),
    ("audit: digests that no pin wrote pass", AUDIT, "(from, Some(_)) if !by_hand =>", "(from, Some(_)) if false =>"),
    ("audit: hand edits always pass", AUDIT, "self.options.hand_edits && !self.options.by.wrote(fact)", "!self.options.by.wrote(fact)"),
    ("audit: another name with the digest passes", AUDIT, "&& from.as_ref().is_some_and(|from| from.same_image(&to))", "&& from.is_some()"),
    ("audit: a tag comes back", AUDIT, "(Some(from), None) if pinned.is_some() =>", "(Some(from), None) if false =>"),
    ("audit: a folder becomes a link", AUDIT, "change.after.is_some() || changed.iter().any(covered)", "change.after.is_some()"),
    ("audit: holds that cannot be read hold nothing", AUDIT, "Err(error) if forward =>", "Err(error) if false =>"),
    ("audit: a place goes", AUDIT, "stays && site.image.digest().is_some()", "false"),
    ("audit: what cannot be read passes", AUDIT, "new.extend(stands(&*target.editor, after.as_ref())?);", "new.extend(stands(&*target.editor, after.as_ref()).unwrap_or_default());"),
    ("audit: a misfit passes", AUDIT, "misfit => self.report_commit(fact, Tampering::Misfit(misfit)),", "_ => {}"),
    ("audit: other files of the pinner pass", AUDIT, "if let Some(first) = others.next() {", "if let Some(first) = others.next().filter(|_| false) {"),
    ("audit: a pinner without a record passes", AUDIT, "None if self.options.by.wrote(fact) && self.audit.breaches.len() == before => {", "None if false => {"),
    ("audit: signatures are not asked for", AUDIT, "if self.options.signed && fact.signature != Signature::Valid {", "if false {"),
    ("audit: holds hold nothing", AUDIT, "Ok(holds) if forward => {", "Ok(holds) if false => {"),
    ("audit: holds are those of the head", AUDIT, "self.holds = hold::holds(change.before.as_ref());", ""),
    ("audit: holds are taken", AUDIT, "!released && !after.contains(hold)", "false"),
    ("audit: a line that is cut is whole", AUDIT, "if walk.is_cut() {", "if false {"),
    ("audit: the line alone orders sources", ORDER, "read::since(forge, pair.0, pair.1).await?.is_some()", "false"),
    ("audit: the line does not order sources", ORDER, "later > earlier", "false && later > earlier"),
    ("audit: a base may be anywhere", WALK, "if let (None, Some(base)) = (parent, self.range.base) {", "if let (None, Some(base)) = (parent, self.range.base.filter(|_| false)) {"),
    ("audit: a piece joins nothing", WALK, "piece.truncate(oldest + 1);", "piece.truncate(oldest);"),
    # Facts are proven
    ("blobs are not hashed", READ, "!file.oid.is_blob(&file.bytes)", "!file.oid.is_blob(&file.bytes) && false"),
    ("a history need not meet its base", READ, "edge.remove(&base) && reached", "(edge.remove(&base) || true) && reached"),
    ("a history may hold what is not reached", READ, " && reached.len() == facts.len()", ""),
    ("a history may be cut aside", READ, "for oid in edge {", "for oid in edge.into_iter().filter(|_| false) {"),
    ("edits are not verified", PLAN, "if !manifest::reads_as_pins(", "if false && !manifest::reads_as_pins("),
    ("manifests are not hashed against the report", RESOLVE, "hashes(image, expected, &manifest.bytes)?;", ""),
    ("evidence of a digest that nobody read", REQUEST, "if !options.evidence.is_none()", "if false"),
    # What fuzzing found: words with a grammar
    ("words: anything may stand behind an IPv6 address", REFERENCE, "is_ok() && rest.starts_with(':') => {", "is_ok() => {"),
    ("words: a path may lead into .git", NAMES, "any(dot_git)", "any(|part| dot_git(part) && false)"),
    ("words: .git in capitals is a path", NAMES, "trim_end_matches(['.', ' ']).to_ascii_lowercase()", "trim_end_matches(['.', ' ']).to_owned()"),
    ("words: .git with dots and blanks behind it is a path", NAMES, "name.trim_end_matches(['.', ' '])", "name"),
    ("words: .git by its short name is a path", NAMES, "name == \".git\" || name == \"git~1\"", "name == \".git\""),
    ("words: .git with a stream behind it is a path", NAMES, "part.split(':').next().unwrap_or_default()", "part"),
    ("words: .git with a backslash behind it is a path", NAMES, "part.split('\\\\').any(|part|", "std::iter::once(part).any(|part|"),
    # Edits of YAML
    ("yaml: an edit is not held against its events", VERIFY, "let mut hit = false;", "if !regions.is_empty() { return Ok(()); } let mut hit = false;"),
    ("yaml: what was written need not be a value", VERIFY, "if !hit {", "if false {"),
    ("yaml: a value may change its dress", VERIFY, "(style, anchor, tag) == (new_style, new_anchor, new_tag)", "(anchor, tag) == (new_anchor, new_tag) || style == new_style"),
    ("yaml: a marker may come and go", VERIFY, "|| (is == Event::DocumentEnd && was_bytes.is_empty() != bytes.is_empty())", ""),
    ("yaml: what goes in may reach out", VERIFY, "bytes.start >= region.start && bytes.end <= region.end", "true"),
    ("yaml: what goes in may be anchored", VERIFY, "Event::Scalar(_, _, 0, None) if", "Event::Scalar(..) if"),
    ("yaml: the first of two keys is the key", DOCUMENT, "if found.is_some() {", "if false {"),
    ("yaml: a key on the way may stand twice", DOCUMENT, "faults.twice.get(&key.at)", "faults.twice.get(&key.at).filter(|_| false)"),
    ("yaml: a key may be an alias", DOCUMENT, "merge.or(faults.odd.get(&mapping.at))", "merge"),
    ("yaml: a merge behind a key is no matter", DOCUMENT, "filter(|merge| **merge > key.at)", "filter(|_| false)"),
    ("yaml: what a merge brings in is not there", DOCUMENT, "Some(name) if found.is_none() => Err(name.uncertain(key))", "Some(name) if found.is_none() && false => Err(name.uncertain(key))"),
    ("yaml: an alias is replaced", DOCUMENT, "Kind::Alias => \"an alias\",", "Kind::Alias => return self.alone(),"),
    ("yaml: an anchor's value is edited for all", DOCUMENT, "&& self.document.aliased.contains(&node.raw().anchor)", "&& false"),
    ("yaml: a value with a tag is replaced", DOCUMENT, "Kind::Scalar(_) if raw.tag == Tagged::Other => \"a value with a tag\",", ""),
    ("yaml: a value over several lines is replaced", DOCUMENT, "if self.source_text()[self.span()].contains(['\\n', '\\r']) {", "if false {"),
    ("yaml: a document may hold any number of values", DOCUMENT, "if nodes.len() >= NODES {", "if false {"),
    ("yaml: a file may hold any number of documents", DOCUMENT, "Event::DocumentStart(..) if index >= DOCUMENTS", "Event::DocumentStart(..) if false"),
    ("yaml: a line break to some alone is none", YAML, "memmem::find(&file.bytes, one.as_bytes())).min()", "memmem::find(&file.bytes, one.as_bytes())).min().filter(|_| false)"),
    ("pieces: a directive parts no documents", PIECES, 'none("\\n...") && none("\\n%")', 'none("\\n...")'),
    ("pieces: an end of a document parts none", PIECES, 'none("\\n...") && none("\\n%")', 'none("\\n%")'),
    ("pieces: a bare carriage return breaks no line", PIECES, "memchr_iter(b'\\r', bytes).all(", "true || memchr_iter(b'\\r', bytes).all("),
    ("pieces: a marker needs no blank", PIECES, "matches!(line.get(3), None | Some(b' ' | b'\\t' | b'\\n' | b'\\r'))", "true"),
    ("pieces: comments are a document", PIECES, "(!told || has_content(&text[start..before]))", "(!told || before > 0)"),
    ("pieces: what numbers spell is passed over", PIECES, "Some(b'x' | b'u' | b'U' | b'/') => true,", ""),
    ("pieces: what goes over two lines is passed over", PIECES, "is_some_and(|byte| is_plain(*byte))", "is_some_and(|_| false)"),
    ("pieces: what is passed over is not counted", YAML, "} else { index += 1; }", "} else { }"),
    ("yaml: a document without a site may differ", VERIFY, "!regions.is_empty() || old.text[was.clone()] != new.text[is.clone()]", "!regions.is_empty()"),
    ("yaml: documents may come and go", VERIFY, '_ => return Err(differs(after, (0, 0), "more documents, or fewer")),', "_ => return Ok(()),"),
    ("yaml: quotes are not kept", SPLICE, "Ok(scalar(&text, quote))", "Ok(scalar(&text, \"\"))"),
    ("yaml: every line ends alike", SPLICE, "if ends_crlf { \"\\r\\n\" } else { \"\\n\" }", "if ends_crlf && false { \"\\r\\n\" } else { \"\\n\" }"),
    ("yaml: the tag is kept, asked or not", SPLICE, "} else if keep_tag {", "} else if true {"),
    ("yaml: every text can be bare", QUOTE, "quote.is_empty() && !plain_text(text)", "false"),
    ("yaml: a digest alone is an image", PLACE, "if is_digest(text) {", "if false {"),
    ("yaml: a name may carry a tag", PLACE, "match image.filter(|image| image.tag().is_some() || image.digest().is_some()) {", "match image.filter(|_| false) {"),
    ("yaml: two entries of one name", KUSTOMIZE, "if let Some(first) = seen.insert(entry.name(), entry.name.line()) {", "if let Some(first) = seen.insert(entry.name(), entry.name.line()).filter(|_| false) {"),
    ("yaml: any object is a kustomization", KUSTOMIZE, "Some(_) => false,", "Some(_) => true,"),
    ("yaml: a name of two containers is a locator", WORKLOAD, "paths.get(path) == Some(&1)", "paths.get(path) >= Some(&1)"),
    ("yaml: an alias for containers is none", WORKLOAD, "if node.is_alias() {", "if false {"),
    ("yaml: a tag beside an image is no matter", HELM, "!tagged.contains(&parent.id())", "!tagged.contains(&parent.id()) || true"),
    # Git's objects, and a repository on disk
    ("git: the branch moves from wherever it stands", REFS, "PreviousValue::MustExistAndMatch(from)", "PreviousValue::Any"),
    ("git: a symbolic branch is not locked", REFS, "branch.links.iter().map(stays)", "branch.links.iter().take(0).map(stays)"),
    ("git: a refusal does not tell that the head moved", REFS, "Ok(found) if found.head != expected", "Ok(found) if false && found.head != expected"),
    ("git: a checked-out branch moves", LOCAL, "CheckedOut::Refuse => disk.checked_out(&disk.branch(guarded.branch())?)?", "CheckedOut::Refuse => None::<std::path::PathBuf>"),
    ("git: a work tree that cannot be seen does not mind", REFS, "let tree = tree.map_err(|error| failed(act, error))?;", "let Ok(tree) = tree else { continue };\n"),
    ("git: an object is not held against its name", DISK, "if objects::oid(oid.format(), object.kind, &object.data) != oid {", "if false {"),
    ("git: one object stands for another", DISK, "core.useReplaceRefs=false", "core.useReplaceRefs=true"),
    ("git: somebody else's repository is trusted", DISK, ".bail_if_untrusted(true)", ""),
    ("git: a reftable is files", DISK, "!storage.eq_ignore_ascii_case(b\"files\")", "storage.is_empty()"),
    ("git: packed refs are remembered", DISK, "if refs.packed_refs_path().exists() {", "if false {"),
    ("git: a file of any size is read", DISK, "*size > LARGEST_FILE", "*size > u64::MAX - 1"),
    ("git: what is missing is not there", DISK, "None => fail(BackendErrorKind::Incomplete, format!(\"the repository does not have {kind} {oid}", "None => fail(BackendErrorKind::NotFound, format!(\"the repository does not have {kind} {oid}"),
    ("git: a history ends where a shallow clone does", HISTORY, "met.cut = true;", ""),
    ("git: a history holds what the base has", HISTORY, "reached.oids.retain(|oid| !own.oids.contains(oid));", ""),
    ("git: a history has no limit", HISTORY, "if reached.oids.len() > limit {", "if false {"),
    ("git: any file takes a pin", OBJECTS, "if entry.mode != Mode::Regular {", "if false {"),
    ("git: a name is known by its beginning", OBJECTS, "if entry.filename != name {", "if !entry.filename.starts_with(name.as_bytes()) {"),
    ("git: the first of two entries is meant", OBJECTS, "if found.is_some() {", "if false {"),
    ("git: a link is followed like a folder", OBJECTS, "if entry.mode != Mode::Tree { return Ok(Walk::Nothing); } at = entry.oid;", "at = entry.oid;"),
    ("git: a signature is over what holds it", OBJECTS, "signature.extend_from_slice(first);", "signature.extend_from_slice(first); payload.extend_from_slice(line);"),
    ("git: any key's signature is ours", SIGN, "Ok(said.len() == 1 && said == own)", "Ok(said.len() == 1)"),
    ("git: any gpg key's signature is ours", SIGN, "Ok(good && valid.any(|fingerprint| own.contains(fingerprint)))", "Ok(good && valid.any(|fingerprint| !fingerprint.is_empty() && !own.is_empty()))"),
    ("git: what is signed is not verified", SIGN, "if !self.prove(&armor, commit).await? {", "if false {"),
    # Registries
    ("registry: a claim is not held against the bytes", RESOLVE, "for expected in [expected, manifest.claimed]", "for expected in [expected, None]"),
    ("registry: blobs are not hashed", RESOLVE, "hashes(&image.at(digest), digest, &bytes)?;", ""),
    ("registry: a manifest of an index is not hashed", RESOLVE, "match proven(registry, &image, Some(digest)).await?.1 {", "match proven(registry, &image, None).await?.1 {"),
    ("registry: the first of many platforms is the one", RESOLVE, "[(platform, digest)] => {", "[(platform, digest), ..] => {"),
    ("registry: a variant is no matter", RESOLVE, "if plain { platform == wish } else", "if false { platform == wish } else"),
    ("registry: any single image serves any platform", RESOLVE, "platform.clone().filter(|platform| wish.takes(platform))", "platform.clone()"),
    ("registry: unknown is a platform", IMAGE, "is_some_and(Machine::is_unknown)", "is_some_and(|_| false)"),
    ("registry: what refers to an image is one", IMAGE, "|| self.annotations.get(REFERENCE_TYPE).is_some()", ""),
    ("registry: an attestation is an image", IMAGE, "(OCI_MANIFEST | DOCKER_MANIFEST, None, Some(_), _) if attests", "(OCI_MANIFEST | DOCKER_MANIFEST, None, Some(_), _) if false && attests"),
    ("registry: an index of nothing is an image", IMAGE, "if images.is_empty() {", "if false {"),
    ("registry: a document may be two things", IMAGE, "(OCI_INDEX | DOCKER_LIST, Some(entries), None, None)", "(OCI_INDEX | DOCKER_LIST, Some(entries), ..)"),
    ("registry: a document may call itself another", IMAGE, "filter(|own| *own != media_type)", "filter(|_| false)"),
    ("registry: one platform speaks for all", LABEL, "if said.len() == before {", "if said.is_empty() {"),
    ("registry: the index is not heard", LABEL, "heard.word(\"the annotation of the index\", &index.annotations);", ""),
    ("registry: an entry of the index is not heard", LABEL, "heard.word(&format!(\"the index about {}\", name(platform.as_ref())), &entry.annotations);", ""),
    ("registry: an index may hold any number of images", WEIGH, "if count <= most {", "if count <= 9 * most {"),
    ("registry: one word is enough", WEIGH, "said.iter().all(|said| said.value.as_deref().is_some_and(right))", "said.iter().any(|said| said.value.as_deref().is_some_and(right))"),
    ("registry: a short id is one", WEIGH, "&|commit| commit == source", "&|commit| source.starts_with(commit)"),
    # Evidence
    ("evidence: nothing said is agreement", WEIGH, "!said.is_empty() &&", ""),
    ("evidence: another repository passes", WEIGH, "SourceRepository::of_source(uri).as_ref() == Some(own)", "SourceRepository::of_source(uri).is_some()"),
    ("evidence: a platform may have no provenance", BUILDKIT, "if statements.is_empty() {", "if false {"),
    ("evidence: a provenance may be about another image", BUILDKIT, "if !statement.is_only_about(image) {", "if false {"),
    ("evidence: a provenance may be about other images too", STATEMENT, "!self.subject.is_empty() && self.subject.iter().all(|subject| subject.is(digest))", "self.subject.iter().any(|subject| subject.is(digest))"),
    ("evidence: a provenance may stand beside another image", IMAGE, "and_then(|text| text.parse().ok()) == Some(image)", "is_some()"),
    ("evidence: what the client says is not heard", BUILDKIT, ".extend(statement.hint().map(", ".extend(statement.hint().filter(|_| false).map("),
    ("evidence: a folder is a repository", STATEMENT, "is_some_and(|folders| !folders.is_empty())", "is_some_and(|_| false)"),
    ("evidence: what is built from is not asked first", STATEMENT, "if let Some(source) = self.at(config).and_then(Source::of) {", "if let Some(source) = self.at(config).and_then(Source::of).filter(|_| false) {"),
    ("evidence: one statement speaks for the others", BUILDKIT, "for statement in &statements {", "for statement in &statements[..1] {"),
    ("evidence: the subject is anything", TRUST, "let artifact = artifact(digest)?;", "let subject = match &bundle.content { sigstore_verify::types::SignatureContent::DsseEnvelope(envelope) => serde_json::from_slice::<serde_json::Value>(envelope.payload.as_bytes()).ok().and_then(|s| format!(\"sha256:{}\", s[\"subject\"][0][\"digest\"][\"sha256\"].as_str()?).parse().ok()), _ => None }; let artifact = artifact(subject.unwrap_or(digest))?;"),
    ("evidence: the issuer is not compared", ATTESTED, "if found != issuer {", "if false {"),
    ("evidence: the signer is not compared", ATTESTED, "if !identity_is(found, identity) {", "if false {"),
    ("evidence: a ref is not compared", CLAIMS, "is_workflow && (at.starts_with(\"refs/\") || at.parse::<Oid>().is_ok())", "is_workflow"),
    ("evidence: any statement tells of a build", ATTESTED, "if !statement.tells_of_a_build() {", "if false {"),
    ("evidence: the statement beats the certificate", CLAIMS, "certificate.filter(|claims| !claims.is_empty())", "certificate.filter(|_| false)"),
    ("evidence: the repository is not compared", CLAIMS, ".as_ref() == Some(repository)", ".is_some()"),
    ("evidence: the commit is not compared", CLAIMS, "claim.commit.as_ref() != Some(&wanted)", "claim.commit.is_none()"),
    ("evidence: no log is asked for, by a certificate", TRUST, "let policy = if self.logs { policy } else { policy.skip_tlog_unsafe() }; let policy = if self.certificate_logs", "let policy = policy.skip_tlog_unsafe(); let policy = if self.certificate_logs"),
    ("evidence: no log is asked for, by a key", TRUST, "let policy = if self.logs { policy } else { policy.skip_tlog_unsafe() }; return", "let policy = policy.skip_tlog_unsafe(); return"),
    ("evidence: a key is believed by a root without a log", TRUST, "Trust::Embedded if key.is_some() =>", "Trust::Embedded if key.is_some() && false =>"),
    ("evidence: a place that cannot be asked has none", ATTESTED, "failure.get_or_insert(error);", "if false { failure.get_or_insert(error); }"),
    ("evidence: a bundle may be of any length", ATTESTED, "if bytes.len() > BUNDLE_LIMIT {", "if false {"),
    ("evidence: bundles are not hashed", REFERRERS, "proven_blob(&*self.registry, image, blob.digest).await.map(Some).map_err(unproven)", "self.registry.blob(image, blob.digest).await.map(Some)"),
    ("evidence: a long list of bundles is cut", ATTESTED, "if bundles.len() > BUNDLES {", "if false {"),
    ("evidence: any number of bundles is read", REFERRERS, "if found.len() > BUNDLES {", "if found.len() > 9 * BUNDLES {"),
    ("evidence: nobody need be named", EVIDENCE, "Self::Attestation(rule) => rule.objection().map(str::to_owned),", "Self::Attestation(_) => None,"),
    ("registry: a credential follows a redirect", OCI, "grant.filter(|_| endpoint.owns(&url))", "grant"),
    ("registry: whoever asks is told who we are", OCI, "&& endpoint.owns(&answer.url)", ""),
    ("registry: redirects without end", OCI, "for _ in 0..=REDIRECTS {", "for _ in 0..=99 * REDIRECTS {"),
    ("registry: a token is not kept", OCI, "self.grants().insert(image.name(), fresh.clone());", ""),
    ("registry: any media type is an image", OCI, "if !wanted.contains(&media_type.as_str()) {", "if false {"),
    ("registry: a tag that is not there may come", OCI, "if image.digest().is_some() { answer.map_err(answer::may_lag) }", "if true { answer.map_err(answer::may_lag) }"),
    ("registry: a digest that is not there never comes", ANSWER, "error.with_retry_after(Duration::from_secs(1))", "error"),
    ("registry: what is shown is quoted back", ANSWER, "grant.hide(&words)", "words.clone()"),
    ("registry: the password is quoted back", AUTH, "[Some(secret), password]", "[Some(secret), password.filter(|_| false)]"),
    ("registry: what a server says is not cleaned", ANSWER, "out.push(if hidden { ' ' } else { c });", "out.push(if hidden && false { ' ' } else { c });"),
    ("registry: a server's wish is not kept", ANSWER, "Some(wait) if kind == BackendErrorKind::RateLimited || kind", "Some(wait) if kind"),
    ("registry: a refused login turns anonymous", AUTH, "token(http, realm, service.as_deref(), image, login.as_ref(), act).await", "match token(http, realm.clone(), service.as_deref(), image, login.as_ref(), act).await { Err(_) if login.is_some() => token(http, realm, service.as_deref(), image, None, act).await, done => done }"),
    ("registry: a login that fails turns anonymous", AUTH, "let login = logins.find(image).await.map_err(|reason| unauthorized(format!(\"no login for {host}: {reason}\")))?;", "let login = logins.find(image).await.unwrap_or_default();"),
    ("registry: any realm is sent a login", ENDPOINT, "\"http\" if self.allows_plain(self.host) && self.allows_plain(&host) => Ok(())", "\"http\" => Ok(())"),
    ("registry: a realm on loopback is sent any login", ENDPOINT, "self.allows_plain(self.host) && self.allows_plain(&host)", "self.allows_plain(&host)"),
    ("registry: a realm in plain http, for a plain registry", ENDPOINT, "self.allows_plain(self.host) && self.allows_plain(&host)", "self.allows_plain(self.host)"),
    ("registry: an address may hold a credential", ENDPOINT, "if !url.username().is_empty() || url.password().is_some() {", "if false {"),
    ("registry: localhost by its beginning", ENDPOINT, "name.eq_ignore_ascii_case(\"localhost\")", "name.starts_with(\"localhost\")"),
    ("registry: a login for any registry", LOGINS, "same_registry(&login.registry, image.registry())", "same_registry(&login.registry, image.registry()) || true"),
    ("registry: a helper that fails has none", LOGINS, "if stdout.trim() == \"credentials not found in native keychain\" =>", "if !stdout.is_empty() =>"),
    ("registry: a repository's own login is passed over", LOGINS, "std::iter::once(path.clone()).chain(parents)", "parents.skip(9)"),
    ("registry: an answer is never too long", HTTP, "if body.len() + chunk.len() > limit {", "if body.len() + chunk.len() > 99 * limit {"),
    ("registry: a layout's file is never too long", LAYOUT, "if bytes.len() > limit {", "if false {"),
    ("registry: a layout's full name is no matter", LAYOUT, "is_ok_and(|name| name.same_image(image) && name", "is_ok_and(|name| name"),
    ("registry: a layout's first entry is the one", LAYOUT, "match found[..] {\n                    [digest] => digest,", "match found[..] {\n                    [digest, ..] => digest,"),
    # Git's protocol
    # GitHub
    ("github: the head is not compared", QUERIES, '"expectedHeadOid": commit.expected_head(),', '"expectedHeadOid": "0".repeat(40),'),
    ("github: a commit on any parent is mine", GITHUB, "[parent] if *parent == commit.expected_head() => Ok(made.oid)", "_ if true => Ok(made.oid)"),
    ("github: errors beside a commit do not matter", GITHUB, "Some(made) if answer.errors.is_empty() => match", "Some(made) => match"),
    ("github: errors beside data do not matter", GITHUB, "Some(data) if answer.errors.is_empty() => Ok(data)", "Some(data) => Ok(data)"),
    ("github: any mode is written", GITHUB, "self.only_regular(commit).await.map_err(CommitError::NotLanded)?;", ""),
    ("github: a text is the blob", GITHUB, "&& file.oid.is_blob(text.as_bytes())", ""),
    ("github: a text is whole", GITHUB, "filter(|blob| blob.is_truncated == Some(false))", "filter(|_| true)"),
    ("github: a young token is refused for good", GITHUB, "if matches!(refusal.status.as_u16(), 401 | 403) && self.login.is_young(&token) =>", "if false =>"),
    ("github: a token is young for ever", LOGIN, "self.clock.now() < until", "until > SystemTime::UNIX_EPOCH"),
    ("github: a token is for every repository", LOGIN, '"repositories": [self.repository.name()], ', ""),
    ("github: a token may do all that was granted", LOGIN, ', "permissions": self.needed', ""),
    ("github: a token is minted for each request", LOGIN, "&& minted.expires > state.now(&*self.clock) + SPARE", "&& false"),
    ("github: a token is used to its end", LOGIN, "state.now(&*self.clock) + SPARE", "SystemTime::UNIX_EPOCH"),
    ("github: a token is not given back", LOGIN, "let Some(minted) = self.state.lock().await.minted.take() else { return Ok(()) };", "let Some(minted) = self.state.lock().await.minted.take().filter(|_| false) else { return Ok(()) };"),
    ("github: a wrong clock is the end", LOGIN, "let Err(Failure::Refused(refusal)) = &first else { return Ok(first) };", "let Err(Failure::Refused(refusal)) = &first else { return Ok(first) }; if true { return Ok(first) }"),
    ("github: a renamed repository is lost", LOGIN, "if refusal.status.is_redirection() =>", "if false =>"),
    ("github: a redirect leads anywhere", API, 'address.strip_prefix(&base)?', 'address.strip_prefix(&base).unwrap_or("repos/acme/deploy/installation")'),
    ("github: a stale head is no race", REFUSAL, '(kind == "STALE_DATA" || words.contains("Expected branch to point to") || actual(words).is_some())', "false"),
    ("github: a rule is unclear", REFUSAL, 'if is_about_rules(kind, words) || kind == "FORBIDDEN" {', "if false {"),
    ("github: one of several errors counts", REFUSAL, "let [error] = errors else {", "let [error, ..] = errors else {"),
    ("github: what is unknown did not land", REFUSAL, "_ => CommitError::Ambiguous(of_a_read(errors, headers, act)), } }", "_ => CommitError::NotLanded(of_a_read(errors, headers, act)), } }"),
    ("github: a proxy speaks for GitHub", REFUSAL, "Failure::Refused(refusal) if refusal.message.is_some() =>", "Failure::Refused(refusal) if true =>"),
    ("github: a broken server did not commit", REFUSAL, "_ => CommitError::Ambiguous(refusal.of_a_read(act)), },", "_ => CommitError::NotLanded(refusal.of_a_read(act)), },"),
    ("github: a lost answer did not land", REFUSAL, "failure => CommitError::Ambiguous(failure.while_reading(act)),", "failure => CommitError::NotLanded(failure.while_reading(act)),"),
    ("github: a limit is a refusal", REFUSAL, "_ if wait.is_some() => RateLimited,", "_ if false => RateLimited,"),
    ("github: a limit tells no time", REFUSAL, "if let Some(wait) = retry_after(headers) {", "if let Some(wait) = retry_after(headers).filter(|_| false) {"),
    ("github: a history that ends early is whole", COMPARE, "if came == 0 {", "if came == 0 { break; } if false {"),
    ("github: one page is all", COMPARE, "if facts.len() >= found.total_commits {", "if true {"),
    ("github: a side way is a descendant", COMPARE, 'if !matches!(&*found.status, "ahead" | "identical") {', "if false {"),
    ("github: a history has no limit", COMPARE, "if found.total_commits > limit {", "if false {"),
    ("github: any commit is signed", COMPARE, "Some(verification) if verification.verified => Signature::Valid,", "Some(_) => Signature::Valid,"),
    ("github: a token goes in the open", HOST, '"http" if is_loopback(&url) => Ok(url),', '"http" => Ok(url),'),
    ("github: a token goes to two hosts", HOST, "if rest.origin() != graphql.origin() {", "if false {"),
    ("github: a bypass by pull request will do", RULES, 'Some(how @ ("always" | "exempt"))', 'Some(how @ ("always" | "exempt" | "pull_requests_only"))'),
    ("github: a permission that is missing will do", ASKS, "if !missing.is_empty() {", "if false {"),
    ("github: every rule is kept", RULES, "kinds.iter().map(String::as_str).filter(|kind| !kept.contains(kind)).collect();", "kinds.iter().map(String::as_str).filter(|_| false).collect();"),
    # Pull requests
    ("proposal: a person's commit gives way", STANDING, "None if read::since(forge, oid, base).await?.is_some() => Ok(Standing::Nothing(Some(oid))),", "None => Ok(Standing::Nothing(Some(oid))),"),
    ("proposal: what was merged does not give way", STANDING, "None if read::since(forge, oid, base).await?.is_some() =>", "None if false =>"),
    ("proposal: a pin for any branch is ours", STANDING, "pin.claim.branch() == self.request.branch()", "pin.claim.branch() == self.request.branch() || true"),
    ("proposal: I6: a newer one gives way", PROPOSE, "self.gives_way(&standing, &commit.record().claim, head).await?;", ""),
    ("proposal: I6: a rebuild gives way", STANDING, "let kin = if theirs == claim.source() {", "let kin = if false {"),
    ("proposal: the same pin is made anew", PROPOSE, "if let Some((oid, message)) = standing.same(commit) {", "if let Some((oid, message)) = standing.same(commit).filter(|_| false) {"),
    ("proposal: the same pin on another head is the same", STANDING, "(same && record.parent == commit.expected_head())", "same"),
    ("proposal: the branch is put to the base's head first", PROPOSE, "let made = self.standing(&self.scratch, head).await?;", "self.forge().move_branches(&[BranchMove { branch: self.own.clone(), from: standing.oid(), to: Some(head) }]).await.ok(); let standing = standing::Standing::Nothing(Some(head)); let made = self.standing(&self.scratch, head).await?;"),
    ("proposal: a lost answer of the swap is a race", PROPOSE, "CommitError::Ambiguous(error) => doubt = Some(error),", "CommitError::Ambiguous(error) => { doubt = Some(error); return Ok(false) }"),
    ("proposal: doubt is a failure", PROPOSE, "let Some(source) = doubt else { return Ok(false) };", "let Some(source) = doubt.filter(|_| false) else { return Ok(false) };"),
    ("proposal: the scratch branch stays", PROPOSE, "BranchMove { branch: self.scratch.clone(), from: Some(to), to: None },", "BranchMove { branch: self.scratch.clone(), from: Some(to), to: Some(to) },"),
    ("proposal: one name for all targets", PROPOSE, "Digest::of(pinned.into_iter().collect::<Vec<_>>().join(\"\\n\").as_bytes())", "Digest::of(&[u8::from(pinned.is_empty())])"),
    ("proposal: what somebody closed is opened again", SHOW, "Ok(Some(review)) if review.head == oid && review.state == ReviewState::Closed => {", "Ok(Some(review)) if false && review.head == oid => {"),
    ("proposal: the words stay", SHOW, "&& review.text.says(&text)", ""),
    ("proposal: an older run has the last word", SHOW, "self.forge().amend_review(review, &self.text(&message)).await.ok();", ""),
    ("proposal: nobody looks who took over", SHOW, "self.hand_over(&review, oid).await.map(|()| review)", "Ok(review)"),
    ("proposal: what the branch caught up with stays open", SHOW, "Ok(Some(review)) if review.state == ReviewState::Open => review,", "Ok(Some(review)) if review.state == ReviewState::Open && false => review,"),
    ("proposal: a newer one is closed", SHOW, "match self.newer(record.claim.source()).await {", "match self.newer(record.claim.source()).await.map(|_| false) {"),
    ("proposal: a merge that will not be is a failure to tell", SHOW, "review.auto_merge = found.ok();\n        (review, warning)", "review.auto_merge = found.ok();\n        (review, None)"),
    ("proposal: a lost answer to the merge is a no", SHOW, "Err(error @ CommitError::Ambiguous(_)) => {", "Err(error @ CommitError::HeadMoved { .. }) => {"),
    ("proposal: branches are not compared", REVIEW, '"beforeOid": oid(one.from), ', ""),
    ("proposal: a stranger's pull request is ours", REVIEW, "pulls.flatten().filter(|pull| !pull.is_cross_repository)", "pulls.flatten()"),
    ("proposal: the newest pull request is the one", REVIEW, "own.sort_by_key(|review| review.state != ReviewState::Open);", ""),
    ("proposal: every token may write pull requests", LOGIN, '[("contents", "write"), ("metadata", "read")]', '[("contents", "write"), ("metadata", "read"), ("pull_requests", "write")]'),
    ("proposal: a permission has one name", REFUSAL, "} else { self.needs };", "} else { CONTENTS };"),
    ("wire: the old oid is whatever stands there", PUSH, "let offer = Offer::read(offer, &branch, act)?;", "let told = String::from_utf8_lossy(offer).into_owned(); let told = told.split(&format!(\" {branch}\")).next().unwrap_or_default().to_owned(); let old = told[told.len().saturating_sub(old.to_string().len())..].to_owned(); let offer = Offer::read(offer, &branch, act)?;"),
    ("wire: a report is not read", PUSH, "match report(&answer, &branch).map_err(doubt)? {", "match report(&answer, &branch).or(Ok(Report::Done)).map_err(doubt)? {"),
    ("wire: a refusal is a yes", PUSH, "Report::Refused { reason, beside } => Err(match", "Report::Refused { .. } if oid.format() == old.format() => Ok(oid), Report::Refused { reason, beside } => Err(match"),
    ("wire: a report on another ref is on ours", PUSH, "[(name, None)]) if name == branch", "[(name, None)]) if !name.is_empty()"),
    ("wire: what did not unpack can be a yes", PUSH, "(Some(\"ok\"), [(name, None)])", "(Some(_), [(name, None)])"),
    ("wire: half a report is one", PUSH, "if !ended {", "if false {"),
    ("wire: doubt is a refusal", PUSH, "CommitError::Ambiguous(BackendError::new", "CommitError::NotLanded(BackendError::new"),
    ("wire: a lost answer is a refusal", SMART_HTTP, "Err(error) => return Err(CommitError::Ambiguous(self.unread(error, act)))", "Err(error) => return Err(CommitError::NotLanded(self.unread(error, act)))"),
    ("wire: any status is the door", SMART_HTTP, "matches!(answer.status.as_u16(), 401 | 403 | 404 | 411 | 413 | 429)", "!answer.status.is_success()"),
    ("wire: nothing is turned away at the door", SMART_HTTP, "matches!(answer.status.as_u16(), 401 | 403 | 404 | 411 | 413 | 429)", "false"),
    ("wire: a redirect is followed", HTTP, ".redirect(reqwest::redirect::Policy::none())", ".redirect(reqwest::redirect::Policy::limited(3))"),
    ("wire: a login goes anywhere in the clear", SMART_HTTP, "login.is_some() && url.scheme() == \"http\"", "false && url.scheme() == \"http\""),
    ("wire: an address may hold a password", SMART_HTTP, "!url.username().is_empty() || url.password().is_some()", "false"),
    ("wire: a host may be an option", SSH, "any(|text| text.starts_with('-'))", "any(|text| text.starts_with('-') && false)"),
    ("wire: a lost race is a rule", TEXT, "if MOVED.iter().any(|words| reason.contains(words)) {", "if false {"),
    ("wire: a kept line may have sides", WIRE, "let [parent] = objects::commit", "let [parent, ..] = objects::commit"),
    ("wire: dates end a history", WIRE, "if fetched.objects.is_none() {", "if fetched.objects.is_none() { return Ok(None); } if false {"),
    ("wire: a history has no end", WIRE, "true if facts.len() > limit =>", "true if facts.len() > limit && false =>"),
    ("wire: a service that knows refs is asked again", SSH, ".filter(|connection| !connection.used)", ""),
    ("wire: the head is remembered", WIRE, "let head = offer.head(&self.transport, branch, &act).await?;", "static SEEN: Mutex<Option<(String, Oid)>> = Mutex::new(None); let seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner).clone().filter(|(place, _)| *place == self.to_string()).map(|(_, oid)| oid); let head = match seen { Some(oid) => Some(oid), None => offer.head(&self.transport, branch, &act).await? }; if let Some(oid) = head { *SEEN.lock().unwrap_or_else(PoisonError::into_inner) = Some((self.to_string(), oid)); }"),
    ("wire: what one answer leaves out is not asked for again", READER, "if missing.len() == before {", "if !missing.is_empty() {"),
    ("wire: a pack is taken on trust", PACK, "if checksum(format, body)?.as_bytes() != sum {", "if false {"),
    ("wire: a delta may lack its end", PACK, "if out.len() == to { Ok(out) } else { Err(BAD) }", "Ok(out)"),
    ("wire: a pack may unfold without end", PACK, "total += size; if total > limit::TOTAL {", "total += size; if total > usize::MAX {"),
    # What the book says
    ("book: an output that nobody prints", "docs/start.md", "2 pins on main", "3 pins on main"),
    ("book: an exit code that is another", "docs/security.md", "echo $? 2", "echo $?\n3"),
    ("book: a command that fails", "docs/recipes.md", '--branch main --forge ../repository.git', '--branch maine --forge ../repository.git'),
    ("book: a flag that is not there", "docs/recipes.md", "metadata.json --evidence label", "metadata.json --evidenze label"),
    ("book: a key that is not there", "docs/recipes.md", "- helm: charts/ai/values.yaml", "- helmm: charts/ai/values.yaml"),
    ("book: a link to no heading", "docs/recipes.md", "audit.md#as-a-required-check", "audit.md#as-a-check"),
    ("book: a page that nobody finds", "docs/SUMMARY.md", "- [Fuzzing](fuzzing.md)", ""),
    ("book: a code that the table has not", "pinlib-cli/src/exit.rs", "Self::Blocked => 5", "Self::Blocked => 6"),
    ("book: help that the reference does not say", "pinlib-cli/src/args/check.rs", "/// Files, and folders to look through", "/// Files"),
    ("book: a key that the reference does not say", "pinlib-cli/src/config.rs", "/// The files that name it.", "/// Files."),
    # What runs
    ("promotion: what does not run is taken", PROMOTE, "self.from.shows(&digests)?;", ""),
    ("cluster: an image that two indexes share is enough", SAME, "shared if shared == images.len() =>", "shared if shared > 0 =>"),
    ("cluster: what a registry does not have is another image", SAME, "Some(Known::Nothing(why)) => doubt = Some(why.clone()),", "Some(Known::Nothing(_)) => {}"),
    ("cluster: an index that nobody read is another image", SAME, "None => Sameness::Ask(vec![found]),", "None => Sameness::Different,"),
    ("cluster: a registry is taken at its word", PROVE, "proven(registry, &image.at(digest), Some(digest)).await {", "proven(registry, &image.at(digest), None).await {"),
    ("cluster: what is not ready runs", COMPARED, "if *ready || self.pod.leaving", "if true || *ready || self.pod.leaving"),
    ("cluster: what came to its end runs", COMPARED, "for pod in pods.iter().filter(|pod| !pod.finished) {", "for pod in pods {"),
    ("cluster: what is going is enough", COMPARED, "unready(&mut rows);", ""),
    ("cluster: the stable one must be the new one at once", COMPARED, "moves.then_some(", "false.then_some("),
    ("cluster: an aborted rollout goes on", COMPARED, "rollout.stable != rollout.current && !rollout.aborted", "rollout.stable != rollout.current"),
    ("cluster: of two digests either will do", COMPARED, "let mut digest = digests(&candidates); if digest.len() > 1 {", "let mut digest = digests(&candidates[..1]); if digest.len() > 1 {"),
    ("cluster: a base goes before its overlay", WANTED, "self.overlays.contains_key(*path) && !inner.contains(*path)", "self.overlays.contains_key(*path)"),
    ("cluster: kustomize's digest leaves the tag's digest", OVERLAY, "(None, None) => (tag, digest),", "(None, None) | (Some(_), None) => (tag, digest),"),
    ("cluster: another image's name may go on", OVERLAY, "_ => return None,", "_ => None,"),
    ("cluster: one object is a list", LISTED, 'Some(kind) if !kind.ends_with("List") => {', 'Some(kind) if false && !kind.ends_with("List") => {'),
    ("cluster: one page is a list", RECORDED, "if list.next.is_some() {", "if false {"),
    ("cluster: kube repeats by itself", KUBE, "config.default_retry = false;", ""),
    ("cluster: an expired list begins again and again", KUBE, "&& page.continue_token.is_some() && !begun_again", "&& page.continue_token.is_some()"),
    ("cluster: a token goes out in the clear", KUBE, 'config.cluster_url.scheme_str() != Some("https") &&', "false &&"),
    ("cluster: any revision holds the commit", LOOKS, "Ok(since) => since.is_some(),", "Ok(_) => true,"),
    ("cluster: who refuses is waited for", LOOKS, "Err(PinError::Backend(error)) if may_pass(error) =>", "Err(PinError::Backend(error)) if may_pass(error) || true =>"),
    ("cluster: what runs beside it does not matter", REPORTED, "RunVerdict::Match(_) if row.wanted == Some(digest) => runs |= serves,", "_ if row.wanted == Some(digest) => runs |= serves,"),
]
# Which tests are asked, in turn, until one objects: what is built, and which of it. Quick ones first.
SCENES = [("pinlib-testkit --test it", ["guards", "patience", "lies", "records", "edits", "conformance", "rollbacks", "waits", "audits"]),
          ("pinlib-testkit --test it", ["schedules"]),
          ("pinlib-testkit --test it", ["policies", "plans", "second_model", "swarm"])]
# Those that play the most schedules, without optimization for minutes.
NOT_ASKED = ["two_exact_pins_a_pusher_and_two_faults", "two_pins_a_pusher_and_a_fault", "a_human_takes_back_edits_and_holds",
             "three_pins_and_somebody", "each_fault_in_turn", "each_pair_of_faults"]
SUITES = {
    "audit": [("pinlib-testkit --test it", ["audits"])],
    "promotion": [("pinlib-cli --test it", ["rollbacks"])],
    "book": [("pinlib-cli --test it", ["book", "the_schemas_in_the_book"]), ("pinlib-cli --bin pinlib", ["the_book_s_table"])],
    "words": [("pinlib --test it", ["nouns", "git_names"])],
    "pieces": [("pinlib --lib", ["yaml::pieces"])],
    # Its hostile files are bounded by time.
    "yaml": [("pinlib --config=profile.dev.package.pinlib.opt-level=1 --test it", ["kustomize", "workload", "helm", "paths", "images", "yaml"])],
    "git": [("pinlib --features git-local --test it", ["forge_disk", "forge_local", "signing"])],
    "registry": [("pinlib --features oci --test it", ["resolve", "registry_layout", "registry_answers", "registry_logins"]),
                 ("pinlib --features oci --lib", ["registry"])],
    "evidence": [("pinlib --features provenance --test it", ["provenance", "attestations", "resolve"]),
                 ("pinlib --features provenance --lib", ["provenance"])],
    "wire": [("pinlib --features git-http --test it", ["forge_faults", "forge_http", "forge_ssh"]),
             ("pinlib --features git-http --lib", ["forge"])],
    "cluster": [("pinlib --features kube --test it", ["cluster"]), ("pinlib --features kube --lib", ["cluster", "overlay"])],
    "proposal": [("pinlib --features github,git-http --test it", ["github_proposal"])],
    "github": [("pinlib --features github,git-http --test it", ["github"]),
               ("pinlib --features github,git-http --lib", ["github"])],
}
# One mutant for each guard, and the test that objects: what CI runs.
GUARDS = {
    # The compare-and-swap, here and at the server.
    "exact passes a moved head": "schedules::of_three_exact_pins_one_lands",
    "github: the head is not compared": "github_pins::of_ten_at_once_one_lands",
    # The declared old value, the key, monotone truth, a hand, a hold.
    "I7: the declared old value is not compared": "guards::i7_a_declared_old_value_must_stand_there",
    "I2: no earlier pin is looked for": "guards::i2_a_pin_that_was_taken_back_does_not_come_again",
    "I6: newer passes": "guards::i6_an_older_build_is_superseded_and_a_newer_one_goes_over_an_older",
    "I7: a hand is overwritten": "guards::i7_what_a_hand_wrote_is_not_overwritten",
    "I8: holds are not read": "guards::i8_a_hold_in_the_tree_stops_every_policy",
    # The proof of a digest, the verified splice, whose commit is believed, what an answer says, whose host a credential is for.
    "manifests are not hashed against the report": "lies::every_lie_is_found",
    "edits are not verified": "lies::every_lie_is_found",
    "anybody's commit is a pin": "guards::a_pin_is_recognised_by_what_it_did_and_by_whom",
    "a lost answer is a loss": "schedules::one_fault_alone_never_ends_in_doubt",
    "registry: a credential follows a redirect": "registry_logins::no_credential_follows_a_redirect_to_another_host",
}
# Clauses whose loss the explorer must see by itself, from the history and the outcomes alone.
EXPLORED = ["exact passes a moved head", "pins-only passes all", "inputs passes all", "the source may come in sideways",
            "I2: no earlier pin is looked for", "a lost answer is a loss", "bytes are taken on trust", "I6: newer passes",
            "I6: a rebuild passes", "I7: a hand is overwritten", "I8: holds are not read"]

root = pathlib.Path(__file__).resolve().parent.parent
copy = root / "target" / "mutants"
# Pinlib is built in steps and without optimization: a mutant is then a few seconds. The code of others is what `cargo test` built.
QUICK = [f"--config=profile.dev.package.{package}.{quick}" for package in ("pinlib", "pinlib-testkit") for quick in ("opt-level=0", "debug=0")]
QUICK_ENV = {"CARGO_TARGET_DIR": str(root / "target"), "CARGO_INCREMENTAL": "1", "RUST_BACKTRACE": "0",
             "PINLIB_NODE_MODULES": str(root / "target" / "node_modules")}
PATIENCE = 600


def mutated(text, old, new):
    """The text with the one place that reads as `old` replaced; none where there is not just one."""
    words = [re.escape(word) for word in re.findall(r"\w+|[^\w\s]", old)]
    found = list(re.finditer(r",?\s*".join(words), text))
    return text[:found[0].start()] + new + text[found[0].end():] if len(found) == 1 else None


def stale():
    return [name for name, path, old, new in MUTANTS if mutated((root / path).read_text(), old, new) is None]


def ask(built, filters):
    """Runs tests until one fails: that one, whether all passed, and what was said."""
    command = ["cargo", "test", *QUICK, "-p", *built.split(), "--", *filters,
               *(word for name in NOT_ASKED for word in ("--skip", name))]
    said, red = "", None
    with subprocess.Popen(command, cwd=copy, env={**os.environ, **QUICK_ENV}, text=True, errors="replace",
                          start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as run:
        too_long = threading.Timer(PATIENCE, os.killpg, [run.pid, signal.SIGKILL])
        too_long.start()
        for line in run.stdout:
            said += line
            if failed := re.match(r"test (\S+) \.\.\. FAILED$", line):
                red = failed[1]
                os.killpg(run.pid, signal.SIGKILL)
                break
        too_long.cancel()
    return red, run.returncode == 0, said


words = sys.argv[1:]
if words == ["--list"]:
    print("\n".join(name for name, *_ in MUTANTS))
    print(f"{len(MUTANTS)} mutants; no longer in the code: {stale() or 'none'}")
    sys.exit(bool(stale()))
asked = {name: SUITES.get(name.split(": ")[0], SCENES) for name, *_ in MUTANTS}
if words == ["--guards"]:
    asked = {name: [(asked[name][0][0], [test])] for name, test in GUARDS.items()}
elif words == ["--explored"]:
    asked = {name: [(asked[name][0][0], ["a_swarm_of_all_faults"])] for name in EXPLORED}
elif words[:1] == ["--but"]:
    caught = set(re.findall(r"^CAUGHT +(.+) \[.+\] \d+s$", pathlib.Path(words[1]).read_text(), re.M))
    asked = {name: suites for name, suites in asked.items() if name not in caught}
elif words:
    asked = {name: suites for name, suites in asked.items() if any(word in name for word in words)}
chosen = [mutant for mutant in MUTANTS if mutant[0] in asked]

shutil.rmtree(copy, ignore_errors=True)
for part in subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=root, capture_output=True, text=True, check=True).stdout.splitlines():
    (copy / part).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(root / part, copy / part)

suites = {}
for built, filters in (suite for name in asked for suite in asked[name]):
    suites.setdefault(built, set()).update(filters)


def prove(built):
    """A suite that fails of something else would catch every mutant."""
    filters = sorted(suites.pop(built, []))
    if not filters:
        return
    red, passed, said = ask(built, filters)
    if not passed or any(not re.search(rf"^test \S*{name}", said, re.M) for name in filters):
        sys.exit(f"without a mutant, {red or filters} of {built} fails:\n{said}")


tally = {}
for name, path, old, new in chosen:
    file, start = copy / path, time.time()
    text = file.read_text()
    changed = mutated(text, old, new)
    if changed is None:
        fate, by = "STALE", ""
    else:
        for built, _ in asked[name]:
            prove(built)
        file.write_text(changed)
        for suite in asked[name]:
            red, passed, said = ask(*suite)
            if not passed:
                break
        file.write_text(text)
        # A run that failed without naming a test was ended by something else: it shows nothing.
        fate = "CAUGHT" if red else "BROKEN" if not passed else "ALIVE"
        by = red or ("" if passed else said[-2000:])
    tally[fate] = tally.get(fate, 0) + 1
    print(f"{fate:9} {name} [{by}] {time.time() - start:.0f}s", flush=True)
print(tally)
sys.exit(bool(tally.keys() & {"ALIVE", "STALE", "BROKEN"}))
