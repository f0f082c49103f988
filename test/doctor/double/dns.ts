import { createSocket } from "node:dgram";
import { once } from "node:events";

/** Record types by their numbers on the wire. */
const TYPES: Record<number, string> = { 1: "A", 2: "NS", 5: "CNAME", 15: "MX", 16: "TXT", 257: "CAA" };

const OK = 0;
const SERVER_FAILURE = 2;
const NO_SUCH_NAME = 3;

export interface DnsServer {
  /** Such as `127.0.0.1:5353`. */
  address: string;
  stop: () => void;
}

/** The records of a name by their type: `CAA` as `0 issue "amazon.com"`, `MX` as `10 mail.example.org`. */
export type DnsRecords = Record<string, Record<string, string[]>>;

/** Serves records over UDP on 127.0.0.1. A name whose records are "SERVFAIL" makes the server fail. */
export async function serveDns(
  records: () => Record<string, DnsRecords[string] | "SERVFAIL">,
): Promise<DnsServer> {
  const socket = createSocket("udp4");
  socket.on("message", (query, peer) => {
    socket.send(reply(query, records()), peer.port, peer.address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return { address: `127.0.0.1:${socket.address().port}`, stop: () => socket.close() };
}

function reply(query: Buffer, all: Record<string, DnsRecords[string] | "SERVFAIL">): Buffer {
  const labels: string[] = [];
  let end = 12;
  for (let length = query[end]!; length > 0; length = query[end]!) {
    labels.push(query.toString("latin1", end + 1, end + 1 + length));
    end += 1 + length;
  }
  const type = TYPES[query.readUInt16BE(end + 1)] ?? "";
  const question = query.subarray(12, end + 5);
  const found = all[labels.join(".").toLowerCase()];
  const code = found === "SERVFAIL" ? SERVER_FAILURE : found === undefined ? NO_SUCH_NAME : OK;
  const values = typeof found === "object" ? (found[type] ?? []) : [];
  const header = Buffer.from(query.subarray(0, 12));
  header.writeUInt16BE(0x8180 | code, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(values.length, 6);
  header.writeUInt32BE(0, 8);
  return Buffer.concat([
    header,
    question,
    ...values.map((value) => answerRecord(query.readUInt16BE(end + 1), value)),
  ]);
}

/** A record whose name is that of the question. */
function answerRecord(type: number, value: string): Buffer {
  const data = recordData(TYPES[type]!, value);
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(60, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

function recordData(type: string, value: string): Buffer {
  switch (type) {
    case "A":
      return Buffer.from(value.split(".").map(Number));
    case "TXT":
      return Buffer.concat((value.match(/.{1,255}/g) ?? [""]).map(string));
    case "MX": {
      const [preference, exchange = ""] = value.split(" ");
      return Buffer.concat([Buffer.from([0, Number(preference)]), encodeName(exchange)]);
    }
    case "CAA": {
      const [, flags, tag = "", content = ""] = /^(\d+) (\w+) "(.*)"$/.exec(value) ?? [];
      return Buffer.concat([Buffer.from([Number(flags)]), string(tag), Buffer.from(content)]);
    }
    default:
      return encodeName(value);
  }
}

function string(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
}

function encodeName(name: string): Buffer {
  return Buffer.concat([...name.replace(/\.$/, "").split(".").map(string), Buffer.from([0])]);
}
