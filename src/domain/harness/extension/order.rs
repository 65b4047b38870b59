//! Who hears of an event first.

/// A handler's place: the lower number first, then by the name of its module, then as it was registered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// What it asked for.
    pub priority: i64,
    /// The folder that its extension lies in.
    pub module: String,
    /// Which of the registrations of its extension it is.
    pub index: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handlers_stand_by_priority_then_module_then_registration() {
        let place = |priority, module: &str, index| Place {
            priority,
            module: module.to_owned(),
            index,
        };
        let mut all = [
            place(100, "b", 0),
            place(100, "a", 1),
            place(5, "z", 9),
            place(100, "a", 0),
        ];
        all.sort();
        let order: Vec<_> = all
            .iter()
            .map(|it| (it.module.as_str(), it.index))
            .collect();
        assert_eq!(order, [("z", 9), ("a", 0), ("a", 1), ("b", 0)]);
    }
}
