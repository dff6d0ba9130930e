//! Looks for a long run of characters, some of which are any: all places at which it could have begun are followed
//! at once, a bit for each, so that a hostile pattern costs a 64th of what trying one after the other would.

use std::collections::HashMap;

const BITS: usize = u64::BITS as usize;

/// One bit for each character of the run.
type Mask = Vec<u64>;

/// What follows the first place in `text` where `run` fits; `None` in `run` is any character.
pub(super) fn find<'t>(run: &[Option<char>], text: &'t str) -> Option<&'t str> {
    let (any, of_letter) = masks(run);
    let last = run.len().checked_sub(1)?;
    let mut reached: Mask = vec![0; any.len()];
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let mask = of_letter.get(&letter).unwrap_or(&any);
        step(&mut reached, mask);
        if is_set(&reached, last) {
            return Some(letters.as_str());
        }
    }
    None
}

/// Moves every beginning on by one character, and lets another begin.
fn step(reached: &mut Mask, mask: &Mask) {
    let mut carry = 1;
    for (word, mask) in reached.iter_mut().zip(mask) {
        let next = *word >> (BITS - 1);
        *word = ((*word << 1) | carry) & mask;
        carry = next;
    }
}

/// Which places of the run any character fits, and which those of the run fit.
fn masks(run: &[Option<char>]) -> (Mask, HashMap<char, Mask>) {
    let mut any = vec![0; run.len().div_ceil(BITS)];
    for (place, letter) in run.iter().enumerate() {
        if letter.is_none() {
            set(&mut any, place);
        }
    }
    let mut of_letter: HashMap<char, Mask> = HashMap::new();
    for (place, letter) in run.iter().enumerate() {
        if let Some(letter) = letter {
            let mask = of_letter.entry(*letter).or_insert_with(|| any.clone());
            set(mask, place);
        }
    }
    (any, of_letter)
}

fn set(mask: &mut Mask, place: usize) {
    if let Some(word) = mask.get_mut(place / BITS) {
        *word |= 1 << (place % BITS);
    }
}

fn is_set(mask: &Mask, place: usize) -> bool {
    let word = mask.get(place / BITS).copied().unwrap_or_default();
    word >> (place % BITS) & 1 == 1
}
