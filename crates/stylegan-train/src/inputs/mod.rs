//! What a step looks at: the order of the pictures, pictures decoded ahead, random inputs.

pub mod order;
pub(crate) mod prefetch;
pub(crate) mod random;
