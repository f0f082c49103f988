import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import fc from "fast-check";
import { listTrackedFiles } from "../../../deploy/source/files";
import { writeZip, type ZipEntry } from "../../../deploy/source/zip";
import { UserError } from "../../../cli/userError";
import {
  type FileContent,
  makeCheckout,
  rejection,
  removeTemporaryDirectories,
  temporaryDirectory,
  unzip,
} from "./checkout";

describe("deploy/source/zip", () => {
  after(removeTemporaryDirectories);

  async function write(entries: readonly ZipEntry[], limit?: number): Promise<Buffer> {
    const path = join(temporaryDirectory(), "bundle.zip");
    const written = await writeZip(path, entries, limit);
    const bytes = readFileSync(path);
    expect(written).to.deep.equal({
      path,
      bytes: bytes.length,
      sha256: createHash("sha256").update(bytes).digest("hex"),
    });
    return bytes;
  }

  const name = fc
    .string({ unit: "grapheme", minLength: 1, maxLength: 12 })
    .filter((text) => !/[/\\\0]/.test(text) && !/^[A-Za-z]:/.test(text) && !/^\.{1,2}$|^\.git/i.test(text))
    .filter((text) => Buffer.from(text).toString() === text && Buffer.byteLength(text) < 100);
  const content: fc.Arbitrary<FileContent> = fc.oneof(
    fc.string(),
    fc.string().map((executable) => ({ executable })),
    fc.constantFrom("a", "../outside", "é").map((link) => ({ link })),
  );

  it("gives back every name, mode and byte of a checkout, in any order of the entries", async () => {
    const trees = fc.dictionary(
      // A number in front keeps names apart that differ in a way the file system does not see.
      fc.tuple(fc.nat(99), name, name).map(([n, folder, file]) => `${n} ${folder}/${file}`),
      content,
      { minKeys: 1, maxKeys: 6, noNullPrototype: true },
    );
    await fc.assert(
      fc.asyncProperty(trees, fc.array(fc.nat(), { minLength: 6, maxLength: 6 }), async (files, order) => {
        const entries = await listTrackedFiles(makeCheckout(files), false);
        const bytes = await write(entries);
        const found = await unzip(bytes);
        expect([...found.keys()].sort()).to.deep.equal(Object.keys(files).sort());
        for (const [path, expected] of Object.entries(files)) {
          const entry = found.get(path)!;
          if (typeof expected === "string") {
            expect([entry.mode, entry.content.toString()]).to.deep.equal([0o100644, expected]);
          } else if ("link" in expected) {
            expect([entry.mode, entry.content.toString()]).to.deep.equal([0o120777, expected.link]);
          } else {
            expect([entry.mode, entry.content.toString()]).to.deep.equal([0o100755, expected.executable]);
          }
        }
        const shuffled = entries
          .map((entry, i) => ({ entry, key: order[i] ?? 0 }))
          .sort((a, b) => a.key - b.key)
          .map(({ entry }) => entry);
        expect((await write(shuffled)).equals(bytes)).to.equal(true);
      }),
      { numRuns: 25 },
    );
  });

  it("writes the same bytes in every time zone and gives every file the same date", async () => {
    const entries: ZipEntry[] = [{ path: "a", mode: 0o100644, content: Buffer.from("text") }];
    const here = await write(entries);
    const script = `
      const { writeZip } = require(${JSON.stringify(join(__dirname, "../../../deploy/source/zip.ts"))});
      void writeZip(process.argv.at(-1), [{ path: "a", mode: 0o100644, content: Buffer.from("text") }]);`;
    for (const TZ of ["Pacific/Kiritimati", "America/Los_Angeles"]) {
      const path = join(temporaryDirectory(), "bundle.zip");
      execFileSync("node", ["--require", "./cli/loader.cjs", "-e", script, path], {
        env: { ...process.env, TZ },
      });
      expect(readFileSync(path).equals(here), TZ).to.equal(true);
    }
  });

  it("streams large files and keeps many batches in order", async () => {
    const directory = temporaryDirectory();
    const entries: ZipEntry[] = [];
    for (let i = 0; i < 700; i += 1) {
      const text = `${i}\n`.repeat(i % 5 === 0 ? 3 : 4000);
      const path = `folder/${String(i).padStart(4, "0")}.txt`;
      entries.push({ path, mode: 0o100644, content: Buffer.from(text) });
    }
    const large = Buffer.alloc(3 * 1024 * 1024, "large");
    for (const path of ["folder/0000-large.bin", "folder/0350-large.png", "zz-large.bin"]) {
      const file = join(directory, path.replace("/", "-"));
      writeFileSync(file, large);
      entries.push({ path, mode: 0o100644, content: { file, bytes: large.length } });
    }
    const found = await unzip(await write(entries));
    expect([...found.keys()]).to.deep.equal(entries.map(({ path }) => path).sort());
    for (const { path, content: expected } of entries) {
      const bytes = Buffer.isBuffer(expected) ? expected : large;
      expect(found.get(path)!.content.equals(bytes), path).to.equal(true);
    }
    expect(new Set([...found.values()].map(({ date }) => date.getTime())).size).to.equal(1);
  });

  it("refuses a bundle over the limit, names its ten largest files and leaves no file behind", async () => {
    const entries: ZipEntry[] = [];
    for (let i = 1; i <= 12; i += 1) {
      entries.push({ path: `file${i}.png`, mode: 0o100644, content: Buffer.alloc(i * 100_000, i) });
    }
    const directory = temporaryDirectory();
    const error = await rejection(writeZip(join(directory, "bundle.zip"), entries, 1024 * 1024));
    expect(error).to.be.instanceOf(UserError);
    expect(error.message).to.contain("limit of 1.0 MB").and.contain("1.1 MB  file12.png");
    expect(error.message.match(/file\d+\.png/g)).to.deep.equal(
      [12, 11, 10, 9, 8, 7, 6, 5, 4, 3].map((i) => `file${i}.png`),
    );
    expect(error.remedy).to.contain("exclude");
    expect(readdirSync(directory)).to.deep.equal([]);
  });

  it("leaves no file behind where a file cannot be read", async () => {
    const directory = temporaryDirectory();
    for (const bytes of [1, 2 * 1024 * 1024]) {
      const entries: ZipEntry[] = [
        { path: "a", mode: 0o100644, content: Buffer.from("a") },
        { path: "b", mode: 0o100644, content: { file: join(directory, "gone"), bytes } },
      ];
      expect((await rejection(writeZip(join(directory, "bundle.zip"), entries))).message).to.contain(
        "ENOENT",
      );
      expect(readdirSync(directory)).to.deep.equal([]);
    }
  });
});
