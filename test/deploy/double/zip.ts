import { crc32, deflateRawSync } from "node:zlib";

/**
 * Returns a zip file with the given texts by path, with the bytes that `writeZip` writes for files that are not executable:
 * the size of the first one follows its content.
 */
export function zipOf(files: Readonly<Record<string, string>>): Buffer {
  const stored: Buffer[] = [];
  const directory: Buffer[] = [];
  let position = 0;
  for (const [name, text] of Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const path = Buffer.from(name);
    const content = deflateRawSync(text);
    const sizes = Buffer.alloc(12);
    sizes.writeUInt32LE(crc32(text), 0);
    sizes.writeUInt32LE(content.length, 4);
    sizes.writeUInt32LE(Buffer.byteLength(text), 8);
    const isFirst = stored.length === 0;
    const head = Buffer.from([20, 0, isFirst ? 8 : 0, 8, 8, 0, 0, 0x60, 0x21, 0]);
    const lengths = Buffer.from([path.length & 0xff, path.length >> 8, 0, 0]);
    const place = Buffer.alloc(14);
    place.writeUInt32LE((0o100644 << 16) >>> 0, 6);
    place.writeUInt32LE(position, 10);
    directory.push(Buffer.from("PK\x01\x02\x3f\x03"), head, sizes, lengths, place, path);
    const file = Buffer.concat([
      ...[Buffer.from("PK\x03\x04"), head, isFirst ? Buffer.alloc(12) : sizes, lengths, path, content],
      ...(isFirst ? [Buffer.from("PK\x07\x08"), sizes] : []),
    ]);
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
