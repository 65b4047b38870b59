//! zhongshu
