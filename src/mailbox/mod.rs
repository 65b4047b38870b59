mod private;
pub mod threads;
