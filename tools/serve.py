"""Serve _docs/ to this machine, compressed for browsers that ask for it: serve.py [PORT]"""
import functools, gzip, io, sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

OUT = Path(__file__).resolve().parent.parent/'_docs'
SHRINK = {'.html', '.css', '.js', '.mjs', '.json', '.svg', '.wasm', '.onnx', '.ipynb', '.xml'}


@functools.lru_cache(256)
def packed(path, changed): return gzip.compress(path.read_bytes(), 6, mtime=0)


class Compressed(SimpleHTTPRequestHandler):
    extensions_map = SimpleHTTPRequestHandler.extensions_map | {
        '.mjs': 'text/javascript', '.wasm': 'application/wasm'}

    def send_head(self):
        path = Path(self.translate_path(self.path))
        if path.is_dir() and self.path.partition('?')[0].endswith('/'): path /= 'index.html'
        asks = 'gzip' in self.headers.get('Accept-Encoding', '')
        if not asks or path.suffix not in SHRINK or not path.is_file(): return super().send_head()
        if 'If-Modified-Since' in self.headers: return super().send_head()
        body, changed = packed(path, path.stat().st_mtime_ns), path.stat().st_mtime
        self.send_response(200)
        for name, value in (('Content-Type', self.guess_type(path)), ('Content-Encoding', 'gzip'),
                            ('Content-Length', len(body)), ('Vary', 'Accept-Encoding'),
                            ('Last-Modified', self.date_time_string(changed))):
            self.send_header(name, str(value))
        self.end_headers()
        return io.BytesIO(body)

    def log_message(self, *args): pass


def server(port=0, folder=OUT):
    handler = functools.partial(Compressed, directory=str(folder))
    return ThreadingHTTPServer(('127.0.0.1', port), handler)


if __name__ == '__main__':
    try: server(int(sys.argv[1]) if len(sys.argv) > 1 else 8000).serve_forever()
    except KeyboardInterrupt: pass
    except OSError as e: sys.exit(f'{e.strerror}; choose another port:  make serve PORT=8001')
