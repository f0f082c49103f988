import { createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { listen } from "../../http";

export interface SmtpServer {
  port: number;
  stop: () => void;
}

/**
 * A mail server on 127.0.0.1 that answers EHLO with these extensions, and refuses all else.
 *
 * @param port 0 for any that is free
 */
export async function serveSmtp(extensions: () => string[], port: number): Promise<SmtpServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    // A greeting can have several lines.
    socket.write("220-mail.example.org ESMTP\r\n220 ready\r\n");
    createInterface({ input: socket }).on("line", (line) => {
      if (!line.startsWith("EHLO ")) socket.write("502 not here\r\n");
      else {
        const lines = ["mail.example.org", ...extensions()];
        socket.write(
          lines.map((text, index) => `250${index < lines.length - 1 ? "-" : " "}${text}\r\n`).join(""),
        );
      }
    });
  });
  return {
    port: await listen(server, port),
    stop: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
