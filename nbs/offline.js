// What was read once can be read again without the network: this site's own files, of one build at a time.
const BUILD = 'none'; // written by the build

const NAME = `walkdl ${BUILD}`;

async function forgetOthers() {
  for (const name of await caches.keys())
    if (name.startsWith('walkdl ') && name !== NAME) await caches.delete(name);
  await self.clients.claim();
}
async function keep(urls) {
  const cache = await caches.open(NAME);
  await Promise.allSettled(urls.map(url => cache.add(url)));
}
async function answer(request, wait) {
  // the network first, so that nothing old is shown while it answers
  const cache = await caches.open(NAME);
  try {
    const found = await fetch(request);
    if (found.ok) wait(cache.put(request, found.clone()));
    return found;
  } catch (e) {
    const kept = await cache.match(request, {ignoreSearch: true});
    if (kept) return kept;
    throw e;
  }
}

addEventListener('install', () => self.skipWaiting());
addEventListener('activate', e => e.waitUntil(forgetOthers()));
addEventListener('message', e => e.waitUntil(keep(e.data)));
addEventListener('fetch', e => {
  const {method, url, headers} = e.request;
  if (method === 'GET' && url.startsWith(location.origin) && !headers.has('range'))
    e.respondWith(answer(e.request, work => e.waitUntil(work)));
});
