//! Which handoff packets are on disk, which are owed, and which could not be written. Touches no file.

use super::handoffs::{HandoffError, Packet};
use crate::domain::ids::ReportId;
use crate::domain::state::State;
use std::collections::{BTreeSet, HashMap};

/// The account of packets.
#[derive(Debug, Default)]
pub(super) struct Packets {
    /// The revision that the packet on disk shows.
    written: HashMap<ReportId, u32>,
    /// Reports whose packet is to be written.
    owed: BTreeSet<ReportId>,
    /// Reports whose packet could not be written; complained about once.
    failed: BTreeSet<ReportId>,
}

impl Packets {
    /// A revision was registered.
    pub(super) fn owe(&mut self, report_id: &ReportId, revision: u32) {
        if self.written.get(report_id).copied().unwrap_or(0) < revision {
            self.owed.insert(report_id.clone());
        }
    }

    /// These reports were just taken.
    pub(super) fn owe_all<'a>(&mut self, report_ids: impl Iterator<Item = &'a ReportId>) {
        self.owed.extend(report_ids.cloned());
    }

    /// What failed may work by now.
    pub(super) fn try_failed_again(&mut self) {
        self.owed.extend(self.failed.iter().cloned());
    }

    pub(super) fn nothing_owed(&self) -> bool {
        self.owed.is_empty()
    }

    /// What is owed and not on disk already.
    pub(super) fn take_owed(&mut self, state: &State) -> Vec<Packet> {
        let owed = std::mem::take(&mut self.owed);
        self.missing(state, owed.iter())
    }

    /// Every packet of which is not known that it is on disk.
    pub(super) fn unsure(&self, state: &State) -> Vec<Packet> {
        self.missing(state, state.reports.keys())
    }

    fn missing<'a>(
        &self,
        state: &State,
        report_ids: impl Iterator<Item = &'a ReportId>,
    ) -> Vec<Packet> {
        let packets = report_ids.filter_map(|id| Packet::of(state, id));
        let open = |packet: &Packet| {
            self.written.get(&packet.report_id) != Some(&packet.revision.revision)
        };
        packets.filter(open).collect()
    }

    /// These were found on disk.
    pub(super) fn on_disk(&mut self, packets: &[Packet]) {
        let known = packets
            .iter()
            .map(|packet| (packet.report_id.clone(), packet.revision.revision));
        self.written.extend(known);
    }

    /// Takes note of what came of writing.
    pub(super) fn settle(&mut self, packets: Vec<Packet>, results: Vec<Result<(), HandoffError>>) {
        for (packet, result) in packets.into_iter().zip(results) {
            match result {
                Ok(()) => {
                    self.failed.remove(&packet.report_id);
                    self.written
                        .insert(packet.report_id, packet.revision.revision);
                }
                Err(error) => {
                    if self.failed.insert(packet.report_id) {
                        tracing::warn!(%error, "a handoff packet is missing; it is tried again");
                    }
                }
            }
        }
    }
}
