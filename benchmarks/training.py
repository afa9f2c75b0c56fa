"""Seconds and accuracy for two epochs of LeNet5 on the real digits: the chapter's loop, fastai's Learner, Keras on torch."""
import os, time
os.environ |= {'KERAS_BACKEND': 'torch', 'TQDM_DISABLE': '1'}
import torch, torch.nn.functional as F
from fastai.callback.schedule import Learner
from fastai.data.core import DataLoaders
from fastai.data.load import DataLoader
from walkdl.cnns import LeNet5, accuracy, fit, split_digits
from walkdl.core import set_seed
from walkdl.data import get

torch.set_num_threads(1)
x, y, xt, yt = split_digits(*get("digits"))
EPOCHS, RATE = 2, 3e-3


def chapter():
    net = LeNet5()
    fit(net, x, y, epochs=EPOCHS, lr=RATE)
    return accuracy(net, xt, yt)


def fastai():
    net, pairs = LeNet5(), list(zip(x, y))
    learn = Learner(DataLoaders(DataLoader(pairs, bs=64, shuffle=True, drop_last=True), device='cpu'), net, loss_func=F.cross_entropy)
    with learn.no_bar(), learn.no_logging(): learn.fit_one_cycle(EPOCHS, RATE)
    return accuracy(net.eval(), xt, yt)


def keras():
    import keras
    from keras import layers as L
    net = keras.Sequential([L.Input((28, 28, 1)), L.Conv2D(6, 5, padding='same', activation='relu'), L.MaxPool2D(), L.Conv2D(16, 5, activation='relu'),
                            L.MaxPool2D(), L.Flatten(), L.Dense(120, activation='relu'), L.Dense(84, activation='relu'), L.Dense(10)])
    net.compile(keras.optimizers.AdamW(RATE), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    net.fit(x[:, 0, :, :, None].numpy(), y.numpy(), batch_size=64, epochs=EPOCHS, verbose=0)
    return float((net.predict(xt[:, 0, :, :, None].numpy(), verbose=0).argmax(-1) == yt.numpy()).mean())


print(f'{"loop":<12}{"seconds":>9}{"accuracy":>10}')
for f in (chapter, fastai, keras):
    set_seed(0)
    start = time.perf_counter()
    acc = f()
    print(f'{f.__name__:<12}{time.perf_counter() - start:>9.1f}{acc:>10.3f}')
