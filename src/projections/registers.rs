//! HyperLogLog: how many different hashes were put into registers, each of which keeps one rank.
//!
//! A power of two of them, a byte each; their number decides the error, 1.04 by its root. The estimate is Ertl's
//! (arXiv:1702.01284, section 4), which needs no tables and depends on the set alone. Pure; whoever keeps the registers decides
//! how many there are.

/// Puts in a hash of 64 good bits.
pub fn raise(registers: &mut [u8], hash: u64) {
    let bits = registers.len().trailing_zeros();
    let place = hash.checked_shr(64 - bits).unwrap_or_default();
    // The bit behind the last one ends the run of zeros.
    let rest = (hash << bits) | ((1 << bits) >> 1);
    let rank = u8::try_from(rest.leading_zeros() + 1).unwrap_or_default();
    if let Some(mine) = usize::try_from(place).ok().and_then(|place| registers.get_mut(place)) {
        *mine = (*mine).max(rank);
    }
}

/// Puts in everything that is in others of the same number.
pub fn unite(registers: &mut [u8], others: &[u8]) {
    registers.iter_mut().zip(others).for_each(|(mine, theirs)| *mine = (*mine).max(*theirs));
}

/// Returns about how many different hashes are in.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate of at most 2^64, never negative"
)]
pub fn estimate(registers: &[u8]) -> u64 {
    // Ranks are few, registers are many.
    let mut of_rank = [0_u32; 66];
    for rank in registers {
        of_rank.get_mut(usize::from(*rank)).into_iter().for_each(|count| *count += 1);
    }
    let all = registers.len() as f64;
    let share = |count: u32| f64::from(count) / all;
    let highest = usize::try_from(64 - registers.len().trailing_zeros() + 1).unwrap_or_default();
    let (below, from) = of_rank.split_at_checked(highest).unwrap_or((&of_rank, &[]));
    let Some((first, middle)) = below.split_first() else { return 0 };
    let mut sum = all * tau(1.0 - share(from.iter().sum()));
    for count in middle.iter().rev() {
        sum = 0.5 * (sum + f64::from(*count));
    }
    sum += all * sigma(share(*first));
    (all * all / (2.0 * std::f64::consts::LN_2 * sum)).round() as u64
}

fn sigma(mut x: f64) -> f64 {
    if x >= 1.0 {
        return f64::INFINITY;
    }
    let (mut step, mut sum) = (1.0, x);
    loop {
        x *= x;
        let before = sum;
        sum += x * step;
        step += step;
        if sum <= before {
            return sum;
        }
    }
}

fn tau(mut x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return 0.0;
    }
    let (mut step, mut sum) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = sum;
        step *= 0.5;
        sum -= (1.0 - x) * (1.0 - x) * step;
        if sum >= before {
            return sum / 3.0;
        }
    }
}
