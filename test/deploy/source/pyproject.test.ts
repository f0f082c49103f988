import { expect } from "chai";
import { requiresPython, withVersion } from "../../../deploy/source/pyproject";

describe("deploy/source/pyproject", () => {
  it("changes the project's version and nothing else", () => {
    const text = `[tool.x]\nversion = "1"\n\n[project]\nname = "Iaso"\nversion = "2026.7.28.dev0" # old\n[tool.y]\nversion = "2"\n`;
    expect(withVersion(text, "2026.07.28")).to.equal(text.replace(`"2026.7.28.dev0" # old`, `"2026.07.28"`));
  });

  it("changes nothing where the project has no version of its own", () => {
    expect(withVersion(`[project]\nname = "Iaso"\ndynamic = ["version"]\n`, "1")).to.equal(undefined);
    expect(withVersion(`[tool.x]\nversion = "1"\n`, "1")).to.equal(undefined);
    expect(withVersion("", "1")).to.equal(undefined);
  });

  it("reads requires-python of the project, and of nothing else", () => {
    const text = `[tool.x]\nrequires-python = ">=3.12"\n[project]\nname = "a"\nkeywords = [\n  "[x]",\n]\nrequires-python = '>=3.9,<3.10' # Iaso\n`;
    expect(requiresPython(text)).to.equal(">=3.9,<3.10");
    expect(requiresPython(`[project]\nname = "a"\n\n[tool.x]\nrequires-python = ">=3.12"\n`)).to.equal(
      undefined,
    );
  });
});
