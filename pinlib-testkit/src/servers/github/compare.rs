//! `GET compare/{base}...{head}`, and `GET commits`.

use super::{
    Hub, NAME, OWNER,
    http::Answer,
    objects::Commit,
    rest::{Asked, with_link},
};
use serde_json::{Value, json};
use std::io;

impl Hub {
    pub(super) fn compare(&self, asked: &Asked, basehead: &str) -> io::Result<Answer> {
        let Some((base_name, head_name)) = basehead.split_once("...") else { return Ok(Answer::not_found()) };
        let (Some(base), Some(head)) = (self.resolve(base_name)?, self.resolve(head_name)?) else {
            return Ok(Answer::not_found());
        };
        // Git says no more than that it failed where there is none.
        let merge_base = self.git.run(&["merge-base", &base.oid, &head.oid]).ok();
        let merge_base = merge_base.map_or(Ok(None), |oid| self.git.commit(&oid))?;
        let Some(merge_base) = merge_base else {
            let message = format!("No common ancestor between {base_name} and {head_name}.");
            return Ok(Answer::refused(404, &message));
        };
        let ahead = self.between(&base, &head)?;
        let behind = self.between(&head, &base)?.len();
        let status = match (ahead.len(), behind) {
            (0, 0) => "identical",
            (_, 0) => "ahead",
            (0, _) => "behind",
            _ => "diverged",
        };
        let paging = asked.value("page").is_some() || asked.value("per_page").is_some();
        let (shown, link) = if paging {
            asked.paged(self, &ahead)
        } else {
            (ahead.iter().take(250).cloned().collect(), None)
        };
        let commits =
            shown.iter().map(|oid| Ok(self.commit_shape(&self.git.commit(oid)?.unwrap_or_default())));
        let commits: Vec<Value> = commits.collect::<io::Result<_>>()?;
        let url = self.url(&format!("/compare/{base_name}...{head_name}"));
        let page = format!("https://github.com/{OWNER}/{NAME}/compare/{base_name}...{head_name}");
        let mut made = json!({
            "url": url, "html_url": page, "diff_url": format!("{page}.diff"), "patch_url": format!("{page}.patch"),
            "permalink_url": format!(
                "https://github.com/{OWNER}/{NAME}/compare/{OWNER}:{}...{OWNER}:{}", &base.oid[..7], &head.oid[..7]
            ),
            "base_commit": self.commit_shape(&base), "merge_base_commit": self.commit_shape(&merge_base),
            "status": status, "ahead_by": ahead.len(), "behind_by": behind, "total_commits": ahead.len(),
            "commits": commits,
        });
        if asked.page().1 == 1 {
            made["files"] = self.files(&merge_base, &head)?.into();
        }
        Ok(with_link(Answer::ok(&made), link))
    }
    /// What a commit has, in git's own order.
    pub(super) fn commits(&self, asked: &Asked) -> io::Result<Answer> {
        let Some(from) = self.resolve(asked.value("sha").unwrap_or("main"))? else {
            return Ok(Answer::not_found());
        };
        let listed = self.git.run(&["rev-list", &from.oid])?;
        let all: Vec<_> = listed.lines().map(str::to_owned).collect();
        let (shown, link) = asked.paged(self, &all);
        let shown = shown.iter().map(|oid| Ok(self.commit_shape(&self.git.commit(oid)?.unwrap_or_default())));
        let shown: Vec<Value> = shown.collect::<io::Result<_>>()?;
        Ok(with_link(Answer::ok(&shown.into()), link))
    }
    /// What the second has and the first lacks, oldest first.
    fn between(&self, without: &Commit, of: &Commit) -> io::Result<Vec<String>> {
        let range = format!("{}..{}", without.oid, of.oid);
        let listed = self.git.run(&["rev-list", "--topo-order", "--reverse", &range])?;
        Ok(listed.lines().map(str::to_owned).collect())
    }
    /// The changed files, never more than 300.
    fn files(&self, base: &Commit, head: &Commit) -> io::Result<Vec<Value>> {
        let words = ["diff-tree", "-r", "-z", "--no-renames", "--raw", "--numstat", "--no-abbrev"];
        let done = self.git.command().args(words).args([&base.tree, &head.tree]).output()?;
        let text = String::from_utf8_lossy(&done.stdout);
        let parts: Vec<_> = text.split('\0').collect();
        let mut counts = parts.iter().filter_map(|part| {
            let mut words = part.splitn(3, '\t');
            let (more, less) = (words.next()?, words.next()?);
            words.next().map(|_| (more.parse().unwrap_or(0_u64), less.parse().unwrap_or(0_u64)))
        });
        let mut made = Vec::new();
        for pair in parts.chunks(2).take_while(|pair| pair[0].starts_with(':')).take(300) {
            let [raw, path] = pair else { break };
            let words: Vec<_> = raw.split(' ').collect();
            let [_, _, old, new, letter] = words[..] else { break };
            let (more, less) = counts.next().unwrap_or_default();
            let (status, sha) = match letter {
                "A" => ("added", new),
                "D" => ("removed", old),
                _ => ("modified", new),
            };
            let place = format!("{}/{path}", head.oid);
            made.push(json!({
                "sha": sha, "filename": path, "status": status, "additions": more, "deletions": less,
                "changes": more + less, "blob_url": format!("https://github.com/{OWNER}/{NAME}/blob/{place}"),
                "raw_url": format!("https://github.com/{OWNER}/{NAME}/raw/{place}"),
                "contents_url": self.url(&format!("/contents/{path}?ref={}", head.oid)),
            }));
        }
        Ok(made)
    }
}
