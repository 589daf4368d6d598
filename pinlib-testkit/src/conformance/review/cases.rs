//! The cases. Each name is the guarantee.

use super::{Desk, Outcome, ReviewWorld, check, says, text, words};
use crate::sim::{Task, together};
use pinlib::{CommitError, ReviewState};

pub fn branches_move_together<W: ReviewWorld>() -> Outcome {
    let desk = Desk::<W>::new()?;
    let made = desk.world.write(desk.root, "one");
    desk.shift(&[(&desk.next, None, Some(made))]).map_err(text)?;
    check(desk.heads() == [None, Some(made)], "a branch is made", format!("{:?}", desk.heads()))?;
    let answer = desk.shift(&[(&desk.own, None, Some(made)), (&desk.next, Some(made), None)]);
    let (right, found) = (desk.heads() == [Some(made), None], desk.heads());
    check(right && answer.is_ok(), "one is made and one ends, in one act", format!("{answer:?} {found:?}"))?;
    // By force: the compare is the guard, so the direction is free.
    let other = desk.world.write(desk.root, "two");
    let answer = desk.shift(&[(&desk.own, Some(made), Some(other))]);
    let right = desk.heads() == [Some(other), None] && answer.is_ok();
    check(right, "a branch goes to any commit", format!("{answer:?} {:?}", desk.heads()))
}

pub fn one_stale_branch_holds_all<W: ReviewWorld>() -> Outcome {
    let desk = Desk::<W>::new()?;
    let [one, two] = ["one", "two"].map(|what| desk.world.write(desk.root, what));
    desk.shift(&[(&desk.own, None, Some(one)), (&desk.next, None, Some(one))]).map_err(text)?;
    let before = desk.heads();
    for moves in [
        [(&desk.own, Some(one), Some(two)), (&desk.next, Some(two), None)],
        [(&desk.next, Some(two), None), (&desk.own, Some(one), Some(two))],
    ] {
        let answer = desk.shift(&moves);
        let right = matches!(answer, Err(CommitError::HeadMoved { .. })) && desk.heads() == before;
        check(right, "all or none, and a stale one is HeadMoved", format!("{answer:?} {:?}", desk.heads()))?;
    }
    Ok(())
}

pub fn a_branch_is_made_only_where_there_is_none<W: ReviewWorld>() -> Outcome {
    let desk = Desk::<W>::new()?;
    let [one, two] = ["one", "two"].map(|what| desk.world.write(desk.root, what));
    desk.world.force(&desk.own, Some(one));
    let answer = desk.shift(&[(&desk.own, None, Some(two))]);
    let right = matches!(answer, Err(CommitError::Ambiguous(_))) && desk.heads() == [Some(one), None];
    check(right, "what is there is not made again, and may be ours", format!("{answer:?} {:?}", desk.heads()))
}

pub fn a_branch_ends_only_where_it_stands<W: ReviewWorld>() -> Outcome {
    let desk = Desk::<W>::new()?;
    let [one, two] = ["one", "two"].map(|what| desk.world.write(desk.root, what));
    desk.world.force(&desk.own, Some(two));
    let answer = desk.shift(&[(&desk.own, Some(one), None)]);
    let right = matches!(answer, Err(CommitError::HeadMoved { .. })) && desk.heads() == [Some(two), None];
    check(right, "a branch that moved stays", format!("{answer:?} {:?}", desk.heads()))?;
    let answer = desk.shift(&[(&desk.own, Some(two), None)]);
    let right = answer.is_ok() && desk.heads() == [None, None];
    check(right, "one that stands there ends", format!("{answer:?} {:?}", desk.heads()))
}

pub fn of_many_moves_from_one_commit_one_is_made<W: ReviewWorld>() -> Outcome {
    let desk = Desk::<W>::new()?;
    let from = desk.commit("first")?;
    let commits: Vec<_> = (0..5).map(|n| desk.world.write(desk.root, &n.to_string())).collect();
    let forge = desk.world.forge();
    let task = |to: &pinlib::Oid| {
        let branch = desk.own.clone();
        let moves = [pinlib::BranchMove { branch, from: Some(from), to: Some(*to) }];
        let forge = &forge;
        let task: Task<'_, _> = Box::pin(async move { forge.move_branches(&moves).await });
        task
    };
    let answers = desk.world.block_on(together(commits.iter().map(task).collect()));
    let done: Vec<_> =
        commits.iter().zip(&answers).filter(|(_, answer)| answer.is_ok()).map(|(to, _)| Some(*to)).collect();
    let right = done.len() == 1 && desk.heads()[0] == done[0];
    check(right, "one of five is made and is told so", format!("{answers:?} {:?}", desk.heads()))
}

pub fn no_pull_request_is_none<W: ReviewWorld>() -> Outcome {
    let desk = Desk::<W>::new()?;
    let nobody = desk.review()?;
    check(nobody.is_none(), "a branch that is not there has none", format!("{nobody:?}"))?;
    desk.commit("one")?;
    let none = desk.review()?;
    check(none.is_none(), "a branch alone has none", format!("{none:?}"))
}

pub fn an_opened_pull_request_is_found<W: ReviewWorld>() -> Outcome {
    let desk = Desk::<W>::new()?;
    let head = desk.commit("one")?;
    let opened = desk.open().map_err(text)?;
    let found = desk.there()?;
    for review in [&opened, &found] {
        let right = (&review.branch, review.head, review.state) == (&desk.own, head, ReviewState::Open)
            && says(review, &words("one"))
            && review.auto_merge.is_none();
        check(right, "it is for this commit, open, and says what was said", format!("{review:?}"))?;
    }
    let same = (&opened.id, opened.number, &opened.url) == (&found.id, found.number, &found.url);
    check(same && opened.number > 0, "what was opened is what is found", format!("{opened:?} {found:?}"))
}

pub fn a_branch_has_one_open_pull_request<W: ReviewWorld>() -> Outcome {
    let desk = Desk::<W>::new()?;
    desk.commit("one")?;
    let first = desk.open().map_err(text)?;
    let second = desk.open();
    let found = desk.there()?;
    let right = second.is_err() && found.number == first.number;
    check(right, "a second one is refused, so that opening twice is no harm", format!("{second:?} {found:?}"))
}

pub fn a_pull_request_without_a_commit_is_refused<W: ReviewWorld>() -> Outcome {
    let desk = Desk::<W>::new()?;
    let nobody = desk.open();
    desk.world.force(&desk.own, Some(desk.root));
    let nothing = desk.open();
    let none = desk.review()?;
    let right = nobody.is_err() && nothing.is_err() && none.is_none();
    check(right, "there is something to merge", format!("{nobody:?} {nothing:?} {none:?}"))
}

pub fn new_words_take_the_place_of_the_old<W: ReviewWorld>() -> Outcome {
    let desk = Desk::<W>::new()?;
    desk.commit("one")?;
    let opened = desk.open().map_err(text)?;
    let told = desk.world.block_on(desk.world.forge().amend_review(&opened, &words("two"))).map_err(text)?;
    let found = desk.there()?;
    for review in [&told, &found] {
        let right =
            says(review, &words("two")) && (review.number, review.head) == (opened.number, opened.head);
        check(right, "it says the new words, and is the same", format!("{review:?}"))?;
    }
    Ok(())
}

pub fn a_pull_request_follows_its_branch<W: ReviewWorld>() -> Outcome {
    let desk = Desk::<W>::new()?;
    desk.commit("one")?;
    let opened = desk.open().map_err(text)?;
    let head = desk.commit("two")?;
    let found = desk.there()?;
    let right = (found.number, found.head, found.state) == (opened.number, head, ReviewState::Open);
    check(right, "the same pull request asks for the new commit", format!("{found:?}"))
}

pub fn where_its_branch_ends_a_pull_request_is_closed<W: ReviewWorld>() -> Outcome {
    let desk = Desk::<W>::new()?;
    let head = desk.commit("one")?;
    let opened = desk.open().map_err(text)?;
    desk.shift(&[(&desk.own, Some(head), None)]).map_err(text)?;
    // A forge may forget the pull requests of a branch that is gone; put back, it knows them.
    desk.world.force(&desk.own, Some(head));
    let found = desk.there()?;
    let right = (found.number, found.head, found.state) == (opened.number, head, ReviewState::Closed);
    check(right, "closed, and what it asked for is known", format!("{found:?}"))
}

pub fn an_open_pull_request_comes_before_one_that_ended<W: ReviewWorld>() -> Outcome {
    let desk = Desk::<W>::new()?;
    let one = desk.commit("one")?;
    let first = desk.open().map_err(text)?;
    desk.shift(&[(&desk.own, Some(one), None)]).map_err(text)?;
    desk.commit("two")?;
    let ended = desk.there()?;
    check(ended.number == first.number, "of one that ended is told, too", format!("{ended:?}"))?;
    let second = desk.open().map_err(text)?;
    let found = desk.there()?;
    let right = found.number == second.number && second.number != first.number;
    check(right, "the open one is told of", format!("{found:?}"))
}

pub fn what_came_into_the_branch_is_merged<W: ReviewWorld>() -> Outcome {
    let desk = Desk::<W>::new()?;
    let head = desk.commit("one")?;
    let opened = desk.open().map_err(text)?;
    desk.world.force(&desk.world.branch(), Some(head));
    let found = desk.there()?;
    let right = (found.number, found.head, found.state) == (opened.number, head, ReviewState::Merged);
    check(right, "a commit that is on the branch was merged", format!("{found:?}"))
}

pub fn a_comment_is_said_once<W: ReviewWorld>() -> Outcome {
    let desk = Desk::<W>::new()?;
    desk.commit("one")?;
    let opened = desk.open().map_err(text)?;
    desk.world.block_on(desk.world.forge().comment(&opened, "closed by `me`")).map_err(text)?;
    let (said, found) = (desk.world.comments(opened.number), desk.there()?);
    let right = said == ["closed by `me`"] && says(&found, &words("one"));
    check(right, "it is said beside the pull request's own words", format!("{said:?} {found:?}"))
}

pub fn another_head_is_not_merged<W: ReviewWorld>() -> Outcome {
    let desk = Desk::<W>::new()?;
    let old = desk.commit("one")?;
    let opened = desk.open().map_err(text)?;
    let head = desk.commit("two")?;
    let merge = |head| desk.world.block_on(desk.world.forge().merge_when_allowed(&opened, head));
    let stale = merge(old);
    let found = desk.there()?;
    let right = stale.is_err() && found.auto_merge.is_none();
    check(right, "what was not looked at is not merged", format!("{stale:?} {found:?}"))?;
    let now = merge(head);
    let found = desk.there()?;
    let right = now.as_ref().is_ok_and(|method| found.auto_merge == Some(*method));
    check(right, "what was is, by the method that is told", format!("{now:?} {found:?}"))
}
