import { expect } from "chai";
import { installScript } from "../../ami/installScript";
import { fingerprintOf } from "../../ami/fingerprint";
import { MORE_DRIVER_NAMES, RECIPE, recipeWith } from "../../ami/recipe";
import { UserError } from "../../cli/userError";

describe("ami/recipe", () => {
  it("builds the drivers that are asked for, and no others", () => {
    const script = installScript(recipeWith(["GPX"]));
    expect(script)
      .to.contain("-DOGR_ENABLE_DRIVER_GPX=ON")
      .and.match(/EXPECTED_DRIVERS=.*\bGPX\b/);
    expect(installScript(RECIPE)).not.to.contain("GPX");
    for (const name of MORE_DRIVER_NAMES)
      expect(script.includes(name.toUpperCase())).to.equal(name === "GPX");
  });

  it("has one fingerprint for one set of drivers, however it is written", () => {
    expect(fingerprintOf(recipeWith([]))).to.equal(fingerprintOf(RECIPE));
    expect(fingerprintOf(recipeWith(["GPX", "GML", "GPX"]))).to.equal(
      fingerprintOf(recipeWith(["GML", "GPX"])),
    );
    expect(fingerprintOf(recipeWith(["GPX"]))).not.to.equal(fingerprintOf(RECIPE));
  });

  it("refuses an unknown driver and lists the known ones", () => {
    expect(() => recipeWith(["GPX", "Excel"])).to.throw(UserError, "Excel");
  });

  it("verifies every library by a whole SHA-256 and takes it over TLS", () => {
    for (const { sha256, urls } of RECIPE.libraries) {
      expect(sha256).to.match(/^[0-9a-f]{64}$/);
      for (const url of urls) expect(url).to.match(/^https:/);
    }
  });
});
