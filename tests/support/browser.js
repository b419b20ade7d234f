// Fakes for what the page gets from the browser. Each `install…` has effect until `restore()`.

const real = {
  WebSocket: globalThis.WebSocket,
  EventSource: globalThis.EventSource,
  fetch: globalThis.fetch,
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  performanceNow: performance.now,
  dateNow: Date.now,
  consoleInfo: console.info,
  consoleWarn: console.warn,
  setItem: Storage.prototype.setItem,
};

export function restore() {
  putAway();
  globalThis.WebSocket = real.WebSocket;
  globalThis.EventSource = real.EventSource;
  globalThis.fetch = real.fetch;
  globalThis.setTimeout = real.setTimeout;
  globalThis.clearTimeout = real.clearTimeout;
  performance.now = real.performanceNow;
  Date.now = real.dateNow;
  console.info = real.consoleInfo;
  console.warn = real.consoleWarn;
  Storage.prototype.setItem = real.setItem;
  if (storageGetter) Object.defineProperty(globalThis, "sessionStorage", storageGetter);
  delete document.visibilityState;
  delete navigator.locks;
  delete performance.getEntriesByName;
  forgetListeners();
  delete globalThis.moorline;
  globalThis.onerror = globalThis.onunhandledrejection = null;
  for (const release of locksOfTest.values()) release();
  locksOfTest.clear();
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

// --- EventSource

let streams = [];

class FakeEventSource {
  constructor(url, init) {
    this.url = url;
    this.withCredentials = init?.withCredentials ?? false;
    this.readyState = 0;
    this.closeCalls = 0;
    this.onopen = this.onmessage = this.onerror = null;
    streams.push(this);
  }
  close() {
    this.closeCalls += 1;
    this.readyState = 2;
  }
}

export function installStream() {
  streams = [];
  globalThis.EventSource = FakeEventSource;
}
export function installRealStream() {
  globalThis.EventSource = real.EventSource;
}
export const streamCount = () => streams.length;
export const streamUrl = (i) => streams[i].url;
export const streamQuery = (i, key) => new URL(streams[i].url).searchParams.get(key) ?? "";
export const streamWithCredentials = (i) => streams[i].withCredentials;
export const streamCloseCalls = (i) => streams[i].closeCalls;
export function streamHandlers(i) {
  const { onopen, onmessage, onerror } = streams[i];
  return [onopen, onmessage, onerror].filter((handler) => typeof handler === "function").length;
}
export function streamOpen(i) {
  streams[i].readyState = 1;
  streams[i].onopen?.(new Event("open"));
}
export function streamText(i, text) {
  streams[i].onmessage?.(new MessageEvent("message", { data: text }));
}
// What the browser does at the end of a response: it says `error` and would connect again by itself.
export function streamError(i) {
  if (streams[i].readyState !== 2) streams[i].readyState = 0;
  streams[i].onerror?.(new Event("error"));
}

// --- fetch

let answers = [];
let requests = [];
let held = [];
let aborted = [];

export function installFetch() {
  answers = [];
  requests = [];
  held = [];
  aborted = [];
  globalThis.fetch = (url, init) => {
    const headers = Object.fromEntries(new Headers(init?.headers ?? {}).entries());
    const request = {
      url: String(url),
      method: init?.method ?? "GET",
      body: init?.body ?? null,
      headers,
      credentials: init?.credentials ?? "",
      keepalive: init?.keepalive ?? false,
    };
    requests.push(request);
    const answer = answers.find((candidate) => request.url.includes(candidate.part));
    return new Promise((resolve, reject) => {
      const entry = { url: request.url, resolve };
      init?.signal?.addEventListener("abort", () => {
        if (!held.includes(entry)) return;
        held = held.filter((other) => other !== entry);
        aborted.push(request.url);
        reject(new DOMException("the request was aborted", "AbortError"));
      });
      if (answer === undefined) reject(new TypeError("Failed to fetch"));
      else if (answer.status === 0) held.push(entry);
      else resolve(response(answer));
    });
  };
}
const response = ({ status, headers, body }) => new Response(status === 204 ? null : body, { status, headers });

// The newest answer for a part of a URL is the one given; status 0 = no answer until `releaseFetch`.
export function answerFetch(part, status, kind, body) {
  answers.unshift({ part, status, headers: { "content-type": kind }, body });
}
export function answerFetchWith(part, status, headers, body) {
  answers.unshift({ part, status, headers: JSON.parse(headers), body });
}
export function failFetch(part) {
  answers = answers.filter((candidate) => candidate.part !== part);
}
export const heldFetches = (part) => held.filter((entry) => entry.url.includes(part)).length;
export function releaseFetch(part, status, kind, body) {
  const ready = held.filter((entry) => entry.url.includes(part));
  held = held.filter((entry) => !ready.includes(entry));
  for (const entry of ready) entry.resolve(response({ status, headers: { "content-type": kind }, body }));
}
export const fetched = () => requests.map((request) => JSON.stringify(request));
export const abortedFetches = () => aborted;
// The POSTs of frames, each as `path body`.
const posts = () => requests.filter((request) => "moorline-connection" in request.headers);
export const postedPaths = () => posts().map((request) => new URL(request.url).pathname);
export const postedBodies = () => posts().map((request) => request.body);
export const postedField = (i, name) => String(posts()[i][name]);
export const postedHeader = (i, name) => posts()[i].headers[name] ?? "";

// --- Web Locks: the browser's own, held by the test as another tab would

const locksOfTest = new Map();

export function holdLock(name) {
  return new Promise((granted) => {
    navigator.locks.request(name, () => new Promise((release) => {
      locksOfTest.set(name, release);
      granted();
    }));
  });
}
export function releaseLock(name) {
  locksOfTest.get(name)?.();
  locksOfTest.delete(name);
}
const names = (locks) => locks.map((lock) => lock.name).filter((name) => name.startsWith("moorline.")).sort().join(" ");
export const locksHeld = async () => names((await navigator.locks.query()).held);
export const locksPending = async () => names((await navigator.locks.query()).pending);
export function installNoLocks() {
  Object.defineProperty(navigator, "locks", { configurable: true, value: undefined });
}

// --- the protocol that earlier requests went over

export function installProtocol(name, protocol) {
  performance.getEntriesByName = (asked) => (asked === name ? [{ name, nextHopProtocol: protocol }] : []);
}

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

// Timers that fire twenty times as soon.
export function installQuickTimers() {
  globalThis.setTimeout = (act, ms) => real.setTimeout.call(globalThis, act, ms / 20);
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
  // One that another clears does not fire.
  for (const [id, { act }] of [...timers]) if (timers.delete(id)) act();
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
export const bringBack = () => showAgain(true);
export function tellWindow(kind) {
  globalThis.dispatchEvent(new Event(kind));
}

// Notes the standing listeners of window and document. Those of a page that a failed test left are taken away by `restore`:
// it would go on with its life in the next test.
let listeners = [];
export function watchListeners() {
  for (const target of [globalThis, document]) {
    target.addEventListener = function (kind, callback, ...rest) {
      listeners.push({ target, kind, callback });
      return EventTarget.prototype.addEventListener.call(target, kind, callback, ...rest);
    };
    target.removeEventListener = function (kind, callback, ...rest) {
      listeners = listeners.filter((listener) => listener.target !== target || listener.kind !== kind || listener.callback !== callback);
      return EventTarget.prototype.removeEventListener.call(target, kind, callback, ...rest);
    };
  }
}
function forgetListeners() {
  for (const target of [globalThis, document]) {
    delete target.addEventListener;
    delete target.removeEventListener;
  }
  for (const { target, kind, callback } of listeners) target.removeEventListener(kind, callback);
  listeners = [];
}
export const listenersOf = (kind) => listeners.filter((listener) => listener.kind === kind).length;
// Whether the browser would ask before it closes the page.
export function wouldAsk() {
  const event = document.createEvent("BeforeUnloadEvent");
  event.initEvent("beforeunload", false, true);
  globalThis.dispatchEvent(event);
  return event.defaultPrevented && event.returnValue !== "";
}
export function tellDocument(kind) {
  document.dispatchEvent(new Event(kind));
}
export function showAgain(persisted) {
  globalThis.dispatchEvent(new PageTransitionEvent("pageshow", { persisted }));
}

let failures = 0;
export function listenForErrors() {
  failures = 0;
  globalThis.onerror = () => {
    failures += 1;
    return true;
  };
  globalThis.onunhandledrejection = (event) => {
    failures += 1;
    event.preventDefault();
  };
}
export const errorsSeen = () => failures;

let warned = [];
export function listenToWarnings() {
  warned = [];
  console.warn = (line) => warned.push(String(line));
}
export const warnings = () => warned;

let told = [];
export function listenToConsole() {
  told = [];
  console.info = (line) => told.push(String(line));
}
export const consoleLines = () => told;

export function setGlobal(script) {
  globalThis.moorline = new Function(`return (${script});`)();
}
