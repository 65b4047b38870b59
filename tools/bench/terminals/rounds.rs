//! Measurements that are repeated: in each round every server has its turn, so that what the machine does meanwhile meets all
//! of them alike.

use anyhow::Context;

use crate::process::ProcessorTime;

/// In a virtual machine the host may take processors away. A round of whose processor time it took a larger share is measured
/// again, if that helps within as many rounds again.
const MAX_STOLEN: f64 = 0.02;

/// What every turn of the `wanted` rounds gave: server by server, and the same round at the same place of each. Tells a person
/// how far it has come.
pub fn measure<T>(
    what: &str,
    wanted: usize,
    servers: usize,
    mut turn: impl FnMut(usize) -> anyhow::Result<T>,
) -> anyhow::Result<Vec<Vec<T>>> {
    let mut rounds: Vec<(f64, Vec<T>)> = Vec::new();
    for number in 0..2 * wanted {
        let before = ProcessorTime::now().context("read what the host took")?;
        // Nobody always comes first.
        let mut turns = Vec::new();
        for at in 0..servers {
            let server = match number % 2 {
                0 => at,
                _ => servers - 1 - at,
            };
            turns.push(turn(server).with_context(|| format!("round {number} of {what}"))?);
        }
        if number % 2 == 1 {
            turns.reverse();
        }
        let stolen = ProcessorTime::now()
            .context("read what the host took")?
            .stolen_since(before);
        rounds.push((stolen, turns));
        let undisturbed = rounds
            .iter()
            .filter(|(stolen, _)| *stolen <= MAX_STOLEN)
            .count();
        eprintln!(
            "{what}: {undisturbed} of {wanted} rounds, the host took {:.1} %",
            stolen * 100.0
        );
        if undisturbed == wanted {
            break;
        }
    }
    rounds.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    rounds.truncate(wanted);
    let mut of_servers: Vec<Vec<T>> = (0..servers).map(|_| Vec::new()).collect();
    for (_, turns) in rounds {
        for (server, turn) in of_servers.iter_mut().zip(turns) {
            server.push(turn);
        }
    }
    Ok(of_servers)
}

/// A figure of each turn.
pub fn each<T>(turns: &[Vec<T>], figure: impl Fn(&T) -> f64) -> Vec<Vec<f64>> {
    let of_server = |turns: &Vec<T>| turns.iter().map(&figure).collect();
    turns.iter().map(of_server).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_server_has_its_turn_in_every_round() {
        let mut order = Vec::new();
        let turns = measure("a test", 2, 3, |server| {
            order.push(server);
            Ok(server)
        });
        assert_eq!(turns.unwrap(), [[0, 0], [1, 1], [2, 2]]);
        assert_eq!(order[..6], [0, 1, 2, 2, 1, 0]);
    }
}
