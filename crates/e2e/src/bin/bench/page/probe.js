// Runs in the page before anything of it. From the moment a socket opens, a message channel that posts to itself measures
// how long the page's thread was away between two of its beats, until the target is in the DOM and the DOM is at rest.
(() => {
  const REST_MS = 500;
  const LIMIT_MS = 60000;
  let finish, fail;
  const done = new Promise((resolve, reject) => { finish = resolve; fail = reject; });
  const bench = window.moorlineBench = { target: null, done };
  let memory = null;

  for (const way of ["instantiate", "instantiateStreaming"]) {
    const original = WebAssembly[way];
    WebAssembly[way] = async (...given) => {
      const made = await original.apply(WebAssembly, given);
      memory = (made.instance ?? made).exports.memory ?? memory;
      return made;
    };
  }

  const longTasks = [];
  new PerformanceObserver((list) => longTasks.push(...list.getEntries())).observe({ type: "longtask", buffered: true });

  // Usable: there is a composer, and what is typed there is heard.
  let usable = 0;
  const watching = new MutationObserver(() => {
    if (!document.querySelector("[data-composer]")) return;
    usable = performance.now();
    watching.disconnect();
  });
  watching.observe(document, { childList: true, subtree: true });

  window.WebSocket = class extends WebSocket {
    constructor(...given) {
      super(...given);
      const socket = { opened: 0, first: 0, last: 0, messages: 0, characters: 0, answer: null };
      this.addEventListener("open", () => {
        socket.opened = performance.now();
        if (bench.target) beat(socket);
      });
      this.addEventListener("message", ({ data }) => {
        socket.last = performance.now();
        socket.first ||= socket.last;
        socket.messages += 1;
        socket.characters += data.length;
        if (!socket.answer && data.startsWith('{"attached"')) socket.answer = JSON.parse(data).attached.answer;
      });
    }
  };

  function beat(socket) {
    const { session, seq, block, rev } = bench.target;
    const channel = new MessageChannel();
    const all = document.getElementsByTagName("*"), blocks = document.getElementsByClassName("block");
    let mounted = blocks.length, complete = socket.opened;
    let root = null, previous = socket.opened, longest = 0, applied = 0, shown = 0, elements = all.length, changed = socket.opened;
    let longestBefore = 0;
    const isShown = () => {
      if (!root?.isConnected) root = document.querySelector("[data-transcript]");
      if (root?.dataset.session !== session || Number(root.dataset.appliedSeq) < seq) return false;
      applied ||= performance.now();
      if (root.dataset.status !== "live") return false;
      const last = root.querySelector(`[data-block="${block}"]`);
      return last !== null && Number(last.dataset.lastSeq) >= rev;
    };
    channel.port1.onmessage = () => {
      const now = performance.now();
      longest = Math.max(longest, now - previous);
      previous = now;
      if (all.length !== elements) [elements, changed] = [all.length, now];
      if (blocks.length !== mounted) [mounted, complete] = [blocks.length, now];
      if (!shown && isShown()) [shown, changed, longestBefore] = [now, now, longest];
      const over = shown && now - changed > REST_MS;
      if (!over && now - socket.opened < LIMIT_MS) return channel.port2.postMessage(null);
      if (!over) {
        const { appliedSeq, status } = root?.dataset ?? {};
        return fail(new Error(`seq ${seq} was not shown in ${LIMIT_MS} ms: the page is at ${appliedSeq}, ${status}`));
      }
      // The observer is told of the last tasks in a task of its own.
      setTimeout(() => {
        const during = longTasks.filter(({ startTime, duration }) => startTime + duration > socket.opened && startTime < changed);
        finish({
          first: socket.first - socket.opened, received: socket.last - socket.opened, applied: applied - socket.opened,
          shown: shown - socket.opened, complete: Math.max(shown, complete) - socket.opened, settled: changed - socket.opened, since_navigation: shown, usable,
          longest_until_shown: longestBefore, longest, long_tasks: during.length,
          longest_task: Math.max(0, ...during.map(({ duration }) => duration)),
          answer: socket.answer, messages: socket.messages, characters: socket.characters, elements,
          blocks: mounted,
          wasm_bytes: memory?.buffer.byteLength ?? 0,
        });
      }, 100);
    };
    channel.port2.postMessage(null);
  }
})();
