import { crc32 } from "node:zlib";

/** Returns a zip file with the given texts by path, stored without compression. */
export function zipOf(files: Readonly<Record<string, string>>): Buffer {
  const stored: Buffer[] = [];
  const directory: Buffer[] = [];
  let position = 0;
  for (const [name, text] of Object.entries(files)) {
    const path = Buffer.from(name);
    const content = Buffer.from(text);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(0x21, 8);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(content.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(path.length, 22);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(position, 10);
    directory.push(Buffer.from("PK\x01\x02\x14\0"), common, place, path);
    const file = Buffer.concat([Buffer.from("PK\x03\x04"), common, path, content]);
    stored.push(file);
    position += file.length;
  }
  const list = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  for (const offset of [4, 6]) end.writeUInt16LE(stored.length, offset);
  end.writeUInt32LE(list.length, 8);
  end.writeUInt32LE(position, 12);
  return Buffer.concat([...stored, list, Buffer.from("PK\x05\x06"), end]);
}
