// Socket.IO clients, each under an id.
import { io } from "socket.io-client";
import { emit, listen } from "./lines.mjs";

const sockets = new Map();

listen({
  connect({ id, url, transports }) {
    const socket = io(url, { transports, reconnection: false, forceNew: true });
    sockets.set(id, socket);
    socket.on("connect", () => emit("open", { id, transport: socket.io.engine.transport.name }));
    socket.on("connect_error", (error) => emit("error", { id, message: error.message, description: String(error.description) }));
    socket.on("comment", (comment) => emit("comment", { id, comment }));
    socket.on("disconnect", (reason) => emit("disconnect", { id, reason }));
    socket.io.engine.on("upgrade", (transport) => emit("upgraded", { id, transport: transport.name }));
    socket.io.engine.on("close", (reason, details) => emit("transport closed", { id, reason, code: details?.description?.code ?? details?.code }));
  },
  async call({ id, name, args }) {
    emit("acknowledged", { id, name, value: await sockets.get(id).timeout(10000).emitWithAck(name, ...args) });
  },
  send: ({ id, name, args }) => void sockets.get(id).emit(name, ...args),
  // A Buffer travels as binary attachment.
  async callBinary({ id, name, binary }) {
    const value = await sockets.get(id).timeout(10000).emitWithAck(name, Buffer.from(binary, "base64"));
    emit("acknowledged", { id, name, binary: Buffer.from(value).toString("base64") });
  },
  close: ({ id }) => void sockets.get(id).close(),
});
emit("started");
