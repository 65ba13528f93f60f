// WebSocket client of the library "ws".
import WebSocket from "ws";
import { emit, listen } from "./lines.mjs";
import { attach, commands } from "./websocket.mjs";

listen({
  ...commands,
  connect({ id, url, protocols, deflate, headers }) {
    const socket = new WebSocket(url, protocols ?? [], { headers, maxPayload: 4 << 20, perMessageDeflate: deflate ? { threshold: 0 } : false });
    attach(id, socket);
    socket.on("open", () => emit("open", { id, protocol: socket.protocol, extensions: socket.extensions }));
    socket.on("unexpected-response", (request, response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("end", () => emit("refused", { id, status: response.statusCode, headers: response.headers, body: Buffer.concat(parts).toString() }));
    });
  },
});
emit("started");
