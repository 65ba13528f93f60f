// One WebSocket of the library "ws", client or server side, as commands and events.
import { emit } from "./lines.mjs";

const sockets = new Map();

/** Reports everything that happens to the socket under the id. */
export function attach(id, socket) {
  sockets.set(id, socket);
  socket.on("message", (data, isBinary) =>
    emit("message", isBinary ? { id, binary: data.toString("base64") } : { id, text: data.toString() }));
  socket.on("ping", (data) => emit("ping", { id, data: data.toString() }));
  socket.on("pong", (data) => emit("pong", { id, data: data.toString() }));
  socket.on("error", (error) => emit("error", { id, message: error.message }));
  socket.on("close", (code, reason) => {
    sockets.delete(id);
    emit("close", { id, code, reason: reason.toString(), bytesRead: socket._socket?.bytesRead, bytesWritten: socket._socket?.bytesWritten });
  });
}

/** What both ends can be told to do with a socket. */
export const commands = {
  send({ id, text, binary, fragments }) {
    const socket = sockets.get(id);
    if (fragments) {
      fragments.forEach((part, index) => socket.send(part, { fin: index === fragments.length - 1, compress: false }));
    } else {
      socket.send(text ?? Buffer.from(binary, "base64"));
    }
  },
  ping: ({ id, data }) => sockets.get(id).ping(data),
  close: ({ id, code, reason }) => sockets.get(id).close(code, reason),
  terminate: ({ id }) => sockets.get(id).terminate(),
};
