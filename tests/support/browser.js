// Fakes for what the page gets from the browser. Each `install…` has effect until `restore()`.

const real = {
  WebSocket: globalThis.WebSocket,
  fetch: globalThis.fetch,
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  performanceNow: performance.now,
  dateNow: Date.now,
  consoleInfo: console.info,
  setItem: Storage.prototype.setItem,
};

export function restore() {
  globalThis.WebSocket = real.WebSocket;
  globalThis.fetch = real.fetch;
  globalThis.setTimeout = real.setTimeout;
  globalThis.clearTimeout = real.clearTimeout;
  performance.now = real.performanceNow;
  Date.now = real.dateNow;
  console.info = real.consoleInfo;
  Storage.prototype.setItem = real.setItem;
  if (storageGetter) Object.defineProperty(globalThis, "sessionStorage", storageGetter);
  delete document.visibilityState;
  delete globalThis.moorline;
  globalThis.onerror = null;
}

// Gives the browser a turn; the clock is the real one, whatever is faked.
export function turn() {
  return new Promise((resolve) => real.setTimeout.call(globalThis, resolve, 1));
}

export function realNow() {
  return real.performanceNow.call(performance);
}

// --- WebSocket

let sockets = [];

class FakeWebSocket {
  constructor(url, protocol) {
    this.url = url;
    this.protocolAsked = protocol;
    this.readyState = 0;
    this.sent = [];
    this.keysWhenSent = [];
    this.closeCalls = 0;
    this.onopen = this.onmessage = this.onerror = this.onclose = null;
    sockets.push(this);
  }
  send(text) {
    if (this.readyState === 0) throw new DOMException("still connecting", "InvalidStateError");
    this.sent.push(text);
    this.keysWhenSent.push(Object.keys(sessionStorage).join(" "));
  }
  close() {
    this.closeCalls += 1;
    this.readyState = 2;
  }
}

export function installSocket() {
  sockets = [];
  globalThis.WebSocket = FakeWebSocket;
}
export const socketCount = () => sockets.length;
export const socketUrl = (i) => sockets[i].url;
export const socketProtocol = (i) => sockets[i].protocolAsked;
export const socketSent = (i) => sockets[i].sent;
export const socketKeysWhenSent = (i, n) => sockets[i].keysWhenSent[n];
export const socketCloseCalls = (i) => sockets[i].closeCalls;
export function socketHandlers(i) {
  const { onopen, onmessage, onerror, onclose } = sockets[i];
  return [onopen, onmessage, onerror, onclose].filter((handler) => typeof handler === "function").length;
}
export function socketState(i, state) {
  sockets[i].readyState = state;
}
export function socketOpen(i) {
  sockets[i].readyState = 1;
  sockets[i].onopen?.(new Event("open"));
}
export function socketText(i, text) {
  sockets[i].onmessage?.(new MessageEvent("message", { data: text }));
}
export function socketBinary(i) {
  sockets[i].onmessage?.(new MessageEvent("message", { data: new ArrayBuffer(3) }));
}
export function socketError(i) {
  sockets[i].onerror?.(new Event("error"));
}
export function socketClose(i) {
  sockets[i].readyState = 3;
  sockets[i].onclose?.(new CloseEvent("close", { code: 1006 }));
}

// --- fetch

let answers = [];
let requests = [];

export function installFetch() {
  answers = [];
  requests = [];
  globalThis.fetch = (url, init) => {
    const headers = Object.fromEntries(new Headers(init?.headers ?? {}).entries());
    const request = { url: String(url), method: init?.method ?? "GET", body: init?.body ?? null, headers, credentials: init?.credentials ?? "" };
    requests.push(JSON.stringify(request));
    const answer = answers.find((candidate) => request.url.includes(candidate.part));
    if (answer === undefined) return Promise.reject(new TypeError("Failed to fetch"));
    return Promise.resolve(new Response(answer.body, { status: answer.status, headers: { "content-type": answer.kind } }));
  };
}
// The newest answer for a part of a URL is the one given.
export function answerFetch(part, status, kind, body) {
  answers.unshift({ part, status, kind, body: status === 204 ? null : body });
}
export const fetched = () => requests;

// --- time

let monotonicShift = 0;
let wallShift = 0;
export function installClock() {
  monotonicShift = wallShift = 0;
  performance.now = () => real.performanceNow.call(performance) + monotonicShift;
  Date.now = () => real.dateNow() + wallShift;
}
export function pass(monotonicMs, wallMs) {
  monotonicShift += monotonicMs;
  wallShift += wallMs;
}

let timers = new Map();
let armed = 0;
// Timers that fire only when told to.
export function installTimers() {
  timers = new Map();
  armed = 0;
  globalThis.setTimeout = (act, ms) => {
    armed += 1;
    timers.set(armed, { act, ms });
    return armed;
  };
  globalThis.clearTimeout = (id) => timers.delete(id);
}
export const timersPending = () => timers.size;
export const timersArmed = () => armed;
export const timerDelay = () => [...timers.values()].at(-1)?.ms ?? -1;
export function fireTimers() {
  const due = [...timers.values()];
  timers.clear();
  for (const { act } of due) act();
}

// --- storage

let storageGetter = null;
export function installFullStorage() {
  Storage.prototype.setItem = () => {
    throw new DOMException("exceeded the quota", "QuotaExceededError");
  };
}
export function installBlockedStorage() {
  storageGetter = Object.getOwnPropertyDescriptor(globalThis, "sessionStorage");
  Object.defineProperty(globalThis, "sessionStorage", {
    configurable: true,
    get() {
      throw new DOMException("access is denied", "SecurityError");
    },
  });
}

// --- the page

export function hide() {
  Object.defineProperty(document, "visibilityState", { configurable: true, get: () => "hidden" });
  document.dispatchEvent(new Event("visibilitychange"));
}
export function reveal() {
  delete document.visibilityState;
  document.dispatchEvent(new Event("visibilitychange"));
}
export function putAway() {
  globalThis.dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true }));
}
export function bringBack() {
  globalThis.dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
}
export function tellWindow(kind) {
  globalThis.dispatchEvent(new Event(kind));
}

let failures = 0;
export function listenForErrors() {
  failures = 0;
  globalThis.onerror = () => {
    failures += 1;
    return true;
  };
}
export const errorsSeen = () => failures;

let told = [];
export function listenToConsole() {
  told = [];
  console.info = (line) => told.push(String(line));
}
export const consoleLines = () => told;

export function setGlobal(script) {
  globalThis.moorline = new Function(`return (${script});`)();
}
