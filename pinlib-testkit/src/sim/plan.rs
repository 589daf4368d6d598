//! What runs, and what people do meanwhile, as a value that can be printed and made smaller.

use crate::fault::{Fault, Rates};
use std::fmt;

/// One of the three images of the stage; each has a file of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Image {
    Web,
    Api,
    Job,
}

impl Image {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Web, Self::Api, Self::Job];
    /// The name of the image and of its file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Api => "api",
            Self::Job => "job",
        }
    }
}

/// A policy by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Guard {
    Exact,
    PinsOnly,
    Inputs,
}

impl Guard {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Exact, Self::PinsOnly, Self::Inputs];
}

/// What a job does with its images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the methods of `Pinner` say it")]
pub enum Errand {
    Pin,
    Rollback,
    Release,
    /// From the image's own file to the one that all images share.
    Promote,
}

impl Errand {
    /// Each of them.
    pub const ALL: [Self; 4] = [Self::Pin, Self::Rollback, Self::Release, Self::Promote];
}

/// Where a job has its digest from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Digested {
    Declared,
    Reported,
    ByTag,
}

/// One run of a pin, or of another errand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one wish or mishap of its own, and any may meet any"
)]
pub struct Job {
    /// What is done.
    pub errand: Errand,
    /// The image.
    pub image: Image,
    /// Another image in the same commit.
    pub beside: Option<Image>,
    /// Built from the newer of the two source commits.
    pub newer: bool,
    /// The second digest that was built from that commit.
    pub rebuilt: bool,
    /// The policy.
    pub guard: Guard,
    /// How its digest is found.
    pub digested: Digested,
    /// The caller says that the branch only grows.
    pub append_only: bool,
    /// The caller lets a rebuild replace what stands.
    pub replace_rebuilt: bool,
    /// Goes on after lost races, where its policy can.
    pub wait: bool,
    /// One of its files has no site.
    pub broken: bool,
    /// Begins when that job has ended.
    pub after: Option<usize>,
}

impl Job {
    /// A plain pin of an image.
    pub fn of(image: Image, guard: Guard) -> Self {
        Self {
            errand: Errand::Pin,
            image,
            beside: None,
            newer: false,
            rebuilt: false,
            guard,
            digested: Digested::Declared,
            append_only: false,
            replace_rebuilt: false,
            wait: false,
            broken: false,
            after: None,
        }
    }
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.errand != Errand::Pin {
            write!(f, "{:?} of ", self.errand)?;
        }
        write!(f, "{}", self.image.name())?;
        if let Some(beside) = self.beside {
            write!(f, " and {}", beside.name())?;
        }
        write!(f, ", {:?}, {:?}", self.guard, self.digested)?;
        for (is, word) in [
            (self.newer, "newer source"),
            (self.rebuilt, "rebuilt"),
            (self.append_only, "append only"),
            (self.replace_rebuilt, "replaces rebuilds"),
            (self.wait, "waits"),
            (self.broken, "one file broken"),
        ] {
            if is {
                write!(f, ", {word}")?;
            }
        }
        match self.after {
            Some(after) => write!(f, ", after pin {after}"),
            None => Ok(()),
        }
    }
}

/// What a person does, or a server by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// Commits what no image is built from.
    Docs,
    /// Commits what every image is built from.
    Src,
    /// Writes a hotfix into the image's site by hand.
    Hotfix(Image),
    /// Takes the image's pin back by hand.
    TakeBack(Image),
    /// Puts the image on hold.
    Hold(Image),
    /// Takes the image out of its file.
    Strip(Image),
    /// Deletes the image's file.
    Remove(Image),
    /// Reverts the head, quoting its message.
    Revert,
    /// Amends the head, keeping its message.
    Amend,
    /// Picks the newest pin onto the head, keeping its message.
    Pick,
    /// Forces the branch back to the source commit.
    ForceBack,
    /// Forces the branch to an ancestor of the source commit.
    Rewind,
    /// Deletes the branch.
    Delete,
    /// Makes it again where it stood.
    Recreate,
    /// Lets a rule refuse pins.
    Protect,
    /// And no more.
    Unprotect,
    /// Lands a branch of the source commit by a merge commit.
    Queue,
    /// Merges the branch into another that leaves out what it did, and puts that one in its place.
    Ours,
    /// Moves each image's tag to its rebuild.
    MoveTags,
}

impl Move {
    /// The fault that it is, if it is one.
    pub fn fault(self) -> Option<Fault> {
        match self {
            Self::Docs | Self::Src | Self::TakeBack(_) | Self::Hold(_) => None,
            Self::Hotfix(_) | Self::Strip(_) | Self::Remove(_) => Some(Fault::TargetChanged),
            Self::Revert | Self::Amend | Self::Pick => Some(Fault::Quoted),
            Self::ForceBack => Some(Fault::ForcedBack),
            Self::Rewind => Some(Fault::Rewound),
            Self::Delete | Self::Recreate => Some(Fault::BranchGone),
            Self::Protect | Self::Unprotect => Some(Fault::Protected),
            Self::Queue => Some(Fault::MergeQueue),
            Self::Ours => Some(Fault::Sideways),
            Self::MoveTags => Some(Fault::TagMoves),
        }
    }
    /// Whether the branch loses a commit by it: then it does not only grow.
    pub fn forces(self) -> bool {
        matches!(self, Self::Amend | Self::ForceBack | Self::Rewind | Self::Delete | Self::Recreate)
    }
}

impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Docs => f.write_str("commits docs"),
            Self::Src => f.write_str("commits to src"),
            Self::Hotfix(image) => write!(f, "writes a hotfix of {} by hand", image.name()),
            Self::TakeBack(image) => write!(f, "takes the pin of {} back", image.name()),
            Self::Hold(image) => write!(f, "puts {} on hold", image.name()),
            Self::Strip(image) => write!(f, "takes the image out of {}", image.name()),
            Self::Remove(image) => write!(f, "deletes the file {}", image.name()),
            Self::Revert => f.write_str("reverts the head, quoting it"),
            Self::Amend => f.write_str("amends the head"),
            Self::Pick => f.write_str("picks the newest pin again"),
            Self::ForceBack => f.write_str("forces the branch back to the source"),
            Self::Rewind => f.write_str("forces the branch behind the source"),
            Self::Delete => f.write_str("deletes the branch"),
            Self::Recreate => f.write_str("makes the branch again"),
            Self::Protect => f.write_str("protects the branch"),
            Self::Unprotect => f.write_str("sets the branch free"),
            Self::Queue => f.write_str("lands a merge by the queue"),
            Self::Ours => f.write_str("merges the branch away (-s ours)"),
            Self::MoveTags => f.write_str("moves the tags"),
        }
    }
}

/// Everything about a run but the order of its steps and when faults come.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The pins.
    pub jobs: Vec<Job>,
    /// What people do, in this order.
    pub moves: Vec<Move>,
    /// How often each fault comes.
    pub rates: Rates,
    /// How many faults of the network there are at most.
    pub budget: usize,
    /// How many pins may crash.
    pub crashes: usize,
    /// How eager people are, against a pin's step, which weighs 100.
    pub pace: u32,
    /// Whether every call takes a turn, or only those whose answer can change.
    pub fine: bool,
    /// How often a pin may be left while it could go on; without it, any time.
    pub preemptions: Option<usize>,
}

impl Plan {
    /// These pins and people, no fault, every schedule.
    pub fn quiet(jobs: Vec<Job>, moves: Vec<Move>) -> Self {
        Self {
            jobs,
            moves,
            rates: Rates::default(),
            budget: 0,
            crashes: 0,
            pace: 100,
            fine: false,
            preemptions: None,
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, job) in self.jobs.iter().enumerate() {
            writeln!(f, "  pin {index}: {job}")?;
        }
        for act in &self.moves {
            writeln!(f, "  somebody {act}")?;
        }
        let faults: Vec<_> = self.rates.faults().map(|fault| fault.to_string()).collect();
        writeln!(
            f,
            "  faults that may come: {}",
            if faults.is_empty() { "none".into() } else { faults.join(", ") }
        )
    }
}
