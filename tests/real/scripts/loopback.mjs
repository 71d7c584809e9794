// Spotlight has no option for the address to listen on, and would take every one that the machine has.
import { Server } from "node:net";

const listen = Server.prototype.listen;
Server.prototype.listen = function (port, host, ...rest) {
  return listen.call(this, port, typeof port === "number" ? (host ?? "127.0.0.1") : host, ...rest);
};
