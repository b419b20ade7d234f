// The browser's own WebSocket, watched, or one that no proxy lets through; and plain requests.

const real = globalThis.WebSocket;
let sockets = [];
let urls = [];

class Watched extends real {
  constructor(url, protocol) {
    super(url, protocol);
    sockets.push(this);
    urls.push(url);
  }
}

class Refused {
  constructor() {
    this.readyState = 0;
    this.onopen = this.onmessage = this.onerror = this.onclose = null;
    setTimeout(() => {
      this.readyState = 3;
      this.onerror?.(new Event("error"));
      this.onclose?.(new CloseEvent("close", { code: 1006 }));
    });
  }
  send() {}
  close() {}
}

export function allowSockets() {
  urls = [];
  globalThis.WebSocket = Watched;
}

export function refuseSockets() {
  globalThis.WebSocket = Refused;
  for (const socket of sockets.splice(0)) socket.close();
}

export const socketUrls = () => urls;

// The status, or 0 when nobody answered.
export async function ask(method, url, token) {
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  try {
    return (await fetch(url, { method, headers, credentials: "omit", cache: "no-store" })).status;
  } catch {
    return 0;
  }
}

export async function ticket(url, token) {
  const headers = { authorization: `Bearer ${token}` };
  return (await (await fetch(url, { method: "POST", headers, credentials: "omit" })).json()).ticket;
}
