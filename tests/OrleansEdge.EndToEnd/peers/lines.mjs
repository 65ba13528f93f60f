// The protocol of every peer: a command is a line {"do": …} on standard input, an event a line {"event": …} on standard
// output. A peer ends when its input ends.
import dns from "node:dns";
import { createInterface } from "node:readline";

export function emit(event, details = {}) {
  process.stdout.write(JSON.stringify({ event, ...details }) + "\n");
}

/** Calls commands[line.do](line) for every line, in order; a command that fails is the event "error". */
export function listen(commands) {
  let last = Promise.resolve();
  const input = createInterface({ input: process.stdin });
  input.on("line", (line) => {
    const command = JSON.parse(line);
    last = last
      .then(() => commands[command.do](command))
      .catch((error) => emit("error", { message: String(error?.message ?? error) }));
  });
  input.on("close", () => process.exit(0));
}

// Names of the tests' domains are known to no resolver: all are this machine.
const lookup = dns.lookup;
dns.lookup = (name, options, callback) => lookup(name.endsWith(".test") ? "127.0.0.1" : name, options, callback);
