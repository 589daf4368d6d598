//! The stub of GitHub keeps to what GitHub publishes, and what it commits is real.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use pinlib::{BranchName, Mode, Oid, Signature};
use pinlib_testkit::{
    repository::Repository,
    servers::github::{
        APP_ID, Bypass, CLIENT_ID, GitHub, INSTALLATION, Lost, Meddling, Ruleset, Selection, TOKEN,
    },
};
use ring::{rand::SystemRandom, rsa::KeyPair, signature::RSA_PKCS1_SHA256};
use serde_json::{Value, json};
use std::{
    io::{self, Read, Write},
    net::TcpStream,
    time::{SystemTime, UNIX_EPOCH},
};

/// A status, the head of the answer, and its body.
type Heard = (u16, String, Value);

fn ask(github: &GitHub, method: &str, target: &str, token: &str, body: &str) -> io::Result<Heard> {
    let address = github.rest().replace("http://", "");
    let mut stream = TcpStream::connect(&address)?;
    let length = body.len();
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: test\r\nAuthorization: Bearer {token}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.get(9..12).and_then(|text| text.parse().ok()).unwrap_or_default();
    Ok((status, head.to_owned(), serde_json::from_str(body).unwrap_or_default()))
}

fn get(github: &GitHub, rest: &str, token: &str) -> io::Result<Heard> {
    ask(github, "GET", &format!("/repos/acme/deploy{rest}"), token, "")
}

fn query(github: &GitHub, token: &str, text: &str, variables: &Value) -> io::Result<Value> {
    let body = json!({"query": text, "variables": variables}).to_string();
    let (status, _, answer) = ask(github, "POST", "/graphql", token, &body)?;
    assert_eq!(status, 200, "{answer}");
    Ok(answer)
}

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or_default()
}

fn jwt(github: &GitHub, claims: &Value) -> io::Result<String> {
    let der: String = github.key().lines().filter(|line| !line.starts_with("-----")).collect();
    let der = STANDARD.decode(der).map_err(io::Error::other)?;
    let key = KeyPair::from_der(&der).map_err(|error| io::Error::other(error.to_string()))?;
    let header = json!({"alg": "RS256", "typ": "JWT"});
    let text = [&header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
    let mut signature = vec![0; key.public().modulus_len()];
    let signed = key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature);
    signed.map_err(|_unspecified| io::Error::other("the key does not sign"))?;
    Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

fn mint(github: &GitHub, body: &Value) -> io::Result<Heard> {
    let token = jwt(github, &json!({"iss": CLIENT_ID, "iat": now() - 60, "exp": now() + 500}))?;
    let target = format!("/app/installations/{INSTALLATION}/access_tokens");
    ask(github, "POST", &target, &token, &body.to_string())
}

fn token(github: &GitHub) -> io::Result<String> {
    let wish = json!({"repositories": ["deploy"], "permissions": {"contents": "write", "metadata": "read"}});
    let (status, _, answer) = mint(github, &wish)?;
    assert_eq!(status, 201, "{answer}");
    Ok(answer["token"].as_str().unwrap_or_default().to_owned())
}

/// A repository with one commit, a server over it, and that commit.
fn scene() -> io::Result<Option<(Repository, BranchName, GitHub, Oid)>> {
    let Some(repository) = Repository::bare("sha1")? else { return Ok(None) };
    let main: BranchName = "main".parse().map_err(io::Error::other)?;
    let files: [(Mode, &str, &[u8]); 3] = [
        (Mode::Regular, "app/values.yaml", b"image: old\n"),
        (Mode::Executable, "run.sh", b"#!/bin/sh\n"),
        (Mode::Regular, "logo.png", b"\x89PNG\0\0"),
    ];
    let first = repository.write(&[], &files, "first")?;
    repository.force(&main, Some(first))?;
    let Some(github) = GitHub::start(&repository)? else { return Ok(None) };
    Ok(Some((repository, main, github, first)))
}

const COMMIT: &str = "mutation($input: CreateCommitOnBranchInput!) { createCommitOnBranch(input: $input) {
    commit { oid url parents(first: 2) { nodes { oid } } tree { oid } } } }";

fn input(expected: &str, path: &str, bytes: &str) -> Value {
    json!({"input": {
        "branch": {"repositoryNameWithOwner": "acme/deploy", "branchName": "main"},
        "expectedHeadOid": expected, "message": {"headline": "pin it", "body": "Key: value"},
        "fileChanges": {"additions": [{"path": path, "contents": STANDARD.encode(bytes)}]},
    }})
}

#[test]
fn a_token_is_made_narrowed_late_and_revoked() -> io::Result<()> {
    let Some((.., github, _)) = scene()? else { return Ok(()) };
    let by = |iss: Value, iat: i64, exp: i64| {
        let token = jwt(&github, &json!({"iss": iss, "iat": now() + iat, "exp": now() + exp}))?;
        let (status, _, answer) = get(&github, "/installation", &token)?;
        let message = answer["message"].as_str().unwrap_or_default().to_owned();
        io::Result::Ok((status, message))
    };
    assert_eq!(by(json!(APP_ID), -60, 540)?.0, 200);
    assert_eq!(by(json!(APP_ID.to_string()), -60, 540)?.0, 200);
    assert_eq!(by(json!(CLIENT_ID), -60, 540)?.0, 200);
    assert!(by(json!(CLIENT_ID), 100, 540)?.1.starts_with("'Issued at' claim"));
    assert!(by(json!(CLIENT_ID), -60, 700)?.1.ends_with("is too far in the future"));
    github.change(|server| server.client_id_is_issuer = false);
    assert_eq!(by(json!(CLIENT_ID), -60, 540)?.0, 401);
    github.change(|server| (server.client_id_is_issuer, server.clock_ahead) = (true, -600));
    assert_eq!(by(json!(CLIENT_ID), -60, 540)?.0, 401, "this clock is fast");
    github.change(|server| (server.clock_ahead, server.unready) = (0, 1));

    assert_eq!(ask(&github, "GET", "/app", "eyJ.a.b", "")?.0, 401);
    assert_eq!(mint(&github, &json!({"permissions": {"administration": "write"}}))?.0, 422);
    assert_eq!(mint(&github, &json!({"repositories": ["another"]}))?.0, 422);
    let token = token(&github)?;
    assert!(token.len() > 200 && github.secrets().contains(&token));
    assert_eq!(get(&github, "", &token)?.0, 401, "not ready");
    let (status, head, answer) = get(&github, "", &token)?;
    assert_eq!((status, &answer["permissions"]["push"]), (200, &json!(true)));
    assert!(head.contains("\r\ndate: ") && head.contains("\r\nx-ratelimit-remaining: "), "{head}");
    let viewer =
        query(&github, &token, "{ viewer { login databaseId } rateLimit { remaining } }", &json!({}))?;
    assert_eq!(viewer["data"]["viewer"]["login"], "pinlib-bot[bot]");
    assert_eq!(ask(&github, "GET", "/installation/repositories", &token, "")?.2["total_count"], 1);
    assert_eq!(ask(&github, "DELETE", "/installation/token", &token, "")?.0, 204);
    assert_eq!(get(&github, "", &token)?.2["message"], "Bad credentials");
    github.change(|server| server.selection = Selection::Others);
    assert_eq!(by(json!(CLIENT_ID), -60, 540)?.0, 404);
    Ok(())
}

#[test]
fn a_commit_is_real_and_compared_before_it_is_swapped() -> io::Result<()> {
    let Some((repository, main, github, first)) = scene()? else { return Ok(()) };
    let token = token(&github)?;
    let made = query(&github, &token, COMMIT, &input(&first.to_string(), "run.sh", "echo\n"))?;
    let commit = &made["data"]["createCommitOnBranch"]["commit"];
    assert_eq!(commit["parents"]["nodes"], json!([{"oid": first.to_string()}]), "{made}");
    repository.git(&["fsck", "--strict"])?;
    let log = repository.log(&main)?;
    assert_eq!(json!(log[0].oid.to_string()), commit["oid"]);
    assert_eq!(log[0].author.name, "pinlib-bot[bot]");
    assert_eq!((log[0].committer.email.as_str(), log[0].signature), ("noreply@github.com", Signature::Valid));
    assert_eq!(log[0].message, "pin it\n\nKey: value");
    let listed = repository.git(&["ls-tree", "main", "run.sh", "logo.png"])?;
    assert!(listed.lines().all(|line| line.starts_with("100644 ")), "{listed}");

    let lost = query(&github, &token, COMMIT, &input(&first.to_string(), "run.sh", "echo\n"))?;
    assert_eq!(lost["data"], json!({"createCommitOnBranch": null}));
    assert_eq!(lost["errors"][0]["type"], "STALE_DATA");
    let said = format!("Expected branch to point to \"{first}\" but it did not.  Pull and try again.");
    assert_eq!(lost["errors"][0]["message"], said);

    let read = "query($a: GitObjectID!) { repository(owner: \"acme\", name: \"deploy\") {
        ref(qualifiedName: \"refs/heads/main\") { name target { oid } }
        none: object(oid: \"0123456789012345678901234567890123456789\") { oid }
        object(oid: $a) { __typename ...files ... on Commit {
            message signature { isValid state wasSignedByGitHub } author { name email } tree { entries { nameRaw mode } }
        } } } }
        fragment files on Commit {
            yaml: file(path: \"app/values.yaml\") { mode type object { ... on Blob { oid text isBinary isTruncated } } }
            logo: file(path: \"logo.png\") { object { ... on Blob { text isBinary byteSize } } }
            gone: file(path: \"app/gone\") { mode } }";
    let seen = query(&github, &token, read, &json!({"a": commit["oid"]}))?;
    let seen = &seen["data"]["repository"];
    assert_eq!((&seen["ref"]["target"]["oid"], &seen["none"]), (&commit["oid"], &Value::Null));
    let object = &seen["object"];
    assert_eq!(object["signature"], json!({"isValid": true, "state": "VALID", "wasSignedByGitHub": true}));
    assert_eq!(
        (&object["yaml"]["mode"], &object["yaml"]["object"]["text"]),
        (&json!(33188), &json!("image: old\n"))
    );
    assert_eq!((&object["logo"]["object"]["text"], &object["gone"]), (&Value::Null, &Value::Null));
    assert_eq!(object["tree"]["entries"][0], json!({"nameRaw": STANDARD.encode("app"), "mode": 0o040_000}));
    let hidden = query(&github, &token, "{ repository(owner: \"a\", name: \"b\") { id } }", &json!({}))?;
    assert_eq!(hidden["errors"][0]["message"], "Could not resolve to a Repository with the name 'a/b'.");
    Ok(())
}

#[test]
fn rules_are_shown_and_enforced() -> io::Result<()> {
    let Some((_repository, _, github, first)) = scene()? else { return Ok(()) };
    let rules = ["pull_request", "required_status_checks", "non_fast_forward", "deletion"].map(str::to_owned);
    github.change(|server| server.rulesets.push(Ruleset { rules: rules.into(), ..Ruleset::default() }));
    let (token, first) = (token(&github)?, first.to_string());
    let (_, head, shown) = get(&github, "/rules/branches/main?per_page=3", &token)?;
    assert_eq!((shown[0]["type"].as_str(), shown.as_array().map(Vec::len)), (Some("pull_request"), Some(3)));
    assert!(head.contains("page=2>; rel=\"next\""), "{head}");
    let set = get(&github, "/rulesets/42?includes_parents=true", &token)?.2;
    assert_eq!((&set["current_user_can_bypass"], set.get("bypass_actors")), (&json!("never"), None));
    let commit = || query(&github, &token, COMMIT, &input(&first, "a", "b"));
    let said = commit()?["errors"][0]["message"].as_str().unwrap_or_default().to_owned();
    assert!(
        said.starts_with(
            "Repository rule violations found\n\nChanges must be made through a pull request.\n\n"
        )
    );
    github.change(|server| {
        server.rulesets[0].can_bypass = Bypass::Always;
        (server.protected_classic, server.pull_request_required) = (true, true);
    });
    assert_eq!(commit()?["errors"][0]["type"], "BRANCH_PROTECTION_RULE_VIOLATION");
    assert_eq!(get(&github, "/branches/main", &token)?.2["protected"], true);
    assert_eq!(get(&github, "/branches/main/protection", &token)?.0, 403);
    github.change(|server| {
        server.protected_classic = false;
        server.permissions.insert("administration".into(), "read".into());
        server.permissions.insert("contents".into(), "read".into());
    });
    let reader = mint(&github, &json!({}))?.2;
    let reader = reader["token"].as_str().unwrap_or_default();
    assert_eq!(get(&github, "/branches/main/protection", reader)?.2["message"], "Branch not protected");
    let said = query(&github, reader, COMMIT, &input(&first, "a", "b"))?;
    assert_eq!(said["errors"][0]["message"], "Resource not accessible by integration");
    github.change(|server| server.rate_remaining = 0);
    assert_eq!(get(&github, "", &token)?.0, 403);
    assert_eq!(commit()?["errors"][0]["type"], "RATE_LIMITED");
    github.change(|server| server.rate_remaining = 5000);
    assert!(commit()?["data"]["createCommitOnBranch"]["commit"]["oid"].is_string());
    Ok(())
}

#[test]
fn histories_are_compared_page_by_page() -> io::Result<()> {
    let Some((repository, main, github, first)) = scene()? else { return Ok(()) };
    let mut oids = Vec::new();
    for number in 1..=5 {
        oids.push(repository.push(&main, &[("n", &number.to_string())], "more")?.to_string());
    }
    let compare =
        |base: &str, head: &str, rest: &str| get(&github, &format!("/compare/{base}...{head}{rest}"), TOKEN);
    let mut seen = Vec::new();
    for page in 1..=3 {
        let (_, _, answer) = compare(&first.to_string(), &oids[4], &format!("?per_page=2&page={page}"))?;
        assert_eq!((&answer["status"], &answer["total_commits"]), (&json!("ahead"), &json!(5)), "{answer}");
        assert_eq!(answer["merge_base_commit"]["sha"], first.to_string());
        assert_eq!(answer.get("files").is_some(), page == 1);
        let commits = answer["commits"].as_array().cloned().unwrap_or_default();
        seen.extend(commits.iter().map(|commit| commit["sha"].as_str().unwrap_or_default().to_owned()));
    }
    assert_eq!(seen, oids);
    assert_eq!(compare("main", &first.to_string(), "")?.2["status"], "behind");
    assert_eq!(compare("main", "main", "")?.2["status"], "identical");
    let alone = repository.write(&[], &[(Mode::Regular, "x", b"y")], "alone")?.to_string();
    let said = compare("main", &alone, "")?;
    assert_eq!(
        (said.0, &said.2["message"]),
        (404, &json!(format!("No common ancestor between main and {alone}.")))
    );
    assert_eq!(compare("main", &"1".repeat(40), "")?.2["message"], "Not Found");
    let (_, _, commit) = get(&github, &format!("/git/commits/{}", oids[0]), TOKEN)?;
    assert_eq!(commit["verification"]["reason"], "unsigned");
    let tree = commit["tree"]["sha"].as_str().unwrap_or_default();
    assert_eq!(
        get(&github, &format!("/git/trees/{tree}?recursive=1"), TOKEN)?.2["tree"][1]["path"],
        "app/values.yaml"
    );
    let blob = repository.git(&["rev-parse", "main:logo.png"])?;
    assert_eq!(get(&github, &format!("/git/blobs/{blob}"), TOKEN)?.2["size"], 6);
    assert_eq!(get(&github, "/git/ref/heads/main", TOKEN)?.2["object"]["sha"], oids[4]);
    github.change(|server| server.stale_reads = Some(first));
    assert_eq!(get(&github, "/git/ref/heads/main", TOKEN)?.2["object"]["sha"], first.to_string());
    assert_eq!(get(&github, "/branches/main", TOKEN)?.2["commit"]["sha"], first.to_string());
    assert_eq!(ask(&github, "GET", "/rate_limit", TOKEN, "")?.2["rate"]["limit"], 5000);
    Ok(())
}

#[test]
fn refs_are_updated_together_or_not_at_all() -> io::Result<()> {
    let Some((repository, main, github, first)) = scene()? else { return Ok(()) };
    let next = repository.write(&[first], &[(Mode::Regular, "x", b"y")], "next")?;
    let id = query(&github, TOKEN, "{ repository(owner: \"acme\", name: \"deploy\") { id } }", &json!({}))?;
    let update = |before: &str, after: Oid| {
        let updates = json!([{"name": "refs/heads/main", "beforeOid": before, "afterOid": after.to_string(), "force": false}]);
        let input = json!({"input": {"repositoryId": id["data"]["repository"]["id"], "refUpdates": updates}});
        let text = "mutation($input: UpdateRefsInput!) { updateRefs(input: $input) { clientMutationId } }";
        query(&github, TOKEN, text, &input)
    };
    assert!(update(&next.to_string(), next)?["errors"].is_array());
    assert_eq!(repository.head(&main)?, Some(first));
    let done = update(&first.to_string(), next)?;
    assert!(done.get("errors").is_none(), "{done}");
    assert_eq!(repository.head(&main)?, Some(next));
    assert_eq!(update(&next.to_string(), first)?["errors"][0]["message"], "Update is not a fast forward");
    Ok(())
}

#[test]
fn what_is_not_published_is_complained_about() -> io::Result<()> {
    let Some((_repository, _, github, first)) = scene()? else { return Ok(()) };
    let complaint = || {
        let complaints = github.forgive();
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        complaints.concat()
    };
    get(&github, "/branches/main?depth=1", TOKEN)?;
    assert!(complaint().contains("parameter depth is not known"));
    get(&github, "/compare/main...main?per_page=many", TOKEN)?;
    assert!(complaint().contains("per_page"));
    get(&github, "/branchs/main", TOKEN)?;
    assert!(complaint().contains("is not published"));
    mint(&github, &json!({"permission": {"contents": "write"}}))?;
    assert!(complaint().contains("'permission' was unexpected"));
    let said = query(&github, TOKEN, "{ viewer { name_ } }", &json!({}))?;
    assert!(said["errors"].is_array() && complaint().contains("Cannot query field"));
    let mut wrong = input(&first.to_string(), "a", "b");
    wrong["input"]["expectedHead"] = json!("x");
    query(&github, TOKEN, COMMIT, &wrong)?;
    assert!(complaint().contains("expectedHead"));
    wrong = input(&first.to_string(), "a", "b");
    wrong["input"]["fileChanges"]["deletions"] = Value::Null;
    let said = query(&github, TOKEN, COMMIT, &wrong)?;
    assert!(
        said["errors"][0]["message"].as_str().is_some_and(|text| text.starts_with("Something went wrong"))
    );
    query(&github, TOKEN, "{ viewer { bio } }", &json!({}))?;
    assert!(complaint().contains("the stub: User.bio"));
    Ok(())
}

#[test]
fn answers_get_lost_as_told() -> io::Result<()> {
    let Some((repository, main, github, first)) = scene()? else { return Ok(()) };
    let send = |fate: fn() -> Meddling| {
        github.meddle(move |request| (request.method == "POST").then(fate));
        let head = repository.head(&main)?.map(|oid| oid.to_string()).unwrap_or_default();
        let body = json!({"query": COMMIT, "variables": input(&head, "a", &head)}).to_string();
        let (status, _, answer) = ask(&github, "POST", "/graphql", TOKEN, &body)?;
        let landed = repository.head(&main)?.map(|oid| oid.to_string()) != Some(head);
        io::Result::Ok((status, answer, landed))
    };
    assert_eq!(send(|| Meddling::AfterServing(Lost::Close))?, (0, Value::Null, true));
    assert_eq!(send(|| Meddling::Before(Lost::Close))?, (0, Value::Null, false));
    assert_eq!(send(|| Meddling::AfterServing(Lost::Status(502)))?, (502, Value::Null, true));
    assert_eq!(send(|| Meddling::AfterServing(Lost::Cut))?, (200, Value::Null, true));
    let (_, answer, landed) = send(|| Meddling::Twice)?;
    assert_eq!((&answer["errors"][0]["type"], landed), (&json!("STALE_DATA"), true));
    let changed = send(|| Meddling::Replace(Box::new(|_| "{}".into())))?;
    assert_eq!(changed, (200, json!({}), true));
    let answer = || Meddling::Answer { status: 503, headers: Vec::new(), body: "[]".into() };
    assert_eq!(send(answer)?, (503, json!([]), false));
    assert_eq!(github.requests().len(), 7);
    assert_eq!(repository.log(&main)?.last().map(|commit| commit.oid), Some(first));
    Ok(())
}

#[test]
fn texts_are_whole_or_say_that_they_are_not() -> io::Result<()> {
    let Some((repository, main, github, first)) = scene()? else { return Ok(()) };
    // The cut falls between the two bytes of a letter.
    let long = format!("{}é and more", "a".repeat(511_999));
    let files: [(Mode, &str, &[u8]); 3] = [
        (Mode::Regular, "long", long.as_bytes()),
        (Mode::Regular, "bom", b"\xef\xbb\xbfimage: x\r\n"),
        (Mode::Regular, "latin", b"caf\xe9\n"),
    ];
    let made = repository.write(&[first], &files, "texts")?;
    repository.force(&main, Some(made))?;
    let blob = "{ object { ... on Blob { text isTruncated byteSize } } }";
    let text = format!(
        "{{ repository(owner: \"acme\", name: \"deploy\") {{ object(oid: \"{made}\") {{ ... on Commit {{
            long: file(path: \"long\") {blob} bom: file(path: \"bom\") {blob} latin: file(path: \"latin\") {blob} }} }} }} }}"
    );
    let seen = query(&github, TOKEN, &text, &json!({}))?;
    let seen = &seen["data"]["repository"]["object"];
    let long_seen = &seen["long"]["object"];
    assert_eq!(long_seen["text"].as_str().map(str::len), Some(511_999));
    assert_eq!((&long_seen["isTruncated"], &long_seen["byteSize"]), (&json!(true), &json!(long.len())));
    assert_eq!(seen["bom"]["object"]["text"], "\u{feff}image: x\r\n");
    assert_eq!(seen["latin"]["object"]["text"], "caf\u{fffd}\n");
    Ok(())
}

#[test]
fn one_connection_serves_many_requests() -> io::Result<()> {
    let Some((.., github, _)) = scene()? else { return Ok(()) };
    let mut stream = TcpStream::connect(github.rest().replace("http://", ""))?;
    let ask = |last: &str| {
        format!(
            "GET /rate_limit HTTP/1.1\r\nHost: x\r\nUser-Agent: test\r\nAuthorization: token {TOKEN}\r\n{last}\r\n"
        )
    };
    stream.write_all([ask(""), ask("Connection: close\r\n")].concat().as_bytes())?;
    let mut answers = String::new();
    stream.read_to_string(&mut answers)?;
    assert_eq!((answers.matches("HTTP/1.1 200 OK").count(), github.requests().len()), (2, 2));
    Ok(())
}
