//! Matrix products of a precision by cuBLAS.

use super::device;
use super::launch::int;
use crate::tiles::Precision;
use candle_core::backend::BackendStorage;
use candle_core::cuda_backend::WrapErr;
use candle_core::cuda_backend::cudarc::cublas::{result, sys};
use candle_core::cuda_backend::cudarc::driver::{DevicePtr, DevicePtrMut};
use candle_core::{CudaStorage, Layout, Result};

/// The products `[batch, m, p]` of matrices `[batch, m, k]` and `[batch, k, p]` without gaps, each of which may be turned, or
/// one for the whole batch.
///
/// # Errors
/// When numbers are not f32, or cuBLAS refuses.
pub(crate) fn product(
    (left, left_layout): (&CudaStorage, &Layout),
    (right, right_layout): (&CudaStorage, &Layout),
    (batch, m, p, k): (usize, usize, usize, usize),
    precision: Precision,
) -> Result<CudaStorage> {
    // candle has rounded factors for a whole process alone: another thread's products would be rounded as well.
    let compute = match precision {
        Precision::F32 => return left.matmul(right, (batch, m, p, k), left_layout, right_layout),
        Precision::Tf32 => sys::cublasComputeType_t::CUBLAS_COMPUTE_32F_FAST_TF32,
        Precision::Bf16 => sys::cublasComputeType_t::CUBLAS_COMPUTE_32F_FAST_16BF,
        Precision::Bf16x3 => candle_core::bail!("cuda: there are no products in {precision}"),
    };
    let gpu = left.device();
    let mut result = device::memory(gpu, batch * m * p)?;
    let (blas, stream) = (gpu.cublas_handle(), gpu.cuda_stream());
    let left_matrix = Matrix::of(left_layout, int(m, "rows")?, int(k, "columns")?);
    let right_matrix = Matrix::of(right_layout, left_matrix.columns, int(p, "columns")?);
    let left = left.as_cuda_slice::<f32>()?.slice(left_layout.start_offset()..);
    let right = right.as_cuda_slice::<f32>()?.slice(right_layout.start_offset()..);
    let (one, zero) = (1f32, 0f32);
    {
        let ((a, _a), (b, _b)) = (left.device_ptr(&stream), right.device_ptr(&stream));
        let (c, _c) = result.device_ptr_mut(&stream);
        // SAFETY: both arguments hold `batch` matrices of these sizes from their first number on, as their layouts say, the
        // result has room for as many, and all live until the call has queued the work on the handle's own stream. cuBLAS
        // takes columns before rows: the right matrix is its left one.
        unsafe {
            result::gemm_strided_batched_ex(
                *blas.handle(),
                right_matrix.operation(),
                left_matrix.operation(),
                right_matrix.columns,
                left_matrix.rows,
                left_matrix.columns,
                (&raw const one).cast(),
                b as *const _,
                sys::cudaDataType_t::CUDA_R_32F,
                right_matrix.row,
                right_matrix.step,
                a as *const _,
                sys::cudaDataType_t::CUDA_R_32F,
                left_matrix.row,
                left_matrix.step,
                (&raw const zero).cast(),
                c as *mut _,
                sys::cudaDataType_t::CUDA_R_32F,
                right_matrix.columns,
                i64::from(left_matrix.rows) * i64::from(right_matrix.columns),
                int(batch, "products")?,
                compute,
                sys::cublasGemmAlgo_t::CUBLAS_GEMM_DEFAULT_TENSOR_OP,
            )
        }
        .w()?;
    }
    Ok(device::storage(result, gpu))
}

/// How a batch of matrices lies in memory.
struct Matrix {
    rows: i32,
    columns: i32,
    /// Whether rows lie across.
    turned: bool,
    /// Numbers of a row in memory.
    row: i32,
    /// Numbers from one matrix to the next.
    step: i64,
}

impl Matrix {
    /// A batch `[batch, rows, columns]` without gaps.
    fn of(layout: &Layout, rows: i32, columns: i32) -> Self {
        let strides = layout.stride();
        let turned = columns > 1 && strides[2] != 1;
        Self { rows, columns, turned, row: if turned { rows } else { columns }, step: strides[0] as i64 }
    }

    fn operation(&self) -> sys::cublasOperation_t {
        if self.turned { sys::cublasOperation_t::CUBLAS_OP_T } else { sys::cublasOperation_t::CUBLAS_OP_N }
    }
}
