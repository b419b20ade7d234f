// A server for the comparison: socket.io as its manual sets it up, with the recovery of a connection's state.
const { createServer } = require("node:http");
const { Server } = require("socket.io");

const server = createServer();
const io = new Server(server, { connectionStateRecovery: { maxDisconnectionDuration: 2 * 60 * 1000 }, serveClient: false });

// Emits the body to everyone, `texts` times, one every `pause` milliseconds; answers once the last one is emitted.
server.on("request", async (request, response) => {
  const url = new URL(request.url, "http://localhost");
  if (url.pathname !== "/emit") return;
  let text = "";
  for await (const part of request) text += part;
  const [texts, pause] = ["texts", "pause"].map((name) => Number(url.searchParams.get(name)));
  const began = performance.now();
  for (let n = 0; n < texts; n++) {
    io.emit("text", text);
    // By the clock: a timer is late by up to a millisecond, and the rate would be lower than the others'.
    const ahead = began + (n + 1) * pause - performance.now();
    if (ahead > 0) await new Promise((resolve) => setTimeout(resolve, ahead));
    // Sockets are written to also when it is not ahead; more often, or never, costs it more.
    else if (n % 512 === 511) await new Promise(setImmediate);
  }
  response.end();
});

server.listen(Number(process.env.PORT), "127.0.0.1", () => console.log("listening"));
