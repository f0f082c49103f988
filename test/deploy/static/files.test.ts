import { expect } from "chai";
import { headersOf, isHashedName, listStaticFiles } from "../../../deploy/static/files";
import { UserError } from "../../../cli/userError";
import { rejection, removeTemporaryDirectories, temporaryDirectory, writeFiles } from "../source/checkout";

describe("deploy/static/files", () => {
  after(removeTemporaryDirectories);

  it("treats names with a digest as immutable, but not a date, version or word", () => {
    const hashed = [
      "iaso-0123456789abcdef0123.js",
      "iaso-0123456789abcdef0123.js.map",
      "css/base.27e20196a850.css",
      "fonts/Roboto.9f86d081884c7d659a2f.woff2",
    ];
    const plain = [
      "remoteEntry.js",
      "css/index.css",
      "report-20260728.pdf",
      "report-202607281200.pdf",
      "index-BYKrQSL_-UKvIn9ku.js",
      "jquery-3.7.1.min.js",
      "facade-cafe.js",
      "0123456789abcdef0123/plain.js",
      "iaso-0123456789abcdef0123",
      `x.${"a".repeat(65)}.js`,
    ];
    for (const path of hashed) expect(isHashedName(path), path).to.equal(true);
    for (const path of plain) expect(isHashedName(path), path).to.equal(false);
  });

  it("answers each kind of file with its type, encoding and time to keep", () => {
    const immutable = "public, max-age=31536000, immutable";
    const short = "public, max-age=300, must-revalidate";
    const cases: [string, number, object][] = [
      [
        "a-0123456789abcdef0123.js",
        9000,
        { contentType: "text/javascript; charset=utf-8", cacheControl: immutable, contentEncoding: "gzip" },
      ],
      [
        "css/index.css",
        9000,
        { contentType: "text/css; charset=utf-8", cacheControl: short, contentEncoding: "gzip" },
      ],
      ["logo.svg", 9000, { contentType: "image/svg+xml", cacheControl: short, contentEncoding: "gzip" }],
      [
        "a.js.map",
        9000,
        { contentType: "application/json; charset=utf-8", cacheControl: short, contentEncoding: "gzip" },
      ],
      ["small.css", 100, { contentType: "text/css; charset=utf-8", cacheControl: short }],
      ["huge.json", 1e9, { contentType: "application/json; charset=utf-8", cacheControl: short }],
      ["logo.png", 9000, { contentType: "image/png", cacheControl: short }],
      ["font.woff2", 9000, { contentType: "font/woff2", cacheControl: short }],
      ["LICENSE", 9000, { contentType: "application/octet-stream", cacheControl: short }],
    ];
    for (const [path, bytes, headers] of cases) expect(headersOf(path, bytes), path).to.deep.equal(headers);
  });

  it("lists every file with its digest", async () => {
    const directory = temporaryDirectory();
    writeFiles(directory, { "b/é ü.js": "text", a: "" });
    const files = await listStaticFiles(directory, directory, 4);
    expect(files.map(({ path, bytes, sha256 }) => [path, bytes, sha256.slice(0, 8)])).to.deep.equal([
      ["a", 0, "e3b0c442"],
      ["b/é ü.js", 4, "982d9e3e"],
    ]);
  });

  it("follows a link to a file and refuses one that leads to none", async () => {
    const directory = temporaryDirectory();
    writeFiles(directory, { a: "text", b: { link: "a" } });
    expect(
      (await listStaticFiles(directory, directory, 4)).map(({ path, bytes }) => [path, bytes]),
    ).to.deep.equal([
      ["a", 4],
      ["b", 4],
    ]);
    for (const link of ["nowhere", "."]) {
      const other = temporaryDirectory();
      writeFiles(other, { "broken.js": { link } });
      const error = await rejection(listStaticFiles(other, other, 4));
      expect(error).to.be.instanceOf(UserError);
      expect(error.message).to.contain("broken.js is neither a file");
    }
  });
});
