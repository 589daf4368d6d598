//! What answers every question of a run, so that the run can be had again, or had differently.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Names one random tape, on every machine the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seed(pub u64);

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Draws numbers from a seed, by `SplitMix64`.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl From<Seed> for Dice {
    fn from(seed: Seed) -> Self {
        Self(seed.0)
    }
}

impl Dice {
    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        // The high bits of the product: no division, and the same on 32 and 64 bits.
        usize::try_from((u128::from(mixed) * end as u128) >> 64).unwrap_or_default()
    }
    /// Yes, so many times in a hundred.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
    /// One of these; none of none.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        if of.is_empty() { None } else { of.get(self.below(of.len())) }
    }
}

/// What a tape answers where it was not told.
#[derive(Debug, Default)]
enum Beyond {
    /// The first option, and it insists that each run asks the same.
    #[default]
    First,
    /// The first option, whatever was asked.
    Lenient,
    /// As the dice fall.
    Random(Dice),
}

/// Answers every question of a run, and remembers the answers, so that the next run can differ in the last one.
///
/// The first option of each question is the simplest: no fault, and the task that has waited longest.
#[derive(Debug, Default)]
pub struct Tape(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    at: usize,
    /// Each answer, and of how many.
    answers: Vec<(usize, usize)>,
    beyond: Beyond,
}

impl Tape {
    /// A random tape.
    pub fn random(seed: Seed) -> Self {
        Self(Mutex::new(State { beyond: Beyond::Random(Dice::from(seed)), ..State::default() }))
    }
    /// A tape that gives these answers as far as they go and fit, and the first option from there.
    pub fn replay(answers: &[usize]) -> Self {
        let answers = answers.iter().map(|&answer| (answer, usize::MAX)).collect();
        Self(Mutex::new(State { answers, beyond: Beyond::Lenient, ..State::default() }))
    }
    /// Every answer that was given in this run.
    pub fn answers(&self) -> Vec<usize> {
        let state = self.state();
        state.answers[..state.at].iter().map(|(answer, _)| *answer).collect()
    }
    /// Picks one of `options`.
    ///
    /// # Panics
    /// Where the same answers led to another question.
    pub fn choose(&self, options: usize) -> usize {
        self.ask(options, |dice| dice.below(options))
    }
    /// Picks one of these, as often as each weighs against the others; what weighs nothing is no option.
    pub fn weigh(&self, weights: &[u32]) -> usize {
        let options = weights.iter().filter(|weight| **weight > 0).count();
        let picked = self.ask(options, |dice| {
            let all = weights.iter().sum::<u32>() as usize;
            let mut left = dice.below(all);
            let heavy = weights.iter().map(|weight| *weight as usize).filter(|weight| *weight > 0);
            heavy
                .take_while(|weight| {
                    let past = left >= *weight;
                    left = left.wrapping_sub(if past { *weight } else { 0 });
                    past
                })
                .count()
        });
        let mut options = weights.iter().enumerate().filter(|(_, weight)| **weight > 0);
        options.nth(picked).map_or(0, |(index, _)| index)
    }

    fn ask(&self, options: usize, roll: impl FnOnce(&mut Dice) -> usize) -> usize {
        if options < 2 {
            return 0;
        }
        let State { at, answers, beyond } = &mut *self.state();
        if *at == answers.len() {
            let answer = if let Beyond::Random(dice) = beyond { roll(dice) } else { 0 };
            answers.push((answer, options));
        }
        let (answer, asked) = &mut answers[*at];
        *at += 1;
        if matches!(beyond, Beyond::Lenient) {
            (*answer, *asked) = ((*answer).min(options - 1), options);
        }
        assert_eq!(*asked, options, "the scenario is not a function of its tape");
        *answer
    }
    /// Rewinds to the next run; false when there is none.
    fn advance(&self) -> bool {
        let State { at, answers, .. } = &mut *self.state();
        *at = 0;
        while answers.last().is_some_and(|(answer, options)| answer + 1 == *options) {
            answers.pop();
        }
        answers.last_mut().is_some_and(|(answer, _)| {
            *answer += 1;
            true
        })
    }
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The answers that led to a broken promise.
#[derive(Debug)]
pub struct Counterexample {
    /// How many runs held before.
    pub runs: usize,
    /// The answers.
    pub tape: String,
    /// The promise.
    pub broken: String,
}

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "after {} runs: {} (tape {})", self.runs, self.broken, self.tape)
    }
}

/// Runs a scenario on every tape.
///
/// # Errors
/// The first tape on which it does not hold.
pub fn explore(mut scenario: impl FnMut(&Arc<Tape>) -> Result<(), String>) -> Result<usize, Counterexample> {
    let tape = Arc::new(Tape::default());
    for runs in 1.. {
        if let Err(broken) = scenario(&tape) {
            let tape = tape.answers().iter().map(ToString::to_string).collect();
            return Err(Counterexample { runs: runs - 1, tape, broken });
        }
        if !tape.advance() {
            return Ok(runs);
        }
    }
    Ok(0)
}
