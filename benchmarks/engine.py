"""The networks of the pages in Chromium: onnx.js beside onnxruntime-web. Kilobytes sent (gzip),
seconds to the first answer, milliseconds of the processor for one more."""
import gzip, http.server, sys, threading
from pathlib import Path
sys.path.insert(0, str(Path(__file__).resolve().parent.parent/'tests'))
from browser import browser  # noqa: E402
from walkdl.demo import _Files  # noqa: E402

TIMES = 20
PARTS = {'0.weight': [8, 2], '0.bias': [8], '2.weight': [8, 8], '2.bias': [8], '4.weight': [3, 8],
         '4.bias': [3]}
CASES = {  # the shapes that the live models send
    'train_tanh': dict(x=[150, 2], target=[150, 3], lr=[], **PARTS),
    'look_tanh': dict(x=[2304, 2], **PARTS), 'lenet5': dict(x=[1, 1, 28, 28]),
    'attack_natural': dict(x=[1, 1, 28, 28], target=[1, 10]),
    'dcgan': dict(x0=[9, 64], x1=[9, 10]), 'style_map': dict(x0=[2, 64], x1=[2, 10]),
    'style_paint': dict(x=[14, 4, 64]), 'gpt': dict(x=[1, 64])}
PLACES = {'as it is': (1, None), 'CPU × 4': (4, None), '1.6 Mb/s': (1, 1.6)}
FIRST = """async ([engine, name, shapes]) => {
    const opened = {
        'onnx.js': async file => (await import('/onnx.js')).network(file),
        'onnxruntime-web': async file => {
            const o = await import('/ort/ort.wasm.min.mjs');
            o.env.wasm.numThreads = 1;
            o.env.wasm.wasmPaths = '/ort/';
            const s = await o.InferenceSession.create(file, {executionProviders: ['wasm']});
            return {run: feeds => s.run(Object.fromEntries(Object.entries(feeds).map(
                ([k, {data, dims}]) => [k, new o.Tensor('float32', data, dims)])))};
        }}[engine];
    const value = name === 'gpt' ? () => Math.floor(1024*Math.random()) : Math.random,
        numbers = dims => Float32Array.from({length: dims.reduce((a, b) => a*b, 1)}, value),
        feeds = Object.fromEntries(Object.entries(shapes).map(
            ([k, dims]) => [k, {dims, data: numbers(dims)}]));
    const start = performance.now(),
        file = await (await fetch(`/models/${name}.onnx`)).arrayBuffer(),
        net = await opened(new Uint8Array(file));
    await net.run(feeds);
    window.more = async times => { for (let i = 0; i < times; i++) await net.run(feeds) };
    const sent = performance.getEntriesByType('resource').map(r => r.encodedBodySize);
    return [sent.reduce((a, b) => a + b)/1e3, (performance.now() - start)/1e3];
}"""


class Zipped(_Files):
    "As a web host sends them"
    def do_GET(self):
        file = Path(self.translate_path(self.path))
        if not file.is_file(): return super().do_GET()
        body = gzip.compress(file.read_bytes(), 6)
        self.send_response(200)
        self.send_header('Content-Type', self.guess_type(file))
        self.send_header('Content-Encoding', 'gzip')
        self.send_header('Content-Length', len(body))
        self.end_headers()
        self.wfile.write(body)


def measured(url, engine, name, slower, megabits):
    "In a browser that has fetched nothing yet"
    context = browser().new_context()
    page = context.new_page()
    page.goto(url)
    tools = context.new_cdp_session(page)
    tools.send('Emulation.setCPUThrottlingRate', dict(rate=slower))
    tools.send('Performance.enable', dict(timeDomain='threadTicks'))
    def spent():
        metrics = tools.send('Performance.getMetrics')['metrics']
        return next(m['value'] for m in metrics if m['name'] == 'TaskDuration')
    if megabits:
        rate = megabits*1e6/8
        tools.send('Network.enable')
        tools.send('Network.emulateNetworkConditions', dict(
            offline=False, latency=150, downloadThroughput=rate, uploadThroughput=rate))
    kB, first = page.evaluate(FIRST, [engine, name, CASES[name]])
    page.evaluate('more(10)')
    before = spent()
    page.evaluate(f'more({TIMES})')
    each = 1e3*(spent() - before)/TIMES
    context.close()
    return kB, first, each


server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Zipped)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f'http://127.0.0.1:{server.server_address[1]}/show/perceptron'
print('| network | engine | kB sent | ' + ' | '.join(f'first answer, {p}' for p in PLACES)
      + ' | one more | CPU × 4 |\n' + '|---'*(5 + len(PLACES)) + '|')
for name in sys.argv[1:] or CASES:
    for engine in ('onnx.js', 'onnxruntime-web'):
        got = [measured(url, engine, name, *place) for place in PLACES.values()]
        firsts = ' | '.join(f'{first:.2f} s' for _, first, _ in got)
        print(f'| {name} | {engine} | {got[0][0]:,.0f} | {firsts} | {got[0][2]:.1f} ms '
              f'| {got[1][2]:.1f} ms |', flush=True)
