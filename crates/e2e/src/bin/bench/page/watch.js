// Runs in the page before anything of it. Between `start` and `stop` it notes tasks above 50 ms and how long a key takes from
// the key event's own time: to the end of what the page does about its input, effects included, and to the next task behind
// that, before which the browser draws as a rule.
(() => {
  const keys = [], drawn = [];
  const longTasks = [];
  let memory = null, since = 0;
  for (const way of ["instantiate", "instantiateStreaming"]) {
    const original = WebAssembly[way];
    WebAssembly[way] = async (...given) => {
      const made = await original.apply(WebAssembly, given);
      memory = (made.instance ?? made).exports.memory ?? memory;
      return made;
    };
  }
  new PerformanceObserver((list) => longTasks.push(...list.getEntries())).observe({ type: "longtask", buffered: true });
  let pressed = 0;
  addEventListener("keydown", (event) => { pressed = event.timeStamp; }, true);
  addEventListener("input", () => {
    const from = pressed;
    // Effects are microtasks, and may set off others.
    let hops = 8;
    const hop = () => hops-- ? queueMicrotask(hop) : keys.push(performance.now() - from);
    hop();
    const channel = new MessageChannel();
    channel.port1.onmessage = () => drawn.push(performance.now() - from);
    channel.port2.postMessage(null);
  });
  const quantile = (times, q) => times.toSorted((a, b) => a - b)[Math.floor((times.length - 1) * q)] ?? 0;
  window.moorlineWatch = {
    start() {
      since = performance.now();
      keys.length = drawn.length = 0;
    },
    // Goes through sessions, one after the other: a driver of the browser would leave something of each script in its heap.
    async visit(names) {
      const isShown = (name) => {
        const shown = document.querySelector("[data-transcript]");
        return shown.dataset.session === name && shown.dataset.status === "live" && shown.querySelector("[data-block]");
      };
      for (const name of names) {
        document.querySelector(`[data-session-row="${name}"]`).click();
        while (!isShown(name)) await new Promise(requestAnimationFrame);
      }
    },
    stop() {
      const during = longTasks.filter(({ startTime }) => startTime > since);
      return {
        elapsed: performance.now() - since,
        long_tasks: during.length,
        longest_task: Math.max(0, ...during.map(({ duration }) => duration)),
        keys: keys.length,
        key_p50: quantile(keys, 0.5),
        key_p95: quantile(keys, 0.95),
        drawn_p50: quantile(drawn, 0.5),
        drawn_p95: quantile(drawn, 0.95),
        elements: document.getElementsByTagName("*").length,
        blocks: document.querySelectorAll("[data-transcript] [data-block]").length,
        wasm_bytes: memory?.buffer.byteLength ?? 0,
      };
    },
  };
})();
