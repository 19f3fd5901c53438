//! Weights of networks that are only kept: the feature networks of metrics, parts of pixel2style2pixel. Every tensor keeps its original name, shape and element type.

use super::pickle::{Global, Id};
use super::torch::TorchFile;
use super::{Found, ImportError};
use candle_core::Tensor;
use std::collections::BTreeMap;

/// Modules nest no deeper than this in any known network.
const MAX_DEPTH: usize = 32;

/// The tensors of a state dictionary, a module or a TensorFlow network, `None` if the file is
/// something else.
pub(super) fn weights(file: &TorchFile<'_>) -> Result<Option<Found>, ImportError> {
    let (pickle, root) = (&file.pickle, file.pickle.root());
    let mut extra = BTreeMap::new();
    let (origin, tensors) = if let Some(network) = file.tensorflow_network(root)? {
        extra.insert("content".into(), format!("network built by {}", network.build_func_name));
        if !network.static_kwargs.is_empty() {
            extra.insert("arguments".into(), serde_json::Value::Object(network.static_kwargs).to_string());
        }
        ("TensorFlow network", network.variables)
    } else if pickle.call_of(root, Global::TorchScript).is_some() {
        let mut tensors = Vec::new();
        script_module(file, root, "", 0, &mut tensors)?;
        ("TorchScript module", tensors)
    } else if let Some(tensors) = file.torch_module(root)? {
        ("PyTorch module", tensors)
    } else if let Some(object) = file.persistent(root)? {
        extra.insert("content".into(), format!("network of class {}", object.class_name));
        if !object.init.is_empty() {
            extra.insert("arguments".into(), serde_json::Value::Object(object.init).to_string());
        }
        ("PyTorch pickle", object.tensors)
    } else if let Some(state) = pickle.get(root, "state_dict").filter(|&id| pickle.entries(id).is_some()) {
        // What stands beside the state dictionary (average styles, options) keeps its own name.
        let mut tensors = file.tensors(state)?;
        for &(key, value) in file.walk(root)? {
            let Some(name) = pickle.text(key).filter(|_| value != state) else { continue };
            if let Some(tensor) = file.load(value, &name)? {
                tensors.push((name.to_string(), tensor));
            } else if pickle.entries(value).is_some() {
                extra.insert(name.to_string(), file.json(value, 0)?.to_string());
            }
        }
        ("PyTorch checkpoint", tensors)
    } else if pickle.entries(root).is_some() {
        ("PyTorch state dictionary", file.tensors(root)?)
    } else if let Some(tensor) = file.load(root, "tensor")? {
        ("PyTorch tensor", vec![("tensor".into(), tensor)])
    } else {
        return Ok(None);
    };
    if tensors.is_empty() {
        return Ok(None);
    }
    if let Some(content) = content(&tensors) {
        extra.insert("content".into(), content.into());
    }
    Ok(Some(Found { origin, tensors, extra, ..Found::default() }))
}

/// The attributes of a TorchScript object that are tensors, and those of the objects in it.
fn script_module(
    file: &TorchFile<'_>,
    id: Id,
    path: &str,
    depth: usize,
    out: &mut Vec<(String, Tensor)>,
) -> Result<(), ImportError> {
    if depth > MAX_DEPTH {
        return Err(ImportError(format!("modules nested more than {MAX_DEPTH} deep; no network needs that")));
    }
    let pickle = &file.pickle;
    let state = pickle.call_of(id, Global::TorchScript).and_then(|call| call.state);
    let Some(state) = state else { return Ok(()) };
    for &(key, value) in file.walk(state)? {
        let Some(name) = pickle.text(key) else { continue };
        let name = file.join(path, &name)?;
        if let Some(tensor) = file.load(value, &name)? {
            out.push((name, tensor));
        } else if pickle.call_of(value, Global::TorchScript).is_some() {
            script_module(file, value, &name, depth + 1, out)?;
        }
    }
    Ok(())
}

/// What is known by the names of some of its tensors.
const KNOWN: [(&str, &[&str]); 10] = [
    ("pixel2style2pixel encoder and decoder", &["encoder.input_layer.0.weight", "decoder.conv1.conv.weight"]),
    ("ArcFace network (IR-SE)", &["input_layer.0.weight", "body.0.res_layer.1.weight", "output_layer.3.weight"]),
    ("Inception v3 for FID", &["Conv2d_1a_3x3.conv.weight", "Mixed_7c.branch_pool.conv.weight"]),
    ("Inception v3 for FID (as pytorch-fid wraps it)", &["blocks.0.0.conv.weight", "blocks.3.0.branch1x1.conv.weight"]),
    ("LPIPS with its network", &["net.slice1.0.weight", "lin0.model.1.weight"]),
    ("LPIPS weights of channels", &["lin0.model.1.weight", "lin4.model.1.weight"]),
    ("VGG16", &["features.0.weight", "features.28.weight", "classifier.6.weight"]),
    ("AlexNet", &["features.0.weight", "features.10.weight", "classifier.6.weight"]),
    ("SqueezeNet", &["features.0.weight", "features.12.expand3x3.weight"]),
    ("StyleGAN2 generator (rosinality)", &["convs.0.conv.weight", "to_rgb1.conv.weight"]),
];

fn content(tensors: &[(String, Tensor)]) -> Option<&'static str> {
    let holds = |name: &&str| tensors.iter().any(|(own, _)| own == name);
    KNOWN.iter().find(|(_, names)| names.iter().all(holds)).map(|&(content, _)| content)
}
