// The page's worker. It shows notifications when the page asks it to, and leads a click on one to the page. It answers no request in the
// page's name and keeps nothing; its scope is the folder of the assets, so it never stands between the page and the server.
self.addEventListener('install', () => self.skipWaiting());

self.addEventListener('activate', (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) await caches.delete(name);
})()));

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  const item = event.notification.data?.item ?? '';
  event.waitUntil((async () => {
    const windows = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
    const page = windows.find((one) => new URL(one.url).pathname === '/');
    if (!page) { await self.clients.openWindow(`/#item=${encodeURIComponent(item)}`); return; }
    await page.focus();
    page.postMessage({ item });
  })());
});
