//! Styles as a file that `--latents` takes.

use super::order::MadeFile;
use crate::writer::Text;
use candle_core::Tensor;
use stylegan_core::checkpoint::{Kind, Metadata, encode};

/// A file of style rows `[1, num_ws, w_dim]`; `content` says which they are, `facts` how they came about, `text` what
/// pictures of them say.
///
/// # Errors
/// When they cannot be written.
pub(super) fn style_file(
    ws: Tensor,
    content: &str,
    facts: Vec<(&'static str, String)>,
    text: Text,
) -> anyhow::Result<MadeFile> {
    let mut metadata = Metadata { kind: Kind::Weights, source: Some("stylegan studio".into()), ..Metadata::default() };
    metadata.extra.insert("content".into(), format!("{content} (tensor ws), for --latents"));
    metadata.extra.extend(facts.into_iter().chain(text).map(|(key, value)| (key.to_owned(), value)));
    let bytes = encode(&metadata, &[("ws".to_owned(), ws)])?;
    Ok(MadeFile { name: "styles.safetensors".into(), kind: "application/octet-stream", bytes })
}
