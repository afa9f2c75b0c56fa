"""Seconds and accuracy for two epochs of LeNet5 on the real digits.

The chapter's fit, fastai item by item, Keras on torch.
"""
import os, time
os.environ |= {'KERAS_BACKEND': 'torch', 'TQDM_DISABLE': '1'}
import keras, torch, torch.nn.functional as F
import fastai.callback.schedule # noqa: F401 (it gives a Learner its fit_one_cycle)
from fastai.data.core import DataLoaders
from fastai.data.load import DataLoader
from fastai.learner import Learner
from walkdl.cnns import LeNet5, fit
from walkdl.images import accuracy, split_digits
from walkdl.core import set_seed
from walkdl.data import get

torch.set_num_threads(1)
x, y, xt, yt = split_digits(*get("digits"))
EPOCHS, RATE = 2, 3e-3


def chapter():
    net = LeNet5()
    fit(net, x, y, epochs=EPOCHS, lr=RATE)
    return accuracy(net, xt, yt)


def fastai_items():
    net, pairs = LeNet5(), list(zip(x, y))
    loaders = DataLoaders(DataLoader(pairs, bs=64, shuffle=True, drop_last=True),
                          DataLoader([], bs=1), device='cpu')
    learn = Learner(loaders, net, loss_func=F.cross_entropy)
    with learn.no_bar(), learn.no_logging(): learn.fit_one_cycle(EPOCHS, RATE)
    return accuracy(net.eval(), xt, yt)


def keras_fit():
    L = keras.layers
    net = keras.Sequential([L.Input((28, 28, 1)), L.Conv2D(6, 5, padding='same', activation='relu'),
                            L.MaxPool2D(), L.Conv2D(16, 5, activation='relu'),
                            L.MaxPool2D(), L.Flatten(), L.Dense(120, activation='relu'),
                            L.Dense(84, activation='relu'), L.Dense(10)])
    net.compile(keras.optimizers.AdamW(RATE),
                keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    net.fit(x[:, 0, :, :, None].numpy(), y.numpy(), batch_size=64, epochs=EPOCHS, verbose=0)
    return float(
        (net.predict(xt[:, 0, :, :, None].numpy(), verbose=0).argmax(-1) == yt.numpy()).mean())


print(f'{"loop":<14}{"seconds":>9}{"accuracy":>10}')
for f in (chapter, fastai_items, keras_fit):
    set_seed(0)
    start = time.perf_counter()
    acc = f()
    print(f'{f.__name__:<14}{time.perf_counter() - start:>9.1f}{acc:>10.3f}')
