// Runs in the page before anything of it. Between `start` and `stop` it notes tasks above 50 ms and how long a key takes: from
// the key event's own time to the end of what the page does about its input, effects included.
(() => {
  const keys = [];
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
    // A task of its own: behind the page's listeners and the effects that they set off.
    const channel = new MessageChannel();
    channel.port1.onmessage = () => keys.push(performance.now() - from);
    channel.port2.postMessage(null);
  });
  window.moorlineWatch = {
    start() {
      since = performance.now();
      keys.length = 0;
    },
    stop() {
      const during = longTasks.filter(({ startTime }) => startTime > since);
      const sorted = [...keys].sort((a, b) => a - b);
      return {
        elapsed: performance.now() - since,
        long_tasks: during.length,
        longest_task: Math.max(0, ...during.map(({ duration }) => duration)),
        keys: sorted.length,
        key_p50: sorted[Math.floor((sorted.length - 1) * 0.5)] ?? 0,
        key_p95: sorted[Math.floor((sorted.length - 1) * 0.95)] ?? 0,
        elements: document.getElementsByTagName("*").length,
        blocks: document.querySelectorAll("[data-transcript] [data-block]").length,
        wasm_bytes: memory?.buffer.byteLength ?? 0,
      };
    },
  };
})();
