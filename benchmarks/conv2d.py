"""conv2d forward and backward: our two forms beside torch's, on the layers of small networks."""
import statistics, time
import torch, torch.nn.functional as F
from walkdl.cnns import conv2d

torch.set_num_threads(1)
CASES = [(64, 1, 28, 16), (64, 16, 14, 32), (64, 64, 14, 64)]


def shifts(x, w, b, padding):
    "Nine shifted 1×1 convolutions: no copy of the patches"
    x, k = F.pad(x, (padding,)*4), w.shape[2]
    h, v = x.shape[2] - k + 1, x.shape[3] - k + 1
    y = sum(torch.einsum('nchw,oc->nohw', x[:, :, i:i+h, j:j+v], w[:, :, i, j]) for i in range(k)
            for j in range(k))
    return y + b.view(1, -1, 1, 1)


FORMS = {'torch': lambda x, w, b: F.conv2d(x, w, b, padding=1),
         'walkdl conv2d': lambda x, w, b: conv2d(x, w, b, padding=1),
         'shifts': lambda x, w, b: shifts(x, w, b, 1)}


def once(form, *args):
    start = time.perf_counter()
    form(*args).sum().backward()
    return 1e3*(time.perf_counter() - start)


print(f'{"N, channels in, side, channels out":<36}' + ''.join(f'{name:>22}' for name in FORMS))
for n, c, side, o in CASES:
    args = [torch.randn(n, c, side, side, requires_grad=True),
            torch.randn(o, c, 3, 3, requires_grad=True), torch.randn(o, requires_grad=True)]
    times = {name: [] for name in FORMS}
    for _ in range(7):
        for name, form in FORMS.items(): times[name].append(once(form, *args))
    ms = {name: statistics.median(t[1:]) for name, t in times.items()}
    print(f'{f"{n}, {c}, {side}, {o}":<36}'
          + ''.join(f'{m:>9.2f} ms  × {m/ms["torch"]:<7.2f}' for m in ms.values()))
