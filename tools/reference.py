"""The API page: the rooms, then every exported name by nbdev's show_doc, @patch's methods too."""
import hashlib, importlib, inspect, re, warnings
from html import escape
from pathlib import Path

from fastcore.docments import MarkdownRenderer
from nbdev.showdoc import show_doc

from address import source_url
from markup import raw
from notebooks import BUILD, LIB, Trouble, chapters, module
from plan import title

KEPT, WIDE = BUILD/'api.md', 120


class Entry(MarkdownRenderer):
    "One name: its signature with what each argument is, then its own docstring"
    def _repr_markdown_(self):
        cut = lambda line: line if len(line) <= WIDE else line[:WIDE] + '…'
        signature = '\n'.join(map(cut, str(self.dm).splitlines()))
        docs = f'\n{self.docs}\n' if self.sym.__doc__ else ''
        return raw(f'<pre class="api">{escape(signature, quote=False)}</pre>') + docs


def shown(obj): return show_doc(obj, renderer=Entry)._repr_markdown_()


def heading(level, name, obj, mod):
    "A name with its anchor, linked to the line where it is defined"
    try: line = f'#L{inspect.getsourcelines(plain(obj))[1]}'
    except (OSError, TypeError): line = ''
    return f'{"#"*level} [{name}]({source_url(f"{LIB.name}/{mod}.py")}{line}) {{#{mod}.{name}}}'


def plain(f):
    "The function behind a method, a property or a wrapper"
    return inspect.unwrap(getattr(f, 'fget', None) or getattr(f, '__func__', f))


def methods(cls, mod):
    "The public methods and properties that a module gives to its class, in the body or by @patch"
    found = {n: getattr(cls, n) for n in vars(cls) if not n.startswith('_')}
    return {n: f for n, f in found.items() if inspect.isroutine(f) or isinstance(f, property)
            if plain(f).__module__ == f'{LIB.name}.{mod}'}


def entry(name, obj, mod):
    "A function, or a class with its methods"
    text = f'{heading(3, name, obj, mod)}\n\n{shown(obj)}'
    own = methods(obj, mod) if inspect.isclass(obj) else {}
    more = [f'{heading(4, f"{name}.{n}", f, mod)}\n\n{shown(f)}' for n, f in own.items()]
    return '\n'.join([text, *more])


def values(names, mod):
    "The names of a module that are neither function nor class, in one line"
    if not names: return ''
    code = (f'<code id="{mod}.{n}">{n}</code>' for n in names)
    return raw(f'<p class="api-values">Values: {", ".join(code)}.</p>')


def introduction(doc):
    "A module's docstring as Markdown: an interactive example becomes code"
    example = r'((?:^>>> .*\n?(?:^(?!\s*$|>>>).*\n?)*)+)'
    return re.sub(example, r'```python\n\1```\n', doc or '', flags=re.M)


def exported(m):
    "What a module exports, checkers apart: {name: object}"
    names = {n: getattr(m, n) for n in m.__all__}
    return {n: o for n, o in names.items() if type(o).__name__ != 'Exercise'}


def imported(name):
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        try: return importlib.import_module(name)
        except Exception as e:
            raise Trouble(f'{name} does not import ({e}); is it exported?') from None


def section(path, mod):
    "What the page says of one module"
    m = imported(f'{LIB.name}.{mod}')
    names = exported(m)
    calls = {n: o for n, o in names.items() if callable(o)}
    top = f'## {LIB.name}.{mod} {{#{mod}}}'
    parts = [top, f'From [{title(path)}]({path.name}).', introduction(m.__doc__)]
    parts += [entry(n, o, mod) for n, o in calls.items()]
    return '\n\n'.join([*parts, values([n for n in names if n not in calls], mod)])


def linked(module, name): return f'<a href="#{module}.{name}">{name}</a>'


def room(name, modules):
    "A row of the rooms' table: its import, what it is for, its names with links to their entries"
    purpose = (imported(f'{LIB.name}.{name}').__doc__ or '').splitlines()[0]
    pairs = sorted((n, module) for module, names in modules.items() for n in names.split())
    names = ', '.join(linked(module, n) for n, module in pairs)
    cells = f'<code>{LIB.name}.{name}</code>', escape(purpose, quote=False), names
    return f'<tr id="{name}">{"".join(f"<td>{c}</td>" for c in cells)}</tr>'


def rooms():
    "All that is exported, by purpose: the table that walkdl.library holds"
    table = imported(f'{LIB.name}.library').ROOMS
    head = '<tr><th>room</th><th>what for</th><th>names</th></tr>'
    rows = ''.join(room(*each) for each in table.items())
    return '## By purpose {#rooms}\n\n' + raw(
        f'<table class="api-rooms"><thead>{head}</thead><tbody>{rows}</tbody></table>')


def api():
    "The rooms, then the modules by chapter; kept until one of them or this file changes"
    texts = [p.read_bytes() for p in (*sorted(LIB.glob('*.py')), Path(__file__))]
    key = hashlib.sha256(b'\0'.join(texts)).hexdigest()
    kept = KEPT.read_text(encoding='utf-8') if KEPT.exists() else ''
    if kept.startswith(key): return kept.removeprefix(key)
    modules = [(p, mod) for p in chapters() if (mod := module(p)) and (LIB/f'{mod}.py').exists()]
    text = '\n'.join([rooms(), *(section(*each) for each in modules)])
    BUILD.mkdir(exist_ok=True)
    KEPT.write_text(key + text, encoding='utf-8')
    return text
