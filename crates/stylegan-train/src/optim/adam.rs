//! Adam and Ranger over a network's parameters, with a state that is saved and restored.

use crate::config::AdamConfig;
use crate::shards::Row;
use crate::{Error, Result};
use candle_core::{DType, Device, Tensor, Var};
use std::collections::BTreeMap;
use stylegan_core::Params;
use stylegan_kernels::optim::{AdamOptions, RangerOptions, adam_step, ranger_step};

/// Adam (Kingma and Ba 2015) for the parameters of one network, in the order of their names; or
/// [Ranger](Self::ranger), which is Adam with rectified steps, centralised gradients and slow weights.
///
/// StyleGAN's slower mapping network needs no rate of its own here: the network multiplies those
/// weights by `mapping_lr` itself.
pub struct Adam {
    /// The rate is a share of the schedule's.
    options: AdamOptions,
    entries: Vec<Entry>,
    steps: u64,
}

struct Entry {
    name: String,
    /// The optimiser's steps before its own first one.
    began: u64,
    /// Whether Ranger takes the mean of the whole gradient off.
    whole: bool,
    weight: Var,
    m: Var,
    v: Var,
    /// The slow weights of one that Ranger moves.
    slow: Option<Var>,
}

impl Adam {
    /// An optimiser that has seen nothing. Each step is `stride` times a full one: the learning rate
    /// times that, the decays to that power (StyleGAN2, appendix B); 1 without lazy regularisation.
    ///
    /// # Errors
    /// When the device has no room.
    pub fn new(params: &Params, config: &AdamConfig, stride: f64) -> Result<Self> {
        let [beta1, beta2] = [config.beta1, config.beta2].map(|beta| beta.powf(stride));
        Self::on(params, AdamOptions { lr: stride, beta1, beta2, eps: config.eps }, |_| Ok(None))
    }

    /// Ranger at the rate of the schedule and otherwise as pixel2style2pixel trains with it: an optimiser that has
    /// seen nothing, whose slow weights are where the parameters are now.
    ///
    /// # Errors
    /// When the device has no room.
    pub fn ranger(params: &Params) -> Result<Self> {
        let RangerOptions { beta1, beta2, eps, .. } = RangerOptions::default();
        let slow = |weight: &Var| Ok(Some(Var::from_tensor(&weight.as_detached_tensor().copy()?)?));
        Self::on(params, AdamOptions { lr: 1., beta1, beta2, eps }, slow)
    }

    fn on(params: &Params, options: AdamOptions, slow: impl Fn(&Var) -> Result<Option<Var>>) -> Result<Self> {
        let entries = params.parameters().into_iter().map(|(name, weight)| {
            let (m, v) = (Var::from_tensor(&weight.zeros_like()?)?, Var::from_tensor(&weight.zeros_like()?)?);
            Ok(Entry { slow: slow(&weight)?, name, began: 0, whole: false, weight, m, v })
        });
        Ok(Self { options, entries: entries.collect::<Result<_>>()?, steps: 0 })
    }

    /// The same optimiser without the parameters that are `frozen`: they stay as they are.
    pub fn without(mut self, frozen: impl Fn(&str) -> bool) -> Self {
        self.entries.retain(|entry| !frozen(&entry.name));
        self
    }

    /// The same optimiser, of which Ranger takes the mean of the whole gradient off the parameters that are `whole`.
    #[must_use]
    pub fn centralising(mut self, whole: impl Fn(&str) -> bool) -> Self {
        self.entries.iter_mut().for_each(|entry| entry.whole = whole(&entry.name));
        self
    }

    /// The same optimiser at `share` of the schedule's learning rate, where two networks learn at rates of
    /// their own (Heusel et al. 2017).
    #[must_use]
    pub fn at_rate(mut self, share: f64) -> Self {
        self.options.lr *= share;
        self
    }

    /// Scalars in a gradient of this network.
    pub fn len(&self) -> usize {
        self.entries.iter().map(|entry| entry.weight.elem_count()).sum()
    }

    /// Whether the network has no parameters.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The gradient of a network in one row, on a GPU beside the network: parameter after parameter in the order of names,
    /// zeros where the loss did not depend on one (a resolution that has not grown in yet).
    ///
    /// # Errors
    /// When the device has no room.
    pub fn flatten(&self, gradient_of: impl Fn(&Var) -> Option<Tensor>) -> Result<Row> {
        if self.entries.first().is_some_and(|entry| !entry.weight.device().is_cpu()) {
            let parts = self.entries.iter().map(|entry| match gradient_of(&entry.weight) {
                Some(gradient) => gradient.flatten_all(),
                None => entry.weight.zeros_like()?.flatten_all(),
            });
            return Ok(Row::OnGpu(Tensor::cat(&parts.collect::<candle_core::Result<Vec<_>>>()?, 0)?));
        }
        let mut flat = Vec::with_capacity(self.len());
        for entry in &self.entries {
            match gradient_of(&entry.weight) {
                Some(gradient) => flat.extend(gradient.flatten_all()?.to_dtype(DType::F32)?.to_vec1::<f32>()?),
                None => flat.resize(flat.len() + entry.weight.elem_count(), 0.),
            }
        }
        Ok(Row::Numbers(flat))
    }

    /// One step along a gradient of [`len`](Self::len) scalars.
    ///
    /// # Errors
    /// When the gradient has another length, or the device has no room.
    pub fn step(&mut self, gradient: &Row, lr: f64) -> Result<()> {
        if gradient.len() != self.len() {
            return Err(Error::Tensor(candle_core::Error::Msg(format!(
                "Adam::step: the gradient has {} scalars, expected {}",
                gradient.len(),
                self.len()
            ))));
        }
        self.steps += 1;
        let options = AdamOptions { lr: self.options.lr * lr, ..self.options };
        let mut first = 0;
        for entry in &self.entries {
            let (weight, len) = (&entry.weight, entry.weight.elem_count());
            let own = match gradient {
                Row::Numbers(numbers) => {
                    let own = Tensor::from_slice(&numbers[first..first + len], weight.shape(), &Device::Cpu)?;
                    own.to_dtype(weight.dtype())?.to_device(weight.device())?
                }
                Row::OnGpu(row) => row.narrow(0, first, len)?.reshape(weight.shape())?,
            };
            entry.step(&own, self.steps - entry.began, options)?;
            first += len;
        }
        Ok(())
    }

    /// Forgets the moments, lets slow weights be where the fast ones are, and starts counting steps anew.
    ///
    /// # Errors
    /// When the device fails.
    pub fn reset(&mut self) -> Result<()> {
        self.steps = 0;
        for entry in &mut self.entries {
            entry.began = 0;
            entry.m.set(&entry.m.zeros_like()?)?;
            entry.v.set(&entry.v.zeros_like()?)?;
            if let Some(slow) = &entry.slow {
                slow.set(&entry.weight.as_detached_tensor())?;
            }
        }
        Ok(())
    }

    /// Steps since the start or the last reset.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The step after which each parameter began that did not begin with the run or the last reset, as one that was frozen.
    pub fn began(&self) -> BTreeMap<String, u64> {
        let later = self.entries.iter().filter(|entry| entry.began > 0);
        later.map(|entry| (entry.name.clone(), entry.began)).collect()
    }

    /// The moments under `m.<parameter>` and `v.<parameter>`, Ranger's slow weights under `slow.<parameter>`.
    pub fn state(&self) -> Vec<(String, Tensor)> {
        let parts = ["m", "v", "slow"].into_iter();
        let named = |part| self.entries.iter().filter_map(move |entry| Some((entry.key(part), entry.part(part)?)));
        parts.flat_map(named).map(|(key, var)| (key, var.as_detached_tensor())).collect()
    }

    /// Takes up a saved state: `began` is as [`began`](Self::began) gave it, `find` gives a tensor by the names of
    /// [`state`](Self::state), or none where the part is to stay as it is at the start. A parameter without moments begins
    /// with the next step.
    ///
    /// # Errors
    /// When `find` fails, or a tensor has another shape than its parameter.
    pub fn restore(
        &mut self,
        steps: u64,
        began: &BTreeMap<String, u64>,
        mut find: impl FnMut(&str) -> Result<Option<Tensor>>,
    ) -> Result<()> {
        for entry in &mut self.entries {
            entry.began = began.get(&entry.name).map_or(0, |&began| began.min(steps));
            for part in ["m", "v", "slow"] {
                let Some(var) = entry.part(part) else { continue };
                match find(&entry.key(part))? {
                    Some(saved) => var.set(&saved.to_device(var.device())?)?,
                    None if part == "slow" => {}
                    None => entry.began = steps,
                }
            }
        }
        self.steps = steps;
        Ok(())
    }
}

impl Entry {
    /// The `step`th step of this parameter, from 1.
    fn step(&self, gradient: &Tensor, step: u64, options: AdamOptions) -> Result<()> {
        let Self { whole, weight, m, v, slow, .. } = self;
        let AdamOptions { lr, beta1, beta2, eps } = options;
        match slow {
            Some(slow) => {
                let options = RangerOptions { lr, beta1, beta2, eps, whole: *whole, ..RangerOptions::default() };
                Ok(ranger_step(weight, gradient, [m, v, slow], step, options)?)
            }
            None => Ok(adam_step(weight, gradient, m, v, step, options)?),
        }
    }

    /// Part `m`, `v` or `slow`, if there is such.
    fn part(&self, part: &str) -> Option<&Var> {
        match part {
            "m" => Some(&self.m),
            "v" => Some(&self.v),
            _ => self.slow.as_ref(),
        }
    }

    /// The name of a part in a saved state.
    fn key(&self, part: &str) -> String {
        format!("{part}.{}", self.name)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const LR: f64 = 1e-3;

    fn params() -> Params {
        let tensor = Tensor::new(&[1f32, -2.], &Device::Cpu).unwrap();
        Params::from_tensors(["a", "b"].map(|name| (name.to_owned(), tensor.clone()))).unwrap()
    }

    fn values(params: &Params, name: &str) -> Vec<f32> {
        params.get(name).unwrap().to_vec1().unwrap()
    }

    fn optimizer(params: &Params, ranger: bool) -> Adam {
        if ranger { Adam::ranger(params).unwrap() } else { Adam::new(params, &AdamConfig::default(), 1.).unwrap() }
    }

    fn step(optimizer: &mut Adam) {
        optimizer.step(&vec![0.5, -0.1, 0.5, -0.1].into(), LR).unwrap();
    }

    /// A first step of Ranger is the learning rate times the centralised gradient.
    #[test]
    fn ranger_centralises_the_whole_of_chosen_parameters() {
        let params = params();
        let mut optimizer = optimizer(&params, true).centralising(|name| name == "a");
        step(&mut optimizer);
        for (name, by) in [("a", [0.3, -0.3]), ("b", [0.5, -0.1])] {
            let expected = [1. - LR * by[0], -2. - LR * by[1]];
            let found = values(&params, name).into_iter().map(f64::from);
            // f32 beside 2.
            assert!(found.zip(expected).all(|(found, expected)| (found - expected).abs() < 2e-7), "{name}");
        }
    }

    /// Before, the bias correction of a parameter without moments was that of the step which the others had come to: first
    /// steps of Adam were up to ten times as long.
    #[test]
    fn a_parameter_without_moments_begins_as_in_a_new_run() {
        for ranger in [false, true] {
            let (fresh, late) = (params(), params());
            let (mut of_fresh, mut of_late) = (optimizer(&fresh, ranger), optimizer(&late, ranger));
            let known = |name: &str| name.ends_with(".a").then(|| Tensor::zeros(2, DType::F32, &Device::Cpu).unwrap());
            of_late.restore(50, &BTreeMap::new(), |name| Ok(known(name))).unwrap();
            for _ in 0..7 {
                step(&mut of_fresh);
                step(&mut of_late);
                assert_eq!(values(&fresh, "b"), values(&late, "b"), "{ranger}");
                assert_ne!(values(&fresh, "a"), values(&late, "a"), "{ranger}");
            }
            // What is saved and restored goes on as what goes on.
            assert_eq!(of_late.began(), BTreeMap::from([("b".to_owned(), 50)]));
            let copy = late.copy().unwrap();
            let mut of_copy = optimizer(&copy, ranger);
            let saved: BTreeMap<_, _> =
                of_late.state().into_iter().map(|(name, t)| (name, t.copy().unwrap())).collect();
            of_copy.restore(of_late.steps(), &of_late.began(), |name| Ok(saved.get(name).cloned())).unwrap();
            step(&mut of_late);
            step(&mut of_copy);
            assert_eq!(["a", "b"].map(|name| values(&late, name)), ["a", "b"].map(|name| values(&copy, name)));
            assert!(of_fresh.began().is_empty());
            of_late.reset().unwrap();
            assert!(of_late.began().is_empty() && of_late.steps() == 0);
        }
    }
}
