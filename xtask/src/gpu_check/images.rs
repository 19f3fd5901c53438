//! Images in files of `stylegan generate`: the one tensor `images` of a safetensors file.

use crate::failure::{Failure, Result};
use std::path::Path;

/// The numbers of a file's one tensor, f32.
pub(super) fn read(file: &Path) -> Result<Vec<f32>> {
    let bytes = std::fs::read(file).map_err(|error| Failure::other(format!("{}: {error}", file.display())))?;
    numbers(&bytes).ok_or_else(|| Failure::other(format!("{} is no file of images", file.display())))
}

fn numbers(bytes: &[u8]) -> Option<Vec<f32>> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let (header, data) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    std::str::from_utf8(header).ok()?.contains("\"images\"").then_some(())?;
    Some(data.as_chunks::<4>().0.iter().map(|&chunk| f32::from_le_bytes(chunk)).collect())
}

/// How far apart images are at most; infinitely where there are other numbers of them, or some that are no numbers.
pub(super) fn distance(a: &[f32], b: &[f32]) -> f64 {
    if a.len() != b.len() || a.is_empty() {
        return f64::INFINITY;
    }
    let apart = a.iter().zip(b).map(|(a, b)| f64::from((a - b).abs()));
    apart.fold(0., |most, apart| if apart.is_nan() { f64::INFINITY } else { most.max(apart) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_and_compared() {
        let header = br#"{"images":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
        let mut file = (header.len() as u64).to_le_bytes().to_vec();
        file.extend_from_slice(header);
        file.extend([1f32, -0.5].iter().flat_map(|x| x.to_le_bytes()));
        let read = numbers(&file);
        assert_eq!(read.as_deref(), Some(&[1., -0.5][..]));
        assert_eq!(numbers(&file[..20]), None);
        assert_eq!(distance(&[1., -0.5], &[1., -0.25]), 0.25);
        assert!(distance(&[1.], &[f32::NAN]).is_infinite() && distance(&[1.], &[1., 2.]).is_infinite());
    }
}
