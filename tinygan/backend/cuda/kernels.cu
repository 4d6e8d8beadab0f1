// REAL is float or double. A kernel has n independent parts of work, numbered from 0, which any
// number of threads share.

typedef REAL real;
typedef long long i64;
typedef unsigned int u32;
typedef unsigned long long u64;

#define FOR_EACH(i, n)                                              \
    for (i64 i = blockIdx.x * (i64)blockDim.x + threadIdx.x; i < n; \
         i += (i64)gridDim.x * blockDim.x)

extern "C" {

// Elementwise functions. A comparison with NaN is false, so sigmoid, softplus and leaky are written
// such that NaN gives NaN.

__global__ void sigmoid(i64 n, const real* x, real* y) {
    FOR_EACH(i, n) {
        real a = x[i];
        y[i] = exp(a > 0 ? (real)0 : a) / (1 + exp(-fabs(a)));
    }
}

__global__ void softplus(i64 n, const real* x, real* y) {
    FOR_EACH(i, n) {
        real a = x[i];
        y[i] = (a < 0 ? (real)0 : a) + log1p(exp(-fabs(a)));
    }
}

__global__ void leaky(i64 n, const real* x, real* y, real slope) {
    FOR_EACH(i, n) y[i] = x[i] > 0 ? x[i] : x[i] * slope;
}

__global__ void leaky_slopes(i64 n, const real* x, real* y, real slope, real rest) {
    FOR_EACH(i, n) y[i] = x[i] > 0 ? rest + slope : slope;
}

// Dropout's factor of an element, from u uniform in [0, 1): 1/q if u >= p, else 0, with q = 1 - p.
__global__ void kept(i64 n, const real* u, real* y, real p, real q) {
    FOR_EACH(i, n) y[i] = u[i] >= p ? 1 / q : (real)0;
}

// Maxima of rows of `pieces` numbers.

__global__ void largest(i64 n, const real* x, real* y, int pieces) {
    FOR_EACH(i, n) {
        const real* row = x + i * pieces;
        real best = row[0];
        for (int p = 1; p < pieces; ++p)
            if (row[p] > best || row[p] != row[p]) best = row[p];
        y[i] = best;
    }
}

// The gradient of the maximum y: each of the k elements that equal y gets 1/k, the others 0.
__global__ void shares(i64 n, const real* x, const real* y, real* share, int pieces) {
    FOR_EACH(i, n) {
        const real* row = x + i * pieces;
        real hits = 0;
        for (int p = 0; p < pieces; ++p) hits += row[p] == y[i];
        for (int p = 0; p < pieces; ++p) share[i * pieces + p] = (row[p] == y[i]) / hits;
    }
}

// Adam: see optim.rules. The bias corrections c1 = 1 - b1^t and c2 = 1 - b2^t are moved into the
// scalars (Kingma and Ba 2014, section 2).
__global__ void adam(i64 n, real* w, const real* g, real* m, real* v, const real* lr, const real* c1,
                     const real* c2, real b1, real b2, real eps, real weight_decay) {
    real scale = sqrt(*c2), rate = *lr * scale / *c1, kept = 1 - *lr * weight_decay;
    FOR_EACH(i, n) {
        real mean = b1 * m[i] + (1 - b1) * g[i], square = b2 * v[i] + (1 - b2) * (g[i] * g[i]);
        m[i] = mean;
        v[i] = square;
        w[i] = w[i] * kept - mean / (sqrt(square) + eps * scale) * rate;
    }
}

// Convolution: see conv.im2col. Images (N, C, H, W) in any memory order; rows (N*I*J, KH*KW*C).
// Each part of work is one element of the result, so the order of a sum is fixed. For the usual
// convolution (4x4, stride 2, padding 1) these sizes are compile-time constants, so that the
// compiler can remove the divisions and unroll the loops.

#ifdef K4S2P1
#define CONSTANTS sh = sw = 2, ph = pw = 1, KH = KW = 4
#else
#define CONSTANTS
#endif

__global__ void images_to_rows(i64 n, const real* x, real* rows, i64 by_n, i64 by_c, i64 by_h, i64 by_w,
                               int C, int sh, int sw, int ph, int pw, int KH, int KW, int H, int W,
                               int I, int J) {
    CONSTANTS;
    FOR_EACH(e, n) {
        u32 rest = (u32)e;
        int c = rest % C;
        rest /= C;
        int b = rest % KW;
        rest /= KW;
        int a = rest % KH;
        rest /= KH;
        int j = rest % J;
        rest /= J;
        int i = rest % I, image = rest / I;
        int h = sh * i + a - ph, w = sw * j + b - pw;
        bool inside = 0 <= h && h < H && 0 <= w && w < W;
        rows[e] = inside ? x[image * by_n + c * by_c + h * by_h + w * by_w] : (real)0;
    }
}

__global__ void rows_to_images(i64 n, const real* rows, real* x, int C, int sh, int sw, int ph, int pw,
                               int KH, int KW, int H, int W, int I, int J) {
    CONSTANTS;
    FOR_EACH(e, n) {
        u32 rest = (u32)e;
        int c = rest % C;
        rest /= C;
        int w = rest % W;
        rest /= W;
        int h = rest % H, image = rest / H;
        real sum = 0;
        for (int a = (h + ph) % sh; a < KH; a += sh) {  // the kernel rows a that cover image row h
            int i = (h + ph - a) / sh;
            if (h + ph < a || i >= I) continue;
            for (int b = (w + pw) % sw; b < KW; b += sw) {
                int j = (w + pw - b) / sw;
                if (w + pw < b || j >= J) continue;
                sum += rows[((((i64)image * I + i) * J + j) * KH + a) * KW * C + b * C + c];
            }
        }
        x[e] = sum;
    }
}

// Noise: see backend.philox. Each part of work is the four numbers of a block.

struct Block { u32 word[4]; };

static __device__ Block philox(u32 index, u32 stream, u32 low, u32 high, u32 k0, u32 k1) {
    u32 c0 = index, c1 = stream, c2 = low, c3 = high;
    for (int round = 0; round < 10; ++round) {
        u64 p = (u64)0xD2511F53u * c0, q = (u64)0xCD9E8D57u * c2;
        c0 = (u32)(q >> 32) ^ c1 ^ k0;
        c1 = (u32)q;
        c2 = (u32)(p >> 32) ^ c3 ^ k1;
        c3 = (u32)p;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    Block block = {{c0, c1, c2, c3}};
    return block;
}

#define BITS (sizeof(real) == 8 ? 32 : 24)
#define UNIT ((real)1 / ((u64)1 << BITS))

__global__ void uniform(i64 n, real* out, i64 size, const u32* t, u32 stream, u32 k0, u32 k1) {
    FOR_EACH(i, n) {
        Block block = philox((u32)i, stream, t[0], t[1], k0, k1);
        for (int k = 0; k < 4; ++k)
            if (4 * i + k < size) out[4 * i + k] = (block.word[k] >> (32 - BITS)) * UNIT;
    }
}

__global__ void normal(i64 n, real* out, i64 size, const u32* t, u32 stream, u32 k0, u32 k1) {
    FOR_EACH(i, n) {
        Block block = philox((u32)i, stream, t[0], t[1], k0, k1);
        real v[4];
        for (int k = 0; k < 4; ++k)
            v[k] = ((real)(block.word[k] >> (32 - BITS)) + (real)0.5) * UNIT;
        for (int k = 0; k < 4; k += 2) {
            real radius = sqrt(-2 * log(v[k])), angle = (real)6.283185307179586 * v[k + 1];
            if (4 * i + k < size) out[4 * i + k] = radius * cos(angle);
            if (4 * i + k + 1 < size) out[4 * i + k + 1] = radius * sin(angle);
        }
    }
}

}
