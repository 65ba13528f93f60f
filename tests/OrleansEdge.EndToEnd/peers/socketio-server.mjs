// Socket.IO server: a room for comments, an echo with acknowledgement.
import { createServer } from "node:http";
import { Server } from "socket.io";
import { emit, listen } from "./lines.mjs";

const server = createServer();
const io = new Server(server, { cors: { origin: "*" } });
io.on("connection", (socket) => {
  emit("connection", { id: socket.id, transport: socket.conn.transport.name, path: socket.request.url });
  socket.conn.on("upgrade", (transport) => emit("upgraded", { id: socket.id, transport: transport.name }));
  socket.on("echo", (value, acknowledge) => acknowledge(value));
  socket.on("join", async (room, acknowledge) => {
    await socket.join(room);
    acknowledge(room);
  });
  socket.on("say", (room, comment) => io.to(room).emit("comment", comment));
  socket.on("disconnect", (reason) => emit("disconnect", { id: socket.id, reason }));
});

server.listen(0, "127.0.0.1", () => emit("listening", { port: server.address().port }));
listen({});
