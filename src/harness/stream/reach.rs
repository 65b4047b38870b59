//! Who is told what. Pure.

use std::collections::HashSet;

/// Whom something concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Everybody, whatever they follow.
    Everybody,
    /// Whoever follows no thread in particular.
    NoThread,
    /// Whoever follows this thread, or none in particular.
    Thread(String),
    /// Whoever follows this thread: it is the launcher's own.
    SystemThread(String),
}

/// What a reader follows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Filter {
    /// Nothing in particular.
    #[default]
    Everything,
    /// These threads.
    Threads(HashSet<String>),
}

impl Filter {
    /// Those threads; without one, nothing in particular.
    pub fn of(threads: impl IntoIterator<Item = String>) -> Self {
        let threads: HashSet<_> = threads.into_iter().collect();
        match threads.is_empty() {
            true => Self::Everything,
            false => Self::Threads(threads),
        }
    }

    /// The threads that it names.
    pub fn threads(&self) -> HashSet<String> {
        match self {
            Self::Everything => HashSet::new(),
            Self::Threads(threads) => threads.clone(),
        }
    }

    /// Whether a reader with this filter is told something.
    pub fn lets_through(&self, reach: &Reach) -> bool {
        match (self, reach) {
            (_, Reach::Everybody) | (Self::Everything, Reach::NoThread | Reach::Thread(_)) => true,
            (Self::Everything, Reach::SystemThread(_)) | (Self::Threads(_), Reach::NoThread) => {
                false
            }
            (Self::Threads(threads), Reach::Thread(id) | Reach::SystemThread(id)) => {
                threads.contains(id)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_who_gets_what() {
        let follows = |ids: &[&str]| Filter::of(ids.iter().map(ToString::to_string));
        let thread = |id: &str| Reach::Thread(id.to_owned());
        let system = |id: &str| Reach::SystemThread(id.to_owned());
        for (filter, expected) in [
            // Thread t, thread o, no thread, everybody, system t, system o.
            (follows(&[]), [true, true, true, true, false, false]),
            (follows(&["t"]), [true, false, false, true, true, false]),
            (follows(&["t", "o"]), [true, true, false, true, true, true]),
            (follows(&["x"]), [false, false, false, true, false, false]),
        ] {
            let reaches = [
                thread("t"),
                thread("o"),
                Reach::NoThread,
                Reach::Everybody,
                system("t"),
                system("o"),
            ];
            assert_eq!(
                reaches.map(|it| filter.lets_through(&it)),
                expected,
                "{filter:?}"
            );
        }
    }
}
