"""Ways through the course beside the straight one."""
from notebooks import NBS, Trouble

PATHS = { # name: (what for, the chapters by stem, in the order of reading)
    'One afternoon': (
        'what a network is, what it reads, how it is fooled, whom it fails',
        '10_intro 11_perceptron 20_cnns 52_adversarial 55_ethics'),
    'Pictures': (
        'from one neuron to networks that read digits, invent them and forge faces',
        '11_perceptron 11b_descent 12_mlp 20_cnns 20b_invariance 26_gans 26b_instability '
        '26c_deepfakes'),
    'Language': (
        'from word lists to attention, GPT and the models that others publish',
        '28_nlp 28b_vectors 28c_tokens 28d_reading 29_transformers 29b_translation 29c_gpt '
        '29d_bert 29e_huggingface'),
    'Sanity': (
        'what goes wrong: pictures made to deceive, defences that fail, groups that are wronged',
        '11_perceptron 11b_descent 12_mlp 20_cnns 20b_invariance 52_adversarial 52b_blackbox '
        '52c_defences 52d_broken 55_ethics 55b_bias 55c_mitigation')}


def paths():
    "{name: (what for, stems)}; a chapter that is not there is named"
    found = {name: (what, stems.split()) for name, (what, stems) in PATHS.items()}
    gone = {s for _, stems in found.values() for s in stems if not (NBS/f'{s}.ipynb').exists()}
    if gone: raise Trouble(f'tools/paths.py names chapters that are not there: {sorted(gone)}')
    return found
