// WebSocket server of the library "ws". Takes the last subprotocol that is offered, so that a test sees its choice.
import { createServer } from "node:http";
import { WebSocketServer } from "ws";
import { emit, listen } from "./lines.mjs";
import { attach, commands } from "./websocket.mjs";

const server = createServer((request, response) => response.end(`${request.method} ${request.url}`));
const sockets = new WebSocketServer({
  server,
  maxPayload: 4 << 20,
  perMessageDeflate: process.argv.includes("--deflate") ? { threshold: 0 } : false,
  handleProtocols: (offered) => [...offered].at(-1),
});

let connections = 0;
sockets.on("connection", (socket, request) => {
  const id = connections++;
  attach(id, socket);
  emit("connection", { id, path: request.url, headers: request.headers, protocol: socket.protocol, extensions: socket.extensions });
});

server.listen(0, "127.0.0.1", () => emit("listening", { port: server.address().port }));
listen(commands);
