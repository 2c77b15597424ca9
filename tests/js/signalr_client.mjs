// Drives the stock client for a test: prints one JSON line per thing that happens, obeys one JSON line per command.
import { createInterface } from "node:readline";
import { HubConnectionBuilder, LogLevel } from "@microsoft/signalr";

const [base, user, targets] = [process.argv[2], process.argv[3], process.argv[4].split(",")];
const say = (event, details = {}) => console.log(JSON.stringify({ event, ...details }));

const connection = new HubConnectionBuilder()
  .withUrl(`${base}/api`, { headers: { "x-user-id": user } })
  .configureLogging(LogLevel.None)
  .withAutomaticReconnect([0, 50, 100, 200, 500, 1000, 2000])
  .build();
for (const target of targets) connection.on(target, (...args) => say("message", { target, args }));
connection.onreconnecting(() => say("reconnecting"));
connection.onreconnected((id) => say("reconnected", { id }));
connection.onclose((error) => say("closed", { error: error?.message ?? null }));

const commands = {
  stop: () => connection.stop(),
  send: ({ method, args }) => connection.send(method, ...args),
  invoke: async ({ method, args = [] }) => {
    try {
      say("returned", { result: await connection.invoke(method, ...args) });
    } catch (error) {
      say("refused", { error: error.message });
    }
  },
};
createInterface({ input: process.stdin }).on("line", (line) => {
  const command = JSON.parse(line);
  void commands[command.do](command);
});

await connection.start();
say("connected", { id: connection.connectionId });
